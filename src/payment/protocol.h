// A provider's protocol without sockets: builds the requests and reads the answers of a Gateway.
// Everything that is random or read from a clock is passed in, so that vectors can be tested.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "payment/gateway.h"

namespace sluice::payment {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpCall {
  std::string method = "POST";
  std::string target;  ///< path and query, after the base URL
  Headers headers;
  std::string body;
  bool repeatable = true;  ///< repeating it cannot do harm
  bool with_client_certificate = false;
};

struct HttpAnswer {
  int status = 0;
  Headers headers;
  std::string body;
};

/// What a request needs beside its content.
struct Moment {
  Instant now;
  std::string nonce;  ///< at most 32 of [0-9A-Za-z]
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  virtual HttpCall create(const NewPayment& payment, const Moment& moment) const = 0;
  virtual Outcome<CreatedPayment> read_created(const NewPayment& payment, const HttpAnswer& answer,
                                               Instant now) const = 0;
  virtual HttpCall query(std::string_view out_trade_no, const Moment& moment) const = 0;
  virtual Outcome<Trade> read_trade(std::string_view out_trade_no, const HttpAnswer& answer,
                                    Instant now) const = 0;
  virtual HttpCall close(std::string_view out_trade_no, const Moment& moment) const = 0;
  virtual Outcome<CloseAnswer> read_closed(std::string_view out_trade_no, const HttpAnswer& answer,
                                           Instant now) const = 0;
  /// Whether a close that the provider accepted must be confirmed by a query (v3 answers 204 even
  /// for trades that it does not know).
  virtual bool confirms_close_by_query() const = 0;
  virtual HttpCall refund(const RefundOrder& refund, const Moment& moment) const = 0;
  virtual Outcome<RefundProgress> read_refund(const RefundOrder& refund, const HttpAnswer& answer,
                                              Instant now) const = 0;
  virtual HttpCall query_refund(std::string_view out_trade_no, std::string_view out_refund_no,
                                const Moment& moment) const = 0;
  virtual Outcome<RefundProgress> read_refund_query(std::string_view out_refund_no,
                                                    const HttpAnswer& answer,
                                                    Instant now) const = 0;

  virtual Result<Notification> parse(const RawNotification& raw, Instant now) const = 0;
  virtual Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const = 0;

  // Provider's keys that change while the shop runs. Any thread; a protocol without such keys keeps
  // these defaults.

  /// Whether keys should be fetched now: none is known yet, or something was signed with one that
  /// is not. At most once per pause, however many forged serials come.
  virtual bool wants_keys(Instant /*now*/) const { return false; }
  /// Whether only a key that can be fetched is missing to read `answer`.
  virtual bool lacks_key(const HttpAnswer& /*answer*/) const { return false; }
  virtual HttpCall fetch_keys(const Moment& /*moment*/) const { return {}; }
  virtual Outcome<void> read_keys(const HttpAnswer& /*answer*/, Instant /*now*/) const {
    return {};
  }
};

/// A merchant account of WeChat Pay v2.
struct WechatV2Account {
  std::string appid;
  std::string mch_id;
  std::string api_key;
  std::string notify_url;
  bool hmac_sha256 = true;  ///< sign with HMAC-SHA256 instead of MD5
};
std::unique_ptr<Protocol> wechat_v2(WechatV2Account account);

/// A merchant account of WeChat Pay v3.
struct WechatV3Account {
  std::string appid;
  std::string mch_id;
  std::string api_v3_key;  ///< 32 bytes
  std::string notify_url;
  std::string merchant_serial;
  std::string merchant_private_key_pem;
  std::string platform_serial;          ///< certificate serial or PUB_KEY_ID_…
  std::string platform_public_key_pem;  ///< public key or certificate; empty: certificate mode, the
                                        ///< platform's certificates are downloaded
};
/// Errors: a key that is not one, a wrong length.
Result<std::unique_ptr<Protocol>> wechat_v3(WechatV3Account account);

struct GatewayOptions {
  std::string base_url;                 ///< scheme, host, port; no path
  std::string client_certificate_file;  ///< v2 refunds; empty: none is sent
  std::string client_key_file;
  Span timeout = Span::seconds(10);  ///< of one call with its repetitions
  std::size_t concurrency = 32;      ///< calls under way; more wait
  std::size_t queue_bound = 65'536;  ///< calls waiting; more are unavailable
  int breaker_failures = 8;          ///< failures in a row that open the breaker
  Span breaker_pause = Span::seconds(5);
};
/// Starts a gateway that drives `protocol` over HTTPS with libcurl on a thread of its own.
Result<std::unique_ptr<Gateway>> start_gateway(std::unique_ptr<Protocol> protocol,
                                               GatewayOptions options);

}  // namespace sluice::payment

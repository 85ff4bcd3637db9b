// The merchant's side of WeChat Pay v3: signed JSON in, signed JSON out. No socket.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"

namespace sluice::sandbox {

/// Any thread; `base_url` gives where this gateway is reached.
class V3 {
 public:
  V3(Emulator& emulator, const Account& account, std::function<std::string()> base_url)
      : emulator_(emulator), account_(account), base_url_(std::move(base_url)) {}

  enum class Call : std::uint8_t {
    native,
    query_by_number,
    query_by_transaction,
    close,
    refund,
    query_refund,
    certificates,
  };
  /// `segment` is what the path captured, still percent-encoded.
  http::Response handle(Call call, const http::Request& request, std::string_view segment) const;

 private:
  struct Failure;
  struct Success {
    int status = 200;
    std::string body;
  };
  using Reply = std::expected<Success, Failure>;
  Reply authenticated(Call call, const http::Request& request, std::string_view segment) const;
  std::expected<void, Failure> authenticate(const http::Request& request) const;
  Reply native(const http::Request& request) const;
  Reply query(const http::Request& request, const TradeKey& key) const;
  Reply close(const http::Request& request, std::string_view out_trade_no) const;
  Reply refund(const http::Request& request) const;
  Reply query_refund(std::string_view out_refund_no) const;
  Reply certificates() const;
  http::Response write(const Reply& reply) const;

  Emulator& emulator_;
  const Account& account_;
  std::function<std::string()> base_url_;
};

}  // namespace sluice::sandbox

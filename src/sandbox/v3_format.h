// The JSON of WeChat Pay v3: what requests bring, what answers and notifications say.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "sandbox/keys.h"
#include "sandbox/trade.h"

namespace sluice::sandbox {

/// The error names the field and its rule.
Result<OrderRequest> read_v3_order(const boost::json::object& body, Instant now);
Result<RefundRequest> read_v3_refund(const boost::json::object& body);

/// A transaction as queries and notifications tell it.
std::string v3_transaction(const Trade& trade, const Account& account);
/// A refund; still PROCESSING where it was only just accepted.
std::string v3_refund(const Trade& trade, const Refund& refund, bool just_accepted);
/// The answer of GET /v3/certificates.
std::string v3_certificates(const Account& account);

/// The body of a notification, with its resource encrypted.
std::string v3_payment_notice(const Trade& trade, const Account& account,
                              std::string_view event_id);
std::string v3_refund_notice(const Trade& trade, const Refund& refund, const Account& account,
                             std::string_view event_id);

/// The four headers that sign `body`.
struct V3Signature {
  std::string timestamp;
  std::string nonce;
  std::string serial;
  std::string signature;
};
V3Signature v3_signature(std::string_view body, const payment::PrivateKey& key,
                         std::string_view serial, Instant now);

}  // namespace sluice::sandbox

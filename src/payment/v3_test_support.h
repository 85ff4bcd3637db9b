// For tests of v3: an account, a paid transaction, and what the platform seals.
#pragma once

#include <string>
#include <string_view>

#include "payment/protocol.h"
#include "payment/test_keys.h"

namespace sluice::payment {

inline constexpr const char* kTestOrder = "No20150806125346";

/// With the platform's certificate configured.
WechatV3Account test_account();

/// The JSON of a paid transaction of kTestOrder, with the first `from` replaced.
std::string test_trade(std::string_view from = "", std::string_view to = "");

/// A notification's body whose resource is sealed with the test account's key.
std::string test_notice(std::string_view plain, std::string_view type = "TRANSACTION.SUCCESS",
                        std::string_view associated_data = "transaction");
RawNotification test_notification(std::string body);

/// The answer of GET /v3/certificates with these certificates, signed by the first.
struct ListedCertificate {
  const TestKey* key;
  std::string_view serial;
};
std::string test_certificates(const std::vector<ListedCertificate>& listed);

}  // namespace sluice::payment

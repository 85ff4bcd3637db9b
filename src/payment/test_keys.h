// For tests: fresh RSA keys with certificates, and what a platform signs and seals with them.
#pragma once

#include <string>
#include <string_view>

#include "payment/crypto.h"
#include "payment/protocol.h"
#include "payment/signature.h"

namespace sluice::payment {

/// The moment of all protocol tests: 2026-11-22T14:05:09Z.
inline constexpr Instant kTestNow{1'795'356'309'000};

struct TestKey {
  std::string serial;  ///< upper-case hexadecimal
  std::string private_pem;
  std::string public_pem;
  std::string certificate_pem;
  PrivateKey key;
};
/// A new key of 2048 bits and its certificate, valid in that time.
TestKey make_test_key(std::string_view serial, Instant from, Instant until);

/// Made once per run and valid around kTestNow: making one takes a tenth of a second.
const TestKey& merchant_key();
const TestKey& platform_key();
const TestKey& next_platform_key();

/// The four headers over `body`.
Headers stamped(const TestKey& key, std::string_view serial, std::string_view body,
                Instant at = kTestNow);
HttpAnswer signed_answer(const TestKey& key, int status, std::string body, Instant at = kTestNow);

/// Joins "name=value&…" to fields.
Fields fields_from(std::string_view pairs);
/// `fields` with their sign appended.
Fields with_sign(Fields fields, std::string_view api_key, SignType type);

}  // namespace sluice::payment

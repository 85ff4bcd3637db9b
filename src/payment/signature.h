// How WeChat Pay signs: v2 over sorted fields with the merchant's key, v3 over the raw bytes of a
// request or an answer with RSA. Used by the client's side here and by the sandbox's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "payment/crypto.h"
#include "payment/gateway.h"

namespace sluice::payment {

// ---- v2 ---------------------------------------------------------------------------------------

enum class SignType : std::uint8_t { md5, hmac_sha256 };
/// "MD5" or "HMAC-SHA256", the values of the field sign_type.
std::string_view name_of(SignType type);

/// Upper-case hexadecimal over every field that is not `sign` and not empty.
std::string v2_sign(const Fields& fields, std::string_view api_key, SignType type);

/// Checks the field `sign`. Its type is sign_type's, or told by its length where that is missing;
/// a length that contradicts sign_type is refused. The error says which, never what it should be.
Result<SignType> v2_verify(const Fields& fields, std::string_view api_key);

// ---- v3 ---------------------------------------------------------------------------------------

/// What is signed of a request: "METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nBODY\n".
std::string v3_request_message(std::string_view method, std::string_view target,
                               std::string_view timestamp, std::string_view nonce,
                               std::string_view body);
/// What is signed of an answer or a notification: "TIMESTAMP\nNONCE\nBODY\n".
std::string v3_answer_message(std::string_view timestamp, std::string_view nonce,
                              std::string_view body);

/// The parts of `Authorization: WECHATPAY2-SHA256-RSA2048 mchid="…",…`.
struct V3Authorization {
  std::string mchid;
  std::string nonce;
  std::string timestamp;  ///< seconds, as sent
  std::string serial;     ///< of the merchant's certificate
  std::string signature;  ///< base64
};
/// The header's value with its scheme.
std::string to_text(const V3Authorization& authorization);
/// Parts in any order, each exactly once. Errors: another scheme, a part that is missing, twice or
/// unknown, bad quoting.
Result<V3Authorization> parse_v3_authorization(std::string_view header);

/// The headers Wechatpay-Timestamp, -Nonce, -Serial and -Signature of an answer or a notification.
struct V3Stamp {
  std::string timestamp;
  std::string nonce;
  std::string serial;
  std::string signature;
};
/// Errors: one of them is missing, twice, or longer than any real one.
Result<V3Stamp> v3_stamp(const std::vector<std::pair<std::string, std::string>>& headers);

/// A stamp this old, or this far in the future, is refused.
inline constexpr Span kV3Freshness = Span::seconds(300);
/// Signatures that begin so are the provider's probes: they must fail.
inline constexpr std::string_view kV3ProbePrefix = "WECHATPAY/SIGNTEST/";

/// Checks time and signature of `body`, byte for byte. The serial has chosen `key` before.
Result<> v3_verify(const V3Stamp& stamp, std::string_view body, const PublicKey& key, Instant now);

}  // namespace sluice::payment

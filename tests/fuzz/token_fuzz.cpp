// Token verification: arbitrary text, and arbitrary headers and claims under a good signature,
// which is the only way to reach what lies behind it.
#include <string>

#include "base/ids.h"
#include "base/text.h"
#include "check.h"
#include "http/hmac_sha256.h"
#include "http/token.h"

namespace {

constexpr sluice::Instant kNow{1'790'000'000'000};
constexpr std::string_view kSecret = "a secret of at least sixteen bytes";

/// "Bearer header.claims.signature", signed, from "header|claims".
std::string signed_token(std::string_view text) {
  static const sluice::http::HmacSha256 sign(kSecret);
  const std::size_t bar = text.find('|');
  const std::string_view header = text.substr(0, bar);
  const std::string_view claims = bar == std::string_view::npos ? "" : text.substr(bar + 1);
  const std::string message = sluice::to_base64url(header) + "." + sluice::to_base64url(claims);
  const sluice::http::Sha256Digest digest = sign(message);
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return "Bearer " + message + "." + sluice::to_base64url(bytes);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto verifier = [] {
    sluice::http::TokenOptions options;
    options.hs256_secret = kSecret;
    options.hs256_by_kid = {{"old", "another secret of sixteen bytes"}};
    options.audience = "shop";
    auto made = sluice::http::TokenVerifier::create(options);
    FUZZ_CHECK(made.has_value());
    return std::move(*made);
  }();
  static sluice::http::Claims claims;  // its capacity is reused, as on an I/O thread

  const std::string_view text = sluice::fuzz::text_of(data, size);
  FUZZ_CHECK(!verifier->verify(text, kNow, claims));  // nobody guesses the signature
  if (verifier->verify(signed_token(text), kNow, claims)) {
    FUZZ_CHECK(sluice::valid_user(claims.user));
    FUZZ_CHECK(claims.expires_at + sluice::Span::seconds(5) >= kNow);
    FUZZ_CHECK(text.find("HS256") != std::string_view::npos ||
               text.find('\\') != std::string_view::npos);
  }
  return 0;
}

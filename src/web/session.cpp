// Cookies, origins and seals.
#include "web/session.h"

#include <fmt/core.h>
#include <openssl/crypto.h>

#include <span>

#include "base/text.h"

namespace sluice::web {

namespace {

constexpr std::int64_t kYearSeconds = 365LL * 24 * 3600;
/// Separates the key of seals from whatever else is made of the server's secret.
constexpr std::string_view kPurpose = "sluice storefront forms 1";

std::string with_attributes(std::string_view name, std::string_view value, std::int64_t seconds,
                            bool secure) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", name, value, seconds,
                     secure ? "; Secure" : "");
}

std::string key_for_seals(std::string_view secret) {
  const http::Sha256Digest key = http::HmacSha256(secret)(kPurpose);
  return {key.begin(), key.end()};
}

}  // namespace

std::string_view session_token(const http::Request& request, bool tls) {
  const std::string_view token = cookie(request, kTlsSessionCookie);
  return !token.empty() || tls ? token : cookie(request, kSessionCookie);
}

std::string session_cookie(std::string_view token, Span lifetime, bool secure) {
  return with_attributes(secure ? kTlsSessionCookie : kSessionCookie, token, lifetime.ms / 1000,
                         secure);
}

std::string session_end_cookie(bool secure) {
  return with_attributes(secure ? kTlsSessionCookie : kSessionCookie, "", 0, secure);
}

std::string preference_cookie(std::string_view name, std::string_view value, bool secure) {
  return with_attributes(name, value, kYearSeconds, secure);
}

std::string safe_return(std::string_view path) {
  const bool is_local = path.starts_with('/') && !path.starts_with("//") &&
                        !path.starts_with("/\\") && !has_control(path) && valid_utf8(path);
  return std::string(is_local && path.size() <= kMaxReturnBytes ? path : "/");
}

std::string sign_in_path(std::string_view next) {
  std::string path = "/signin?next=";
  for (const char c : next) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      path += c;
    } else {
      path += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return path;
}

FormSeals::FormSeals(std::string_view secret) : mac_(key_for_seals(secret)) {}

std::string FormSeals::seal(std::string_view token) const {
  const http::Sha256Digest digest = mac_(token);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool FormSeals::holds(std::string_view token, std::string_view seal) const {
  const std::string right = this->seal(token);
  return seal.size() == right.size() && CRYPTO_memcmp(seal.data(), right.data(), right.size()) == 0;
}

}  // namespace sluice::web

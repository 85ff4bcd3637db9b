// The session in a cookie, and the proof that a form was sent by one of our pages.
#pragma once

#include <string>
#include <string_view>

#include "base/instant.h"
#include "http/browser.h"
#include "http/hmac_sha256.h"
#include "http/message.h"

namespace sluice::web {

/// Carries the shopper's token. The API never reads it: see docs/adr/0015.
inline constexpr std::string_view kSessionCookie = "sluice_session";
/// The same over TLS. Browsers take a cookie of such a name from this very host over TLS alone, so
/// that no neighbouring subdomain can plant its own session and have a shopper pay its orders.
inline constexpr std::string_view kTlsSessionCookie = "__Host-sluice_session";
inline constexpr std::string_view kLanguageCookie = "sluice_language";
inline constexpr std::string_view kThemeCookie = "sluice_theme";

/// Browsers drop cookies above 4096 bytes, attributes and name included.
inline constexpr std::size_t kMaxSessionBytes = 3800;
/// Longest address to come back to after signing in.
inline constexpr std::size_t kMaxReturnBytes = 512;

using http::cookie;
using http::same_origin;
using http::sent_over_tls;

/// The token that the request carries; empty: none. With `tls` (this server ends it) nothing but
/// kTlsSessionCookie counts; a proxy in front does not tell at reads, so there both may.
std::string_view session_token(const http::Request& request, bool tls);

/// Values of Set-Cookie. Sessions: HttpOnly, SameSite=Lax, for the whole site, for as long as the
/// token is good. `value` holds no character that a cookie cannot.
std::string session_cookie(std::string_view token, Span lifetime, bool secure);
std::string session_end_cookie(bool secure);
std::string preference_cookie(std::string_view name, std::string_view value, bool secure);

/// `path` where it is one of this site, else "/".
std::string safe_return(std::string_view path);

/// `path` as the value of a query, for the address of the page that signs in.
std::string sign_in_path(std::string_view next);

/// Seals forms: what a page of one session holds is of no use to another. Thread-safe.
class FormSeals {
 public:
  /// The same `secret` gives the same seals, so that forms outlive a restart.
  explicit FormSeals(std::string_view secret);
  std::string seal(std::string_view token) const;
  /// Compares in constant time.
  bool holds(std::string_view token, std::string_view seal) const;

 private:
  http::HmacSha256 mac_;
};

}  // namespace sluice::web

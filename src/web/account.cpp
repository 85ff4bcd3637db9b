// Signing in and out, and how somebody wants to see the pages.
#include <fmt/core.h>
#include <openssl/rand.h>

#include <array>

#include "base/text.h"
#include "http/token.h"
#include "web/visit.h"

namespace sluice::web {

namespace {

constexpr Span kDemoLifetime = Span::seconds(24L * 3600);

std::string random_name() {
  std::array<unsigned char, 4> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return "guest-" + to_hex(bytes);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string demo_token(const Desk& desk, std::string_view user, Instant now) {
  const http::TokenOptions& tokens = desk.api.shared->options.tokens;
  http::TokenRequest wanted;
  wanted.user = user;
  wanted.issued_at = now;
  wanted.lifetime = kDemoLifetime;
  wanted.issuer = tokens.issuer;
  wanted.audience = tokens.audience;
  return http::sign_hs256(wanted, tokens.hs256_secret);
}

/// Whether the token is good and fits a cookie; its claims are then in the context.
bool is_good(Desk& desk, std::string_view token, Instant now) {
  if (token.size() > kMaxSessionBytes) return false;
  return desk.api.tokens->verify(fmt::format("Bearer {}", token), now, desk.api.claims).has_value();
}

void refuse(Visit&& visit, std::string next, SignInFault fault) {
  visit.visitor.path = "/signin";
  SignIn form;
  form.next = std::move(next);
  form.fault = fault;
  std::string html = sign_in_page(visit.visitor, form);
  send_page(std::move(visit), std::move(html), fault == SignInFault::bad_name ? 400 : 401);
}

}  // namespace

void show_sign_in(Desk& desk, const Request& request, const Captures&, Visit&& visit) {
  SignIn form;
  form.next = safe_return(http::query_value(request.query, "next").value_or("/"));
  // A link of the shop may bring the token; using it is the shopper's decision, by a form.
  if (auto offered = http::query_value(request.query, "token")) {
    if (is_good(desk, *offered, visit.visitor.now)) {
      form.offered = std::move(*offered);
      form.offered_user = desk.api.claims.user;
    } else {
      form.fault = SignInFault::bad_token;
    }
  }
  visit.visitor.path = "/signin";
  std::string html = sign_in_page(visit.visitor, form);
  send_page(std::move(visit), std::move(html));
}

void sign_in(Desk& desk, const Request& request, const Captures&, Visit&& visit) {
  std::string next = safe_return(field(request, "next"));
  const Instant now = visit.visitor.now;
  std::string token(trimmed(field(request, "token")));
  if (token.empty() && visit.visitor.demo) {
    std::string name(trimmed(field(request, "name")));
    if (name.empty()) name = random_name();
    if (!valid_user(name)) return refuse(std::move(visit), std::move(next), SignInFault::bad_name);
    token = demo_token(desk, name, now);
  }
  if (!is_good(desk, token, now)) {
    return refuse(std::move(visit), std::move(next), SignInFault::bad_token);
  }
  const bool secure = visit.secure;
  send_to(std::move(visit), next, session_cookie(token, desk.api.claims.expires_at - now, secure));
}

void sign_out(Desk&, const Request&, const Captures&, Visit&& visit) {
  const bool secure = visit.secure;
  send_to(std::move(visit), "/", session_end_cookie(secure));
}

void set_preferences(Desk&, const Request& request, const Captures&, Visit&& visit) {
  const std::string next = safe_return(field(request, "next"));
  const std::string language = field(request, "language");
  const std::string theme = field(request, "theme");
  std::string cookie;
  if (language == "zh" || language == "en") {
    cookie = preference_cookie(kLanguageCookie, language, visit.secure);
  } else if (theme == "light" || theme == "dark" || theme == "system") {
    cookie = preference_cookie(kThemeCookie, theme, visit.secure);
  }
  send_to(std::move(visit), next, cookie);
}

}  // namespace sluice::web

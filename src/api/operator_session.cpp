// Operators: signing in to the console, by password or by token, and out again.
#include "api/operator_session.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "api/auth.h"
#include "api/operator_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "console/door.h"
#include "console/password.h"
#include "http/browser.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

constexpr Words kForeign{"This was sent by a page of another site.", "请求来自其他网站的页面。"};

bool is_read(const http::Request& request) {
  return request.method == http::Method::get || request.method == http::Method::head;
}

/// Browsers name the site whose page sent a change; where they do, it must be ours.
bool from_elsewhere(const http::Request& request) {
  const auto site = request.field("sec-fetch-site");
  if (site && *site != "same-origin" && *site != "none") return true;
  return request.field("origin").has_value() && !http::same_origin(request);
}

std::string set_cookie(std::string_view secret, std::int64_t seconds, bool secure) {
  // The prefix __Host- asks for "Path=/".
  return fmt::format("{}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Strict{}",
                     secure ? kConsoleTlsCookie : kConsoleCookie, secret,
                     secure ? "/" : "/api/v1/admin", seconds, secure ? "; Secure" : "");
}

/// Whether the browser reached us over TLS, as far as it is known.
bool is_secure(const Context& context, const http::Request& request) {
  return context.shared->options.door->tls() ||
         (http::same_origin(request) && http::sent_over_tls(request));
}

std::string session_json(std::string_view name, std::string_view csrf, Instant expires_at) {
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("operator", name);
  json.key("csrf");
  if (csrf.empty()) {
    json.null();
  } else {
    json.value(csrf);
  }
  json.member("expires_at", expires_at);
  json.member("idle_seconds", console::kIdleLimit.ms / 1000).end_object();
  return body;
}

/// What somebody hands in at the door.
struct Credentials {
  std::string name;
  std::string password;
  std::string token;
  std::string address;  ///< whom attempts are counted for
  std::string shown;    ///< the same for people: that of an IPv6 network is bytes
  bool secure = false;
  std::string old_secret;  ///< of the session this browser has so far
};

std::optional<Credentials> read_credentials(const Context& context, const http::Request& request,
                                            Exchange& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return std::nullopt;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"name", "password", "token"});
  Credentials read;
  using Need = ObjectReader::Need;
  const bool by_token = from.has("token");
  const Need need = by_token ? Need::optional : Need::required;
  read.name = from.text("name", kMaxUserBytes - 16, need);
  read.password = from.text("password", console::kMaxPasswordBytes, need);
  read.token = from.text("token", http::kMaxTokenBytes, by_token ? Need::required : Need::optional);
  if (by_token && (from.has("name") || from.has("password"))) {
    faults.refuse("token", "stands beside name or password; send one or the other",
                  "不能与 name、password 同时出现");
  }
  if (!accept(faults, exchange)) return std::nullopt;
  read.shown = client_address(request, context.shared->options.trust_forwarded_for);
  read.address = limit_key(read.shown);
  read.secure = is_secure(context, request);
  read.old_secret = console_cookie(context, request);
  return read;
}

/// Opens the session once the audit log tells of it.
void open_session(Context& context, Exchange&& exchange, const Credentials& who,
                  std::optional<Instant> not_after) {
  console::Door& door = *context.shared->options.door;
  door.attempts().forget(who.address);
  sale::Note note{{who.name, "signed in to the console"},
                  "console.sign_in",
                  "console",
                  {{"by", "", who.token.empty() ? "password" : "token"}}};
  submit(context, std::move(exchange), std::move(note),
         [&context, &door, who, not_after](Exchange&& kept, const engine::Reply&) {
           const Instant now = context.engine.now();
           // The browser is about to forget its secret: nobody could end that session any more.
           if (!who.old_secret.empty()) door.sessions().close(who.old_secret);
           const auto opened = door.sessions().open(who.name, now, not_after);
           http::Response response;
           response.body = session_json(who.name, opened.session.csrf, opened.session.expires_at);
           const std::int64_t seconds = (opened.session.expires_at - now).ms / 1000;
           response.add("Cache-Control", "no-store");
           response.add("Set-Cookie", set_cookie(opened.secret, seconds, who.secure));
           kept.send(std::move(response));
         });
}

void refuse(Exchange&& exchange, const Credentials& who) {
  spdlog::warn("a sign-in to the console from {} failed", quote(who.shown));
  exchange.fail(Code::wrong_password);
}

/// A right token opens at once: nobody guesses one, so no crowd of wrong passwords may stand in its
/// way. Empty: it is not one of an operator.
std::optional<http::Claims> claims_of(const Context& context, const std::string& token) {
  http::Claims claims;
  const bool right = context.tokens->verify("Bearer " + token, context.engine.now(), claims) &&
                     claims.role == http::Role::admin;
  return right ? std::optional(std::move(claims)) : std::nullopt;
}

/// The password is checked on the door's thread. Whoever knows it may call themselves anything: the
/// audit log says how they came.
void check_at_door(Context& context, Exchange&& exchange, Credentials&& who) {
  who.name += " (console)";
  console::Door& door = *context.shared->options.door;
  const std::string address = who.address;
  std::string password = std::move(who.password);
  const auto shared_exchange = keep(std::move(exchange));
  Mailbox& mailbox = context.mailbox;
  const bool taken = door.check(std::move(password), [&context, &mailbox, shared_exchange,
                                                      who = std::move(who)](bool right) mutable {
    mailbox.post(
        [&context, shared_exchange = std::move(shared_exchange), who = std::move(who), right] {
          if (!right) return refuse(std::move(*shared_exchange), who);
          open_session(context, std::move(*shared_exchange), who, std::nullopt);
        });
  });
  if (taken) return;
  door.attempts().give_back(address);
  shared_exchange->fail_until(Code::rate_limited, Span::seconds(2));
}

}  // namespace

std::string_view console_cookie(const Context& context, const http::Request& request) {
  const std::string_view secret = http::cookie(request, kConsoleTlsCookie);
  // Behind a proxy a read does not tell that it came over TLS.
  if (!secret.empty() || is_secure(context, request)) return secret;
  return http::cookie(request, kConsoleCookie);
}

bool has_session(const Context& context, const http::Request& request) {
  return context.shared->options.door != nullptr && request.authorization.empty() &&
         !console_cookie(context, request).empty();
}

bool admit_session(Context& context, const http::Request& request, Exchange& exchange) {
  const bool touch = !request.field(kBackgroundField).has_value();
  auto session = context.shared->options.door->sessions().find(console_cookie(context, request),
                                                               context.engine.now(), touch);
  if (!session) {
    exchange.fail(Code::unauthenticated,
                  {"The session is over; sign in again.", "会话已结束，请重新登录。"});
    return false;
  }
  if (!is_read(request)) {
    if (from_elsewhere(request)) {
      exchange.fail(Code::bad_csrf_token, kForeign);
      return false;
    }
    if (!console::same_secret(request.field(kCsrfField).value_or(""), session->csrf)) {
      exchange.fail(Code::bad_csrf_token);
      return false;
    }
  }
  context.claims.user = std::move(session->name);
  context.claims.role = http::Role::admin;
  context.claims.expires_at = session->expires_at;
  context.csrf = std::move(session->csrf);
  return true;
}

void admin_sign_in(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  if (from_elsewhere(request)) return exchange.fail(Code::bad_csrf_token, kForeign);
  auto who = read_credentials(context, request, exchange);
  if (!who) return;
  if (!who->token.empty()) {
    if (auto claims = claims_of(context, who->token)) {
      who->name = std::move(claims->user);
      return open_session(context, std::move(exchange), *who, claims->expires_at);
    }
  }
  console::Door& door = *context.shared->options.door;
  if (const auto wait = door.attempts().refuse(who->address, context.engine.now())) {
    return exchange.fail_until(Code::rate_limited, *wait);
  }
  if (!who->token.empty()) return refuse(std::move(exchange), *who);
  check_at_door(context, std::move(exchange), std::move(*who));
}

void admin_who(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  exchange.send_personal(
      session_json(context.claims.user, context.csrf, context.claims.expires_at));
}

void admin_sign_out(Context& context, const Request& request, const Captures&,
                    Exchange&& exchange) {
  if (context.csrf.empty()) {
    return exchange.fail(Code::invalid_request,
                         {"This came with a token; only a session can be ended.",
                          "请求携带的是令牌，只有会话可以结束。"});
  }
  context.shared->options.door->sessions().close(console_cookie(context, request));
  const std::string gone = set_cookie("", 0, !http::cookie(request, kConsoleTlsCookie).empty());
  submit(context, std::move(exchange),
         sale::Note{
             {context.claims.user, "signed out of the console"}, "console.sign_out", "console", {}},
         [gone](Exchange&& kept, const engine::Reply&) {
           http::Response response;
           response.status = 204;
           response.content_type = "";
           response.add("Set-Cookie", gone).add("Cache-Control", "no-store");
           kept.send(std::move(response));
         });
}

}  // namespace sluice::api

// Tokens, roles and rate limits at the door.
#include "api/auth.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "api/envelope.h"
#include "api/operator_session.h"
#include "console/door.h"
#include "http/ascii.h"

namespace sluice::api {

namespace {

/// Longer ones are no addresses (the longest text form of IPv6 has 45 characters).
constexpr std::size_t kMaxAddressBytes = 64;

std::string_view in_chinese(http::TokenError error) {
  using http::TokenError;
  switch (error) {
    case TokenError::missing:
      return "请求未携带令牌";
    case TokenError::malformed:
      return "令牌不是合法的 JSON Web Token，或超过 4096 字节";
    case TokenError::wrong_algorithm:
      return "令牌的算法与密钥不符";
    case TokenError::bad_signature:
      return "令牌签名不正确";
    case TokenError::expired:
      return "令牌已过期";
    case TokenError::not_yet_valid:
      return "令牌尚未生效";
    case TokenError::wrong_issuer:
      return "令牌的签发者不正确";
    case TokenError::wrong_audience:
      return "令牌不是发给本服务的";
    case TokenError::bad_subject:
      return "令牌未指明用户：sub 须为 1 至 128 字节且不含控制字符的文本";
    case TokenError::bad_claim:
      return "令牌缺少 exp，或某项声明的类型或取值不正确";
  }
  return "令牌无效";
}

void refuse_token(Exchange& exchange, http::TokenError error) {
  const std::string_view why = exchange.language() == Language::zh
                                   ? in_chinese(error)
                                   : std::string_view(http::to_text(error));
  http::Response response = problem(Code::unauthenticated, exchange.language(), why);
  // RFC 6750 section 3.1: no error code when there was no token at all.
  const bool missing = error == http::TokenError::missing;
  response.add("WWW-Authenticate", missing ? "Bearer" : "Bearer error=\"invalid_token\"");
  exchange.send(std::move(response));
}

void refuse_role(Exchange& exchange) {
  http::Response response = problem(Code::forbidden, exchange.language());
  response.add("WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
  exchange.send(std::move(response));
}

/// A service of the shop, refused in the form that its client reads.
bool admit_service(Context& context, const Request& request, Exchange& exchange) {
  const auto verified =
      context.tokens->verify(request.authorization, context.engine.now(), context.claims);
  if (!verified) {
    fail_envelope(exchange, Code::unauthenticated,
                  {http::to_text(verified.error()), in_chinese(verified.error())});
    return false;
  }
  if (context.claims.role != http::Role::shopper) return true;
  fail_envelope(exchange, Code::forbidden,
                {"This needs a token with the role service or admin.",
                 "此操作需要 role 为 service 或 admin 的令牌。"});
  return false;
}

bool within(http::RateLimiter& limiter, std::string_view key, Instant now, Exchange& exchange) {
  if (!limiter.enabled()) return true;
  const http::LimitDecision decision = limiter.admit(key, now);
  exchange.note_limit(decision);
  if (decision.allowed) return true;
  exchange.fail_until(Code::rate_limited, decision.retry_after);
  return false;
}

}  // namespace

std::string_view client_address(const Request& request, bool trust_forwarded_for) {
  if (!trust_forwarded_for) return request.remote_address;
  // The last field and its last entry are what the proxy next to us wrote; the rest is hearsay.
  std::string_view last;
  for (const http::Field& field : request.fields) {
    if (http::equal_ignoring_case(field.name, "x-forwarded-for")) last = field.value;
  }
  last = last.substr(last.find_last_of(',') + 1);
  last = last.substr(std::min(last.find_first_not_of(" \t"), last.size()));
  last = last.substr(0, last.find_last_not_of(" \t") + 1);
  return last.empty() || last.size() > kMaxAddressBytes ? request.remote_address : last;
}

std::string limit_key(std::string_view address) {
  std::string host(address);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (std::ranges::count(host, ':') == 1) {
    host.resize(host.find(':'));
  }
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return host;
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool is_v4 = std::ranges::equal(kMapped, std::span(bytes).first<12>());
  const auto kept = is_v4 ? std::span(bytes).subspan(12) : std::span(bytes).first(8);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4) return inet_ntop(AF_INET, kept.data(), text.data(), text.size());
  return {kept.begin(), kept.end()};
}

bool is_operator(Context& context, const Request& head) {
  const Instant now = context.engine.now();
  if (has_session(context, head)) {
    console::Sessions& sessions = context.shared->options.door->sessions();
    return sessions.find(console_cookie(context, head), now, false).has_value();
  }
  http::Claims claims;
  return context.tokens->verify(head.authorization, now, claims) &&
         claims.role == http::Role::admin;
}

bool admit(Context& context, const Request& request, Access access, Exchange& exchange) {
  if (access == Access::infrastructure) return true;
  if (access == Access::service) return admit_service(context, request, exchange);
  const Instant now = context.engine.now();
  if (access == Access::admin && has_session(context, request)) {
    return admit_session(context, request, exchange);
  }
  context.csrf.clear();
  if (access != Access::open) {
    const auto verified = context.tokens->verify(request.authorization, now, context.claims);
    if (!verified) {
      refuse_token(exchange, verified.error());
      return false;
    }
  }
  if (access == Access::admin) {
    if (context.claims.role == http::Role::admin) return true;
    refuse_role(exchange);
    return false;
  }
  Api::Shared& shared = *context.shared;
  if (shared.by_address.enabled() &&
      !within(shared.by_address,
              limit_key(client_address(request, shared.options.trust_forwarded_for)), now,
              exchange)) {
    return false;
  }
  return access == Access::open || within(shared.by_user, context.claims.user, now, exchange);
}

}  // namespace sluice::api

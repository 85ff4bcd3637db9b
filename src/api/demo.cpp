// POST /api/v1/demo/token: a sign-in that needs no account, for the demo only.
#include <fmt/core.h>
#include <openssl/rand.h>

#include <array>
#include <string>

#include "api/operator_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

constexpr Span kLifetime = Span::seconds(3600);

std::string random_user() {
  std::array<unsigned char, 6> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return "guest-" + to_hex(bytes);
}

}  // namespace

void demo_token(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  std::string user;
  if (!request.body.empty()) {
    const auto body = read_body(request, exchange);
    if (!body) return;
    JsonFaults faults;
    ObjectReader from(*body, "", faults, {"user"});
    if (from.has("user")) user = from.text("user", kMaxUserBytes, ObjectReader::Need::required);
    if (!accept(faults, exchange)) return;
  }
  if (user.empty()) user = random_user();
  const http::TokenOptions& tokens = context.shared->options.tokens;
  http::TokenRequest wanted;
  wanted.user = user;
  wanted.issued_at = context.engine.now();
  wanted.lifetime = kLifetime;
  wanted.issuer = tokens.issuer;
  wanted.audience = tokens.audience;
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("token", http::sign_hs256(wanted, tokens.hs256_secret));
  json.member("user", user).member("expires_at", wanted.issued_at + kLifetime).end_object();
  exchange.send_personal(std::move(body));
}

}  // namespace sluice::api

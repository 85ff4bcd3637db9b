// POST /api/v1/demo/token: a sign-in that needs no account, for the demo only.
#include <fmt/core.h>
#include <openssl/rand.h>

#include <array>
#include <string>

#include "api/json_reader.h"
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
    // The type is not looked at: curl -d sends a form's, and the demo is tried with curl.
    const auto body = parse_json(request.body);
    if (!body) return exchange.fail(Code::invalid_request, body.error());
    JsonFaults faults;
    ObjectReader from(*body, "", faults, {"user"});
    if (from.has("user")) user = from.text("user", kMaxUserBytes, ObjectReader::Need::required);
    if (faults.first()) return exchange.fail(Code::invalid_request, *faults.first());
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

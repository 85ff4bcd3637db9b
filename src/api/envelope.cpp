// Writing of envelopes.
#include "api/envelope.h"

#include <boost/json.hpp>
#include <string>

#include "api/payments.h"

namespace sluice::api {

namespace {

namespace json = boost::json;

std::string envelope(bool flag, Words message, Language language, const EnvelopeData& data) {
  json::object members;
  for (const auto& [name, value] : data)
    members.emplace(shown_text(name), shown_text(value));  // keeps the first of a name
  const std::string_view words = message.in(language);
  json::object whole;
  whole["flag"] = flag;
  whole["code"] = flag ? kEnvelopeSuccess : kEnvelopeFailure;
  whole["message"] = json::string_view(words.data(), words.size());
  whole["data"] = std::move(members);
  return json::serialize(whole);
}

}  // namespace

void send_envelope(Exchange& exchange, Words message, const EnvelopeData& data) {
  exchange.send_personal(envelope(true, message, exchange.language(), data));
}

void fail_envelope(Exchange& exchange, Code code, Words message, const EnvelopeData& data) {
  const bool of_provider = code == Code::payment_refused || code == Code::payment_unavailable;
  fail_envelope(exchange, of_provider ? 200 : status_of(code), code, message, data);
}

void fail_envelope(Exchange& exchange, int status, Code code, Words message,
                   const EnvelopeData& data) {
  EnvelopeData all{{"error", std::string(wire_name(code))}};
  all.insert(all.end(), data.begin(), data.end());
  http::Response response;
  response.status = status;
  response.body = envelope(false, message, exchange.language(), all);
  response.add("Cache-Control", "no-store");
  if (status == 503) response.add("Retry-After", "1");
  if (code == Code::unauthenticated) response.add("WWW-Authenticate", "Bearer");
  exchange.send(std::move(response));
}

}  // namespace sluice::api

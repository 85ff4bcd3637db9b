// Sending of answers and problems.
#include "api/exchange.h"

#include <fmt/core.h>

#include <utility>

namespace sluice::api {

void Exchange::note_limit(const http::LimitDecision& decision) {
  limit_ = decision.limit;
  remaining_ = decision.remaining;
}

void Exchange::finish(http::Response& response) {
  if (limit_ > 0) {
    // draft-ietf-httpapi-ratelimit-headers: quota and window, then what is left of them.
    response.add("RateLimit-Policy", fmt::format("\"default\";q={};w=1", limit_));
    response.add("RateLimit", fmt::format("\"default\";r={};t=1", remaining_));
  }
  const auto status_class = static_cast<std::size_t>(response.status / 100);
  cell_->requests[route_][status_class].add();
}

void Exchange::send(http::Response&& response) {
  finish(response);
  responder_.send(std::move(response));
}

void Exchange::send_personal(std::string&& json) {
  http::Response response;
  response.body = std::move(json);
  response.add("Cache-Control", "no-store");
  send(std::move(response));
}

void Exchange::send_created(std::string&& json, std::string_view location) {
  http::Response response;
  response.status = 201;
  response.body = std::move(json);
  response.add("Location", location).add("Cache-Control", "no-store");
  send(std::move(response));
}

void Exchange::send_queued(std::string&& json, std::string_view location) {
  http::Response response;
  response.status = 202;
  response.body = std::move(json);
  response.add("Location", location).add("Retry-After", "1").add("Cache-Control", "no-store");
  send(std::move(response));
}

http::Response Exchange::with_retry(Code code, http::Response&& response) {
  const int status = status_of(code);
  if (status == 503 || status == 429) response.add("Retry-After", "1");
  return std::move(response);
}

void Exchange::fail(Code code, Words detail, std::string_view members) {
  send(with_retry(code, problem(code, language_, detail.in(language_), members)));
}

void Exchange::fail_until(Code code, Span wait, std::string_view members) {
  http::Response response = problem(code, language_, {}, members);
  response.add("Retry-After", retry_after(wait));
  send(std::move(response));
}

std::shared_ptr<http::Stream> Exchange::stream(http::Response&& head) {
  finish(head);
  return responder_.stream(std::move(head));
}

}  // namespace sluice::api

// One request on its way to its answer: counts what is answered and speaks the client's language.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "api/language.h"
#include "api/metrics.h"
#include "api/problems.h"
#include "http/limiter.h"
#include "http/server.h"

namespace sluice::api {

/// Move-only; answers once, on its I/O thread. It holds no view of the request.
class Exchange {
 public:
  Exchange() = default;
  Exchange(http::Responder&& responder, MetricsCell& cell, std::uint16_t route, Language language)
      : responder_(std::move(responder)), cell_(&cell), route_(route), language_(language) {}

  Language language() const { return language_; }
  MetricsCell& cell() { return *cell_; }

  /// Tells the client how much of its limit is left, with whatever it will be answered.
  void note_limit(const http::LimitDecision& decision);

  void send(http::Response&& response);
  /// Answers 200 with `json` that is the caller's own: not to be stored by caches.
  void send_personal(std::string&& json);
  /// The same with 201 and where the new thing is.
  void send_created(std::string&& json, std::string_view location);
  /// Accepted into a queue: 202, and when to look again.
  void send_queued(std::string&& json, std::string_view location);
  void fail(Code code) { send(with_retry(code, problem(code, language_))); }
  void fail(Code code, Words detail, std::string_view members = {});
  /// As fail(), with a Retry-After of its own.
  void fail_until(Code code, Span wait, std::string_view members = {});
  std::shared_ptr<http::Stream> stream(http::Response&& head);

 private:
  static http::Response with_retry(Code code, http::Response&& response);
  void finish(http::Response& response);

  http::Responder responder_;
  MetricsCell* cell_ = nullptr;
  std::uint32_t limit_ = 0;
  std::uint32_t remaining_ = 0;
  std::uint16_t route_ = 0;
  Language language_ = Language::en;
};

}  // namespace sluice::api

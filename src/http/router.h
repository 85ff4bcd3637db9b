// Finds the handler of a path. Patterns are literal segments and {captures}.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/server.h"

namespace sluice::http {

inline constexpr std::size_t kMaxCaptures = 4;

/// The captured segments, in order, still percent-encoded views into the request.
struct Captures {
  std::array<std::string_view, kMaxCaptures> values{};
  std::string_view operator[](std::size_t index) const { return values[index]; }
};

using Handler = std::move_only_function<void(const Request&, const Captures&, Responder)>;

class Router {
 public:
  Router();
  ~Router();
  /// `pattern` such as "/api/v1/items/{item}/orders". Two handlers for one method and pattern are a
  /// bug and assert. GET also serves HEAD (the body is left out by the session).
  void add(Method method, std::string_view pattern, Handler handler);

  enum class Match : std::uint8_t { found, not_found, method_not_allowed };
  struct Found {
    Match match = Match::not_found;
    Handler* handler = nullptr;
    Captures captures;
    std::string allow;         ///< with method_not_allowed: the value of the Allow header
    std::string_view pattern;  ///< with found: for metrics
  };
  Found find(Method method, std::string_view path);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::http

// Finds the handler of a path: routes are grouped by their number of segments and compared segment
// by segment, literals before captures.
#include "http/router.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice::http {

namespace {

constexpr std::size_t kMaxSegments = 12;
constexpr std::size_t kMethods = static_cast<std::size_t>(Method::other);
constexpr std::array<std::string_view, kMethods> kMethodNames{"GET",   "HEAD",   "POST",   "PUT",
                                                              "PATCH", "DELETE", "OPTIONS"};

/// The segments between the slashes; `count` is kMaxSegments + 1 where there are too many, and 0
/// where the path does not start with a slash.
struct Segments {
  std::array<std::string_view, kMaxSegments> values;
  std::size_t count = 0;
};

Segments split(std::string_view path) {
  Segments segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    if (segments.count == kMaxSegments) {
      ++segments.count;
      return segments;
    }
    segments.values[segments.count++] = path.substr(0, end);
    path.remove_prefix(end);
  }
  return segments;
}

bool is_capture(std::string_view segment) {
  return segment.starts_with('{');
}

struct Route {
  std::string pattern;
  Segments segments;  ///< views into `pattern`, whose place never changes
  std::array<Handler, kMethods> handlers;
};

bool matches(const Route& route, const Segments& path) {
  for (std::size_t i = 0; i < path.count; ++i) {
    const std::string_view wanted = route.segments.values[i];
    if (is_capture(wanted) ? path.values[i].empty() : wanted != path.values[i]) return false;
  }
  return true;
}

/// Whether `a` is to be tried before `b`: at the first difference the literal comes first.
bool more_specific(const Route& a, const Route& b) {
  for (std::size_t i = 0; i < a.segments.count; ++i) {
    const bool a_captures = is_capture(a.segments.values[i]);
    const bool b_captures = is_capture(b.segments.values[i]);
    if (a_captures != b_captures) return b_captures;
  }
  return false;
}

Handler* handler_of(Route& route, Method method) {
  if (method == Method::other) return nullptr;
  Handler& exact = route.handlers[static_cast<std::size_t>(method)];
  if (exact) return &exact;
  Handler& get = route.handlers[static_cast<std::size_t>(Method::get)];
  return method == Method::head && get ? &get : nullptr;
}

Captures captures_of(const Route& route, const Segments& path) {
  Captures captures;
  std::size_t count = 0;
  for (std::size_t i = 0; i < path.count; ++i) {
    if (is_capture(route.segments.values[i])) captures.values[count++] = path.values[i];
  }
  return captures;
}

/// An encoded slash or NUL would make a path mean different things to us and to a proxy.
bool has_refused_escape(std::string_view path) {
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const std::string_view code = path.substr(at + 1, 2);
    if (code == "2F" || code == "2f" || code == "00") return true;
  }
  return false;
}

}  // namespace

struct Router::Parts {
  std::array<std::vector<std::unique_ptr<Route>>, kMaxSegments + 1> by_count;
};

Router::Router() : parts_(std::make_unique<Parts>()) {}
Router::~Router() = default;

void Router::add(Method method, std::string_view pattern, Handler handler) {
  SLUICE_ASSERT(method != Method::other, "a route has a known method");
  const Segments segments = split(pattern);
  SLUICE_ASSERT(segments.count > 0 && segments.count <= kMaxSegments, "a path of few segments");
  auto& routes = parts_->by_count[segments.count];
  const auto same = std::ranges::find(routes, pattern, &Route::pattern);
  Route* route = same == routes.end() ? nullptr : same->get();
  if (route == nullptr) {
    auto added = std::make_unique<Route>();
    added->pattern = pattern;
    added->segments = split(added->pattern);
    const auto captures = std::count_if(segments.values.begin(),
                                        segments.values.begin() + segments.count, is_capture);
    SLUICE_ASSERT(captures <= static_cast<std::ptrdiff_t>(kMaxCaptures), "captures have room");
    route = added.get();
    const auto place = std::ranges::find_if(
        routes, [&](const auto& other) { return more_specific(*added, *other); });
    routes.insert(place, std::move(added));
  }
  Handler& slot = route->handlers[static_cast<std::size_t>(method)];
  SLUICE_ASSERT(!slot, "one handler for one method and pattern");
  slot = std::move(handler);
}

Router::Found Router::find(Method method, std::string_view path) {
  Found found;
  const Segments segments = split(path);
  if (segments.count == 0 || segments.count > kMaxSegments || has_refused_escape(path)) {
    return found;
  }
  std::array<bool, kMethods> allowed{};
  for (const auto& route : parts_->by_count[segments.count]) {
    if (!matches(*route, segments)) continue;
    if (Handler* handler = handler_of(*route, method)) {
      found.match = Match::found;
      found.handler = handler;
      found.captures = captures_of(*route, segments);
      found.pattern = route->pattern;
      return found;
    }
    found.match = Match::method_not_allowed;
    for (std::size_t i = 0; i < kMethods; ++i) {
      allowed[i] = allowed[i] || handler_of(*route, static_cast<Method>(i)) != nullptr;
    }
  }
  for (std::size_t i = 0; i < kMethods; ++i) {
    if (!allowed[i]) continue;
    found.allow.append(found.allow.empty() ? "" : ", ").append(kMethodNames[i]);
  }
  return found;
}

}  // namespace sluice::http

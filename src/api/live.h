// The stream of live numbers that operators' pages follow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/context.h"

namespace sluice::api {

/// The streams of one I/O thread; each gets one event a second.
class LiveHub {
 public:
  explicit LiveHub(Context& context);
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;

  /// Takes a place among the bounded streams; false when none is left.
  bool reserve();

  struct Listener {
    std::shared_ptr<http::Stream> stream;
    std::optional<SaleNo> sale;  ///< also told item by item
    std::string session;         ///< ends with it; empty: a token was shown
    Instant expires_at;
    Language language = Language::en;
  };
  /// Starts telling; takes over the place.
  void open(Listener listener);

 private:
  using Key = std::uint64_t;
  void tick();
  void tell(Key key);
  void close(Key key);

  Context& context_;
  Key next_key_ = 1;
  std::unordered_map<Key, Listener> listeners_;
};

}  // namespace sluice::api

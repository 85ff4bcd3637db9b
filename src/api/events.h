// Server-sent events of orders: who listens to which order on this I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "engine/engine.h"
#include "http/server.h"
#include "sale/views.h"

namespace sluice::api {

struct Context;

inline constexpr Span kHeartbeat = Span::seconds(15);

/// Whether a shopper has nothing left to wait for: the stream ends with this event. An order can
/// still change later (money that comes late, a refund by the operator); whoever cares reads it.
bool ends_stream(sale::OrderStatus status);

/// The streams of one I/O thread. The engine says which orders changed; the order is then read from
/// the record, so that an event carries the same JSON as a read. Changes that come while such a
/// read is under way are told as one.
class EventHub {
 public:
  explicit EventHub(Context& context);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// Takes a place among the bounded streams; false when the user or the server has none left.
  bool reserve(const std::string& user);
  /// Gives back a reserved place that led to no stream.
  void release(const std::string& user);
  /// Starts telling `stream` about the order, beginning with `now`. Takes over the place.
  void open(std::shared_ptr<http::Stream> stream, const std::string& user,
            const sale::OrderView& now, Instant token_expires_at);

 private:
  struct Listener {
    std::shared_ptr<http::Stream> stream;
    OrderId order;
    std::string user;
    Instant token_expires_at;
    std::string last;  ///< the JSON told last
    bool reading = false;
    bool again = false;  ///< changed while reading
  };
  using Key = std::uint64_t;

  void on_notices(const std::vector<engine::OrderNotice>& notices);
  void refresh(Key key);
  void tell(Key key, const sale::OrderView& order);
  void end(Key key);    ///< finishes the stream and forgets it
  void close(Key key);  ///< forgets a stream that is over
  void heartbeat();

  Context& context_;
  Key next_key_ = 1;
  std::unordered_map<Key, Listener> listeners_;
  std::unordered_multimap<std::int64_t, Key> by_order_;
};

}  // namespace sluice::api

// GET /api/v1/orders/{order}/events.
#include "api/events.h"

#include <fmt/core.h>

#include <utility>

#include "api/orders_json.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

bool ends_stream(sale::OrderStatus status) {
  using sale::OrderStatus;
  switch (status) {
    case OrderStatus::paid:
    case OrderStatus::refunded:
    case OrderStatus::expired:
    case OrderStatus::cancelled:
    case OrderStatus::failed:
      return true;
    case OrderStatus::queued:
    case OrderStatus::awaiting_payment:
    case OrderStatus::closing:
    case OrderStatus::needs_person:
    case OrderStatus::refunding:
      return false;
  }
  return true;
}

EventHub::EventHub(Context& context) : context_(context) {
  context.engine.watch(context.mailbox, [this](const std::vector<engine::OrderNotice>& notices) {
    on_notices(notices);
  });
  context.thread.every(kHeartbeat, [this] { heartbeat(); });
}

EventHub::~EventHub() {
  for (const auto& [key, listener] : listeners_)
    release(listener.user);
}

bool EventHub::reserve(const std::string& user) {
  Api::Shared& shared = *context_.shared;
  const std::lock_guard lock(shared.mutex);
  std::uint32_t& mine = shared.streams_of_user[user];
  if (mine >= kMaxStreamsPerUser || shared.streams.load() >= kMaxStreams) {
    if (mine == 0) shared.streams_of_user.erase(user);
    return false;
  }
  ++mine;
  ++shared.streams;
  // From here on the engine tells of changes, so none is missed after the order is read.
  ++context_.engine.watch_count();
  return true;
}

void EventHub::release(const std::string& user) {
  Api::Shared& shared = *context_.shared;
  const std::lock_guard lock(shared.mutex);
  const auto mine = shared.streams_of_user.find(user);
  if (--mine->second == 0) shared.streams_of_user.erase(mine);
  --shared.streams;
  --context_.engine.watch_count();
}

void EventHub::open(std::shared_ptr<http::Stream> stream, const std::string& user,
                    const sale::OrderView& now, Instant token_expires_at) {
  const Key key = next_key_++;
  stream->on_closed([this, key] { close(key); });
  listeners_.emplace(key,
                     Listener{std::move(stream), now.id, user, token_expires_at, {}, false, false});
  by_order_.emplace(now.id.value, key);
  tell(key, now);
  // A change between the read of `now` and this moment was told to nobody: look once more.
  refresh(key);
}

void EventHub::on_notices(const std::vector<engine::OrderNotice>& notices) {
  for (const engine::OrderNotice& notice : notices) {
    std::vector<Key> keys;
    const auto [first, last] = by_order_.equal_range(notice.order.value);
    for (auto at = first; at != last; ++at)
      keys.push_back(at->second);
    for (const Key key : keys)
      refresh(key);
  }
}

void EventHub::refresh(Key key) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  Listener& listener = found->second;
  if (listener.reading) {
    listener.again = true;
    return;
  }
  listener.reading =
      context_.engine.order(listener.order, context_.mailbox,
                            [this, key](Result<std::optional<sale::OrderView>>&& order) {
                              const auto still = listeners_.find(key);
                              if (still == listeners_.end()) return;
                              still->second.reading = false;
                              const bool again = std::exchange(still->second.again, false);
                              if (order && *order) tell(key, **order);
                              if (again) refresh(key);
                            });
  // Too many reads wait: the client is told to come back rather than left with old news.
  if (!listener.reading) end(key);
}

void EventHub::tell(Key key, const sale::OrderView& order) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  std::string data;
  http::JsonWriter json(data);
  write_order(json, order);
  if (data == found->second.last) return;
  // The id is the state: a browser that reconnects sends it back as Last-Event-ID.
  std::string event =
      fmt::format("id: {}\nevent: order\ndata: {}\n\n", to_text(order.status), data);
  found->second.last = std::move(data);
  const auto stream = found->second.stream;  // writing may close it and so forget the listener
  if (!stream->write(std::move(event)) || ends_stream(order.status)) end(key);
}

void EventHub::end(Key key) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  const auto stream = found->second.stream;
  close(key);
  stream->finish();
}

void EventHub::close(Key key) {
  const auto found = listeners_.find(key);
  if (found == listeners_.end()) return;
  release(found->second.user);
  const auto [first, last] = by_order_.equal_range(found->second.order.value);
  for (auto at = first; at != last; ++at) {
    if (at->second == key) {
      by_order_.erase(at);
      break;
    }
  }
  listeners_.erase(found);
}

void EventHub::heartbeat() {
  const Instant now = context_.engine.now();
  std::vector<Key> keys;  // writing may close streams and so change the map
  keys.reserve(listeners_.size());
  for (const auto& [key, listener] : listeners_)
    keys.push_back(key);
  for (const Key key : keys) {
    const auto found = listeners_.find(key);
    if (found == listeners_.end()) continue;
    const auto stream = found->second.stream;
    if (now >= found->second.token_expires_at || !stream->write(":\n\n")) end(key);
  }
}

void order_events(Context& context, const Request& request, const Captures& captures,
                  Exchange&& exchange) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return exchange.fail(Code::unknown_order);
  const std::string user = context.claims.user;
  if (!context.events->reserve(user)) return exchange.fail(Code::too_many_streams);
  const std::string seen(request.field("last-event-id").value_or(""));
  const SharedExchange kept = keep(std::move(exchange));
  const bool taken = context.engine.order(
      *id, context.mailbox,
      [&context, kept, user, seen,
       expires_at = context.claims.expires_at](Result<std::optional<sale::OrderView>>&& order) {
        const bool own = order && *order && (*order)->user == user;
        const bool over = own && ends_stream((*order)->status) && seen == to_text((*order)->status);
        if (own && !over) {
          http::Response head;
          head.content_type = "text/event-stream";
          head.add("Cache-Control", "no-store").add("X-Accel-Buffering", "no");
          auto stream = kept->stream(std::move(head));
          stream->write("retry: 3000\n\n");
          return context.events->open(std::move(stream), user, **order, expires_at);
        }
        context.events->release(user);
        if (!order) return fail_read(*kept, order.error());
        if (!own) return kept->fail(Code::unknown_order);
        // Nothing new will come: 204 is how a browser is told not to reconnect.
        http::Response nothing;
        nothing.status = 204;
        nothing.content_type = "";
        kept->send(std::move(nothing));
      });
  if (!taken) {
    context.events->release(user);
    kept->fail(Code::overloaded);
  }
}

}  // namespace sluice::api

// Keeps one subscription up, going from server to server.
#include "redis/subscriber.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "redis/admission.h"

namespace sluice::redis {

namespace {

Result<> write_all(Socket& socket, Wakeup& wakeup, std::string_view bytes, Instant deadline) {
  while (!bytes.empty()) {
    const Result<std::size_t> wrote = socket.write(bytes);
    if (!wrote) return std::unexpected(wrote.error());
    bytes.remove_prefix(*wrote);
    if (*wrote > 0) continue;
    if (steady_now() >= deadline) return fail("Redis takes no bytes");
    socket.wait(wakeup, true, deadline - steady_now());
  }
  return {};
}

}  // namespace

Subscriber::Subscriber(const Address& address, const SubscriberOptions& options, Hears hears)
    : address_(address),
      options_([&] {
        SubscriberOptions whole = options;
        whole.connection.user = address.user;
        whole.connection.password = address.password;
        return whole;
      }()),
      hears_(std::move(hears)) {
  SLUICE_ASSERT(!address_.endpoints.empty(), "an address of Redis");
  SLUICE_ASSERT(hears_.released && hears_.began, "somebody to tell");
  thread_ = std::thread([this] { loop(); });
}

Subscriber::~Subscriber() {
  stopping_ = true;
  wakeup_.notify();
  thread_.join();
}

void Subscriber::loop() {
  Span retry = options_.connection.first_retry;
  for (std::size_t turn = 0; !stopping_; ++turn) {
    is_listening_ = false;
    // Whatever ended it, another server may do better; without one, a pause.
    (void)listen(address_.endpoints[turn % address_.endpoints.size()]);
    if (is_listening_) retry = options_.connection.first_retry;
    for (const Instant until = steady_now() + retry; !stopping_ && steady_now() < until;)
      wakeup_.wait(until - steady_now());
    retry = std::min(Span{2 * retry.ms}, options_.connection.last_retry);
  }
}

Result<> Subscriber::listen(const Endpoint& endpoint) {
  Result<Socket> socket = Socket::open(endpoint, options_.connection.connect_timeout);
  if (!socket) return std::unexpected(socket.error());
  reader_ = ReplyReader();
  std::string bytes;
  if (const auto auth = auth_command(options_.connection)) append_command(bytes, *auth);
  append_command(bytes, {"SUBSCRIBE", std::string(kReleasedChannel)});
  const Instant deadline = steady_now() + options_.connection.answer_timeout;
  if (Result<> wrote = write_all(*socket, wakeup_, bytes, deadline); !wrote) return wrote;
  return hear(*socket);
}

/// Until the connection is lost.
Result<> Subscriber::hear(Socket& socket) {
  Instant last = steady_now();
  bool was_asked = false;
  while (!stopping_) {
    const Instant limit = last + Span{(was_asked ? 2 : 1) * options_.silence.ms};
    socket.wait(wakeup_, false, std::max(limit - steady_now(), Span{0}));
    const Result<std::string_view> bytes = socket.read(buffer_);
    if (!bytes) return std::unexpected(bytes.error());
    if (!bytes->empty()) {
      last = steady_now();
      was_asked = false;
      if (!reader_.feed(*bytes)) return fail("Redis sent a message that is too long");
      for (;;) {
        const Result<std::optional<Value>> message = reader_.next();
        if (!message) return std::unexpected(message.error());
        if (!*message) break;
        if (Result<> fine = heard(**message); !fine) return fine;
      }
    } else if (steady_now() >= limit) {
      if (was_asked) return fail("Redis fell silent");
      was_asked = true;
      std::string ping;
      append_command(ping, {"PING"});
      if (Result<> wrote = write_all(socket, wakeup_, ping, steady_now() + options_.silence);
          !wrote)
        return wrote;
    }
  }
  return {};
}

/// ["subscribe", channel, count], ["message", channel, text], or the answer to AUTH or PING.
Result<> Subscriber::heard(const Value& message) {
  if (message.is(Value::Kind::error)) {
    return fail(fmt::format("Redis refuses a subscription: {}", quote(message.text)));
  }
  if (!message.is(Value::Kind::array) || message.items.size() != 3) return {};
  if (message.items[0].text == "subscribe") {
    is_listening_ = true;
    hears_.began();
  } else if (message.items[0].text == "message") {
    // What is no announcement of ours is somebody else's.
    if (const auto said = parse_announcement(message.items[2].text)) hears_.released(*said);
  }
  return {};
}

}  // namespace sluice::redis

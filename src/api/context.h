// What the handlers of one I/O thread work with.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "api/exchange.h"
#include "api/mailbox.h"
#include "api/metrics.h"
#include "api/monitor.h"
#include "api/sales_page.h"
#include "engine/catalog.h"
#include "engine/engine.h"
#include "http/limiter.h"
#include "http/router.h"
#include "http/token.h"

namespace sluice::api {

class EventHub;
class LiveHub;
class PendingGrabs;

/// Bounds of the event streams; above them 429 too_many_streams.
inline constexpr std::int64_t kMaxStreams = 10'000;
inline constexpr std::uint32_t kMaxStreamsPerUser = 6;  ///< what browsers allow one host
inline constexpr std::int64_t kMaxLiveStreams = 64;     ///< of operators
/// Keys that each rate limiter remembers.
inline constexpr std::size_t kMaxLimitedKeys = 256 * 1024;

/// Shared by all I/O threads; outlives them and the engine.
struct Api::Shared {
  Shared(engine::Engine& engine_, ApiOptions options_);

  engine::Engine& engine;
  const ApiOptions options;
  http::RateLimiter by_user;
  http::RateLimiter by_address;
  Metrics metrics;
  Monitor monitor;
  std::atomic<bool> stopping{false};
  std::atomic<std::int64_t> streams{0};
  std::atomic<std::int64_t> live_streams{0};
  Payments opened_payments;  ///< written once, before `payments` points to it
  std::atomic<const Payments*> payments{nullptr};
  std::atomic<webhook::Office*> webhooks{nullptr};
  std::mutex mutex;  ///< guards what follows
  std::unordered_map<std::string, std::uint32_t> streams_of_user;
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
};

/// One I/O thread's half. Handlers get it with every request and may keep a reference in what they
/// give the engine: continuations do not run after it is gone.
struct Context {
  Context(std::shared_ptr<Api::Shared> shared_, http::IoThread& thread_,
          std::unique_ptr<http::TokenVerifier> tokens_);
  ~Context();

  std::shared_ptr<Api::Shared> shared;
  http::IoThread& thread;
  engine::Engine& engine;
  Mailbox& mailbox;
  MetricsCell& cell;
  std::unique_ptr<http::TokenVerifier> tokens;
  engine::CatalogReader catalog;
  SalesPage sales;
  http::Claims claims;  ///< of the request being handled; its buffers are reused
  std::string csrf;     ///< of its session; empty: it carries a token
  std::unique_ptr<PendingGrabs> grabs;
  std::unique_ptr<EventHub> events;
  std::unique_ptr<LiveHub> live;
};

/// A handler. The request's views are gone when it returns; the exchange may be answered later.
using HandlerFunction = void (*)(Context&, const http::Request&, const http::Captures&, Exchange&&);

/// Keeps an exchange for a continuation: the engine drops a continuation that it does not take,
/// and the exchange must survive to say so.
using SharedExchange = std::shared_ptr<Exchange>;
inline SharedExchange keep(Exchange&& exchange) {
  return std::make_shared<Exchange>(std::move(exchange));
}

/// Submits a command other than a grab. `then` gets the exchange and a reply without trouble; what
/// goes wrong before is answered here.
template <class Command, class Then>
void submit(Context& context, Exchange&& exchange, Command&& command, Then then);

/// Answers what `trouble` or a refused admission means.
void fail_trouble(Exchange& exchange, engine::Reply::Trouble trouble);
/// Answers that the record could not be read; the cause goes to the operator's log, not out.
void fail_read(Exchange& exchange, const Error& error);

template <class Command, class Then>
void submit(Context& context, Exchange&& exchange, Command&& command, Then then) {
  const SharedExchange kept = keep(std::move(exchange));
  const engine::Admission admission =
      context.engine.submit(sale::Command(std::forward<Command>(command)), context.mailbox,
                            [kept, then = std::move(then)](const engine::Reply& reply) mutable {
                              if (reply.trouble != engine::Reply::Trouble::none) {
                                fail_trouble(*kept, reply.trouble);
                              } else {
                                then(std::move(*kept), reply);
                              }
                            });
  if (admission != engine::Admission::accepted) kept->fail(Code::overloaded);
}

/// Starts a read of the record with `start(then)`, one of the engine's reads, and hands its value
/// to `then`; what goes wrong is answered here.
template <class T, class Start, class Then>
void read(Exchange&& exchange, Start start, Then then) {
  const SharedExchange kept = keep(std::move(exchange));
  const bool taken =
      start(engine::Engine::Answer<T>([kept, then = std::move(then)](Result<T>&& result) mutable {
        if (!result) {
          fail_read(*kept, result.error());
        } else {
          then(std::move(*kept), std::move(*result));
        }
      }));
  if (!taken) kept->fail(Code::overloaded);
}

}  // namespace sluice::api

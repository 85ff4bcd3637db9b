// The HTTP API over an engine: shopper, operator, health, metrics. One service object per I/O
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "engine/engine.h"
#include "http/server.h"
#include "http/token.h"

namespace sluice::bus {
class Bus;
}
namespace sluice::payment {
class Gateway;
class Service;
}  // namespace sluice::payment
namespace sluice::console {
class Door;
}
namespace sluice::settlement {
class Desk;
}
namespace sluice::webhook {
class Office;
}

namespace sluice::api {

/// The rooms behind the payment routes. All or none; they must outlive the servers.
struct Payments {
  payment::Gateway* gateway = nullptr;
  bus::Bus* bus = nullptr;
  payment::Service* service = nullptr;
  settlement::Desk* desk = nullptr;
  std::string exchange = "exchange.order";       ///< where notifications of sale orders go …
  std::string sale_queue = "queueSeckillOrder";  ///< … and their queue, also the routing key
  Span lifetime = Span::seconds(7200);  ///< until when an order of another service can be paid
};

struct ApiOptions {
  http::TokenOptions tokens;
  std::uint32_t user_per_second = 0;     ///< 0: no limit
  std::uint32_t address_per_second = 0;  ///< 0: no limit
  bool trust_forwarded_for = false;      ///< take the address from X-Forwarded-For (behind a proxy)
  bool has_webhooks = true;              ///< false: an engine whose history nobody follows
  bool has_gateway = false;              ///< /readyz waits for open_payments()
  bool pay_role = true;                  ///< serves /weixin/pay/*
  bool demo = false;       ///< opens POST /api/v1/demo/token, a sign-in without account
  console::Door* door = nullptr;  ///< operators may sign in with a cookie; outlives the servers
  std::string version;     ///< shown by /livez?verbose and the metrics
  std::uint64_t seed = 0;  ///< keys the limiter tables; random in production
};

class Service;

/// What all I/O threads share: limiters, metrics, the switch that /readyz reads, and the mailboxes.
/// Outlives the servers, the engine and the payment rooms. To shut down: begin_shutdown(), stop the
/// servers, the desk, the engine and the payment rooms, then destroy them and this.
class Api {
 public:
  static Result<std::unique_ptr<Api>> create(engine::Engine& engine, const ApiOptions& options);
  ~Api();

  /// The factory to start a server with. Serves everything; with `operators` false the operator
  /// API is left out (it then has a listener of its own).
  http::ServiceFactory services(bool operators = true);

  /// What that factory makes for one I/O thread; for a room that serves pages beside the API.
  std::unique_ptr<Service> service(http::IoThread& thread, bool operators);

  /// From now on the payment routes work; before, and without, they answer payment_unavailable.
  /// Once, from any thread: a server may serve already, so that its port can be told to a gateway.
  void open_payments(const Payments& payments);

  /// From now on the webhook routes work; before, they answer overloaded. Once, from any thread.
  /// The office must outlive the servers.
  void open_webhooks(webhook::Office& office);

  /// From now on /readyz answers 503 and grabs are refused as overloaded.
  void begin_shutdown();

  /// Where /metrics gets a server's numbers from.
  void observe(std::function<http::ServerCounts()> counts);

  struct Shared;  ///< of the room's own use

 private:
  explicit Api(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

/// The OpenAPI 3.1 document that /openapi.json serves.
std::string openapi_json();

}  // namespace sluice::api

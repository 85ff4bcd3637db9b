// The HTTP API over an engine: shopper, operator, health, metrics. One service object per I/O
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "http/server.h"
#include "http/token.h"

namespace sluice::api {

struct ApiOptions {
  http::TokenOptions tokens;
  std::uint32_t user_per_second = 0;     ///< 0: no limit
  std::uint32_t address_per_second = 0;  ///< 0: no limit
  bool trust_forwarded_for = false;      ///< take the address from X-Forwarded-For (behind a proxy)
  bool demo = false;       ///< opens POST /api/v1/demo/token, a sign-in without account
  std::string version;     ///< shown by /livez?verbose and the metrics
  std::uint64_t seed = 0;  ///< keys the limiter tables; random in production
};

/// What all I/O threads share: limiters, metrics, the switch that /readyz reads, and the mailboxes.
/// Outlives the servers and the engine. To shut down: begin_shutdown(), stop the servers, stop the
/// engine, then destroy servers, engine and this.
class Api {
 public:
  static Result<std::unique_ptr<Api>> create(engine::Engine& engine, const ApiOptions& options);
  ~Api();

  /// The factory to start a server with. Serves everything; with `operators` false the operator
  /// API is left out (it then has a listener of its own).
  http::ServiceFactory services(bool operators = true);

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

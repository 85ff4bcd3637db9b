// One I/O thread's service: finds the route, lets the request in, runs the handler.
#pragma once

#include <memory>

#include "api/context.h"
#include "http/router.h"
#include "http/server.h"

namespace sluice::api {

class Service final : public http::Service {
 public:
  Service(std::unique_ptr<Context> context, bool operators);
  void handle(const http::Request& request, http::Responder responder) override;
  std::size_t most_body_bytes(const http::Request& head) override;

  /// Whether a route has this path, whatever its method.
  bool serves(const http::Request& request);
  /// What the handlers of this thread work with; lives as long as this.
  Context& context() { return *context_; }

 private:
  std::unique_ptr<Context> context_;
  http::Router router_;
};

}  // namespace sluice::api

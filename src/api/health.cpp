// /livez and /readyz: whether the process works, and whether it should get traffic.
#include <fmt/core.h>

#include <string>

#include "api/payments.h"
#include "api/routes.h"
#include "bus/bus.h"

namespace sluice::api {

namespace {

bool verbose(const Request& request) {
  return request.query == "verbose" || http::query_value(request.query, "verbose").has_value();
}

void send_text(Exchange& exchange, int status, std::string&& text) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  response.add("Cache-Control", "no-store");
  exchange.send(std::move(response));
}

}  // namespace

void livez(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  std::string text = "ok\n";
  if (verbose(request)) {
    text += fmt::format("version {}\n", context.shared->options.version);
  }
  send_text(exchange, 200, std::move(text));
}

void readyz(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const engine::Health health = context.engine.health();
  const bool stopping = context.shared->stopping;
  const Payments* payments = payments_of(context);
  const bool starting = context.shared->options.has_gateway && payments == nullptr;
  const bool ready = health.ready && health.storage_ok && !stopping && !starting;
  std::string text = ready ? "ok\n" : "not ready\n";
  if (verbose(request)) {
    const auto line = [&](std::string_view name, bool good, std::string_view why) {
      text += fmt::format("[{}] {}{}{}\n", good ? "+" : "-", name, good ? " ok" : ": ",
                          good ? std::string_view() : why);
    };
    line("admissions", !stopping && health.ready, "the server is starting or stopping");
    line("storage", health.storage_ok, "the record cannot be written; see the log");
    line("conservation", health.conserved, "an item is frozen; see the alarms in the log");
    const bool room = health.queue_depth < health.queue_bound;
    line("queue", room, "full: grabs are refused as overloaded");
    if (starting) line("payments", false, "not open yet");
    if (payments != nullptr) {
      // Grabs go on without them, so neither makes the server unready.
      line("gateway", !payments->gateway->health().breaker_open,
           "the payment provider does not answer; calls are held back for a while");
      line("ledger", payments->service->healthy(),
           "payments cannot be recorded; see the log, then restart");
      line("bus", payments->bus->healthy(), "payment notifications cannot be stored; see the log");
    }
    text += fmt::format("queue {} of {}\n", health.queue_depth, health.queue_bound);
  }
  send_text(exchange, ready ? 200 : 503, std::move(text));
}

}  // namespace sluice::api

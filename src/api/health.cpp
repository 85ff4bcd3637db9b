// /livez and /readyz: whether the process works, and whether it should get traffic.
#include <fmt/core.h>

#include <string>

#include "api/health.h"
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

ServiceHealth service_health(const Api::Shared& shared) {
  const engine::Health health = shared.engine.health();
  const bool stopping = shared.stopping;
  const Payments* payments = shared.payments.load(std::memory_order_acquire);
  const bool starting = shared.options.has_gateway && payments == nullptr;
  ServiceHealth services;
  services.ready = health.ready && health.storage_ok && !stopping && !starting;
  const auto check = [&](std::string_view name, bool good, Words why) {
    services.checks.push_back({name, good, why});
  };
  check("admissions", !stopping && health.ready,
        stopping ? Words{"the server is stopping", "服务器正在停止"}
                 : Words{"the server is starting, or a service that its engine needs is away",
                         "服务器正在启动，或引擎所需的服务不可用"});
  check("storage", health.storage_ok,
        {"the record cannot be written; see the log", "无法写入记录，请查看日志"});
  check("conservation", health.conserved,
        {"an item is frozen; see the alarms in the log", "有商品被冻结，请查看日志中的告警"});
  check("queue", health.queue_depth < health.queue_bound,
        {"full: grabs are refused as overloaded", "队列已满，抢购请求将被拒绝"});
  if (starting) check("payments", false, {"not open yet", "尚未就绪"});
  if (payments != nullptr) {
    // Grabs go on without them, so neither makes the server unready.
    check("gateway", !payments->gateway->health().breaker_open,
          {"the payment provider does not answer; calls are held back for a while",
           "支付平台没有响应，暂时停止调用"});
    check("ledger", payments->service->healthy(),
          {"payments cannot be recorded; see the log, then restart",
           "无法记录支付，请查看日志后重启"});
    check("bus", payments->bus->healthy(),
          {"payment notifications cannot be stored; see the log", "无法存储支付通知，请查看日志"});
  }
  return services;
}

void livez(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  std::string text = "ok\n";
  if (verbose(request)) {
    text += fmt::format("version {}\n", context.shared->options.version);
  }
  send_text(exchange, 200, std::move(text));
}

void readyz(Context& context, const Request& request, const Captures&, Exchange&& exchange) {
  const engine::Health health = context.engine.health();
  const ServiceHealth services = service_health(*context.shared);
  std::string text = services.ready ? "ok\n" : "not ready\n";
  if (verbose(request)) {
    for (const ServiceCheck& check : services.checks) {
      text += fmt::format("[{}] {}{}{}\n", check.good ? "+" : "-", check.name,
                          check.good ? " ok" : ": ",
                          check.good ? std::string_view() : check.why.in(Language::en));
    }
    text += fmt::format("queue {} of {}\n", health.queue_depth, health.queue_bound);
  }
  send_text(exchange, services.ready ? 200 : 503, std::move(text));
}

}  // namespace sluice::api

// Routing, and the context that handlers get.
#include "api/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "api/auth.h"
#include "api/events.h"
#include "api/grab.h"
#include "api/live.h"
#include "api/routes.h"

namespace sluice::api {

namespace {

constexpr std::uint32_t kUnmatched = 0;

Mailbox& add_mailbox(Api::Shared& shared, http::IoThread& thread) {
  const std::lock_guard lock(shared.mutex);
  return *shared.mailboxes.emplace_back(std::make_unique<Mailbox>(thread));
}

}  // namespace

Api::Shared::Shared(engine::Engine& engine_, ApiOptions options_)
    : engine(engine_),
      options(std::move(options_)),
      by_user(options.user_per_second, options.user_per_second, kMaxLimitedKeys, options.seed),
      by_address(options.address_per_second, options.address_per_second, kMaxLimitedKeys,
                 options.seed) {}

Context::Context(std::shared_ptr<Api::Shared> shared_, http::IoThread& thread_,
                 std::unique_ptr<http::TokenVerifier> tokens_)
    : shared(std::move(shared_)),
      thread(thread_),
      engine(shared->engine),
      mailbox(add_mailbox(*shared, thread_)),
      cell(shared->metrics.new_cell()),
      tokens(std::move(tokens_)),
      catalog(engine.catalogs()),
      grabs(std::make_unique<PendingGrabs>()),
      events(std::make_unique<EventHub>(*this)),
      live(std::make_unique<LiveHub>(*this)) {}

Context::~Context() {
  mailbox.detach();
}

void fail_trouble(Exchange& exchange, engine::Reply::Trouble trouble) {
  switch (trouble) {
    case engine::Reply::Trouble::storage_full:
      return exchange.fail(Code::storage_full);
    case engine::Reply::Trouble::storage_broken:
      return exchange.fail(Code::storage_failed);
    case engine::Reply::Trouble::unavailable:
      return exchange.fail(
          Code::overloaded,
          Words{"A service that the shop needs does not answer; look at your orders before trying "
                "again.",
                "商城所依赖的服务暂未响应；重试前请先查看您的订单。"});
    case engine::Reply::Trouble::stopping:
    case engine::Reply::Trouble::none:
      return exchange.fail(Code::overloaded);
  }
}

void fail_read(Exchange& exchange, const Error& error) {
  spdlog::error("reading the record: {}", error.message);
  exchange.fail(Code::storage_failed);
}

Service::Service(std::unique_ptr<Context> context, bool operators) : context_(std::move(context)) {
  const auto table = all_routes();
  for (std::size_t row = 0; row < table.size(); ++row) {
    const Route& route = table[row];
    if (!served(route, context_->shared->options, operators)) continue;
    router_.add(route.method, route.pattern,
                [context = context_.get(), &route, row = static_cast<std::uint16_t>(row)](
                    const Request& request, const Captures& captures, http::Responder responder) {
                  Exchange exchange(std::move(responder), context->cell, row,
                                    negotiate(request.accept_language));
                  if (!admit(*context, request, route.access, exchange)) return;
                  route.handler(*context, request, captures, std::move(exchange));
                });
  }
}

bool Service::serves(const http::Request& request) {
  return router_.find(request.method, request.path).match != http::Router::Match::not_found;
}

std::size_t Service::most_body_bytes(const http::Request& head) {
  const http::Router::Found found = router_.find(head.method, head.path);
  const auto takes_more = [&](const Route& route) {
    return route.most_body_bytes > http::kMaxBodyBytes && route.method == head.method &&
           route.pattern == found.pattern;
  };
  const auto table = all_routes();
  const auto route = std::ranges::find_if(table, takes_more);
  if (route == table.end() || !is_operator(*context_, head)) return http::kMaxBodyBytes;
  return route->most_body_bytes;
}

void Service::handle(const http::Request& request, http::Responder responder) {
  const http::Router::Found found = router_.find(request.method, request.path);
  if (found.match == http::Router::Match::found) {
    (*found.handler)(request, found.captures, std::move(responder));
    return;
  }
  Exchange exchange(std::move(responder), context_->cell, kUnmatched,
                    negotiate(request.accept_language));
  if (found.match == http::Router::Match::not_found) return exchange.fail(Code::not_found);
  http::Response response = problem(Code::method_not_allowed, exchange.language());
  response.add("Allow", found.allow);
  exchange.send(std::move(response));
}

}  // namespace sluice::api

// The API's life: made once, one service per I/O thread, told when to stop.
#include "api/api.h"

#include <utility>

#include "api/context.h"
#include "api/service.h"
#include "base/assert.h"

namespace sluice::api {

Api::Api(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
Api::~Api() = default;

Result<std::unique_ptr<Api>> Api::create(engine::Engine& engine, const ApiOptions& options) {
  if (options.demo && options.tokens.hs256_secret.empty()) {
    return fail("the demo's sign-in makes HS256 tokens; set auth.hs256_secret or leave --demo out");
  }
  if (auto checked = http::TokenVerifier::create(options.tokens); !checked) {
    return std::unexpected(checked.error());
  }
  return std::unique_ptr<Api>(new Api(std::make_shared<Shared>(engine, options)));
}

namespace {

std::unique_ptr<Service> make_service(const std::shared_ptr<Api::Shared>& shared,
                                      http::IoThread& thread, bool operators) {
  auto tokens = http::TokenVerifier::create(shared->options.tokens);
  SLUICE_ASSERT(tokens.has_value(), "the keys were checked when the API was made");
  auto context = std::make_unique<Context>(shared, thread, std::move(*tokens));
  return std::make_unique<Service>(std::move(context), operators);
}

}  // namespace

http::ServiceFactory Api::services(bool operators) {
  return [shared = shared_, operators](http::IoThread& thread) -> std::unique_ptr<http::Service> {
    return make_service(shared, thread, operators);
  };
}

std::unique_ptr<Service> Api::service(http::IoThread& thread, bool operators) {
  return make_service(shared_, thread, operators);
}

void Api::begin_shutdown() {
  shared_->stopping = true;
}

void Api::open_payments(const Payments& payments) {
  SLUICE_ASSERT(shared_->payments.load() == nullptr, "payments are opened once");
  shared_->opened_payments = payments;
  shared_->payments.store(&shared_->opened_payments, std::memory_order_release);
}

void Api::open_webhooks(webhook::Office& office) {
  SLUICE_ASSERT(shared_->webhooks.load() == nullptr, "webhooks are opened once");
  shared_->webhooks.store(&office, std::memory_order_release);
}

void Api::observe(std::function<http::ServerCounts()> counts) {
  shared_->metrics.observe(std::move(counts));
}

}  // namespace sluice::api

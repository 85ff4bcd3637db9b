// One I/O thread's storefront: finds the page, looks who asks, lets them in; the rest is the API's.
#include <fmt/core.h>
#include <openssl/rand.h>

#include <array>
#include <span>
#include <utility>

#include "api/auth.h"
#include "api/payments.h"
#include "api/routes.h"
#include "api/service.h"
#include "base/assert.h"
#include "http/router.h"
#include "web/storefront.h"
#include "web/visit.h"
#include "web/words.h"

namespace sluice::web {

namespace {

using http::Method;

// clang-format off
constexpr Route kRoutes[] = {
    {"/", show_sales, Method::get, Access::open},
    {"/assets/{file}", send_asset, Method::get, Access::files},
    {"/items/{item}", show_item, Method::get, Access::open},
    {"/items/{item}/grab", grab, Method::post, Access::deed},
    {"/items/{item}/grab", back_to_item, Method::get, Access::open},
    {"/orders", show_orders, Method::get, Access::shopper},
    {"/orders/{order}", show_order, Method::get, Access::shopper},
    {"/orders/{order}/status", tell_order, Method::get, Access::script},
    {"/orders/{order}/events", stream_order, Method::get, Access::script},
    {"/orders/{order}/cancel", cancel, Method::post, Access::deed},
    {"/orders/{order}/cancel", back_to_order, Method::get, Access::open},
    {"/orders/{order}/payment", begin_payment, Method::post, Access::deed},
    {"/orders/{order}/payment", show_payment, Method::get, Access::shopper},
    {"/signin", show_sign_in, Method::get, Access::open},
    {"/session", sign_in, Method::post, Access::form},
    {"/session/end", sign_out, Method::post, Access::deed},
    {"/preferences", set_preferences, Method::post, Access::form},
};

/// The console has one page; its script shows what the path names.
constexpr Route kConsoleRoutes[] = {
    {"/console", show_console, Method::get, Access::open},
    {"/console/{part}", show_console, Method::get, Access::open},
    {"/console/{part}/{id}", show_console, Method::get, Access::open},
};
// clang-format on

Theme theme_of(const Request& request) {
  const std::string_view chosen = cookie(request, kThemeCookie);
  return chosen == "dark" ? Theme::dark : chosen == "light" ? Theme::light : Theme::system;
}

Language language_of(const Request& request) {
  const std::string_view chosen = cookie(request, kLanguageCookie);
  if (chosen == "zh") return Language::zh;
  if (chosen == "en") return Language::en;
  return api::negotiate(request.accept_language);
}

class Service final : public http::Service {
 public:
  Service(std::shared_ptr<const Shared> shared, std::unique_ptr<api::Service> api, bool operators)
      : shared_(std::move(shared)), api_(std::move(api)), desk_{api_->context(), *shared_} {
    add(kRoutes);
    if (operators) add(kConsoleRoutes);
  }

  void handle(const Request& request, http::Responder responder) override {
    const http::Router::Found found = router_.find(request.method, request.path);
    if (found.match == http::Router::Match::found) {
      return (*found.handler)(request, found.captures, std::move(responder));
    }
    // A person at a wrong address gets a page; a program gets the API's problem.
    const bool is_person = request.method == Method::get &&
                           request.field("accept").value_or("").contains("text/html") &&
                           !request.path.starts_with("/api/");
    if (!is_person || api_->serves(request)) return api_->handle(request, std::move(responder));
    Visit visit = visit_of(request, std::move(responder));
    visit.visitor.path = "/";
    send_trouble(std::move(visit), Trouble::not_found);
  }

  std::size_t most_body_bytes(const Request& head) override { return api_->most_body_bytes(head); }

 private:
  void add(std::span<const Route> routes) {
    for (const Route& route : routes) {
      router_.add(route.method, route.pattern,
                  [this, &route](const Request& request, const Captures& captures,
                                 http::Responder responder) {
                    serve(route, request, captures, std::move(responder));
                  });
    }
  }

  Visit visit_of(const Request& request, http::Responder&& responder) {
    Visit visit;
    Visitor& visitor = visit.visitor;
    visitor.language = language_of(request);
    visitor.theme = theme_of(request);
    visitor.now = desk_.api.engine.now();
    visitor.demo = desk_.api.shared->options.demo;
    visitor.payments = api::payments_of(desk_.api) != nullptr;
    visitor.path = request.method == Method::get ? safe_return(request.target) : "/";
    visit.secure = shared_->tls || sent_over_tls(request);
    visit.exchange =
        api::Exchange(std::move(responder), desk_.api.cell, api::kPagesRow, visitor.language);
    const std::string_view token = session_token(request, shared_->tls);
    if (token.empty()) return visit;
    std::string bearer("Bearer ");
    bearer.append(token);
    if (desk_.api.tokens->verify(bearer, visitor.now, desk_.api.claims)) {
      visitor.user = desk_.api.claims.user;
      visitor.seal = shared_->seals.seal(token);
    } else {
      visitor.session_is_over = true;
    }
    return visit;
  }

  void serve(const Route& route, const Request& request, const Captures& captures,
             http::Responder&& responder) {
    Visit visit = visit_of(request, std::move(responder));
    if (route.access == Access::files) {
      return route.handler(desk_, request, captures, std::move(visit));
    }
    const bool is_post = route.access == Access::form || route.access == Access::deed;
    if (is_post && !same_origin(request)) {
      return send_trouble(std::move(visit), Trouble::forbidden);
    }
    const bool needs_session = route.access == Access::shopper || route.access == Access::deed ||
                               route.access == Access::script;
    if (needs_session && !visit.visitor.signed_in()) {
      return ask_to_sign_in(route, request, captures, std::move(visit));
    }
    if (route.access == Access::deed &&
        !shared_->seals.holds(session_token(request, shared_->tls), field(request, "seal"))) {
      return send_trouble(std::move(visit), Trouble::forbidden);
    }
    if (!within_limits(request, visit, needs_session)) {
      return refuse_limited(route, captures, std::move(visit));
    }
    route.handler(desk_, request, captures, std::move(visit));
  }

  static void ask_to_sign_in(const Route& route, const Request& request, const Captures& captures,
                             Visit&& visit) {
    if (route.access == Access::script) return visit.exchange.fail(api::Code::unauthenticated);
    // What was posted is not done later by itself: the way back leads to where it was asked.
    const bool is_post = route.access == Access::deed;
    std::string next =
        is_post ? std::string(request.path.substr(0, request.path.rfind('/'))) : visit.visitor.path;
    if (captures[0].empty()) next = is_post ? "/" : next;
    send_to(std::move(visit), sign_in_path(next));
  }

  /// The limits of the API count for pages too: they lead to the same engine.
  bool within_limits(const Request& request, Visit& visit, bool by_user) {
    const api::Context& context = desk_.api;
    const auto within = [&](http::RateLimiter& limiter, std::string_view key) {
      if (!limiter.enabled()) return true;
      const http::LimitDecision decision = limiter.admit(key, visit.visitor.now);
      visit.exchange.note_limit(decision);
      return decision.allowed;
    };
    const std::string_view address =
        api::client_address(request, context.shared->options.trust_forwarded_for);
    return within(context.shared->by_address, api::limit_key(address)) &&
           (!by_user || within(context.shared->by_user, visit.visitor.user));
  }

  void refuse_limited(const Route& route, const Captures& captures, Visit&& visit) {
    if (route.access == Access::script) return visit.exchange.fail(api::Code::rate_limited);
    if (route.handler == grab) {
      return send_verdict(desk_, std::move(visit), captures[0], {GrabEnd::too_often, {}});
    }
    std::string html = trouble_page(visit.visitor, Trouble::busy);
    send_page(std::move(visit), std::move(html), status_of(GrabEnd::too_often));
  }

  std::shared_ptr<const Shared> shared_;
  std::unique_ptr<api::Service> api_;
  Desk desk_;
  http::Router router_;
};

std::string random_key() {
  std::array<unsigned char, 32> bytes{};
  SLUICE_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
                "the system has random numbers");
  return {bytes.begin(), bytes.end()};
}

}  // namespace

http::ServiceFactory storefront(api::Api& api, bool operators, const StorefrontOptions& options) {
  const std::string secret = options.form_secret.empty() ? random_key() : options.form_secret;
  const auto shared = std::make_shared<const Shared>(FormSeals(secret),
                                                     http::HmacSha256(random_key()), options.tls);
  return [&api, operators, shared](http::IoThread& thread) -> std::unique_ptr<http::Service> {
    return std::make_unique<Service>(shared, api.service(thread, operators), operators);
  };
}

}  // namespace sluice::web

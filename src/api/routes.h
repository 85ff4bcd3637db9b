// The table of routes: what the outside can ask for, who may, and who answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "api/context.h"

namespace sluice::api {

/// Who may use a route, and which limits count for it.
enum class Access : std::uint8_t {
  infrastructure,  ///< anyone, never limited: health, metrics
  open,            ///< anyone, limited per address
  shopper,         ///< a valid token; limited per user and per address
  admin,           ///< a token with role admin
  service,         ///< a token with role service or admin; refusals are envelopes
};

struct Route {
  std::string_view pattern;
  HandlerFunction handler;
  http::Method method;
  Access access;
  std::size_t most_body_bytes = http::kMaxBodyBytes;  ///< above the default for operators alone
};

/// The row of the metrics that counts requests for pages.
inline constexpr std::uint16_t kPagesRow = 1;

/// Every route there is, in the order of the metrics' rows: row 0 is for requests that match none.
std::span<const Route> all_routes();

/// Whether a server with these options serves `route`; without `operators` it leaves the operator
/// API out.
bool served(const Route& route, const ApiOptions& options, bool operators);

std::string_view wire_name(http::Method method);

// The handlers. Captures are named in the patterns, see routes.cpp.
using http::Captures;
using http::Request;

// health.cpp, metrics.cpp, openapi.cpp, problem_page.cpp, demo.cpp
void livez(Context&, const Request&, const Captures&, Exchange&&);
void readyz(Context&, const Request&, const Captures&, Exchange&&);
void metrics(Context&, const Request&, const Captures&, Exchange&&);
void openapi(Context&, const Request&, const Captures&, Exchange&&);
void problem_page(Context&, const Request&, const Captures&, Exchange&&);
void demo_token(Context&, const Request&, const Captures&, Exchange&&);

// catalog.cpp
void get_time(Context&, const Request&, const Captures&, Exchange&&);
void list_sales(Context&, const Request&, const Captures&, Exchange&&);
void get_item(Context&, const Request&, const Captures&, Exchange&&);

// grab.cpp
void grab(Context&, const Request&, const Captures&, Exchange&&);

// shopper_payment.cpp
void pay_order(Context&, const Request&, const Captures&, Exchange&&);
void get_payment(Context&, const Request&, const Captures&, Exchange&&);
void payment_qr(Context&, const Request&, const Captures&, Exchange&&);

// weixin.cpp, weixin_create.cpp
void weixin_create(Context&, const Request&, const Captures&, Exchange&&);
void weixin_query(Context&, const Request&, const Captures&, Exchange&&);
void weixin_close(Context&, const Request&, const Captures&, Exchange&&);
void weixin_notify(Context&, const Request&, const Captures&, Exchange&&);

// shopper.cpp
void get_order(Context&, const Request&, const Captures&, Exchange&&);
void list_orders(Context&, const Request&, const Captures&, Exchange&&);
void cancel_order(Context&, const Request&, const Captures&, Exchange&&);

// events.cpp
void order_events(Context&, const Request&, const Captures&, Exchange&&);

// operator_sales.cpp
void admin_create_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_list_sales(Context&, const Request&, const Captures&, Exchange&&);
void admin_get_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_change_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_cancel_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_pause_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_resume_sale(Context&, const Request&, const Captures&, Exchange&&);
void admin_sale_stats(Context&, const Request&, const Captures&, Exchange&&);

// operator_items.cpp
void admin_add_item(Context&, const Request&, const Captures&, Exchange&&);
void admin_get_item(Context&, const Request&, const Captures&, Exchange&&);
void admin_change_item(Context&, const Request&, const Captures&, Exchange&&);
void admin_set_stock(Context&, const Request&, const Captures&, Exchange&&);

// operator_orders.cpp
void admin_list_orders(Context&, const Request&, const Captures&, Exchange&&);
void admin_get_order(Context&, const Request&, const Captures&, Exchange&&);
void admin_timeline(Context&, const Request&, const Captures&, Exchange&&);
void admin_attention(Context&, const Request&, const Captures&, Exchange&&);
void admin_resolve(Context&, const Request&, const Captures&, Exchange&&);
void admin_refund(Context&, const Request&, const Captures&, Exchange&&);
void admin_audit(Context&, const Request&, const Captures&, Exchange&&);

// operator_payments.cpp
void admin_list_notifications(Context&, const Request&, const Captures&, Exchange&&);
void admin_replay_notification(Context&, const Request&, const Captures&, Exchange&&);
void admin_list_queues(Context&, const Request&, const Captures&, Exchange&&);

// operator_session.cpp, live.cpp, operator_import.cpp
void admin_sign_in(Context&, const Request&, const Captures&, Exchange&&);
void admin_who(Context&, const Request&, const Captures&, Exchange&&);
void admin_sign_out(Context&, const Request&, const Captures&, Exchange&&);
void admin_live(Context&, const Request&, const Captures&, Exchange&&);
void admin_live_events(Context&, const Request&, const Captures&, Exchange&&);
void admin_history(Context&, const Request&, const Captures&, Exchange&&);
void admin_import(Context&, const Request&, const Captures&, Exchange&&);

// operator_webhooks.cpp
void admin_list_webhooks(Context&, const Request&, const Captures&, Exchange&&);
void admin_add_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_get_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_change_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_remove_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_pause_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_resume_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_renew_webhook_secret(Context&, const Request&, const Captures&, Exchange&&);
void admin_ping_webhook(Context&, const Request&, const Captures&, Exchange&&);
void admin_list_deliveries(Context&, const Request&, const Captures&, Exchange&&);
void admin_get_delivery(Context&, const Request&, const Captures&, Exchange&&);
void admin_redeliver(Context&, const Request&, const Captures&, Exchange&&);
void admin_redeliver_failed(Context&, const Request&, const Captures&, Exchange&&);

// operator_csv.cpp
void admin_orders_csv(Context&, const Request&, const Captures&, Exchange&&);

}  // namespace sluice::api

// The table itself.
#include "api/routes.h"

#include <iterator>

namespace sluice::api {

namespace {

using http::Method;

// clang-format off
constexpr Route kRoutes[] = {
    // Row 0 stands for requests that match no route; it is never added to a router.
    {"unmatched", nullptr, Method::other, Access::infrastructure},

    // Row kPagesRow stands for the pages of the room web, which has routes of its own.
    {"pages", nullptr, Method::other, Access::infrastructure},

    {"/livez", livez, Method::get, Access::infrastructure},
    {"/readyz", readyz, Method::get, Access::infrastructure},
    {"/metrics", metrics, Method::get, Access::infrastructure},
    {"/openapi.json", openapi, Method::get, Access::infrastructure},
    {"/problems/{code}", problem_page, Method::get, Access::infrastructure},

    {"/api/v1/time", get_time, Method::get, Access::open},
    {"/api/v1/sales", list_sales, Method::get, Access::open},
    {"/api/v1/items/{item}", get_item, Method::get, Access::open},
    {"/api/v1/items/{item}/orders", grab, Method::post, Access::shopper},
    {"/api/v1/orders", list_orders, Method::get, Access::shopper},
    {"/api/v1/orders/{order}", get_order, Method::get, Access::shopper},
    {"/api/v1/orders/{order}/cancel", cancel_order, Method::post, Access::shopper},
    {"/api/v1/orders/{order}/events", order_events, Method::get, Access::shopper},
    {"/api/v1/orders/{order}/payment", pay_order, Method::post, Access::shopper},
    {"/api/v1/orders/{order}/payment", get_payment, Method::get, Access::shopper},
    {"/api/v1/orders/{order}/payment/qr.svg", payment_qr, Method::get, Access::shopper},
    {"/api/v1/demo/token", demo_token, Method::post, Access::open},

    {"/weixin/pay/create/native", weixin_create, Method::get, Access::service},
    {"/weixin/pay/status/query", weixin_query, Method::get, Access::service},
    {"/weixin/pay/close", weixin_close, Method::get, Access::service},
    // The signature is the authentication, and a gateway sends bursts: no limit counts for it.
    {"/weixin/pay/notify/url", weixin_notify, Method::post, Access::infrastructure},

    {"/api/v1/admin/session", admin_sign_in, Method::post, Access::open},
    {"/api/v1/admin/session", admin_who, Method::get, Access::admin},
    {"/api/v1/admin/session", admin_sign_out, Method::del, Access::admin},
    {"/api/v1/admin/live", admin_live, Method::get, Access::admin},
    {"/api/v1/admin/live/events", admin_live_events, Method::get, Access::admin},
    {"/api/v1/admin/history", admin_history, Method::get, Access::admin},
    {"/api/v1/admin/imports", admin_import, Method::post, Access::admin,
     http::kMaxUploadBytes},
    {"/api/v1/admin/sales", admin_create_sale, Method::post, Access::admin},
    {"/api/v1/admin/sales", admin_list_sales, Method::get, Access::admin},
    {"/api/v1/admin/sales/{sale}", admin_get_sale, Method::get, Access::admin},
    {"/api/v1/admin/sales/{sale}", admin_change_sale, Method::patch, Access::admin},
    {"/api/v1/admin/sales/{sale}/cancel", admin_cancel_sale, Method::post, Access::admin},
    {"/api/v1/admin/sales/{sale}/pause", admin_pause_sale, Method::post, Access::admin},
    {"/api/v1/admin/sales/{sale}/resume", admin_resume_sale, Method::post, Access::admin},
    {"/api/v1/admin/sales/{sale}/stats", admin_sale_stats, Method::get, Access::admin},
    {"/api/v1/admin/sales/{sale}/items", admin_add_item, Method::post, Access::admin},
    {"/api/v1/admin/items/{item}", admin_get_item, Method::get, Access::admin},
    {"/api/v1/admin/items/{item}", admin_change_item, Method::patch, Access::admin},
    {"/api/v1/admin/items/{item}/stock", admin_set_stock, Method::post, Access::admin},
    {"/api/v1/admin/orders", admin_list_orders, Method::get, Access::admin},
    {"/api/v1/admin/orders.csv", admin_orders_csv, Method::get, Access::admin},
    {"/api/v1/admin/orders/{order}", admin_get_order, Method::get, Access::admin},
    {"/api/v1/admin/orders/{order}/timeline", admin_timeline, Method::get, Access::admin},
    {"/api/v1/admin/orders/{order}/resolve", admin_resolve, Method::post, Access::admin},
    {"/api/v1/admin/orders/{order}/refund", admin_refund, Method::post, Access::admin},
    {"/api/v1/admin/notifications", admin_list_notifications, Method::get, Access::admin},
    {"/api/v1/admin/notifications/{sequence}/replay", admin_replay_notification, Method::post,
     Access::admin},
    {"/api/v1/admin/webhooks", admin_list_webhooks, Method::get, Access::admin},
    {"/api/v1/admin/webhooks", admin_add_webhook, Method::post, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}", admin_get_webhook, Method::get, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}", admin_change_webhook, Method::patch, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}", admin_remove_webhook, Method::del, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/pause", admin_pause_webhook, Method::post, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/resume", admin_resume_webhook, Method::post, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/secret", admin_renew_webhook_secret, Method::post,
     Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/ping", admin_ping_webhook, Method::post, Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/redeliver", admin_redeliver_failed, Method::post,
     Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/deliveries", admin_list_deliveries, Method::get,
     Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/deliveries/{delivery}", admin_get_delivery, Method::get,
     Access::admin},
    {"/api/v1/admin/webhooks/{webhook}/deliveries/{delivery}/redeliver", admin_redeliver,
     Method::post, Access::admin},
    {"/api/v1/admin/queues", admin_list_queues, Method::get, Access::admin},
    {"/api/v1/admin/attention", admin_attention, Method::get, Access::admin},
    {"/api/v1/admin/audit", admin_audit, Method::get, Access::admin},
};
// clang-format on
static_assert(std::size(kRoutes) <= kMaxRoutes);

}  // namespace

std::span<const Route> all_routes() {
  return kRoutes;
}

bool served(const Route& route, const ApiOptions& options, bool operators) {
  if (route.handler == nullptr) return false;
  if (route.handler == demo_token) return options.demo;
  const bool is_payment_service = route.access == Access::service || route.handler == weixin_notify;
  if (is_payment_service) return options.pay_role;
  if (route.handler == admin_sign_in) return operators && options.door != nullptr;
  return operators || route.access != Access::admin;
}

std::string_view wire_name(http::Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "other";
}

}  // namespace sluice::api

// The table itself.
#include "api/routes.h"

#include <iterator>

namespace sluice::api {

namespace {

using http::Method;

// clang-format off
constexpr Route kRoutes[] = {
    // Row 0 stands for requests that match no route; it is never added to a router.
    {Method::other, "unmatched", Access::infrastructure, nullptr},

    {Method::get, "/", Access::infrastructure, front_page},
    {Method::get, "/livez", Access::infrastructure, livez},
    {Method::get, "/readyz", Access::infrastructure, readyz},
    {Method::get, "/metrics", Access::infrastructure, metrics},
    {Method::get, "/openapi.json", Access::infrastructure, openapi},
    {Method::get, "/problems/{code}", Access::infrastructure, problem_page},

    {Method::get, "/api/v1/time", Access::open, get_time},
    {Method::get, "/api/v1/sales", Access::open, list_sales},
    {Method::get, "/api/v1/items/{item}", Access::open, get_item},
    {Method::post, "/api/v1/items/{item}/orders", Access::shopper, grab},
    {Method::get, "/api/v1/orders", Access::shopper, list_orders},
    {Method::get, "/api/v1/orders/{order}", Access::shopper, get_order},
    {Method::post, "/api/v1/orders/{order}/cancel", Access::shopper, cancel_order},
    {Method::get, "/api/v1/orders/{order}/events", Access::shopper, order_events},
    {Method::post, "/api/v1/demo/token", Access::open, demo_token},

    {Method::post, "/api/v1/admin/sales", Access::admin, admin_create_sale},
    {Method::get, "/api/v1/admin/sales", Access::admin, admin_list_sales},
    {Method::get, "/api/v1/admin/sales/{sale}", Access::admin, admin_get_sale},
    {Method::patch, "/api/v1/admin/sales/{sale}", Access::admin, admin_change_sale},
    {Method::post, "/api/v1/admin/sales/{sale}/cancel", Access::admin, admin_cancel_sale},
    {Method::post, "/api/v1/admin/sales/{sale}/pause", Access::admin, admin_pause_sale},
    {Method::post, "/api/v1/admin/sales/{sale}/resume", Access::admin, admin_resume_sale},
    {Method::get, "/api/v1/admin/sales/{sale}/stats", Access::admin, admin_sale_stats},
    {Method::post, "/api/v1/admin/sales/{sale}/items", Access::admin, admin_add_item},
    {Method::get, "/api/v1/admin/items/{item}", Access::admin, admin_get_item},
    {Method::patch, "/api/v1/admin/items/{item}", Access::admin, admin_change_item},
    {Method::post, "/api/v1/admin/items/{item}/stock", Access::admin, admin_set_stock},
    {Method::get, "/api/v1/admin/orders", Access::admin, admin_list_orders},
    {Method::get, "/api/v1/admin/orders.csv", Access::admin, admin_orders_csv},
    {Method::get, "/api/v1/admin/orders/{order}", Access::admin, admin_get_order},
    {Method::get, "/api/v1/admin/orders/{order}/timeline", Access::admin, admin_timeline},
    {Method::post, "/api/v1/admin/orders/{order}/resolve", Access::admin, admin_resolve},
    {Method::post, "/api/v1/admin/orders/{order}/refund", Access::admin, admin_refund},
    {Method::get, "/api/v1/admin/attention", Access::admin, admin_attention},
    {Method::get, "/api/v1/admin/audit", Access::admin, admin_audit},
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

// Query parameters as an order filter.
#include "api/operator_filter.h"

#include <fmt/core.h>

#include "base/text.h"

namespace sluice::api {

sale::OrderFilter read_order_filter(QueryReader& query) {
  sale::OrderFilter filter;
  filter.user = query.text("user");
  filter.item_id = query.text("item");
  filter.sale_id = query.text("sale");
  filter.transaction_id = query.text("transaction_id");
  filter.created_from = query.instant("from");
  filter.created_before = query.instant("to");
  if (const auto status = query.text("status")) {
    filter.status = sale::parse_order_status(*status);
    if (!filter.status) {
      query.refuse(
          fmt::format("status is {}; it must be one of queued, awaiting_payment, closing, "
                      "needs_person, paid, refunding, refunded, expired, cancelled, failed.",
                      quote(*status)),
          fmt::format("status 的值 {} 不正确，应为 queued、awaiting_payment、closing、"
                      "needs_person、paid、refunding、refunded、expired、cancelled、failed 之一。",
                      quote(*status)));
    }
  }
  if (const auto order = query.text("order")) {
    filter.order = parse_order_id(*order);
    if (!filter.order) {
      query.refuse(
          fmt::format("order is {}; an order's id is No followed by digits.", quote(*order)),
          fmt::format("order 的值 {} 不正确，订单号为 No 加数字。", quote(*order)));
    }
  }
  return filter;
}

}  // namespace sluice::api

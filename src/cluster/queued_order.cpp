// An order that Redis has and the record has not yet.
#include "cluster/queued_order.h"

#include <array>
#include <utility>

#include "redis/admission.h"

namespace sluice::cluster {

namespace {

sale::OrderView view_of(const redis::Reservation& order, const engine::CatalogItem& item) {
  sale::OrderView view;
  view.id = order.id;
  view.user = order.user;
  view.item_id = item.item.id;
  view.sale_id = item.sale->sale.id;
  view.title = item.item.title;
  view.quantity = order.quantity;
  view.amount = order.amount();
  view.currency = item.item.currency;
  // Whatever became of it since stands in the record, and soon here too.
  view.status = sale::OrderStatus::queued;
  view.created_at = order.created_at;
  view.expires_at = order.expires_at;
  return view;
}

}  // namespace

mariadb::Outcome<std::optional<sale::OrderView>> find_queued(Node& node, OrderId id) {
  const auto catalog = node.catalogs.current();
  const std::array<OrderId, 1> wanted{id};
  for (const SaleNo sale : node.loadings.sales()) {
    if (sale.value >= catalog->sales.size()) continue;
    const redis::SaleCalls calls(catalog->sales[sale.value]->sale.id);
    const redis::Outcome outcome = node.redis.ask(calls.key(), calls.find(wanted));
    if (outcome.fate != redis::Fate::answered) {
      mariadb::Failure failure;
      failure.message = outcome.why;
      return std::unexpected(std::move(failure));
    }
    const auto found = redis::read_found(outcome.value, wanted);
    if (!found || !found->front()) continue;
    const redis::Reservation& order = *found->front();
    if (order.item.value >= catalog->items.size()) continue;
    return view_of(order, *catalog->items[order.item.value]);
  }
  return std::optional<sale::OrderView>{};
}

}  // namespace sluice::cluster

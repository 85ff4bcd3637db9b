// One node's worth of a cluster for tests of its parts: a record with a sale, and its catalog.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cluster/node.h"
#include "store/cluster_reader.h"
#include "store/cluster_record.h"
#include "support/mariadb_service.h"

namespace sluice::test {

template <class T>
T must(mariadb::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().message);
  return std::move(*outcome);
}

inline Instant wall_now() {
  return Instant{engine::TimeSource::system().wall_ms()};
}

/// A sale that is open now, of `items` items named "<id>-0", "<id>-1", …
inline sale::OpenSale sale_of(const std::string& id, int items, std::int64_t stock, Span hold,
                              std::int64_t limit = 1) {
  sale::OpenSale open;
  open.by = {"operator", "test"};
  open.id = id;
  open.title = "秒杀 " + id;
  open.starts_at = wall_now() - Span::seconds(10);
  open.ends_at = wall_now() + Span::seconds(86'400);
  open.hold = hold;
  for (int i = 0; i < items; ++i) {
    sale::ItemDraft draft;
    draft.id = id + "-" + std::to_string(i);
    draft.title = "item";
    draft.price = Money{100};
    draft.list_price = Money{200};
    draft.stock = Quantity{stock};
    draft.per_user_limit = Quantity{limit};
    open.items.push_back(draft);
  }
  return open;
}

/// What a follower publishes.
inline std::shared_ptr<const engine::Catalog> catalog_of(const sale::State& state) {
  auto catalog = std::make_shared<engine::Catalog>();
  for (const sale::Sale& sale : state.sales())
    catalog->sales.push_back(std::make_unique<engine::CatalogSale>(engine::CatalogSale{sale, {}}));
  for (const sale::Item& item : state.items()) {
    auto live = std::make_shared<engine::LiveCounters>();
    live->publish(item.counters, item.frozen);
    engine::CatalogSale& sale = *catalog->sales[item.sale.value];
    auto entry = std::make_unique<engine::CatalogItem>(engine::CatalogItem{item, &sale, live});
    sale.items.push_back(entry.get());
    catalog->items.push_back(std::move(entry));
  }
  for (const auto& sale : catalog->sales)
    catalog->sale_by_id.emplace(sale->sale.id, sale.get());
  for (const auto& item : catalog->items)
    catalog->item_by_id.emplace(item->item.id, item.get());
  return catalog;
}

/// The record of a shop and another connection to look at it with.
class ClusterShop {
 public:
  explicit ClusterShop(MariadbService& service)
      : database_(service),
        record_(must(store::ClusterRecord::open(database_.address()))),
        reader_(must(store::ClusterReader::open(database_.address()))) {}

  store::ClusterRecord& record() { return *record_; }
  mariadb::Address address() const { return database_.address(); }
  void define(const sale::Command& command) { must(record_->define(command, wall_now())); }
  std::shared_ptr<const engine::Catalog> catalog() {
    sale::State state{sale::Settings{}};
    must(record_->load_catalog(state));
    return catalog_of(state);
  }
  std::int64_t number(const std::string& sql) { return must(database_.connection().integer(sql)); }
  /// How many orders have this status.
  std::int64_t orders(sale::OrderStatus status) {
    return number("SELECT COUNT(*) FROM orders WHERE status = " +
                  std::to_string(static_cast<int>(status)));
  }
  std::optional<sale::OrderView> order(OrderId id) { return must(reader_->order(id)); }
  std::vector<sale::TimelineEntry> timeline(OrderId id) { return must(reader_->timeline(id)); }
  void reconnect() { database_.reconnect(); }

 private:
  static void must(mariadb::Outcome<> outcome) {
    if (!outcome) throw std::runtime_error(outcome.error().message);
  }
  template <class T>
  static T must(mariadb::Outcome<T> outcome) {
    return test::must(std::move(outcome));
  }

  TestDatabase database_;
  std::unique_ptr<store::ClusterRecord> record_;
  std::unique_ptr<store::ClusterReader> reader_;
};

}  // namespace sluice::test

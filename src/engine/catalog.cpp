// Publishing and reading the catalog and the live counters.
#include "engine/catalog.h"

#include <algorithm>
#include <utility>

namespace sluice::engine {

void LiveCounters::publish(const sale::Counters& counters, bool frozen) {
  // Odd while the numbers are in motion. Every store is a release and every load below an acquire,
  // so a reader that saw any new number also sees that the sequence moved.
  sequence_.fetch_add(1, std::memory_order_acq_rel);
  stock_.store(counters.stock.units, std::memory_order_release);
  available_.store(counters.available.units, std::memory_order_release);
  held_.store(counters.held.units, std::memory_order_release);
  sold_.store(counters.sold.units, std::memory_order_release);
  refunded_.store(counters.refunded.units, std::memory_order_release);
  frozen_.store(frozen, std::memory_order_release);
  sequence_.fetch_add(1, std::memory_order_release);
}

sale::Counters LiveCounters::read() const {
  for (;;) {
    const std::uint32_t before = sequence_.load(std::memory_order_acquire);
    sale::Counters counters;
    counters.stock.units = stock_.load(std::memory_order_acquire);
    counters.available.units = available_.load(std::memory_order_acquire);
    counters.held.units = held_.load(std::memory_order_acquire);
    counters.sold.units = sold_.load(std::memory_order_acquire);
    counters.refunded.units = refunded_.load(std::memory_order_acquire);
    if ((before & 1U) == 0 && sequence_.load(std::memory_order_relaxed) == before) return counters;
  }
}

const CatalogSale* Catalog::find_sale(std::string_view id) const {
  const auto found = sale_by_id.find(id);
  return found == sale_by_id.end() ? nullptr : found->second;
}

const CatalogItem* Catalog::find_item(std::string_view id) const {
  const auto found = item_by_id.find(id);
  return found == item_by_id.end() ? nullptr : found->second;
}

std::shared_ptr<const Catalog> make_catalog(std::uint64_t version,
                                            std::span<const sale::Sale> sales,
                                            std::span<const sale::Item> items,
                                            std::vector<std::shared_ptr<LiveCounters>>& live) {
  auto catalog = std::make_shared<Catalog>();
  catalog->version = version;
  for (const sale::Sale& sale : sales) {
    catalog->sales.push_back(std::make_unique<CatalogSale>(CatalogSale{sale, {}}));
  }
  live.resize(std::max(live.size(), items.size()));
  for (const sale::Item& item : items) {
    auto& counters = live[item.no.value];
    if (counters == nullptr) {
      counters = std::make_shared<LiveCounters>();
      counters->publish(item.counters, item.frozen);
    }
    CatalogSale& sale = *catalog->sales[item.sale.value];
    auto entry = std::make_unique<CatalogItem>(CatalogItem{item, &sale, counters});
    sale.items.push_back(entry.get());
    catalog->items.push_back(std::move(entry));
  }
  for (const auto& sale : catalog->sales)
    catalog->sale_by_id.emplace(sale->sale.id, sale.get());
  for (const auto& item : catalog->items)
    catalog->item_by_id.emplace(item->item.id, item.get());
  return catalog;
}

void Catalogs::publish(std::shared_ptr<const Catalog> next) {
  const std::uint64_t version = next->version;
  {
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
  }
  version_.store(version, std::memory_order_release);
}

std::shared_ptr<const Catalog> Catalogs::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

const Catalog& CatalogReader::get() {
  if (held_ == nullptr || held_->version != catalogs_.version()) held_ = catalogs_.current();
  return *held_;
}

}  // namespace sluice::engine

// The read-only view of what is on sale, shared with every I/O thread without a lock on the hot
// path: immutable definitions, swapped as a whole, and live counters read consistently.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "sale/catalog.h"

namespace sluice::engine {

/// Live counters of one item: written by the engine's writer after each commit, read by anyone. A
/// sequence lock makes the five numbers one moment, so that conservation holds in every reading.
class LiveCounters {
 public:
  void publish(const sale::Counters& counters, bool frozen);
  sale::Counters read() const;
  /// Units available as of the last commit; cheaper than read().
  std::int64_t available() const { return available_.load(std::memory_order_acquire); }
  bool frozen() const { return frozen_.load(std::memory_order_acquire); }
  /// Changes with every publish(), so that what was made from the counters can be kept until then.
  std::uint32_t revision() const { return sequence_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint32_t> sequence_{0};
  std::atomic<std::int64_t> stock_{0}, available_{0}, held_{0}, sold_{0}, refunded_{0};
  std::atomic<bool> frozen_{false};
};

struct CatalogSale;

struct CatalogItem {
  sale::Item item;  ///< `counters` and `frozen` are as of the swap: use `live`
  const CatalogSale* sale = nullptr;
  std::shared_ptr<LiveCounters> live;
};

struct CatalogSale {
  sale::Sale sale;
  std::vector<const CatalogItem*> items;
};

/// All definitions at one moment. Immutable once published.
struct Catalog {
  std::uint64_t version = 0;
  std::vector<std::unique_ptr<CatalogSale>> sales;  ///< index == SaleNo.value
  std::vector<std::unique_ptr<CatalogItem>> items;  ///< index == ItemNo.value
  std::unordered_map<std::string_view, const CatalogSale*> sale_by_id;
  std::unordered_map<std::string_view, const CatalogItem*> item_by_id;

  const CatalogSale* find_sale(std::string_view id) const;
  const CatalogItem* find_item(std::string_view id) const;
};

/// A catalog of these definitions. `live` has the counters of each item (index == ItemNo.value),
/// the same in one catalog after the other; those of an item that is new to it begin with the
/// item's.
std::shared_ptr<const Catalog> make_catalog(std::uint64_t version,
                                            std::span<const sale::Sale> sales,
                                            std::span<const sale::Item> items,
                                            std::vector<std::shared_ptr<LiveCounters>>& live);

/// Where the current catalog is. Readers keep a CatalogReader of their own.
class Catalogs {
 public:
  void publish(std::shared_ptr<const Catalog> next);
  std::shared_ptr<const Catalog> current() const;
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Catalog> current_;
  std::atomic<std::uint64_t> version_{0};
};

/// One thread's handle: takes the lock only when the version changed. Not thread-safe.
class CatalogReader {
 public:
  explicit CatalogReader(const Catalogs& catalogs) : catalogs_(catalogs) {}
  /// Valid until the next get() of this reader.
  const Catalog& get();

 private:
  const Catalogs& catalogs_;
  std::shared_ptr<const Catalog> held_;
};

}  // namespace sluice::engine

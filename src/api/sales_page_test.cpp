// The kept page of sales: the same text while nothing changes, and never an old one.
#include "api/sales_page.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace sluice::api {
namespace {

constexpr Instant kOpens{1'800'000'000'000};
constexpr Instant kEnds{1'800'000'060'000};

class SalesPageTest : public testing::Test {
 protected:
  SalesPageTest() { add_sale("first", kOpens, kEnds); }

  /// A sale with one item of ten units, in a new version of the catalog.
  void add_sale(const std::string& id, Instant starts_at, Instant ends_at) {
    auto sale = std::make_unique<engine::CatalogSale>();
    sale->sale.id = id;
    sale->sale.no = SaleNo{static_cast<std::uint32_t>(catalog_.sales.size())};
    sale->sale.starts_at = starts_at;
    sale->sale.ends_at = ends_at;
    auto item = std::make_unique<engine::CatalogItem>();
    item->item.id = id + "-item";
    item->sale = sale.get();
    item->live = std::make_shared<engine::LiveCounters>();
    item->live->publish(left(10), false);
    sale->items.push_back(item.get());
    catalog_.sales.push_back(std::move(sale));
    catalog_.items.push_back(std::move(item));
    ++catalog_.version;
  }
  static sale::Counters left(std::int64_t units) {
    sale::Counters counters;
    counters.stock = Quantity{10};
    counters.available = Quantity{units};
    counters.held = Quantity{10 - units};
    return counters;
  }
  std::string show(Instant now) { return std::string(page_.members(catalog_, now)); }
  std::string fresh(Instant now) { return sales_members(list_sales_from(catalog_, 0, now), now); }

  engine::Catalog catalog_;
  SalesPage page_;
};

TEST_F(SalesPageTest, IsKeptWhileNothingChanges) {
  const Instant now = kOpens + Span{1};
  const std::string_view first = page_.members(catalog_, now);
  EXPECT_EQ(first, fresh(now));
  const char* const where = first.data();
  // Only a page that is not written again leaves a mark on the old one alone.
  catalog_.items[0]->item.title = "a title that changed behind the catalog's version";
  EXPECT_EQ(page_.members(catalog_, now + Span{1000}).data(), where);
  EXPECT_FALSE(show(now + Span{1000}).contains("behind"));
}

TEST_F(SalesPageTest, ShowsEveryChangeOfTheCounters) {
  const Instant now = kOpens + Span{1};
  for (std::int64_t units = 10; units >= 0; --units) {
    catalog_.items[0]->live->publish(left(units), false);
    EXPECT_TRUE(show(now).contains("\"available\":" + std::to_string(units) + ","));
  }
  catalog_.items[0]->live->publish(left(0), true);
  EXPECT_TRUE(show(now).contains(R"("phase":"paused")")) << "a frozen item";
}

TEST_F(SalesPageTest, ShowsEachPhaseFromItsFirstMillisecond) {
  for (const Instant at :
       {kOpens - Span{1}, kOpens, kEnds - Span{1}, kEnds, kEnds + Span{1000}, kOpens - Span{1}}) {
    EXPECT_EQ(show(at), fresh(at)) << at.ms;
  }
  EXPECT_TRUE(show(kOpens - Span{1}).contains("upcoming"));
  EXPECT_TRUE(show(kOpens).contains("open"));
  EXPECT_TRUE(show(kEnds).contains("ended"));
}

TEST_F(SalesPageTest, ShowsANewVersionOfTheCatalog) {
  const Instant now = kOpens;
  show(now);
  add_sale("second", kOpens, kEnds);
  EXPECT_EQ(show(now), fresh(now));
  EXPECT_TRUE(show(now).contains("second"));
}

TEST_F(SalesPageTest, WatchesTheCountersOfEverySaleOnThePage) {
  const Instant now = kOpens;
  add_sale("second", kOpens, kEnds);
  show(now);
  catalog_.items[1]->live->publish(left(3), false);
  EXPECT_TRUE(show(now).contains("\"available\":3"));
}

}  // namespace
}  // namespace sluice::api

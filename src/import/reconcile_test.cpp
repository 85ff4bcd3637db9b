// Importing twice changes nothing; importing more adds only what is new.
#include "import/reconcile.h"

#include <gmock/gmock.h>

namespace sluice::importing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Instant kNow{1'000'000};
constexpr Instant kStart{2'000'000};
constexpr Instant kEnd{3'000'000};

PlannedItem item(const char* id, std::int64_t price = 100) {
  PlannedItem planned{7, {}};
  planned.draft.id = id;
  planned.draft.title = "Title";
  planned.draft.price = Money{price};
  planned.draft.list_price = Money{price};
  planned.draft.stock = Quantity{5};
  return planned;
}

Plan plan(std::vector<PlannedItem> items) {
  Plan made;
  made.sales.push_back({"sale-1", false, "S", kStart, kEnd, Span::seconds(60), std::move(items)});
  return made;
}

/// What the shop looks like after the steps were done.
Existing after(const Reconciled& done, Existing existing = {}) {
  for (const Step& step : done.steps) {
    sale::Sale sale;
    sale.no = SaleNo{static_cast<std::uint32_t>(existing.sales.size())};
    sale.id = step.sale.id;
    sale.starts_at = step.sale.starts_at;
    sale.ends_at = step.sale.ends_at;
    sale.no = existing.sales.emplace(sale.id, sale).first->second.no;
    for (const PlannedItem& planned : step.sale.items) {
      sale::Item made;
      made.sale = sale.no;
      made.id = planned.draft.id;
      made.title = planned.draft.title;
      made.price = planned.draft.price;
      made.list_price = planned.draft.list_price;
      made.counters.stock = planned.draft.stock;
      existing.items.emplace(made.id, made);
    }
  }
  return existing;
}

TEST(Reconcile, OpensEverythingInAnEmptyShop) {
  const auto done = reconcile(plan({item("a"), item("b")}), {}, kNow);
  ASSERT_THAT(done.steps, SizeIs(1));
  EXPECT_TRUE(done.steps[0].opens);
  EXPECT_THAT(done.steps[0].sale.items, SizeIs(2));
  EXPECT_THAT(done.already_there, IsEmpty());
}

TEST(Reconcile, DoesNothingTheSecondTime) {
  const auto first = reconcile(plan({item("a"), item("b")}), {}, kNow);
  const auto second = reconcile(plan({item("a"), item("b")}), after(first), kNow);
  EXPECT_THAT(second.steps, IsEmpty());
  ASSERT_THAT(second.already_there, SizeIs(2));
  EXPECT_EQ(second.already_there[0].text, "already there");
}

TEST(Reconcile, DoesNothingTheSecondTimeUnderAnotherWindow) {
  const auto first = reconcile(plan({item("a")}), {}, kNow);
  Plan moved = plan({item("a")});
  moved.sales[0].id = "sale-2";
  moved.sales[0].ends_at = Instant{9'000'000};
  EXPECT_THAT(reconcile(std::move(moved), after(first), kNow).steps, IsEmpty());
}

TEST(Reconcile, AddsWhatIsNewToTheSameSale) {
  const auto first = reconcile(plan({item("a")}), {}, kNow);
  const auto second = reconcile(plan({item("a"), item("b")}), after(first), kNow);
  ASSERT_THAT(second.steps, SizeIs(1));
  EXPECT_FALSE(second.steps[0].opens);
  EXPECT_EQ(second.steps[0].sale.id, "sale-1");
  ASSERT_THAT(second.steps[0].sale.items, SizeIs(1));
  EXPECT_EQ(second.steps[0].sale.items[0].draft.id, "b");
}

TEST(Reconcile, SaysWhatDiffersAndLeavesItAlone) {
  const auto first = reconcile(plan({item("a", 100)}), {}, kNow);
  Plan changed = plan({item("a", 250)});
  changed.sales[0].items[0].draft.stock = Quantity{9};
  changed.sales[0].items[0].draft.description = "new";
  const auto second = reconcile(std::move(changed), after(first), kNow);
  EXPECT_THAT(second.steps, IsEmpty());
  ASSERT_THAT(second.already_there, SizeIs(1));
  const std::string& text = second.already_there[0].text;
  EXPECT_THAT(text, HasSubstr("price is 1.00 CNY there and 2.50 CNY here"));
  EXPECT_THAT(text, HasSubstr("stock is 5 there and 9 here"));
  EXPECT_THAT(text, HasSubstr("description"));
  EXPECT_EQ(text.find("title"), std::string::npos);
}

TEST(Reconcile, TakesAnotherIdWhereTheSaleIsNotTheSame) {
  const auto first = reconcile(plan({item("a")}), {}, kNow);
  const auto fate = [&](auto&& change) {
    Existing existing = after(first);
    change(existing.sales.at("sale-1"));
    const auto second = reconcile(plan({item("b")}), existing, kNow);
    EXPECT_THAT(second.steps, SizeIs(1));
    return second.steps[0];
  };
  EXPECT_EQ(fate([](sale::Sale&) {}).sale.id, "sale-1");
  EXPECT_EQ(fate([](sale::Sale& sale) { sale.cancelled = true; }).sale.id, "sale-1-2");
  EXPECT_EQ(fate([](sale::Sale& sale) { sale.ends_at = Instant{1}; }).sale.id, "sale-1-2");
  const Step moved = fate([](sale::Sale& sale) { sale.starts_at = Instant{1}; });
  EXPECT_EQ(moved.sale.id, "sale-1-2");
  EXPECT_TRUE(moved.opens);
}

TEST(Reconcile, FindsANamedSaleWhateverItsWindow) {
  const auto first = reconcile(plan({item("a")}), {}, kNow);
  Existing existing = after(first);
  existing.sales.at("sale-1").starts_at = Instant{1};
  Plan named = plan({item("b")});
  named.sales[0].named = true;
  const auto second = reconcile(std::move(named), existing, kNow);
  ASSERT_THAT(second.steps, SizeIs(1));
  EXPECT_FALSE(second.steps[0].opens);
}

TEST(Reconcile, OpensAnotherSaleWhenTheFirstIsFull) {
  const auto first = reconcile(plan({item("a")}), {}, kNow);
  Existing existing = after(first);
  for (std::size_t i = 1; i < sale::kMaxItemsPerSale; ++i) {
    sale::Item filler;
    filler.id = std::to_string(i);
    existing.items.emplace(filler.id, filler);
  }
  const auto second = reconcile(plan({item("b")}), existing, kNow);
  ASSERT_THAT(second.steps, SizeIs(1));
  EXPECT_EQ(second.steps[0].sale.id, "sale-1-2");
}

}  // namespace
}  // namespace sluice::importing

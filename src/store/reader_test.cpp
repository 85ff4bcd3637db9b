// The reading side: what an operator and a shopper are told, page by page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/record.h"
#include "store/test_support.h"

namespace sluice::store {
namespace {

using sale::AdjustStock;
using sale::AuditEntry;
using sale::BeginPayment;
using sale::CancelByUser;
using sale::ChangeSale;
using sale::ChangeSaleOutcome;
using sale::EndReason;
using sale::kMaxPage;
using sale::OrderFilter;
using sale::OrderStatus;
using sale::OrderView;
using sale::Page;
using sale::PageRequest;
using sale::Pulse;
using sale::Refund;
using sale::RefundFinished;
using sale::TimelineEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Reading : public ::testing::Test {
 protected:
  Reading() : shop_(temporary_.path()) {}

  void SetUp() override {
    shop_.open_sale(2, 100, 50);
    shop_.open_sale(1, 100, 50);
    auto opened = Reader::open(shop_.directory);
    ASSERT_TRUE(opened) << opened.error().message;
    reader_ = std::move(*opened);
  }

  OrderId grab(const std::string& user, std::uint32_t item = 0) {
    shop_.now = shop_.now + Span::seconds(1);
    return shop_.grab(user, item);
  }

  std::vector<OrderId> found(const OrderFilter& filter, PageRequest page = {}) {
    const auto result = reader_->search(filter, page);
    EXPECT_TRUE(result) << result.error().message;
    next_ = result->next;
    return ids(*result);
  }

  static std::vector<OrderId> ids(const Page<OrderView>& page) {
    std::vector<OrderId> all;
    all.reserve(page.entries.size());
    for (const OrderView& view : page.entries)
      all.push_back(view.id);
    return all;
  }

  const TemporaryDirectory temporary_;
  Shop shop_;
  std::unique_ptr<Reader> reader_;
  std::optional<std::int64_t> next_;
};

TEST_F(Reading, AnOrderWithWhatItNeedsOfItsItemAndSale) {
  const OrderId id = grab("mia", 1);
  shop_.pay(id, "tx-1");
  const auto view = reader_->order(id);
  ASSERT_TRUE(view && view->has_value());
  const OrderView& order = **view;
  EXPECT_EQ(order.id, id);
  EXPECT_EQ(order.user, "mia");
  EXPECT_EQ(order.item_id, "i2");
  EXPECT_EQ(order.sale_id, "s1");
  EXPECT_EQ(order.title, "Thing 1");
  EXPECT_EQ(order.quantity, 1);
  EXPECT_EQ(order.amount, Money{1999});
  EXPECT_EQ(order.currency.code(), "CNY");
  EXPECT_EQ(order.status, OrderStatus::paid);
  EXPECT_EQ(order.reason, EndReason::none);
  EXPECT_EQ(order.created_at, shop_.now);
  EXPECT_EQ(order.expires_at, shop_.now + Span::seconds(600));
  EXPECT_EQ(order.paid_at, shop_.now);
  EXPECT_EQ(order.transaction_id, "tx-1");
}

TEST_F(Reading, SeesNothingThatIsNotCommitted) {
  const OrderId id = shop_.grab("mia", 0, false);
  EXPECT_EQ(*reader_->order(id), std::nullopt);
  ASSERT_TRUE(shop_.commit());
  EXPECT_TRUE(reader_->order(id)->has_value());
}

TEST_F(Reading, TheOrdersOfOneShopperNewestFirst) {
  std::vector<OrderId> mine;
  for (int i = 0; i < 5; ++i) {
    grab("noah-" + std::to_string(i));
    mine.push_back(grab("mia"));
    shop_.pay(mine.back(), "tx-" + std::to_string(i));
  }
  const auto first = reader_->orders_from(mine[4], 2);
  ASSERT_TRUE(first);
  EXPECT_THAT(ids(*first), ElementsAre(mine[4], mine[3]));
  ASSERT_EQ(first->next, mine[2].value);
  const auto rest = reader_->orders_from(OrderId{*first->next}, 3);
  EXPECT_THAT(ids(*rest), ElementsAre(mine[2], mine[1], mine[0]));
  EXPECT_EQ(rest->next, std::nullopt) << "the list ended exactly with the page";
  EXPECT_THAT(ids(*reader_->orders_from(OrderId{12345}, 5)), IsEmpty());
}

TEST_F(Reading, EachFilterAlone) {
  const OrderId mia = grab("mia", 0);
  const OrderId noah = grab("noah", 1);
  const Instant third = shop_.now + Span::seconds(1);
  const OrderId lena = grab("lena", 2);
  shop_.pay(noah, "tx-noah");
  const auto with = [](auto OrderFilter::*field, auto value) {
    OrderFilter filter;
    filter.*field = value;
    return filter;
  };
  EXPECT_THAT(found({}), ElementsAre(lena, noah, mia));
  EXPECT_THAT(found(with(&OrderFilter::user, "mia")), ElementsAre(mia));
  EXPECT_THAT(found(with(&OrderFilter::user, "mi")), IsEmpty());
  EXPECT_THAT(found(with(&OrderFilter::item_id, "i2")), ElementsAre(noah));
  EXPECT_THAT(found(with(&OrderFilter::item_id, "nothing")), IsEmpty());
  EXPECT_THAT(found(with(&OrderFilter::sale_id, "s1")), ElementsAre(noah, mia));
  EXPECT_THAT(found(with(&OrderFilter::status, OrderStatus::paid)), ElementsAre(noah));
  EXPECT_THAT(found(with(&OrderFilter::order, mia)), ElementsAre(mia));
  EXPECT_THAT(found(with(&OrderFilter::order, OrderId{77})), IsEmpty());
  EXPECT_THAT(found(with(&OrderFilter::order, OrderId{INT64_MAX})), IsEmpty());
  EXPECT_THAT(found(with(&OrderFilter::transaction_id, "tx-noah")), ElementsAre(noah));
  EXPECT_THAT(found(with(&OrderFilter::created_from, third)), ElementsAre(lena));
  EXPECT_THAT(found(with(&OrderFilter::created_before, third)), ElementsAre(noah, mia));
}

TEST_F(Reading, FiltersTogetherAreAll) {
  const OrderId mia = grab("mia", 0);
  grab("noah", 0);
  OrderFilter filter;
  filter.order = mia;
  filter.user = "noah";
  EXPECT_THAT(found(filter), IsEmpty());
  filter.user = "mia";
  EXPECT_THAT(found(filter), ElementsAre(mia));
  EXPECT_THAT(found(filter, {mia.value, 5}), IsEmpty()) << "the page begins below it";
}

TEST_F(Reading, SearchGoesOnWhereThePageEnded) {
  std::vector<OrderId> all;
  all.reserve(7);
  for (int i = 0; i < 7; ++i)
    all.push_back(grab("mia-" + std::to_string(i)));
  EXPECT_THAT(found({}, {std::nullopt, 3}), ElementsAre(all[6], all[5], all[4]));
  ASSERT_EQ(next_, all[4].value);
  EXPECT_THAT(found({}, {next_, 4}), ElementsAre(all[3], all[2], all[1], all[0]));
  EXPECT_EQ(next_, std::nullopt);
}

TEST_F(Reading, OneSearchLooksAtABoundedNumberOfRows) {
  constexpr int kOrders = 20'050;
  shop_.apply(AdjustStock{{"olivia", "more"}, ItemNo{0}, Quantity{kOrders}});
  for (int i = 0; i < kOrders; ++i)
    shop_.grab("mia-" + std::to_string(i), 0, false);
  ASSERT_TRUE(shop_.commit());
  OrderFilter rare;
  rare.user = "mia-10";
  EXPECT_THAT(found(rare), IsEmpty());
  ASSERT_TRUE(next_.has_value()) << "short, but not at its end";
  EXPECT_EQ(found(rare, {next_, 50}).size(), 1U);
  EXPECT_EQ(next_, std::nullopt);
}

TEST_F(Reading, ATimelineSaysWhoDidWhat) {
  Shop shop(temporary_.path("gateway"), true);  // who else could give money back
  shop.open_sale(1, 100, 50);
  const OrderId id = shop.grab("mia");
  shop.apply(BeginPayment{"mia", id});
  shop.pay(id, "tx-9");
  shop.apply(Refund{{"olivia", "asked"}, id});
  ASSERT_TRUE(shop.commit());
  shop.apply(RefundFinished{id, true});
  ASSERT_TRUE(shop.commit());
  const auto reader = Reader::open(shop.directory);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto timeline = (*reader)->timeline(id);
  ASSERT_TRUE(timeline) << timeline.error().message;
  std::vector<std::string> told;
  for (const TimelineEntry& entry : *timeline) {
    told.push_back(entry.actor + ": " + entry.event + " " + entry.detail);
    EXPECT_GE(entry.at, kOpening);
  }
  EXPECT_THAT(told,
              ElementsAre("shopper: granted ", "shopper: payment_begun ", "provider: paid tx-9",
                          "olivia: refund_begun tx-9", "provider: refunded "));
  EXPECT_THAT(*reader_->timeline(OrderId{4}), IsEmpty());
}

TEST_F(Reading, ATimelineKnowsTheClockFromTheShopper) {
  const OrderId late = grab("mia");
  const OrderId given_back = grab("noah");
  shop_.apply(CancelByUser{"noah", given_back});
  shop_.now = shop_.now + Span::seconds(3600);
  shop_.apply(Pulse{});
  ASSERT_TRUE(shop_.commit());
  EXPECT_EQ(reader_->timeline(late)->back().actor, "clock");
  EXPECT_EQ(reader_->timeline(late)->back().event, "expired");
  EXPECT_EQ(reader_->timeline(given_back)->back().actor, "shopper");
}

TEST_F(Reading, TheAuditNewestFirst) {
  shop_.apply(AdjustStock{{"olivia", "a \"quote\" and a \n line"}, ItemNo{1}, Quantity{7}});
  ASSERT_TRUE(shop_.commit());
  const auto page = reader_->audit({std::nullopt, 2});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 2U);
  const AuditEntry& entry = page->entries[0];
  EXPECT_EQ(entry.action, "item.stock");
  EXPECT_EQ(entry.actor, "olivia");
  EXPECT_EQ(entry.subject, "i2");
  EXPECT_EQ(entry.reason, "a \"quote\" and a \n line");
  EXPECT_EQ(entry.before_json, R"({"stock":"100"})");
  EXPECT_EQ(entry.after_json, R"({"stock":"7"})");
  ASSERT_EQ(page->next, page->entries[1].sequence);
  const auto rest = reader_->audit({page->next, 1000});
  EXPECT_EQ(rest->entries.size(), static_cast<std::size_t>(page->entries[1].sequence - 1));
  EXPECT_EQ(rest->next, std::nullopt);
}

TEST_F(Reading, AuditTextIsJsonWhateverItHolds) {
  ChangeSale change;
  change.by = {"olivia", "x"};
  change.title = "\"\\ Größe 秒杀 /";
  ASSERT_EQ(shop_.apply(change), ChangeSaleOutcome::changed);
  ASSERT_TRUE(shop_.commit());
  EXPECT_EQ(reader_->audit({std::nullopt, 1})->entries[0].after_json,
            R"({"title":"\"\\ Größe 秒杀 /"})");
}

TEST_F(Reading, APageHasOneToAThousandEntries) {
  for (const std::uint32_t limit : {0U, kMaxPage + 1}) {
    EXPECT_THAT(reader_->search({}, {std::nullopt, limit}).error().message, HasSubstr("1 to 1000"));
    EXPECT_FALSE(reader_->orders_from(OrderId{1}, limit));
    EXPECT_FALSE(reader_->audit({std::nullopt, limit}));
  }
}

TEST_F(Reading, DamagedLinksAreToldAndNotFollowed) {
  const OrderId mia = grab("mia");
  const OrderId noah = grab("noah");
  tamper(shop_.directory,
         "UPDATE orders SET user_previous = " + std::to_string(mia.value) + " WHERE user = 'noah'");
  EXPECT_THAT(reader_->orders_from(noah, 10).error().message, HasSubstr("sluice verify"));
  tamper(shop_.directory, "UPDATE orders SET user_previous = id WHERE user = 'noah'");
  EXPECT_FALSE(reader_->orders_from(noah, 10)) << "a circle";
  tamper(shop_.directory, "UPDATE orders SET last_event = 1 WHERE user = 'noah'");
  EXPECT_THAT(reader_->timeline(noah).error().message, HasSubstr("damaged"));
  tamper(shop_.directory, "UPDATE orders SET last_event = 999 WHERE user = 'noah'");
  EXPECT_FALSE(reader_->timeline(noah));
  tamper(shop_.directory, "UPDATE history SET previous = seq");
  EXPECT_FALSE(reader_->timeline(mia)) << "a circle";
}

TEST_F(Reading, FindsOrdersThatNeedAPersonByTheirLastEvent) {
  const OrderId mia = grab("mia");
  const OrderId noah = grab("noah");
  OrderFilter filter;
  filter.needs_attention = true;
  EXPECT_THAT(found(filter), IsEmpty());
  shop_.apply(sale::PaymentSucceeded{mia, "t1", Money{1}, Currency{}, shop_.now});
  shop_.commit();
  EXPECT_THAT(found(filter), ElementsAre(mia)) << "money that settles nothing";
  EXPECT_EQ(reader_->order(mia)->value().last_event, sale::HistoryEvent::amount_mismatch);
  shop_.pay(mia, "t2");
  EXPECT_THAT(found(filter), IsEmpty()) << "the right money came";
  tamper(shop_.directory, "UPDATE orders SET last_event = 999, status = 4 WHERE user = 'noah'");
  EXPECT_THAT(found(filter), ElementsAre(noah)) << "damage hides nobody";
}

TEST_F(Reading, DoesNotHoldTheLogBackBetweenQuestions) {
  const OrderId mia = grab("mia");
  ASSERT_TRUE(reader_->order(mia));
  ASSERT_TRUE(reader_->timeline(mia));
  ASSERT_TRUE(reader_->search({}, {std::nullopt, 1}));
  ASSERT_TRUE(reader_->audit({std::nullopt, 1}));
  ASSERT_TRUE(reader_->orders_from(mia, 1));
  ASSERT_TRUE(shop_.record->close());  // truncates the log only where no reader holds it back
  EXPECT_EQ(shop_.record->log_bytes(), 0U);
}

}  // namespace
}  // namespace sluice::store

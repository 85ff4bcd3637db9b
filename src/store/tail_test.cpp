// Following the record: every ending once, in order, across pieces and restarts.
#include "store/tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "store/test_support.h"

namespace sluice::store {
namespace {

using sale::CancelByUser;
using sale::HistoryEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Following : public ::testing::Test {
 protected:
  Following() : shop_(temporary_.path()) {
    shop_.open_sale(2, 3, 50);
    auto opened = Tail::open(shop_.directory);
    EXPECT_TRUE(opened);
    tail_ = std::move(*opened);
  }
  Changes read(std::int64_t after, const std::set<ItemNo>& told = {}) {
    auto changes = tail_->read(after, told);
    EXPECT_TRUE(changes) << changes.error().message;
    return std::move(*changes);
  }
  void cancel(const std::string& user, OrderId order) {
    shop_.apply(CancelByUser{user, order});
    ASSERT_TRUE(shop_.commit());
  }

  TemporaryDirectory temporary_;
  Shop shop_;
  std::unique_ptr<Tail> tail_;
};

TEST_F(Following, GivesWhatEndedAndNothingElse) {
  const OrderId paid = shop_.grab("alice");
  const OrderId given_up = shop_.grab("bob");
  shop_.pay(paid, "tx1");
  cancel("bob", given_up);
  const Changes changes = read(0);
  EXPECT_EQ(changes.head, 4);
  EXPECT_EQ(changes.next, 4);
  ASSERT_EQ(changes.changes.size(), 2U);
  EXPECT_EQ(changes.changes[0].event, HistoryEvent::paid);
  EXPECT_EQ(changes.changes[0].order.id, paid);
  EXPECT_EQ(changes.changes[0].order.user, "alice");
  EXPECT_EQ(changes.changes[0].order.transaction_id, "tx1");
  EXPECT_EQ(changes.changes[1].event, HistoryEvent::cancelled);
  EXPECT_EQ(changes.changes[1].sequence, 4);
  EXPECT_THAT(read(4).changes, IsEmpty());
  EXPECT_EQ(read(3).changes.size(), 1U);
}

TEST_F(Following, ComesInPiecesThatMissNothing) {
  shop_.open_sale(1, 2000, 2000);
  std::vector<OrderId> orders;
  for (int i = 0; i < 600; ++i) {
    const std::string user = "user" + std::to_string(i);
    orders.push_back(shop_.grab(user, 2, false));
    shop_.apply(CancelByUser{user, orders.back()});
  }
  ASSERT_TRUE(shop_.commit());
  std::vector<OrderId> found;
  std::int64_t at = 0;
  for (int pieces = 0; pieces < 100; ++pieces) {
    const Changes changes = read(at);
    for (const Change& change : changes.changes)
      found.push_back(change.order.id);
    at = changes.next;
    if (at == changes.head) break;
    EXPECT_THAT(changes.sold_out, IsEmpty());
  }
  EXPECT_EQ(found, orders);
}

TEST_F(Following, TellsOfItemsThatAreSoldOutUntilUnitsComeBack) {
  EXPECT_THAT(read(0).sold_out, IsEmpty());
  std::vector<OrderId> orders;
  for (const char* user : {"a", "b", "c"})
    orders.push_back(shop_.grab(user));
  Changes changes = read(0);
  ASSERT_EQ(changes.sold_out.size(), 1U);
  EXPECT_EQ(changes.sold_out[0].no, ItemNo{0});
  EXPECT_EQ(changes.sold_out[0].stock, 3);
  EXPECT_THAT(read(changes.next, {ItemNo{0}}).sold_out, IsEmpty());
  const std::int64_t before = changes.next;
  cancel("a", orders[0]);
  EXPECT_THAT(read(before, {ItemNo{0}}).back, ElementsAre(ItemNo{0}));
  // Back and gone again between two looks: it is news once more.
  shop_.grab("d");
  changes = read(before, {ItemNo{0}});
  EXPECT_THAT(changes.back, ElementsAre(ItemNo{0}));
  ASSERT_EQ(changes.sold_out.size(), 1U);
  EXPECT_EQ(changes.sold_out[0].no, ItemNo{0});
}

TEST_F(Following, IsTheSameAfterACrash) {
  shop_.pay(shop_.grab("alice"), "tx1");
  const Changes before = read(0);
  shop_.restart();
  const Changes after = read(0);
  ASSERT_EQ(after.changes.size(), 1U);
  EXPECT_EQ(after.changes[0].sequence, before.changes[0].sequence);
  EXPECT_EQ(after.head, before.head);
}

}  // namespace
}  // namespace sluice::store

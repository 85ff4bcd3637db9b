// The state machine of a sandbox order, and the bounds of what is remembered.
#include "sandbox/book.h"

#include <gmock/gmock.h>

namespace sluice::sandbox {
namespace {

using ::testing::ElementsAre;

constexpr Instant kNow{1'700'000'000'000};

class BookTest : public ::testing::Test {
 protected:
  static OrderRequest request(const std::string& number) {
    OrderRequest wanted;
    wanted.out_trade_no = number;
    wanted.total = Money{100};
    wanted.time_expire = kNow + Span::seconds(60);
    return wanted;
  }
  static RefundRequest refund(const std::string& number, const std::string& refund_number,
                              std::int64_t amount) {
    RefundRequest wanted;
    wanted.out_trade_no = number;
    wanted.out_refund_no = refund_number;
    wanted.total = Money{100};
    wanted.amount = Money{amount};
    return wanted;
  }
  Order& created(const std::string& number) { return **book_.create(request(number), kNow); }

  int tokens_ = 0;
  Book book_{[this] { return "token" + std::to_string(++tokens_); }, 3};
};

TEST_F(BookTest, ARepetitionIsTheSameOrderAndADifferentOneIsRefused) {
  const Order& order = created("No1");
  EXPECT_EQ(*book_.create(request("No1"), kNow), &order);
  OrderRequest other = request("No1");
  other.total = Money{101};
  EXPECT_EQ(book_.create(other, kNow).error(), Why::different);
  other = request("No1");
  other.sign_type = SignType::hmac_sha256;
  EXPECT_TRUE(book_.create(other, kNow).has_value()) << "the sign type may change";
  other.api = Api::v2;
  EXPECT_EQ(book_.create(other, kNow).error(), Why::other_api);
}

/// Every call in every state: what the order becomes, or why not.
TEST_F(BookTest, TheTableOfTransitions) {
  struct Row {
    const char* state;
    std::optional<Why> create, pay, decline, close, refund;
  };
  const std::vector<Row> rows = {
      {"not paid", {}, {}, {}, {}, Why::not_paid},
      {"paid", Why::paid, Why::paid, Why::paid, Why::paid, {}},
      {"refunded", Why::paid, Why::paid, Why::paid, Why::paid, {}},
      {"closed", Why::closed, Why::closed, Why::closed, Why::closed, Why::not_paid},
      {"failed", {}, Why::failed, Why::failed, {}, Why::not_paid},
      {"none", {}, Why::unknown_order, Why::unknown_order, Why::unknown_order, Why::unknown_order},
  };
  for (const Row& row : rows) {
    const std::string state = row.state;
    const auto outcome = [&](auto call) -> std::optional<Why> {
      Book book([n = 0]() mutable { return "t" + std::to_string(++n); });
      if (state != "none") {
        EXPECT_TRUE(book.create(request("No1"), kNow).has_value());
      }
      if (state == "paid" || state == "refunded") {
        EXPECT_TRUE(book.pay("No1", Money{100}, false, kNow).has_value());
      }
      if (state == "refunded") {
        EXPECT_TRUE(book.refund(refund("No1", "r0", 10), kNow).has_value());
      }
      if (state == "closed") {
        EXPECT_TRUE(book.close("No1", kNow).has_value());
      }
      if (state == "failed") {
        EXPECT_TRUE(book.decline("No1", kNow).has_value());
      }
      const auto result = call(book);
      return result ? std::nullopt : std::optional(result.error());
    };
    EXPECT_EQ(outcome([](Book& book) { return book.create(request("No1"), kNow); }), row.create)
        << state;
    EXPECT_EQ(outcome([](Book& book) { return book.pay("No1", Money{100}, false, kNow); }), row.pay)
        << state;
    EXPECT_EQ(outcome([](Book& book) { return book.decline("No1", kNow); }), row.decline) << state;
    EXPECT_EQ(outcome([](Book& book) { return book.close("No1", kNow); }), row.close) << state;
    EXPECT_EQ(outcome([](Book& book) { return book.refund(refund("No1", "r1", 10), kNow); }),
              row.refund)
        << state;
  }
}

TEST_F(BookTest, TheLastMomentToPayIsTimeExpireUnlessMoneyIsForced) {
  created("No1");
  created("No2");
  const Instant last = kNow + Span::seconds(60);
  EXPECT_EQ(book_.pay("No2", Money{100}, false, last + Span{1}).error(), Why::expired);
  EXPECT_TRUE(book_.pay("No1", Money{100}, false, last).has_value());
  EXPECT_TRUE(book_.pay("No2", Money{100}, true, last + Span{1}).has_value());
}

TEST_F(BookTest, MoneyCanBeForcedOntoAClosedOrderButNotTwice) {
  created("No1");
  EXPECT_TRUE(book_.close("No1", kNow).has_value());
  EXPECT_EQ((*book_.pay("No1", Money{100}, true, kNow))->trade.state, TradeState::paid);
  EXPECT_EQ(book_.pay("No1", Money{100}, true, kNow).error(), Why::paid);
}

TEST_F(BookTest, RefundsNeverExceedWhatWasPaid) {
  created("No1");
  EXPECT_TRUE(book_.pay("No1", Money{100}, false, kNow).has_value());
  RefundRequest wrong_total = refund("No1", "r1", 10);
  wrong_total.total = Money{99};
  EXPECT_EQ(book_.refund(wrong_total, kNow).error(), Why::amount);
  EXPECT_EQ(book_.refund(refund("No1", "r1", 101), kNow).error(), Why::amount);
  EXPECT_TRUE(book_.refund(refund("No1", "r1", 60), kNow)->is_new);
  EXPECT_FALSE(book_.refund(refund("No1", "r1", 60), kNow)->is_new);
  EXPECT_EQ(book_.refund(refund("No1", "r1", 61), kNow).error(), Why::different);
  EXPECT_EQ(book_.refund(refund("No1", "r2", 41), kNow).error(), Why::amount);
  EXPECT_TRUE(book_.refund(refund("No1", "r2", 40), kNow)->is_new);
  EXPECT_EQ(book_.find("No1")->trade.refunded(), Money{100});
}

TEST_F(BookTest, ARefundNumberBelongsToOneOrder) {
  created("No1");
  created("No2");
  EXPECT_TRUE(book_.pay("No1", Money{100}, false, kNow).has_value());
  EXPECT_TRUE(book_.pay("No2", Money{100}, false, kNow).has_value());
  EXPECT_TRUE(book_.refund(refund("No1", "r1", 10), kNow).has_value());
  EXPECT_EQ(book_.refund(refund("No2", "r1", 10), kNow).error(), Why::different);
}

TEST_F(BookTest, AnOrderHasAtMostFiftyRefunds) {
  created("No1");
  EXPECT_TRUE(book_.pay("No1", Money{100}, false, kNow).has_value());
  for (std::size_t i = 0; i < kMaxRefunds; ++i) {
    ASSERT_TRUE(book_.refund(refund("No1", "r" + std::to_string(i), 1), kNow).has_value());
  }
  EXPECT_EQ(book_.refund(refund("No1", "rx", 1), kNow).error(), Why::too_many_refunds);
}

TEST_F(BookTest, FinishedOrdersMakeRoomOldestFirstAndUnfinishedOnesStay) {
  created("No1");
  created("No2");
  Order& third = created("No3");
  EXPECT_EQ(book_.create(request("No4"), kNow).error(), Why::full);
  EXPECT_TRUE(book_.close("No3", kNow).has_value());
  EXPECT_TRUE(book_.close("No2", kNow).has_value());
  book_.notice_opened(third);
  created("No4");
  EXPECT_EQ(book_.find("No2"), nullptr) << "the oldest finished one goes";
  EXPECT_NE(book_.find("No3"), nullptr) << "a notification is still open";
  EXPECT_EQ(book_.create(request("No5"), kNow).error(), Why::full);
  book_.notice_ended(third);
  const std::string code = third.trade.code;
  created("No5");
  EXPECT_EQ(book_.find_code(code), nullptr);
  EXPECT_EQ(book_.size(), 3U);
  EXPECT_EQ(book_.dropped(), 2U);
}

TEST_F(BookTest, AForgottenOrderLeavesNothingBehind) {
  const Order& order = created("No1");
  EXPECT_TRUE(book_.pay("No1", Money{100}, false, kNow).has_value());
  EXPECT_TRUE(book_.refund(refund("No1", "r1", 10), kNow).has_value());
  const std::string transaction = order.trade.transaction_id;
  for (const char* number : {"No2", "No3", "No4"})
    created(number);
  EXPECT_EQ(book_.find_transaction(transaction), nullptr);
  EXPECT_EQ(book_.find_refund("r1").order, nullptr);
}

TEST_F(BookTest, EventsInARowAreCountedAndTheListIsBounded) {
  Order& order = created("No1");
  for (int i = 0; i < 1'000; ++i)
    book_.note(order, What::queried, "NOTPAY", kNow + Span{i});
  ASSERT_EQ(order.history.events.size(), 2U);
  EXPECT_EQ(order.history.events[1].times, 1'000U);
  EXPECT_EQ(order.history.events[1].last, kNow + Span{999});
  for (int i = 0; i < 1'000; ++i)
    book_.note(order, What::queried, std::to_string(i), kNow);
  EXPECT_EQ(order.history.events.size(), kMaxEvents);
  EXPECT_EQ(order.history.events_not_listed, 1'002 - kMaxEvents);
}

TEST_F(BookTest, AttemptsAreCountedBeyondTheirBound) {
  Order& order = created("No1");
  Attempt taken;
  taken.acknowledged = true;
  for (std::size_t i = 0; i < kMaxAttempts + 5; ++i)
    book_.attempted(order, taken, std::string(10'000, 'x'));
  EXPECT_EQ(order.history.attempts.size(), kMaxAttempts);
  EXPECT_EQ(order.history.attempts_not_listed, 5U);
  EXPECT_EQ(order.history.acknowledged, kMaxAttempts + 5);
  EXPECT_EQ(order.history.attempts[0].answer->size(), kMaxAnswerBytes);
  EXPECT_EQ(order.history.attempts[0].answer, order.history.attempts[1].answer) << "shared";
}

TEST_F(BookTest, CallsForUnknownOrdersAreListedUpToABound) {
  for (std::size_t i = 0; i < kMaxStrangers + 10; ++i)
    book_.note("No" + std::to_string(i), What::close_asked, "", kNow);
  EXPECT_EQ(book_.strangers().size(), kMaxStrangers);
  EXPECT_EQ(book_.strangers().front().out_trade_no, "No10");
}

TEST_F(BookTest, OrdersAreListedNewestFirstInPages) {
  for (const char* number : {"No1", "No2", "No3"})
    created(number);
  const auto numbers = [](const std::vector<const Order*>& orders) {
    std::vector<std::string> listed;
    for (const Order* order : orders)
      listed.push_back(order->trade.asked.out_trade_no);
    return listed;
  };
  const auto first = book_.list(0, 2);
  EXPECT_THAT(numbers(first), ElementsAre("No3", "No2"));
  EXPECT_THAT(numbers(book_.list(first.back()->trade.sequence, 2)), ElementsAre("No1"));
}

}  // namespace
}  // namespace sluice::sandbox

// The clerk over a real MariaDB: every command but grabs, what its replies say, and what those who
// wait are told while the record is away.
#include "cluster/clerk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include "support/cluster_shop.h"

namespace sluice::cluster {
namespace {

using engine::Reply;
using sale::OrderStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The clerk speaks to no broker.
class NoBus final : public bus::TimedBus {
 public:
  void publish_later(const bus::WaitingRoom&, bus::Message, bus::Confirmed) override {}
  void publish(std::string_view, std::string_view, bus::Message, bus::Confirmed) override {}
  Result<> consume(std::string_view, std::size_t, bus::Consumer) override { return {}; }
  std::vector<QueueState> queues() const override { return {}; }
  void recount() override {}
  bool healthy() const override { return true; }
  void stop() override {}
};

/// Runs continuations on the clerk's thread.
class DirectMailbox final : public engine::Mailbox {
 public:
  void deliver(std::vector<engine::Delivery>&& batch) override {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

class ClusterClerk : public ::testing::Test {
 protected:
  explicit ClusterClerk(test::MariadbService& service = test::MariadbService::shared(),
                        std::size_t queue_bound = 1024, bool has_desk = true)
      : shop_(service) {
    ClusterOptions options;
    options.record = shop_.address();
    options.settings.has_gateway = true;
    options.has_desk = has_desk;
    options.queue_bound = queue_bound;
    node_ = std::make_unique<Node>(std::move(options), redis_, bus_);
    node_->refresh_catalog = [this] { node_->catalogs.publish(shop_.catalog()); };
    node_->refresh_catalog();
    node_->duties.take(mailbox_, [this](engine::Duties&& duties) {
      const std::lock_guard lock(mutex_);
      for (const sale::ClosePayment& close : duties.closes)
        closes_.push_back(close.order);
      for (const sale::RefundPayment& refund : duties.refunds)
        refunds_.push_back(refund.order);
    });
    auto opened = open_clerk(*node_);
    if (!opened) throw std::runtime_error(opened.error().message);
    clerk_ = std::move(*opened);
  }
  ~ClusterClerk() override { clerk_->stop(); }

  std::future<Reply> begin(sale::Command command) {
    auto promise = std::make_shared<std::promise<Reply>>();
    auto future = promise->get_future();
    const auto admission = clerk_->submit(
        std::move(command), mailbox_, [promise](const Reply& reply) { promise->set_value(reply); });
    EXPECT_EQ(admission, engine::Admission::accepted);
    return future;
  }
  Reply call(sale::Command command) { return begin(std::move(command)).get(); }
  template <class OutcomeEnum>
  OutcomeEnum outcome(sale::Command command) {
    const Reply reply = call(std::move(command));
    EXPECT_EQ(reply.trouble, Reply::Trouble::none);
    return std::get<OutcomeEnum>(reply.outcome);
  }
  /// An order of this shopper, held from now on.
  OrderId order(const std::string& user) {
    store::Reservation grab;
    grab.id = OrderId{(std::int64_t{1} << 40) + ++orders_};
    grab.user = user;
    grab.amount = Money{100};
    grab.created_at = test::wall_now();
    grab.expires_at = grab.created_at + Span::seconds(600);
    const auto replies = test::must(shop_.record().grant({&grab, 1}, grab.created_at));
    EXPECT_EQ(replies.at(0).outcome, store::GrantOutcome::granted);
    return grab.id;
  }
  sale::PaymentSucceeded payment(OrderId order) {
    return {order, "tx-" + to_text(order), Money{100}, Currency{}, test::wall_now()};
  }

  test::ClusterShop shop_;
  redis::Client redis_{*redis::parse_address("redis://127.0.0.1:1"), {}};  // not asked
  NoBus bus_;
  DirectMailbox mailbox_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Clerk> clerk_;
  std::int64_t orders_ = 0;
  std::mutex mutex_;
  std::vector<OrderId> closes_;
  std::vector<OrderId> refunds_;
};

TEST_F(ClusterClerk, DefinitionsAreInTheCatalogWhenTheyAreAnswered) {
  auto open = test::sale_of("s", 2, 10, Span::seconds(600));
  const Reply first = call(open);
  EXPECT_EQ(std::get<sale::OpenSaleOutcome>(first.outcome), sale::OpenSaleOutcome::opened);
  EXPECT_EQ(first.sale, SaleNo{0});
  EXPECT_EQ(node_->catalogs.current()->sales.size(), 1U);
  EXPECT_EQ(outcome<sale::OpenSaleOutcome>(open), sale::OpenSaleOutcome::duplicate_id);

  // Without ids they get some.
  open.id.clear();
  for (auto& item : open.items)
    item.id.clear();
  const Reply second = call(open);
  EXPECT_EQ(std::get<sale::OpenSaleOutcome>(second.outcome), sale::OpenSaleOutcome::opened);
  EXPECT_EQ(second.sale, SaleNo{1});
  EXPECT_TRUE(valid_catalog_id(node_->catalogs.current()->sales.at(1)->sale.id));

  sale::AddItem add;
  add.by = open.by;
  add.sale = SaleNo{1};
  add.item = open.items[0];
  const Reply added = call(add);
  EXPECT_EQ(std::get<sale::AddItemOutcome>(added.outcome), sale::AddItemOutcome::added);
  EXPECT_EQ(added.item, ItemNo{4});
  EXPECT_EQ(node_->catalogs.current()->items.at(4)->item.sale, SaleNo{1});

  EXPECT_EQ(outcome<sale::PauseSaleOutcome>(sale::PauseSale{open.by, SaleNo{0}, true}),
            sale::PauseSaleOutcome::changed);
  EXPECT_TRUE(node_->catalogs.current()->sales.at(0)->sale.paused);
  EXPECT_EQ(outcome<sale::AdjustStockOutcome>(sale::AdjustStock{open.by, ItemNo{0}, Quantity{5}}),
            sale::AdjustStockOutcome::adjusted);
  EXPECT_EQ(node_->counts.commands, 6U);
}

TEST_F(ClusterClerk, RepliesSpeakOfTheOrder) {
  call(test::sale_of("s", 1, 10, Span::seconds(600)));
  const OrderId anns = order("ann");
  const Reply begun = call(sale::BeginPayment{"ann", anns});
  EXPECT_EQ(std::get<sale::BeginPaymentOutcome>(begun.outcome), sale::BeginPaymentOutcome::begun);
  EXPECT_EQ(begun.order.id, anns);
  EXPECT_EQ(begun.order.item, ItemNo{0});
  EXPECT_EQ(begun.order.amount, Money{100});
  EXPECT_EQ(begun.order.expires_at - begun.order.created_at, Span::seconds(600));
  EXPECT_EQ(begun.order.status, OrderStatus::awaiting_payment);
  const Reply foreign = call(sale::BeginPayment{"bob", anns});
  EXPECT_EQ(std::get<sale::BeginPaymentOutcome>(foreign.outcome),
            sale::BeginPaymentOutcome::unknown_order);
  EXPECT_EQ(foreign.order.id, OrderId{});
  const Reply paid = call(payment(anns));
  EXPECT_EQ(std::get<sale::PaymentOutcome>(paid.outcome), sale::PaymentOutcome::paid);
  EXPECT_EQ(paid.order.status, OrderStatus::paid);
  EXPECT_EQ(outcome<sale::NoteOutcome>(sale::Note{{"op", "why"}, "hook.add", "x", {}}),
            sale::NoteOutcome::noted);
}

TEST_F(ClusterClerk, ACrowdOfCommandsIsFewTransactionsAndEachIsAnswered) {
  call(test::sale_of("s", 1, 100, Span::seconds(600)));
  std::vector<OrderId> orders;
  for (int i = 0; i < 100; ++i)
    orders.push_back(order("user-" + std::to_string(i)));
  const std::uint64_t before = node_->counts.commits;
  std::vector<std::future<Reply>> answers;
  for (const OrderId id : orders)
    answers.push_back(begin(payment(id)));
  answers.push_back(begin(sale::PauseSale{{"op", "why"}, SaleNo{0}, true}));
  for (const OrderId id : orders)
    answers.push_back(begin(payment(id)));  // again, which changes nothing
  for (auto& answer : answers)
    EXPECT_EQ(answer.get().trouble, Reply::Trouble::none);
  EXPECT_EQ(shop_.orders(OrderStatus::paid), 100);
  EXPECT_EQ(shop_.number("SELECT sold FROM item_stock"), 100);
  EXPECT_LE(node_->counts.commits - before, 100U);
}

TEST_F(ClusterClerk, DutiesGoToTheDesk) {
  call(test::sale_of("s", 1, 10, Span::seconds(600)));
  const OrderId anns = order("ann"), bobs = order("bob");
  call(sale::BeginPayment{"ann", anns});
  EXPECT_EQ(outcome<sale::CancelOutcome>(sale::CancelByUser{"ann", anns}),
            sale::CancelOutcome::closing);
  call(payment(bobs));
  EXPECT_EQ(outcome<sale::RefundOutcome>(sale::Refund{{"op", "why"}, bobs}),
            sale::RefundOutcome::refunding);
  clerk_->stop();
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(closes_, ElementsAre(anns));
  EXPECT_THAT(refunds_, ElementsAre(bobs));
}

class ClusterClerkWithoutDesk : public ClusterClerk {
 protected:
  ClusterClerkWithoutDesk() : ClusterClerk(test::MariadbService::shared(), 1024, false) {}
};

TEST_F(ClusterClerkWithoutDesk, DutiesAreInTheRecordAndDoNotPileUpHere) {
  call(test::sale_of("s", 1, 10, Span::seconds(600)));
  const OrderId anns = order("ann"), bobs = order("bob");
  call(sale::BeginPayment{"ann", anns});
  EXPECT_EQ(outcome<sale::CancelOutcome>(sale::CancelByUser{"ann", anns}),
            sale::CancelOutcome::closing);
  call(payment(bobs));
  EXPECT_EQ(outcome<sale::RefundOutcome>(sale::Refund{{"op", "why"}, bobs}),
            sale::RefundOutcome::refunding);
  clerk_->stop();
  EXPECT_EQ(shop_.orders(OrderStatus::closing), 1) << "the keeper finds it";
  EXPECT_EQ(shop_.orders(OrderStatus::refunding), 1);
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(closes_, IsEmpty());
  EXPECT_THAT(refunds_, IsEmpty());
}

TEST_F(ClusterClerk, StoppingAnswersWhatWasAcceptedAndTakesNoMore) {
  call(test::sale_of("s", 1, 10, Span::seconds(600)));
  const OrderId anns = order("ann");
  auto paid = begin(payment(anns));
  clerk_->stop();
  EXPECT_EQ(paid.get().order.status, OrderStatus::paid);
  EXPECT_EQ(clerk_->submit(payment(anns), mailbox_, [](const Reply&) { FAIL(); }),
            engine::Admission::stopping);
}

/// With a database that may be killed, and room for few.
class ClusterClerkOutage : public ClusterClerk {
 protected:
  ClusterClerkOutage() : ClusterClerk(service(), 4) {}
  static test::MariadbService& service() {
    static test::MariadbService own;
    return own;
  }
};

TEST_F(ClusterClerkOutage, WhileTheRecordIsAwayThoseWhoWaitAreToldInTimeAndLaterItGoesOn) {
  call(test::sale_of("s", 1, 10, Span::seconds(600)));
  const OrderId anns = order("ann"), bobs = order("bob");
  service().kill();
  const auto started = std::chrono::steady_clock::now();
  std::vector<std::future<Reply>> answers;
  answers.push_back(begin(payment(anns)));
  // The first is in hand sooner or later; more than the bound are refused.
  engine::Admission admission = engine::Admission::accepted;
  for (int i = 0; i < 6 && admission == engine::Admission::accepted; ++i)
    admission = clerk_->submit(sale::BeginPayment{"bob", bobs}, mailbox_, [](const Reply&) {});
  EXPECT_EQ(admission, engine::Admission::overloaded);
  EXPECT_EQ(answers[0].get().trouble, Reply::Trouble::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(60)) << "in time";
  service().start();
  shop_.reconnect();
  // What was unavailable may be asked again.
  Reply paid;
  do {
    paid = call(payment(anns));
  } while (paid.trouble == Reply::Trouble::unavailable);
  EXPECT_EQ(paid.order.status, OrderStatus::paid);
  EXPECT_EQ(shop_.number("SELECT COUNT(*) FROM orders WHERE status = 5"), 1);
}

}  // namespace
}  // namespace sluice::cluster

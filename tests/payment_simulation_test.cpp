// Thousands of shoppers who pay, leave, cancel, pay wrong, late or at the last millisecond, while
// the gateway loses, doubles, delays, reorders and forges notifications and fails its calls; then
// also with a server that is killed twenty times. At the end the money agrees to the fen.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <queue>
#include <random>
#include <set>
#include <thread>

#include "support/payment_world.h"

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kThreads = 8;
constexpr int kHoldSeconds = 5;
constexpr std::int64_t kPrice = 1999;

/// What a shopper means to do with the order.
enum class Fate : std::uint8_t {
  pays,
  leaves,
  never_begins,
  cancels,
  cancels_and_pays,
  pays_wrong,
  pays_at_the_deadline,
  pays_late,
  wants_it_back,
};

Fate pick_fate(std::mt19937_64& random) {
  constexpr std::array<int, 9> weights = {42, 18, 5, 7, 5, 1, 9, 8, 5};
  return static_cast<Fate>(std::discrete_distribution<int>(weights.begin(), weights.end())(random));
}

struct Shopper {
  std::string name, token, item, order;
  Fate fate = Fate::pays;
  int step = 0;
  int tries = 0;
  Clock::time_point granted;
};

/// A part of the crowd on one thread: new orders as fast as the server takes them, and what is due
/// of the old ones in between.
class Crowd {
 public:
  Crowd(PaymentWorld& world, std::uint64_t seed, std::vector<Shopper> shoppers)
      : world_(world),
        random_(seed),
        server_(world.port()),
        sandbox_(world.sandbox_port()),
        shoppers_(std::move(shoppers)) {}

  void run() {
    std::size_t next = 0;
    while (next < shoppers_.size() || !due_.empty()) {
      if (!due_.empty() && (due_.top().at <= Clock::now() || next == shoppers_.size())) {
        const Due due = due_.top();
        due_.pop();
        std::this_thread::sleep_until(due.at);
        act(due.shopper);
      } else {
        act(next++);
      }
    }
  }

 private:
  struct Due {
    Clock::time_point at;
    std::size_t shopper = 0;
    bool operator<(const Due& other) const { return at > other.at; }
  };

  void later(std::size_t index, Clock::time_point at) { due_.push({at, index}); }
  void later(std::size_t index, int from_ms, int to_ms) {
    later(index, Clock::now() + milliseconds(between(from_ms, to_ms)));
  }
  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  void act(std::size_t index) {
    Shopper& who = shoppers_[index];
    switch (who.step) {
      case 0:
        return grab(index, who);
      case 1:
        return begin(index, who);
      case 2:
        return decide(index, who);
      default:
        return ask_for_money_back(index, who);
    }
  }

  void grab(std::size_t index, Shopper& who) {
    const Answer answer = server_.ask("POST", "/api/v1/items/" + who.item + "/orders", who.token);
    if (answer.status == 201) {
      who.order = answer.member("id");
    } else if (answer.member("code") == "already_queued") {
      who.order = answer.member("order_id");  // the answer to the first question was lost
    } else {
      // Sold out for now: units come back as orders run out.
      if (++who.tries < 8) later(index, 300, 900);
      return;
    }
    who.granted = Clock::now();
    who.step = who.fate == Fate::never_begins ? 2 : 1;
    who.tries = 0;
    act(index);
  }

  void begin(std::size_t index, Shopper& who) {
    const Answer answer = server_.ask("POST", "/api/v1/orders/" + who.order + "/payment", who.token,
                                      R"({"method":"wechat"})");
    if (answer.status == 503 && ++who.tries < 20) return later(index, 20, 80);
    if (answer.status != 200) return;  // too late, or the gateway would not: its hold runs out
    who.step = 2;
    const auto deadline = who.granted + std::chrono::seconds(kHoldSeconds);
    switch (who.fate) {
      case Fate::pays_at_the_deadline:
        return later(index, deadline + milliseconds(between(-60, 60)));
      case Fate::pays_late:
        return later(index, deadline + milliseconds(between(300, 3000)));
      case Fate::leaves:
      case Fate::never_begins:
        return;
      default:
        return later(index, 0, 1500);
    }
  }

  void pay(const Shopper& who, const std::string& body = {}) {
    const Answer answer = sandbox_.ask("POST", "/_sandbox/orders/" + who.order + "/pay", {}, body);
    EXPECT_TRUE(answer.status == 200 || answer.status == 409) << answer.body;
  }
  void cancel(const Shopper& who) {
    const Answer answer = server_.ask("POST", "/api/v1/orders/" + who.order + "/cancel", who.token);
    EXPECT_TRUE(answer.status == 200 || answer.status == 202 || answer.status == 409)
        << answer.body;
  }

  void decide(std::size_t index, Shopper& who) {
    switch (who.fate) {
      case Fate::leaves:
      case Fate::never_begins:
        return;
      case Fate::pays:
      case Fate::pays_at_the_deadline:
        return pay(who);
      case Fate::pays_wrong:
        return pay(who, R"({"amount":)" + std::to_string(kPrice + (between(0, 1) * 2 - 1)) + "}");
      case Fate::pays_late:
        return pay(who, R"({"force":true})");
      case Fate::cancels:
        return cancel(who);
      case Fate::cancels_and_pays:
        cancel(who);
        return pay(who, between(0, 1) == 0 ? "" : R"({"force":true})");
      case Fate::wants_it_back:
        pay(who);
        who.step = 3;
        return later(index, 500, 1500);
    }
  }

  void ask_for_money_back(std::size_t index, Shopper& who) {
    const Answer answer = server_.ask("POST", "/api/v1/admin/orders/" + who.order + "/refund",
                                      world_.admin(), R"({"reason":"asked for it"})");
    EXPECT_TRUE(answer.status == 200 || answer.status == 409) << answer.body;
    // Its notification may be lost or delayed.
    if (answer.member("code") == "not_paid" && ++who.tries < 10) later(index, 300, 900);
  }

  PaymentWorld& world_;
  std::mt19937_64 random_;
  Caller server_, sandbox_;
  std::vector<Shopper> shoppers_;
  std::priority_queue<Due> due_;
};

class PaymentSimulation : public testing::Test {
 protected:
  PaymentSimulation() {
    const char* given = std::getenv("SLUICE_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
    std::printf("replay with SLUICE_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  /// The crowd, with faults that come and go, and kills if asked for.
  void play(PaymentWorld& world, int shoppers, int kills) {
    world.open_sale("plenty", shoppers + 10, kHoldSeconds, kPrice);
    world.open_sale("scarce", shoppers / 60 + 1, kHoldSeconds, kPrice);
    std::vector<std::vector<Shopper>> parts(kThreads);
    for (int i = 0; i < shoppers + shoppers / 20; ++i) {
      Shopper shopper;
      shopper.name = "user" + std::to_string(i);
      shopper.token = world.token(shopper.name);
      shopper.item = i % 21 == 20 ? "scarce" : "plenty";
      shopper.fate = pick_fate(random_);
      parts[static_cast<std::size_t>(i % kThreads)].push_back(std::move(shopper));
    }
    std::atomic<int> busy{kThreads};
    std::vector<std::thread> threads;
    threads.reserve(parts.size());
    for (std::vector<Shopper>& part : parts) {
      threads.emplace_back([&world, &busy, seed = random_(), part = std::move(part)]() mutable {
        try {
          Crowd(world, seed, std::move(part)).run();
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
        }
        --busy;
      });
    }
    while (busy > 0 || kills > 0) {
      world.faults(some_faults(world));
      std::this_thread::sleep_for(milliseconds(between(20, 120)));
      if (kills > 0 && between(0, 2) == 0) {
        --kills;
        world.kill_server();
        world.start_server();
      }
    }
    for (std::thread& thread : threads)
      thread.join();
    world.faults("{}");
  }

  std::string some_faults(const PaymentWorld& world) {
    if (between(0, 2) == 0) return "{}";
    const auto number = [this](int high) { return std::to_string(between(0, high)); };
    const auto truth = [this](int of) { return between(1, of) == 1 ? "true" : "false"; };
    const auto call = [&](int most) {
      return R"({"error":")" + world.busy() + R"(","times":)" + number(most) + "}";
    };
    const std::string delay = between(0, 3) == 0 ? number(2 * kHoldSeconds * 1000) : "0";
    return R"({"notify":{"drop":)" + number(40) + R"(,"duplicate":)" + number(3) +
           R"(,"delay_ms":)" + delay + R"(,"reorder":)" + truth(2) + R"(,"forge":)" + number(20) +
           R"(,"omit_sign_type":)" + truth(3) + R"(},"close":)" + call(8) + R"(,"create":)" +
           call(4) + R"(,"query":)" + call(4) + R"(,"pay_before_close":)" + truth(6) + "}";
  }

  /// Until no order of `item` (empty: any) is in one of these states. The last reading.
  static std::map<std::string, RecordedOrder> until_none(PaymentWorld& world,
                                                         const std::set<std::string>& states) {
    const auto end = Clock::now() + std::chrono::seconds(60);
    while (true) {
      auto orders = world.recorded();
      const auto open = std::ranges::count_if(
          orders, [&](const auto& order) { return states.contains(order.second.status); });
      if (open == 0 || Clock::now() > end) return orders;
      std::this_thread::sleep_for(milliseconds(200));
    }
  }

  std::string one_order(PaymentWorld& world, const std::string& item, const std::string& user) {
    Caller server(world.port());
    const std::string token = world.token(user);
    const Answer order = server.ask("POST", "/api/v1/items/" + item + "/orders", token);
    EXPECT_EQ(order.status, 201) << order.body;
    const std::string id = order.member("id");
    const Answer payment =
        server.ask("POST", "/api/v1/orders/" + id + "/payment", token, R"({"method":"wechat"})");
    EXPECT_EQ(payment.status, 200) << payment.body;
    return id;
  }

  std::vector<std::string> some_orders(PaymentWorld& world, const std::string& item,
                                       const std::string& users, std::size_t count) {
    std::vector<std::string> orders;
    orders.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      orders.push_back(one_order(world, item, users + std::to_string(i)));
    return orders;
  }

  static void cancel(PaymentWorld& world, const std::string& order, const std::string& user) {
    const Answer answer =
        Caller(world.port()).ask("POST", "/api/v1/orders/" + order + "/cancel", world.token(user));
    EXPECT_EQ(answer.status / 100, 2) << answer.body;
  }

  /// Every notification of these is lost for good: only the reconciler can know.
  void play_lost(PaymentWorld& world) {
    world.open_sale("patient", 100, 3600, kPrice);
    const std::vector<std::string> orders = some_orders(world, "patient", "lost", 20);
    world.faults(R"({"notify":{"drop":1000000000}})");
    for (const std::string& order : orders)
      EXPECT_EQ(world.at_sandbox("POST", "/_sandbox/orders/" + order + "/pay").status, 200);
    const auto recorded = until_none(world, {"awaiting_payment"});
    for (const std::string& order : orders)
      EXPECT_EQ(recorded.at(order).status, "paid") << order;
    world.faults("{}");
  }

  /// Money for orders that are over, and a kill in the middle of settling it: nothing else would
  /// ask about these again, so what was acknowledged and not stored is lost for good.
  void play_late_under_kills(PaymentWorld& world, int kills) {
    constexpr std::size_t kEach = 30;
    const std::size_t count = kEach * static_cast<std::size_t>(kills);
    world.open_sale("given_up", static_cast<std::int64_t>(count), 3600, kPrice);
    const std::vector<std::string> orders = some_orders(world, "given_up", "late", count);
    for (std::size_t i = 0; i < count; ++i)
      cancel(world, orders[i], "late" + std::to_string(i));
    until_none(world, {"awaiting_payment", "closing"});
    Caller sandbox(world.sandbox_port());
    for (std::size_t i = 0; i < count; ++i) {
      const Answer paid =
          sandbox.ask("POST", "/_sandbox/orders/" + orders[i] + "/pay", {}, R"({"force":true})");
      EXPECT_EQ(paid.status, 200) << paid.body;
      if (i % kEach != kEach - 1) continue;
      std::this_thread::sleep_for(milliseconds(between(0, 15)));
      world.kill_server();
      world.start_server();
    }
  }

  /// One payment that the gateway tells of a thousand times over.
  void play_thousandfold(PaymentWorld& world) {
    const std::string order = one_order(world, "patient", "thousand");
    world.faults(R"({"notify":{"duplicate":1000}})");
    EXPECT_EQ(world.at_sandbox("POST", "/_sandbox/orders/" + order + "/pay").status, 200);
    EXPECT_EQ(until_none(world, {"awaiting_payment"}).at(order).status, "paid");
    world.faults("{}");
  }

  /// A gateway that refuses every closing: all of these are a person's; half of them are tried
  /// again by one, and by then it is well.
  void play_stuck(PaymentWorld& world) {
    const std::vector<std::string> orders = some_orders(world, "patient", "stuck", 10);
    world.faults(R"({"close":{"error":")" + world.busy() + R"(","times":1000000}})");
    for (std::size_t i = 0; i < orders.size(); ++i)
      cancel(world, orders[i], "stuck" + std::to_string(i));
    until_none(world, {"closing"});
    world.faults("{}");
    const auto listed = world.for_a_person();
    for (const std::string& order : orders)
      EXPECT_NE(std::ranges::find(listed, order), listed.end()) << order;
    for (std::size_t i = 0; i < 5; ++i) {
      const Answer answer =
          world.operate("POST", "/api/v1/admin/orders/" + orders[i] + "/resolve",
                        R"({"action":"retry_close","reason":"it is well again"})");
      EXPECT_EQ(answer.status, 200) << answer.body;
    }
    const auto recorded = until_none(world, {"closing"});
    for (std::size_t i = 0; i < orders.size(); ++i)
      EXPECT_EQ(recorded.at(orders[i]).status, i < 5 ? "cancelled" : "needs_person");
  }

  /// Compares what the record says with what the gateway says, order by order, fen by fen.
  void expect_agreement(PaymentWorld& world, std::size_t least_orders) {
    const auto recorded = until_none(world, {"queued", "awaiting_payment", "closing", "refunding"});
    const auto gateway = world.at_gateway();
    EXPECT_GE(recorded.size(), least_orders);
    std::map<std::string, int> ends;
    std::int64_t received = 0, kept = 0, given_back = 0, unexplained = 0;
    std::set<std::string> transactions, persons;
    for (const auto& [number, order] : gateway) {
      received += order.paid;
      EXPECT_TRUE(recorded.contains(number)) << number;
    }
    for (const auto& [number, order] : recorded) {
      ++ends[order.status];
      const auto known = gateway.find(number);
      const GatewayOrder other = known == gateway.end() ? GatewayOrder{} : known->second;
      SCOPED_TRACE(number + " of " + order.user + " is " + order.status + ", at the gateway " +
                   other.state);
      if (order.status == "paid" || order.status == "refunded") {
        EXPECT_EQ(other.paid, order.amount);
        EXPECT_EQ(other.transaction_id, order.transaction_id);
        EXPECT_EQ(other.refunded, order.status == "paid" ? 0 : order.amount);
        EXPECT_TRUE(transactions.insert(order.transaction_id).second) << order.transaction_id;
        (order.status == "paid" ? kept : given_back) += order.amount;
      } else if (order.status == "expired" || order.status == "cancelled") {
        EXPECT_EQ(other.paid, 0) << "its money was dropped";
        EXPECT_TRUE(other.state.empty() || other.state == "CLOSED") << "it can still be paid";
      } else if (order.status == "needs_person") {
        persons.insert(number);
        const bool wrong_amount = other.paid != 0 && other.paid != order.amount;
        const bool stuck =
            world.closes_refused(number, world.busy()) >= PaymentWorld::kCloseAttempts;
        EXPECT_TRUE(wrong_amount || stuck) << "nothing in the fault list explains this";
        if (wrong_amount) unexplained += other.paid;
      } else {
        ADD_FAILURE() << "not an end";
      }
    }
    EXPECT_EQ(received, kept + given_back + unexplained) << "paid wrong amounts: " << unexplained;
    const auto listed = world.for_a_person();
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), persons);
    for (const char* end : {"paid", "refunded", "expired", "cancelled", "needs_person"})
      EXPECT_GT(ends[end], 0) << "no order ever ended " << end;
    for (const auto& [end, count] : ends)
      std::printf("%8d %s\n", count, end.c_str());
    expect_stock(world, recorded);
    expect_nothing_parked(world);
  }

  static void expect_nothing_parked(PaymentWorld& world) {
    const std::string body = world.operate("GET", "/api/v1/admin/queues").body;
    constexpr std::string_view name = "\"parked\":";
    std::size_t queues = 0;
    for (std::size_t at = body.find(name); at != std::string::npos; at = body.find(name, at + 1)) {
      ++queues;
      EXPECT_EQ(body.at(at + name.size()), '0') << body;
    }
    EXPECT_GT(queues, 0U) << body;
  }

  static void expect_stock(PaymentWorld& world,
                           const std::map<std::string, RecordedOrder>& recorded) {
    for (const char* item : {"plenty", "scarce", "patient"}) {
      std::int64_t held = 0, sold = 0;
      for (const auto& [number, order] : recorded) {
        if (order.item != item) continue;
        held += order.status == "needs_person" ? order.units : 0;
        sold += order.status == "paid" ? order.units : 0;
      }
      const Answer shown = world.operate("GET", std::string("/api/v1/admin/items/") + item);
      EXPECT_NE(shown.body.find("\"held\":" + std::to_string(held) + ","), std::string::npos)
          << held << " of " << shown.body;
      EXPECT_NE(shown.body.find("\"sold\":" + std::to_string(sold) + ","), std::string::npos)
          << sold << " of " << shown.body;
      EXPECT_NE(shown.body.find("\"frozen\":false"), std::string::npos) << shown.body;
    }
  }

  void simulate(const std::string& api, int shoppers, int kills) {
    SCOPED_TRACE("replay with SLUICE_SEED=" + std::to_string(seed_));
    PaymentWorld world(api);
    play(world, shoppers, kills);
    if (kills > 0) play_late_under_kills(world, kills);
    play_lost(world);
    play_thousandfold(world);
    play_stuck(world);
    expect_agreement(world, static_cast<std::size_t>(shoppers));
    EXPECT_EQ(world.stop_server(), 0);
    EXPECT_EQ(world.verify_record(), 0);
  }

  std::uint64_t seed_;
  std::mt19937_64 random_;
};

TEST_F(PaymentSimulation, TenThousandOrdersThroughEveryFault) {
  simulate("v2", 10'000, 0);
}

TEST_F(PaymentSimulation, AThousandOrdersThroughEveryFaultOfV3) {
  simulate("v3", 1'000, 0);
}

TEST_F(PaymentSimulation, KilledTwentyTimesInTheMiddleOfIt) {
  simulate("v2", 3'000, 20);
}

}  // namespace
}  // namespace sluice::test

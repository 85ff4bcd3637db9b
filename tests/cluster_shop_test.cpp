// A whole cluster as its surroundings see it: what another people's AMQP client reads of its
// messages, and what becomes of many orders that nobody pays, with timers and without.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/whole_cluster.h"

namespace sluice::test {
namespace {

namespace json = boost::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::MatchesRegex;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr int kShopperThreads = 8;

WholeCluster& cluster() {
  static WholeCluster one;
  return one;
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = SteadyClock::now() + kPatience;
  while (!condition()) {
    if (SteadyClock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// The order that this shopper queues with, or empty.
std::string grab(const std::string& item, const std::string& user, std::size_t node) {
  const auto answer =
      Wire(cluster().port(node))
          .request("POST", "/api/v1/items/" + item + "/orders", cluster().token(user), {},
                   "Idempotency-Key: \"" + user + "\"\r\n");
  return answer && answer->status / 100 == 2 ? answer->member("id") : std::string();
}

std::string status_of(const std::string& order, const std::string& user, std::size_t node) {
  const auto answer =
      Wire(cluster().port(node)).request("GET", "/api/v1/orders/" + order, cluster().token(user));
  return answer && answer->status == 200 ? answer->member("status") : std::string();
}

bool begin_payment(const std::string& order, const std::string& user, std::size_t node) {
  const auto answer = Wire(cluster().port(node))
                          .request("POST", "/api/v1/orders/" + order + "/payment",
                                   cluster().token(user), R"({"method":"wechat"})");
  return answer && answer->status == 200;
}

/// The same, asked for until there is one.
std::string take(const std::string& item, const std::string& user, std::size_t node = 0) {
  std::string order;
  EXPECT_TRUE(eventually([&] { return !(order = grab(item, user, node)).empty(); })) << user;
  return order;
}

/// An order of this user that is in the record.
std::string buy(const std::string& item, const std::string& user) {
  const std::string order = take(item, user);
  EXPECT_TRUE(eventually([&] { return status_of(order, user, 0) == "awaiting_payment"; })) << order;
  return order;
}

// ---- messages ----------------------------------------------------------------------------------

/// A queue of the other client's, which gets a copy of what goes to `exchange` with `key`.
class Ear {
 public:
  Ear(std::string name, const std::string& exchange, const std::string& key)
      : name_(std::move(name)) {
    cluster().rabbit().peer({"declare", name_, "{}"});
    cluster().rabbit().peer({"bind", name_, exchange, key});
  }
  ~Ear() {
    try {
      cluster().rabbit().peer({"delete", name_});
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  /// The first message whose body says `part`, as the client shows it.
  json::object hear(const std::string& part) { return first_of(name_, part); }
  static json::object first_of(const std::string& queue, const std::string& part) {
    json::object found;
    EXPECT_TRUE(eventually([&] {
      for (const json::value& message : cluster().rabbit().peer({"get", queue})) {
        if (text(message.as_object(), "body").contains(part)) found = message.as_object();
      }
      return !found.empty();
    })) << "nothing about "
        << part << " in " << queue;
    return found;
  }

 private:
  const std::string name_;
};

void expect_properties(const json::object& message, std::string_view exchange,
                       std::string_view key) {
  EXPECT_EQ(text(message, "exchange"), exchange);
  EXPECT_EQ(text(message, "routing_key"), key);
  EXPECT_EQ(text(message, "content_type"), "application/json");
  EXPECT_EQ(message.at("delivery_mode"), 2);
  EXPECT_FALSE(text(message, "message_id").empty());
  EXPECT_GT(message.at("timestamp").to_number<std::int64_t>(), 1'600'000'000);
}

/// A message carries one object or several; the one of this order.
json::object entry_of(const json::object& message, const std::string& order) {
  const json::value body = json::parse(text(message, "body"));
  if (body.is_object()) return body.as_object();
  for (const json::value& entry : body.as_array()) {
    if (text(entry.as_object(), "orderId") == order) return entry.as_object();
  }
  ADD_FAILURE() << order << " is not in " << text(message, "body");
  return {};
}

void expect_grab(const json::object& entry, const std::string& order, const std::string& user,
                 const std::string& item) {
  EXPECT_EQ(text(entry, "orderId"), order);
  EXPECT_EQ(text(entry, "username"), user);
  EXPECT_EQ(text(entry, "goodsId"), item);
  EXPECT_EQ(entry.at("quantity"), 1);
  EXPECT_EQ(entry.at("money"), 100);
  EXPECT_EQ(text(entry, "currency"), "CNY");
  EXPECT_EQ(entry.at("status"), 1);
  EXPECT_THAT(text(entry, "createTime"), MatchesRegex("20..-..-..T..:..:...*"));
}

TEST(ClusterMessages, ExchangesAndQueuesAreBoundAsTheContractSays) {
  const std::string bindings =
      cluster().rabbit().control("list_bindings -q source_name destination_name routing_key");
  for (const auto& [exchange, queue] : {std::pair("seckillOrderExchange", "seckillOrderQueue"),
                                        std::pair("exchange.order", "queue.order"),
                                        std::pair("exchange.order", "queueSeckillOrder"),
                                        std::pair("exchange.order", "queue.seckillordertimer")}) {
    EXPECT_THAT(bindings, ContainsRegex(std::string(exchange) + "[[:space:]]+" + queue +
                                        "[[:space:]]+" + queue));
  }
  const std::string exchanges = cluster().rabbit().control("list_exchanges -q name type durable");
  for (const char* exchange : {"seckillOrderExchange", "exchange.order"}) {
    EXPECT_THAT(exchanges,
                ContainsRegex(std::string(exchange) + "[[:space:]]+direct[[:space:]]+true"));
  }
}

TEST(ClusterMessages, AGrabIsTheTutorialsObjectAndIsTakenOnce) {
  cluster().open_sale("heard", 10, 1800);
  Ear ear("ear.grabs", "seckillOrderExchange", "seckillOrderQueue");
  const std::string order = buy("heard", "heard-alice");
  const json::object message = ear.hear(order);
  ASSERT_FALSE(message.empty());
  expect_properties(message, "seckillOrderExchange", "seckillOrderQueue");
  json::object entry = entry_of(message, order);
  expect_grab(entry, order, "heard-alice", "heard");
  // Once more, by itself, from somebody else; then one that follows it through the same queue.
  cluster().rabbit().peer({"publish", "seckillOrderExchange", "seckillOrderQueue",
                           json::serialize(entry), R"({"delivery_mode":2})"});
  buy("heard", "heard-bob");
  EXPECT_TRUE(eventually([] { return cluster().is_quiet(); }));
  EXPECT_EQ(cluster().number("SELECT COUNT(*) FROM orders WHERE `user` = 'heard-alice'"), 1);
  EXPECT_EQ(cluster().number("SELECT held FROM item_stock s JOIN item i ON i.no = s.item_no "
                             "WHERE i.id = 'heard'"),
            2);
}

TEST(ClusterMessages, AnOrderWaitsInTheDelayQueueForItsHoldToEnd) {
  cluster().open_sale("waits", 10, 1800);
  const std::string order = buy("waits", "waits-alice");
  const json::object waiting = Ear::first_of("queue.seckillordertimerdelay", order);
  ASSERT_FALSE(waiting.empty());
  expect_properties(waiting, "", "queue.seckillordertimerdelay");
  expect_grab(entry_of(waiting, order), order, "waits-alice", "waits");
  const std::string queues = cluster().rabbit().control("list_queues -q name durable arguments");
  const std::size_t at = queues.find("queue.seckillordertimerdelay\t");
  ASSERT_NE(at, std::string::npos) << queues;
  const std::string line = queues.substr(at, queues.find('\n', at) - at);
  EXPECT_THAT(line, HasSubstr("\ttrue\t"));
  EXPECT_THAT(line, ContainsRegex("x-dead-letter-exchange[^a-z]+exchange.order"));
  EXPECT_THAT(line, ContainsRegex("x-dead-letter-routing-key[^a-z]+queue.seckillordertimer"));
  EXPECT_THAT(line, ContainsRegex("x-message-ttl[^0-9]+1800000"));
}

TEST(ClusterMessages, AHoldThatEndsIsADeadLetterOfTheTimersQueue) {
  cluster().open_sale("ends", 10, 2);
  Ear ear("ear.timers", "exchange.order", "queue.seckillordertimer");
  const std::string order = take("ends", "ends-alice");
  const json::object message = ear.hear(order);
  ASSERT_FALSE(message.empty());
  expect_properties(message, "exchange.order", "queue.seckillordertimer");
  expect_grab(entry_of(message, order), order, "ends-alice", "ends");
  EXPECT_TRUE(eventually([&] { return status_of(order, "ends-alice", 1) == "expired"; }));
}

TEST(ClusterMessages, ANotificationOfASaleOrderHasTheGatewaysFields) {
  cluster().open_sale("paid", 10, 1800);
  Ear ear("ear.paid", "exchange.order", "queueSeckillOrder");
  const std::string order = buy("paid", "paid-alice");
  ASSERT_TRUE(eventually([&] { return begin_payment(order, "paid-alice", 0); }));
  const Answer paid = cluster().at_gateway("POST", "/_sandbox/orders/" + order + "/pay");
  ASSERT_EQ(paid.status, 200) << paid.body;
  const json::object message = ear.hear(order);
  ASSERT_FALSE(message.empty());
  expect_properties(message, "exchange.order", "queueSeckillOrder");
  const json::object body = json::parse(text(message, "body")).as_object();
  EXPECT_EQ(text(body, "out_trade_no"), order);
  EXPECT_EQ(text(body, "return_code"), "SUCCESS");
  EXPECT_EQ(text(body, "result_code"), "SUCCESS");
  EXPECT_FALSE(text(body, "transaction_id").empty());
  EXPECT_EQ(json::value_to<std::string>(body.at("total_fee")), "100");
  const auto attach = json::parse(text(body, "attach")).as_object();
  EXPECT_EQ(text(attach, "queue"), "queueSeckillOrder");
  EXPECT_EQ(text(attach, "exchange"), "exchange.order");
  EXPECT_EQ(text(attach, "username"), "paid-alice");
  EXPECT_TRUE(eventually([&] { return status_of(order, "paid-alice", 1) == "paid"; }));
}

// ---- orders that nobody pays -------------------------------------------------------------------

/// SLUICE_EXPIRY_ORDERS: another number, as 10000 for a measurement.
int expiring_orders() {
  const char* given = std::getenv("SLUICE_EXPIRY_ORDERS");
  return given != nullptr ? std::max(1, std::atoi(given)) : 1'000;
}

struct Unpaid {
  std::mutex mutex;
  std::set<std::string> orders;
  std::set<std::string> begun;  ///< of which a payment was opened at the gateway
};

/// `count` shoppers over both nodes who each take a unit and open its payment, but never pay.
void take_and_leave(const std::string& item, int count, Unpaid& unpaid) {
  std::atomic<int> next{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kShopperThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = next++; i < count; i = next++) {
        const std::string user = item + "-" + std::to_string(i);
        const auto node = static_cast<std::size_t>(i) % WholeCluster::kNodes;
        const std::string order = take(item, user, node);
        std::string status;
        EXPECT_TRUE(eventually([&] {
          status = status_of(order, user, node);
          return !status.empty() && status != "queued";
        })) << order;
        const bool begun = status == "awaiting_payment" && begin_payment(order, user, node);
        const std::lock_guard lock(unpaid.mutex);
        unpaid.orders.insert(order);
        if (begun) unpaid.begun.insert(order);
      }
    });
  }
}

std::map<std::string, std::string> states_at_gateway() {
  std::map<std::string, std::string> states;
  std::string before = "0";
  while (!before.empty()) {
    const auto page = json::parse(
        cluster().at_gateway("GET", "/_sandbox/orders?limit=2000&before=" + before).body);
    for (const json::value& order : page.at("orders").as_array())
      states[text(order.as_object(), "out_trade_no")] = text(order.as_object(), "trade_state");
    const json::value& next = page.at("next_before");
    before = next.is_null() ? "" : std::to_string(next.to_number<std::int64_t>());
  }
  return states;
}

/// Rows of an item's orders with their events; 3 is "closing", 6 is "expired".
std::string events_of(const std::string& item) {
  return " FROM history h JOIN orders o ON o.id = h.order_id JOIN item i ON i.no = o.item_no "
         "WHERE i.id = '" +
         item + "' AND h.event ";
}

void print_lateness(const std::string& item, int count) {
  std::cout << "    back on sale after their deadline, of " << count << ": ";
  for (const int percent : {50, 90, 99, 100}) {
    const int row = std::min(count - 1, count * percent / 100);
    std::cout << 'p' << percent << ' '
              << cluster().number("SELECT h.at - o.expires_at" + events_of(item) +
                                  "= 6 ORDER BY 1 LIMIT 1 OFFSET " + std::to_string(row))
              << " ms  ";
  }
  std::cout << '\n';
}

void expect_all_expired(const std::string& item, int count, const Unpaid& unpaid) {
  const auto stock = [&](const char* column) {
    return cluster().number("SELECT " + std::string(column) +
                            " FROM item_stock s JOIN item i ON i.no = s.item_no WHERE i.id = '" +
                            item + "'");
  };
  EXPECT_EQ(unpaid.orders.size(), static_cast<std::size_t>(count)) << "orders differ";
  EXPECT_TRUE(eventually([&] { return stock("available") == count; }))
      << stock("available") << " of " << count << " are back";
  EXPECT_EQ(stock("held") + stock("sold"), 0);
  EXPECT_EQ(cluster().number("SELECT COUNT(*)" + events_of(item) + "= 6"), count);
  EXPECT_EQ(
      cluster().number("SELECT COUNT(*)" + events_of(item) + "IN (3, 6) AND h.at < o.expires_at"),
      0)
      << "orders were given up before their deadline";
  EXPECT_EQ(cluster().number("SELECT COUNT(*)" + events_of(item) +
                             "= 6 AND o.expires_at - o.created_at <> 3000"),
            0);
  const auto states = states_at_gateway();
  EXPECT_FALSE(unpaid.begun.empty()) << "nobody got as far as a payment";
  for (const std::string& order : unpaid.begun)
    EXPECT_EQ(states.contains(order) ? states.at(order) : "unknown", "CLOSED") << order;
  std::cout << "    " << unpaid.begun.size() << " of " << count << " had a payment open\n";
  print_lateness(item, count);
  // The sale was sold out: a unit can be had only where Redis has heard of it.
  take(item, item + "-late");
  std::string output;
  EXPECT_TRUE(eventually([&] { return cluster().verify(output) == 0; })) << output;
  EXPECT_THAT(output, HasSubstr("was compared"));
}

TEST(ClusterExpiry, OrdersThatNobodyPaysAreClosedAtTheGatewayAndBackOnSale) {
  const int count = expiring_orders();
  cluster().open_sale("timed", count, 3);
  Unpaid unpaid;
  take_and_leave("timed", count, unpaid);
  expect_all_expired("timed", count, unpaid);
}

TEST(ClusterExpiry, WithoutTheirTimersTheSweepFindsThem) {
  const int count = expiring_orders();
  cluster().open_sale("swept", count, 3);
  cluster().open_sale("swept-first", 1, 3);
  Unpaid unpaid;
  take("swept-first", "swept-first-shopper");  // so that there is a queue to purge
  EXPECT_TRUE(eventually(
      [] { return cluster().number("SELECT COUNT(*)" + events_of("swept-first") + "= 6") == 1; }));
  std::int64_t purged = 0;
  {
    // Again and again: an order's timer is there for three seconds.
    std::jthread purge([&](const std::stop_token& stop) {
      for (; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(300))) {
        for (const char* queue : {"queue.seckillordertimerdelay.3000ms", "queue.seckillordertimer"})
          purged += cluster().rabbit().peer({"purge", queue})[0].to_number<std::int64_t>();
      }
    });
    take_and_leave("swept", count, unpaid);
    expect_all_expired("swept", count, unpaid);
  }
  std::cout << "    " << purged << " messages of timers were purged\n";
  EXPECT_GT(purged, 0);
}

}  // namespace
}  // namespace sluice::test

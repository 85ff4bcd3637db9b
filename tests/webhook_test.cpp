// Webhooks end to end: a receiver that is down for a while, through crashes of the server, gets
// everything once it is back, in order per order; and the dashboard asks for what is exported.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "payment/script_server.h"
#include "support/payment_world.h"
#include "webhook/protocol.h"

namespace sluice::test {
namespace {

using payment::http_answer;
using payment::ScriptRequest;
using payment::ScriptServer;

constexpr int kShoppers = 12;

/// Asks again and again until the answer is true; false after a minute.
bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

/// A receiver with a bad day. What it answers with 2xx, it has taken.
class Receiver {
 public:
  Receiver() : server_([this](const ScriptRequest& request) { return answer(request); }) {}

  std::string url() const { return server_.url() + "/hooks"; }
  void come_back() { down_ = false; }
  std::vector<ScriptRequest> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  std::size_t asked() const { return server_.requests().size(); }

 private:
  std::string answer(const ScriptRequest& request) {
    if (!down_) {
      const std::lock_guard lock(mutex_);
      taken_.push_back(request);
      return http_answer(204, "");
    }
    switch (++failures_ % 4) {
      case 0:
        return http_answer(500, std::string(10'000'000, 'x'));
      case 1:
        return ScriptServer::kReset;
      case 2:
        return http_answer(302, "", "Location: /elsewhere\r\n");
      default:
        return "nonsense\r\n\r\n";
    }
  }

  mutable std::mutex mutex_;
  std::vector<ScriptRequest> taken_;
  std::atomic<bool> down_{true};
  int failures_ = 0;  ///< the server's thread's
  ScriptServer server_;
};

std::string header(const ScriptRequest& request, const std::string& name) {
  const std::size_t at = request.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t from = at + name.size() + 4;
  return request.head.substr(from, request.head.find("\r\n", from) - from);
}

class WebhookTest : public testing::Test {
 protected:
  WebhookTest() : world_("v3") {}

  std::string grab(const std::string& user) {
    const Answer order =
        Caller(world_.port()).ask("POST", "/api/v1/items/item/orders", world_.token(user));
    EXPECT_EQ(order.status, 201) << order.body;
    return order.member("id");
  }
  void pay(const std::string& user, const std::string& order) {
    const Answer begun = Caller(world_.port())
                             .ask("POST", "/api/v1/orders/" + order + "/payment",
                                  world_.token(user), R"({"method":"wechat"})");
    ASSERT_EQ(begun.status, 200) << begun.body;
    const Answer paid = world_.at_sandbox("POST", "/_sandbox/orders/" + order + "/pay", "{}");
    ASSERT_EQ(paid.status / 100, 2) << paid.body;
    await(order, "paid");
  }
  void await(const std::string& order, const std::string& status) {
    ASSERT_TRUE(eventually([&] {
      return world_.operate("GET", "/api/v1/admin/orders/" + order)
          .body.contains("\"status\":\"" + status + "\"");
    })) << order
        << " did not turn " << status;
  }
  void register_receiver() {
    const Answer made =
        world_.operate("POST", "/api/v1/admin/webhooks",
                       R"({"url":")" + receiver_.url() + R"(","reason":"the shop wants to know"})");
    ASSERT_EQ(made.status, 201) << made.body;
    webhook_ = made.member("id");
    secret_ = made.member("secret");
  }
  /// Events by order, in the order in which they were first taken; each is checked.
  std::map<std::string, std::vector<std::string>> told() {
    std::map<std::string, std::vector<std::string>> by_subject;
    std::set<std::string> seen;
    for (const ScriptRequest& request : receiver_.taken()) {
      const auto event = boost::json::parse(request.body);
      const std::string id(event.at("id").as_string());
      const std::string type(event.at("type").as_string());
      EXPECT_EQ(header(request, "Sluice-Event-Id"), id);
      const std::string signature = header(request, "Sluice-Signature");
      const Instant at{std::stoll(signature.substr(2)) * 1000};
      EXPECT_EQ(signature, webhook::signature(secret_, at, request.body));
      if (type == "ping" || !seen.insert(id).second) continue;
      const auto& about = type.starts_with("order.") ? event.at("order") : event.at("item");
      by_subject[std::string(about.at("id").as_string())].push_back(type);
      if (type.starts_with("order.")) {
        EXPECT_EQ("order." + std::string(about.at("status").as_string()), type);
      }
    }
    return by_subject;
  }

  PaymentWorld world_;
  Receiver receiver_;
  std::string webhook_, secret_;
};

TEST_F(WebhookTest, AReceiverThatWasDownGetsEverythingInOrderOnceItIsBack) {
  world_.open_sale("item", kShoppers, 600, 100);
  register_receiver();
  std::map<std::string, std::vector<std::string>> expected;
  std::vector<std::string> orders;
  for (int i = 0; i < kShoppers; ++i)
    orders.push_back(grab("user" + std::to_string(i)));
  const std::string log = "/api/v1/admin/webhooks/" + webhook_ + "/deliveries?subject=item";
  ASSERT_TRUE(eventually([&] { return world_.operate("GET", log).body.contains("item.sold_out"); }))
      << "all units are taken";
  for (int i = 0; i < kShoppers; ++i) {
    const std::string user = "user" + std::to_string(i);
    const std::string& order = orders[static_cast<std::size_t>(i)];
    if (i % 3 == 0) {
      const Answer given_up =
          Caller(world_.port())
              .ask("POST", "/api/v1/orders/" + order + "/cancel", world_.token(user));
      ASSERT_EQ(given_up.status, 200) << given_up.body;
      await(order, "cancelled");
      expected[order] = {"order.cancelled"};
    } else {
      pay(user, order);
      expected[order] = {"order.paid"};
    }
    if (i % 3 == 1) {
      const Answer refund = world_.operate("POST", "/api/v1/admin/orders/" + order + "/refund",
                                           R"({"reason":"it is broken"})");
      ASSERT_EQ(refund.status, 200) << refund.body;
      expected[order].emplace_back("order.refunded");
    }
    if (i % 4 == 2) {  // the server dies, perhaps with events that were read and not sent
      world_.kill_server();
      world_.start_server();
    }
    ASSERT_FALSE(HasFatalFailure());
  }
  for (const auto& [order, events] : expected) {
    if (events.size() == 2) await(order, "refunded");
  }
  ASSERT_TRUE(eventually([&] { return receiver_.asked() > 5; }))
      << "it was asked while it was down";
  EXPECT_TRUE(receiver_.taken().empty());

  receiver_.come_back();
  world_.kill_server();
  world_.start_server();
  const Answer pinged = world_.operate("POST", "/api/v1/admin/webhooks/" + webhook_ + "/ping",
                                       R"({"reason":"are you back?"})");
  EXPECT_EQ(pinged.status, 200) << pinged.body;
  EXPECT_TRUE(eventually([&] { return told().size() >= expected.size(); }));
  EXPECT_TRUE(eventually([&] {
    return world_.operate("GET", "/api/v1/admin/webhooks/" + webhook_)
        .body.contains("\"pending\":0");
  }));
  auto by_subject = told();
  EXPECT_EQ(by_subject["item"], std::vector<std::string>{"item.sold_out"});
  by_subject.erase("item");
  EXPECT_EQ(by_subject, expected);
  EXPECT_EQ(world_.stop_server(), 0);
  EXPECT_EQ(world_.verify_record(), 0);
}

TEST_F(WebhookTest, TheLogTellsEachAttemptAndSendsAgain) {
  world_.open_sale("item", 5, 600, 100);
  register_receiver();
  receiver_.come_back();
  const std::string order = grab("alice");
  pay("alice", order);
  ASSERT_TRUE(eventually([&] { return told().contains(order); }));
  const std::string base = "/api/v1/admin/webhooks/" + webhook_;
  std::string deliveries;
  ASSERT_TRUE(eventually([&] {
    deliveries = world_.operate("GET", base + "/deliveries?state=delivered&subject=" + order).body;
    return deliveries.contains("order.paid");
  }));
  const auto first = boost::json::parse(deliveries).at("deliveries").at(0);
  const std::string one = base + "/deliveries/" + std::to_string(first.at("sequence").as_int64());
  EXPECT_TRUE(world_.operate("GET", one).body.contains("\"status\":204"));
  const std::size_t before = receiver_.taken().size();
  EXPECT_EQ(world_.operate("POST", one + "/redeliver", R"({"reason":"once more"})").status, 200);
  EXPECT_TRUE(eventually([&] { return receiver_.taken().size() == before + 1; }));
  const Answer audit = world_.operate("GET", "/api/v1/admin/audit");
  for (const char* what : {"webhook.add", "webhook.redeliver", "once more"})
    EXPECT_TRUE(audit.body.contains(what)) << what;
  EXPECT_FALSE(audit.body.contains(secret_));
  EXPECT_FALSE(world_.operate("GET", base).body.contains("secret"));
}

TEST_F(WebhookTest, RefusesWhatCannotBe) {
  const std::string base = "/api/v1/admin/webhooks";
  for (const char* body :
       {R"({"url":"ftp://shop.example/","reason":"r"})",
        R"({"url":"http://user:word@shop.example/","reason":"r"})",
        R"({"url":"http://shop.example/"})", R"({"url":7,"reason":"r"})",
        R"({"url":"http://shop.example/","events":["order.eaten"],"reason":"r"})",
        R"({"url":"http://shop.example/","events":[],"reason":"r"})",
        R"({"url":"http://shop.example/","secret":"short","reason":"r"})",
        R"({"url":"http://shop.example/","reason":"r","more":1})"}) {
    const Answer answer = world_.operate("POST", base, body);
    EXPECT_EQ(answer.status, 400) << body << answer.body;
  }
  EXPECT_EQ(world_.operate("GET", base + "/we_nobody").status, 404);
  EXPECT_EQ(world_.operate("GET", base + "/we_nobody/deliveries").status, 404);
  EXPECT_EQ(world_.operate("GET", base).body, R"({"webhooks":[]})");
  EXPECT_EQ(Caller(world_.port()).ask("GET", base, world_.token("alice")).status, 403);
}

/// What a text names in the way of metrics of this server.
std::set<std::string> metrics_in(const std::string& text) {
  static const std::regex name("sluice_[a-z0-9_]+");
  return {std::sregex_token_iterator(text.begin(), text.end(), name), std::sregex_token_iterator()};
}

TEST_F(WebhookTest, TheDashboardAsksOnlyForWhatIsExported) {
  std::ifstream file(SLUICE_DASHBOARD);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  world_.open_sale("item", 5, 600, 100);
  grab("alice");
  const std::string page = world_.operate("GET", "/metrics").body;
  std::set<std::string> exported;
  for (std::size_t at = page.find("# TYPE "); at != std::string::npos;
       at = page.find("# TYPE ", at + 1)) {
    const std::string name = page.substr(at + 7, page.find(' ', at + 7) - at - 7);
    exported.insert(name);
    if (page.substr(at, page.find('\n', at) - at).ends_with(" histogram")) {
      for (const char* suffix : {"_bucket", "_sum", "_count"})
        exported.insert(name + suffix);
    }
  }
  std::set<std::string> asked;
  const auto dashboard = boost::json::parse(text);
  for (const auto& panel : dashboard.at("panels").as_array()) {
    const auto* targets = panel.as_object().if_contains("targets");
    if (targets == nullptr) continue;
    for (const auto& target : targets->as_array()) {
      const auto names = metrics_in(std::string(target.at("expr").as_string()));
      EXPECT_FALSE(names.empty()) << target;
      asked.insert(names.begin(), names.end());
    }
  }
  EXPECT_GE(asked.size(), 25U);
  for (const std::string& name : asked)
    EXPECT_TRUE(exported.contains(name)) << name << " is not exported";
}

}  // namespace
}  // namespace sluice::test

// The whole way of an order with a gateway: grabbed, paid at the sandbox, settled; or left alone,
// closed at the sandbox, and on sale again. The real server, its demo's sandbox, the real clock.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

constexpr std::string_view kWechat = R"({"method":"wechat"})";

class BuyingTest : public testing::Test {
 protected:
  BuyingTest() : data_(directory_.path() + "/data"), server_(data_, {"--demo"}) {}

  Answer ask(std::string_view method, const std::string& path, const std::string& user,
             std::string_view body = {}) const {
    Wire wire(server_.port());
    auto answer = wire.request(method, path, server_.token(user, user == "admin"), body);
    if (!answer) throw std::runtime_error("no answer to " + path);
    return *answer;
  }

  /// A sale of one item that is open now.
  void open_sale(const std::string& item, int stock, int hold_seconds) const {
    const Answer opened = ask(
        "POST", "/api/v1/admin/sales", "admin",
        R"({"title":"Sale","starts_at":"2020-01-01T00:00:00Z","ends_at":"2099-01-01T00:00:00Z",)"
        R"("hold_seconds":)" +
            std::to_string(hold_seconds) + R"(,"items":[{"id":")" + item +
            R"(","title":"耳机","price":1999,"list_price":2999,"stock":)" + std::to_string(stock) +
            "}]}");
    ASSERT_EQ(opened.status, 201) << opened.body;
  }

  std::string grab(const std::string& item, const std::string& user) const {
    const Answer order = ask("POST", "/api/v1/items/" + item + "/orders", user);
    EXPECT_EQ(order.status, 201) << order.body;
    return order.member("id");
  }

  /// Creates the payment; its link tells where the sandbox is.
  std::string begin_payment(const std::string& order, const std::string& user) {
    const Answer payment = ask("POST", "/api/v1/orders/" + order + "/payment", user, kWechat);
    EXPECT_EQ(payment.status, 200) << payment.body;
    std::string link = payment.member("code_url");
    const std::size_t port = link.rfind(':');
    sandbox_port_ = static_cast<std::uint16_t>(std::stoi(link.substr(port + 1)));
    return link;
  }

  Answer sandbox(std::string_view method, const std::string& path,
                 std::string_view body = {}) const {
    auto answer = Wire(sandbox_port_).request(method, path, {}, body);
    if (!answer) throw std::runtime_error("the sandbox does not answer " + path);
    return *answer;
  }
  void pay_at_sandbox(const std::string& number, std::string_view body = {}) const {
    const Answer paid = sandbox("POST", "/_sandbox/orders/" + number + "/pay", body);
    ASSERT_EQ(paid.status, 200) << paid.body;
  }
  std::string at_sandbox(const std::string& number, std::string_view member) const {
    return sandbox("GET", "/_sandbox/orders/" + number).member(member);
  }

  /// Follows the order's events until `status` comes; what was told.
  std::string follow(const std::string& order, const std::string& user,
                     const std::string& status) const {
    Wire wire(server_.port());
    wire.send("GET /api/v1/orders/" + order + "/events HTTP/1.1\r\nHost: test\r\nAuthorization: " +
              "Bearer " + server_.token(user) + "\r\n\r\n");
    return wire.read_until("id: " + status + "\n");
  }

  /// Asks until the answer has `text`; the last answer.
  std::string until(const std::string& path, const std::string& text) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::string body;
    while (std::chrono::steady_clock::now() < end) {
      body = ask("GET", path, "admin").body;
      if (body.contains(text)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return body;
  }

  TemporaryDirectory directory_;
  std::string data_;
  ServerProcess server_;
  std::uint16_t sandbox_port_ = 0;
};

/// The moment of an event in a timeline.
std::string moment(const std::string& timeline, std::string_view event) {
  const auto parsed = boost::json::parse(timeline);
  for (const auto& entry : parsed.at("entries").as_array()) {
    if (entry.at("event").as_string() == event) return std::string(entry.at("at").as_string());
  }
  return {};
}

TEST_F(BuyingTest, OnePaysAndAnothersUnitComesBack) {
  open_sale("kettle", 2, 60);
  open_sale("ticket", 1, 3);
  const std::string paid = grab("kettle", "alice");
  const std::string left = grab("ticket", "bob");
  const std::string link = begin_payment(paid, "alice");
  begin_payment(left, "bob");
  EXPECT_EQ(begin_payment(paid, "alice"), link);
  const Answer image = ask("GET", "/api/v1/orders/" + paid + "/payment/qr.svg", "alice");
  EXPECT_TRUE(image.body.starts_with("<svg ")) << image.body;
  EXPECT_EQ(ask("POST", "/api/v1/items/ticket/orders", "carol").member("code"), "sold_out");

  pay_at_sandbox(paid);
  const std::string told = follow(paid, "alice", "paid");
  EXPECT_TRUE(told.contains("\"status\":\"paid\"")) << told;
  EXPECT_EQ(ask("GET", "/api/v1/orders/" + paid + "/payment", "alice").member("transaction_id"),
            at_sandbox(paid, "transaction_id"));

  const std::string ended = follow(left, "bob", "expired");
  EXPECT_TRUE(ended.contains("\"status\":\"expired\"")) << ended;
  EXPECT_EQ(at_sandbox(left, "trade_state"), "CLOSED");
  const std::string timeline =
      ask("GET", "/api/v1/admin/orders/" + left + "/timeline", "admin").body;
  EXPECT_LE(at_sandbox(left, "closed_at"), moment(timeline, "expired")) << timeline;
  grab("ticket", "carol");
  EXPECT_EQ(server_.terminate(), 0);
  EXPECT_EQ(run_sluice({"verify", "--data", data_}), 0);
}

TEST_F(BuyingTest, TheTerminalShowsTheCodeAndTheEnd) {
  open_sale("kettle", 2, 60);
  const std::string output = directory_.path() + "/out";
  ASSERT_EQ(run_sluice({"order", "grab", "kettle", "--user", "alice", "--data", data_}, output), 0);
  const auto read = [&output] {
    std::ifstream file(output, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string grabbed = read();
  const std::string order = grabbed.substr(0, grabbed.find(' '));
  EXPECT_TRUE(order.starts_with("No")) << grabbed;
  ASSERT_EQ(
      run_sluice({"order", "pay", order, "--user", "alice", "--data", data_, "--no-wait"}, output),
      0);
  EXPECT_TRUE(read().contains("█")) << read();
  EXPECT_TRUE(read().contains(begin_payment(order, "alice"))) << read();
  pay_at_sandbox(order);
  EXPECT_EQ(
      run_sluice({"order", "show", order, "--user", "alice", "--data", data_, "--watch"}, output),
      0);
  EXPECT_TRUE(read().contains(at_sandbox(order, "transaction_id"))) << read();
  EXPECT_EQ(run_sluice({"order", "pay", order, "--user", "alice", "--data", data_}, output), 1);
  EXPECT_TRUE(read().contains("(not_payable)")) << read();
  EXPECT_EQ(run_sluice({"order", "show", order, "--user", "mallory", "--data", data_}, output), 1);
  const std::string second = grab("kettle", "bob");
  EXPECT_EQ(run_sluice({"order", "cancel", second, "--user", "bob", "--data", data_}, output), 0);
}

TEST_F(BuyingTest, GivingAnOrderBackClosesItsPaymentFirst) {
  open_sale("kettle", 1, 60);
  const std::string order = grab("kettle", "alice");
  begin_payment(order, "alice");
  EXPECT_EQ(ask("POST", "/api/v1/orders/" + order + "/cancel", "alice").status, 200);
  follow(order, "alice", "cancelled");
  EXPECT_EQ(at_sandbox(order, "trade_state"), "CLOSED");
  grab("kettle", "bob");
}

TEST_F(BuyingTest, AFenTooLittleChangesNothingAndIsWrittenDown) {
  open_sale("kettle", 1, 60);
  const std::string order = grab("kettle", "alice");
  begin_payment(order, "alice");
  pay_at_sandbox(order, R"({"amount":1998})");
  const std::string timeline =
      until("/api/v1/admin/orders/" + order + "/timeline", "amount_mismatch");
  EXPECT_TRUE(timeline.contains("19.98 instead of 19.99")) << timeline;
  EXPECT_EQ(ask("GET", "/api/v1/orders/" + order, "alice").member("status"), "awaiting_payment");
}

TEST_F(BuyingTest, TheOperatorGivesMoneyBack) {
  open_sale("kettle", 1, 60);
  const std::string order = grab("kettle", "alice");
  begin_payment(order, "alice");
  pay_at_sandbox(order);
  follow(order, "alice", "paid");
  const Answer refund = ask("POST", "/api/v1/admin/orders/" + order + "/refund", "admin",
                            R"({"reason":"it arrived broken"})");
  EXPECT_EQ(refund.status, 200) << refund.body;
  EXPECT_TRUE(until("/api/v1/admin/orders/" + order, "\"status\":\"refunded\"")
                  .contains("\"status\":\"refunded\""));
  EXPECT_EQ(at_sandbox(order, "refunded"), "1999");
  grab("kettle", "bob");
}

TEST_F(BuyingTest, AnotherServicesNotificationWaitsInItsQueue) {
  open_sale("kettle", 1, 60);
  begin_payment(grab("kettle", "alice"), "alice");  // tells where the sandbox is
  const std::string token = server_.token_of("order-service", http::Role::service);
  const auto service = [&](const std::string& path) {
    Wire wire(server_.port());
    return wire.request("GET", path, token)->body;
  };
  const std::string created = service("/weixin/pay/create/native?outtradeno=SO-1&totalfee=1");
  EXPECT_TRUE(created.contains("\"flag\":false")) << created;
  const std::string made = service(
      "/weixin/pay/create/native?outtradeno=SO-2026-1&totalfee=2500&queue=queue.order"
      "&exchange=exchange.order&username=dora");
  EXPECT_TRUE(made.contains("\"flag\":true")) << made;
  const std::string foreign = service(
      "/weixin/pay/create/native?outtradeno=SO-2026-2&totalfee=2500&queue=amq.topic"
      "&exchange=exchange.order&username=dora");
  EXPECT_TRUE(foreign.contains("\"error\":\"forbidden\"")) << foreign;
  pay_at_sandbox("SO-2026-1");
  const std::string queues = until("/api/v1/admin/queues", R"("queue":"queue.order","ready":1)");
  EXPECT_TRUE(queues.contains(R"("queue":"queue.order","ready":1)")) << queues;
  const std::string state = service("/weixin/pay/status/query?outtradeno=SO-2026-1");
  EXPECT_TRUE(state.contains("\"trade_state\":\"SUCCESS\"")) << state;
  const std::string close = service("/weixin/pay/close?outtradeno=SO-2026-1");
  EXPECT_TRUE(close.contains("\"err_code\":\"ORDERPAID\"")) << close;
}

}  // namespace
}  // namespace sluice::test

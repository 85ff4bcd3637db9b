// The payment of a shopper's order and what operators see of payments, over real HTTP.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "api/testing_payments.h"

namespace sluice::api::testing {
namespace {

using settlement::BeginError;

constexpr std::string_view kWechat = R"({"method":"wechat"})";

std::string payment_of(const std::string& order) {
  return "/api/v1/orders/" + order + "/payment";
}

std::set<std::string> members(const Answer& answer) {
  std::set<std::string> names;
  const auto body = answer.json();
  for (const auto& member : body.as_object())
    names.emplace(member.key());
  return names;
}

bool is_null(const Answer& answer, std::string_view member) {
  return answer.json().at({member.data(), member.size()}).is_null();
}

class NoGatewayTest : public ApiTest {};

TEST_F(NoGatewayTest, SaysSoAndEverythingElseWorks) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const std::string order = grab("phone", "alice").text("id");
  for (const Answer& answer :
       {post(payment_of(order), "alice", std::string(kWechat)), get(payment_of(order), "alice"),
        get(payment_of(order) + "/qr.svg", "alice"), admin("GET", "/api/v1/admin/notifications"),
        admin("GET", "/api/v1/admin/queues")}) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.code(), "payment_unavailable");
    EXPECT_TRUE(answer.detail().contains("[wechat]")) << answer.detail();
    EXPECT_EQ(answer.header("retry-after"), "1");
  }
  const Answer service = ask(port(), Ask{"GET",
                                         "/weixin/pay/close?outtradeno=123456",
                                         {},
                                         token("other", http::Role::service),
                                         {}});
  EXPECT_EQ(service.status, 503);
  EXPECT_EQ(service.json().at("flag").as_bool(), false);
  EXPECT_EQ(post("/weixin/pay/notify/url", "", "{}").status, 503);
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_TRUE(is_null(admin("GET", "/api/v1/admin/orders/" + order), "payment"));
  EXPECT_EQ(post("/api/v1/orders/" + order + "/cancel", "alice").status, 200);
}

TEST_F(NoGatewayTest, IsNotReadyBeforeAnExpectedGatewayIsOpen) {
  ApiOptions options;
  options.has_gateway = true;
  start(options);
  const Answer answer = get("/readyz?verbose");
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.body.contains("[-] payments")) << answer.body;
}

class PaymentTest : public PaymentApiTest {};

TEST_F(PaymentTest, IsCreatedAndToldAgain) {
  const std::string order = grab_one();
  const Answer first = post(payment_of(order), "alice", std::string(kWechat));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(members(first),
            (std::set<std::string>{"code_url", "qr_svg_url", "amount", "currency", "expires_at"}));
  EXPECT_EQ(first.json().at("amount").as_int64(), 1999);
  EXPECT_EQ(first.text("currency"), "CNY");
  EXPECT_EQ(first.text("code_url"), "weixin://wxpay/bizpayurl?pr=" + order);
  EXPECT_EQ(first.text("qr_svg_url"), payment_of(order) + "/qr.svg");
  EXPECT_EQ(first.header("cache-control"), "no-store");
  EXPECT_EQ(desk_.address, "127.0.0.1");
  const Answer second = post(payment_of(order), "alice", std::string(kWechat));
  EXPECT_EQ(second.body, first.body);
}

TEST_F(PaymentTest, RefusesEveryOtherBody) {
  const std::string order = grab_one();
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{}"), std::string("null"),
        std::string(R"({"method":"alipay"})"), std::string(R"({"method":1})"),
        std::string(R"({"method":""})"), std::string(R"({"method":null})"),
        std::string(R"({"method":"wechat","amount":1})"), std::string(R"({"Method":"wechat"})"),
        std::string(R"({"method":"wechat","method":"wechat"})"),
        std::string("{\"method\":\"\xff\"}"), std::string(R"({"method":"wechat")"),
        std::string(5000, '[')}) {
    const Answer answer = post(payment_of(order), "alice", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.code(), "invalid_request") << body;
  }
  EXPECT_TRUE(service_.created.empty());
}

TEST_F(PaymentTest, OfAnothersOrderDoesNotExist) {
  const std::string order = grab_one();
  ASSERT_EQ(post(payment_of(order), "alice", std::string(kWechat)).status, 200);
  for (const std::string& body : {std::string(kWechat), std::string("{}"), std::string()}) {
    const Answer foreign = post(payment_of(order), "mallory", body);
    EXPECT_EQ(foreign.code(), "unknown_order") << body;
    EXPECT_EQ(foreign.body, post(payment_of("No1"), "mallory", body).body);
  }
  EXPECT_EQ(get(payment_of(order), "mallory").code(), "unknown_order");
  EXPECT_EQ(get(payment_of(order) + "/qr.svg", "mallory").code(), "unknown_order");
  EXPECT_EQ(get(payment_of(order)).status, 401);
  EXPECT_EQ(service_.created.size(), 1U);
}

TEST_F(PaymentTest, EveryRefusalHasItsCode) {
  const std::string order = grab_one();
  struct Row {
    BeginError error;
    int status;
    std::string_view code;
  };
  for (const Row& row : {Row{BeginError::unknown_order, 404, "unknown_order"},
                         Row{BeginError::not_awaiting, 409, "not_payable"},
                         Row{BeginError::past_deadline, 409, "not_payable"},
                         Row{BeginError::refused, 502, "payment_refused"},
                         Row{BeginError::unavailable, 503, "payment_unavailable"},
                         Row{BeginError::overloaded, 503, "overloaded"},
                         Row{BeginError::storage, 503, "storage_failed"}}) {
    desk_.error = row.error;
    const Answer answer =
        post(payment_of(order), "alice", std::string(kWechat), {"Accept-Language: zh-CN"});
    EXPECT_EQ(answer.status, row.status) << row.code;
    EXPECT_EQ(answer.code(), row.code);
    EXPECT_EQ(answer.header("retry-after"), row.status == 503 ? "1" : "") << row.code;
    EXPECT_EQ(answer.header("content-language"), "zh-CN");
  }
  const Answer numbers = get("/metrics");
  EXPECT_TRUE(numbers.body.contains("sluice_payments_total{outcome=\"refused\"} 1\n"));
  EXPECT_TRUE(numbers.body.contains("sluice_payments_total{outcome=\"begun\"} 0\n"));
}

TEST_F(PaymentTest, TheStateBeforeDuringAndAfter) {
  const std::string order = grab_one();
  const Answer before = get(payment_of(order), "alice");
  ASSERT_EQ(before.status, 200) << before.body;
  EXPECT_EQ(members(before), (std::set<std::string>{"order_id", "status", "status_code", "method",
                                                    "code_url", "qr_svg_url", "amount", "currency",
                                                    "expires_at", "paid_at", "transaction_id"}));
  EXPECT_TRUE(is_null(before, "code_url"));
  EXPECT_TRUE(is_null(before, "method"));

  const std::string link = post(payment_of(order), "alice", std::string(kWechat)).text("code_url");
  const Answer during = get(payment_of(order), "alice");
  EXPECT_EQ(during.text("status"), "awaiting_payment");
  EXPECT_EQ(during.text("code_url"), link);
  EXPECT_EQ(during.text("method"), "wechat");
  EXPECT_TRUE(is_null(during, "paid_at"));

  pay(order);
  const Answer after = get(payment_of(order), "alice");
  EXPECT_EQ(after.text("status"), "paid");
  EXPECT_EQ(after.text("transaction_id"), "4200001");
  EXPECT_EQ(after.text("paid_at"), to_rfc3339(now()));
  EXPECT_TRUE(is_null(after, "code_url"));
}

TEST_F(PaymentTest, TheQrCodeLivesNoLongerThanTheHold) {
  const std::string order = grab_one();
  const std::string image = payment_of(order) + "/qr.svg";
  EXPECT_EQ(get(image, "alice").code(), "unknown_payment");
  ASSERT_EQ(post(payment_of(order), "alice", std::string(kWechat)).status, 200);
  const Answer shown = get(image, "alice");
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.header("content-type"), "image/svg+xml");
  EXPECT_EQ(shown.header("cache-control"), "no-store");
  EXPECT_TRUE(shown.body.starts_with("<svg ")) << shown.body;
  pass(Span::seconds(60));
  EXPECT_EQ(get(image, "alice").code(), "unknown_payment");
  EXPECT_TRUE(is_null(get(payment_of(order), "alice"), "code_url"));
}

TEST_F(PaymentTest, AServiceThatFailsIsNotAMissingPayment) {
  const std::string order = grab_one();
  service_.error = payment::ServiceError{payment::ServiceError::Kind::storage, "disk", {}};
  EXPECT_EQ(get(payment_of(order), "alice").code(), "storage_failed");
  EXPECT_EQ(get(payment_of(order) + "/qr.svg", "alice").code(), "storage_failed");
}

TEST_F(PaymentTest, HealthAndMetrics) {
  EXPECT_TRUE(get("/readyz?verbose").body.contains("[+] gateway ok\n[+] ledger ok\n[+] bus ok\n"));
  gateway_.breaker_open = true;
  bus_.is_healthy = false;
  service_.is_healthy = false;
  const Answer ready = get("/readyz?verbose");
  EXPECT_EQ(ready.status, 200);  // grabs need neither
  EXPECT_TRUE(ready.body.contains("[-] gateway: ")) << ready.body;
  EXPECT_TRUE(ready.body.contains("[-] bus: ")) << ready.body;
  EXPECT_TRUE(ready.body.contains("[-] ledger: ")) << ready.body;
  const std::string numbers = get("/metrics").body;
  for (const std::string_view line :
       {"sluice_payment_gateway_calls_total 7\n", "sluice_payment_gateway_failures_total 2\n",
        "sluice_payment_gateway_breaker_open 1\n", "sluice_payment_settlements_total 5\n",
        "sluice_payment_parked 1\n", "sluice_payment_notifications_total{verdict=\"refused\"} 8\n",
        "sluice_payment_waiting{why=\"close\"} 4\n", "sluice_payment_bus_healthy 0\n",
        "sluice_payment_queue_messages{queue=\"queueSeckillOrder\",state=\"parked\"} 1\n"}) {
    EXPECT_TRUE(numbers.contains(line)) << line;
  }
}

TEST_F(PaymentTest, OperatorsSeeThePaymentOfAnOrder) {
  const std::string order = grab_one();
  const std::string path = "/api/v1/admin/orders/" + order;
  EXPECT_TRUE(is_null(admin("GET", path), "payment"));
  ASSERT_EQ(post(payment_of(order), "alice", std::string(kWechat)).status, 200);
  const Answer shown = admin("GET", path);
  EXPECT_EQ(shown.json().at("payment").at("queue").as_string(), "queueSeckillOrder");
  EXPECT_EQ(shown.json().at("payment").at("amount").as_int64(), 1999);
  EXPECT_EQ(shown.text("user"), "alice");
}

payment::NotificationEntry entry(std::int64_t sequence, std::string number, std::string body) {
  payment::NotificationEntry made;
  made.sequence = sequence;
  made.received_at = now();
  made.out_trade_no = std::move(number);
  made.verdict = payment::NotificationEntry::Verdict::refused;
  made.detail = "bad signature";
  made.raw.body = std::move(body);
  return made;
}

TEST_F(PaymentTest, OperatorsReadTheLogOfNotificationsInPages) {
  service_.log = {entry(3, "No77", "<xml>three</xml>"), entry(2, "other1", "\xff\xfe"),
                  entry(1, "\xff", "{}")};
  const Answer first = admin("GET", "/api/v1/admin/notifications?limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  const auto page = first.json().at("notifications").as_array();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].at("body").as_string(), "<xml>three</xml>");
  EXPECT_EQ(page[0].at("verdict").as_string(), "refused");
  EXPECT_TRUE(page[1].at("body").is_null());
  const Answer second = admin(
      "GET", "/api/v1/admin/notifications?limit=2&page_token=" + first.text("next_page_token"));
  EXPECT_EQ(second.json().at("notifications").as_array().size(), 1U);
  EXPECT_EQ(second.text("next_page_token"), "");
  const Answer one = admin("GET", "/api/v1/admin/notifications?order=No77");
  EXPECT_EQ(one.json().at("notifications").as_array().size(), 1U);
  EXPECT_EQ(admin("GET", "/api/v1/admin/notifications?oder=No77").code(), "invalid_request");
  EXPECT_EQ(get("/api/v1/admin/notifications", "alice").code(), "forbidden");
}

TEST_F(PaymentTest, OperatorsSendANotificationOnAgain) {
  service_.log = {entry(3, "No77", "<xml/>")};
  const std::string path = "/api/v1/admin/notifications/3/replay";
  EXPECT_EQ(admin("POST", path, "{}").code(), "invalid_request");
  EXPECT_EQ(admin("POST", path, R"({"reason":"the queue was purged"})").status, 200);
  EXPECT_EQ(service_.replayed, std::vector<std::int64_t>{3});
  for (const std::string_view word : {"x", "-1", "99999999999999999999", "3%20"}) {
    EXPECT_EQ(admin("POST", fmt::format("/api/v1/admin/notifications/{}/replay", word),
                    R"({"reason":"r"})")
                  .code(),
              "unknown_notification")
        << word;
  }
  service_.refuses_replay = true;
  EXPECT_EQ(admin("POST", path, R"({"reason":"r"})").code(), "not_replayable");
  service_.log.clear();
  EXPECT_EQ(admin("POST", path, R"({"reason":"r"})").code(), "unknown_notification");
  service_.error = payment::ServiceError{payment::ServiceError::Kind::storage, "disk", {}};
  EXPECT_EQ(admin("POST", path, R"({"reason":"r"})").code(), "storage_failed");
}

TEST_F(PaymentTest, OperatorsSeeTheQueues) {
  EXPECT_EQ(admin("GET", "/api/v1/admin/queues").body,
            R"({"healthy":true,"queues":[{"queue":"queueSeckillOrder","ready":3,)"
            R"("unacknowledged":2,"parked":1}]})");
}

}  // namespace
}  // namespace sluice::api::testing

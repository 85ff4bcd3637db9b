// The routes of the payment service, over real HTTP.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/testing_payments.h"

namespace sluice::api::testing {
namespace {

using payment::Fault;
using payment::ServiceError;

constexpr std::string_view kCreate = "/weixin/pay/create/native?";
constexpr std::string_view kRest = "&queue=queue.order&exchange=exchange.order&username=bob";

class WeixinTest : public PaymentApiTest {
 protected:
  Answer create(const std::string& number, const std::string& fee, std::string_view rest = kRest) {
    return service_get(fmt::format("{}outtradeno={}&totalfee={}{}", kCreate, number, fee, rest));
  }
  static bool flag(const Answer& answer) { return answer.json().at("flag").as_bool(); }
  static std::int64_t code(const Answer& answer) { return answer.json().at("code").as_int64(); }
  static std::string data(const Answer& answer, std::string_view member) {
    const auto body = answer.json();
    const auto* found = body.at("data").as_object().if_contains({member.data(), member.size()});
    return found == nullptr ? "" : std::string(found->as_string());
  }
};

TEST_F(WeixinTest, IsForServicesAndOperatorsOnly) {
  const std::string path = "/weixin/pay/status/query?outtradeno=123456";
  service_.trade.state = payment::Trade::State::not_paid;
  for (const http::Role role : {http::Role::service, http::Role::admin})
    EXPECT_EQ(service_get(path, role).status, 200);
  for (const std::string_view route :
       {"/weixin/pay/status/query", "/weixin/pay/close", "/weixin/pay/create/native"}) {
    const std::string at(route);
    const Answer nobody = get(at);
    EXPECT_EQ(nobody.status, 401);
    EXPECT_EQ(data(nobody, "error"), "unauthenticated");
    EXPECT_EQ(nobody.header("www-authenticate"), "Bearer");
    const Answer shopper = get(at, "alice");
    EXPECT_EQ(shopper.status, 403);
    EXPECT_EQ(data(shopper, "error"), "forbidden");
    EXPECT_EQ(code(shopper), 20001);
    EXPECT_FALSE(flag(shopper));
  }
  EXPECT_EQ(service_.asked.size(), 2U);
}

TEST_F(WeixinTest, CreatesAPaymentOfAnotherService) {
  const Answer answer = create("SO-2026_1122|7*", "2500");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(flag(answer));
  EXPECT_EQ(code(answer), 20000);
  EXPECT_FALSE(answer.text("message").empty());
  EXPECT_EQ(data(answer, "code_url"), "weixin://wxpay/bizpayurl?pr=SO-2026_1122|7*");
  EXPECT_EQ(data(answer, "prepay_id"), "wx1");
  ASSERT_EQ(service_.created.size(), 1U);
  const payment::PaymentRequest& wanted = service_.created.front();
  EXPECT_EQ(wanted.amount, Money{2500});
  EXPECT_EQ(wanted.attach.queue, "queue.order");
  EXPECT_EQ(wanted.attach.exchange, "exchange.order");
  EXPECT_EQ(wanted.attach.username, "bob");
  EXPECT_EQ(wanted.expires_at, now() + Span::seconds(7200));
  EXPECT_EQ(wanted.client_address, "127.0.0.1");
  const Answer chinese = ask(port(), Ask{"GET",
                                         "/weixin/pay/create/native?outtradeno=123456&totalfee=1" +
                                             std::string(kRest) + "&body=%E8%80%B3%E6%9C%BA",
                                         {},
                                         token("s", http::Role::service),
                                         {"Accept-Language: zh"}});
  EXPECT_TRUE(chinese.text("message").starts_with("支付已创建")) << chinese.body;
  EXPECT_EQ(service_.created.back().subject, "耳机");
}

TEST_F(WeixinTest, RefusesBadParameters) {
  // "R" stands for the rest of a good query.
  std::vector<std::string> queries{"",
                                   "totalfee=1R",
                                   "outtradeno=12345&totalfee=1R",
                                   "outtradeno=123%2056&totalfee=1R",
                                   "outtradeno=12345%00&totalfee=1R",
                                   "outtradeno=12345%E4%B8%AD&totalfee=1R",
                                   "outtradeno=123456R"};
  for (const std::string_view fee : {"0", "-1", "1.5", "1e3", "01", "1000000000001",
                                     "99999999999999999999", "", "1&totalfee=2"}) {
    queries.push_back(fmt::format("outtradeno=123456&totalfee={}R", fee));
  }
  for (const std::string_view rest :
       {"", "&queue=q&exchange=e", "&queue=&exchange=e&username=u", "R&colour=red", "R&body=%zz",
        "&queue=q%0a&exchange=e&username=u"}) {
    queries.push_back(fmt::format("outtradeno=123456&totalfee=1{}", rest));
  }
  queries.push_back(fmt::format("outtradeno={}&totalfee=1R", std::string(33, '1')));
  const std::string good = "outtradeno=123456&totalfee=1";
  queries.push_back(fmt::format("{}&queue=q&exchange={}&username=u", good, std::string(128, 'e')));
  queries.push_back(fmt::format("{}&queue=q&exchange=e&username={}", good, std::string(129, 'u')));
  queries.push_back(fmt::format("{}R&body={}", good, std::string(513, 'b')));
  for (std::string& query : queries) {
    if (const std::size_t at = query.find('R'); at != std::string::npos) {
      query.replace(at, 1, kRest);
    }
    const Answer answer = service_get(std::string(kCreate) + query);
    EXPECT_EQ(answer.status, 400) << query << "\n" << answer.body;
    EXPECT_EQ(data(answer, "error"), "invalid_request") << query;
  }
  for (const std::string_view route : {"/weixin/pay/status/query", "/weixin/pay/close"}) {
    for (const std::string_view query :
         {"", "?outtradeno=", "?outtradeno=1", "?out_trade_no=123456", "?outtradeno=123456&x=1"}) {
      EXPECT_EQ(service_get(std::string(route) + std::string(query)).status, 400) << query;
    }
  }
  EXPECT_TRUE(service_.created.empty());
  EXPECT_TRUE(service_.asked.empty());
}

TEST_F(WeixinTest, TellsFailuresOfTheServiceApart) {
  struct Row {
    ServiceError error;
    int status;
    std::string_view name;
  };
  const auto fault = [](Fault::Kind kind) {
    return ServiceError{ServiceError::Kind::gateway, "no", Fault{kind, "SYSTEMERROR", "busy"}};
  };
  for (const Row& row :
       {Row{{ServiceError::Kind::invalid, "too long", {}}, 400, "invalid_request"},
        Row{{ServiceError::Kind::forbidden, "not on the list", {}}, 403, "forbidden"},
        Row{{ServiceError::Kind::conflict, "another amount", {}}, 409, "payment_conflict"},
        Row{{ServiceError::Kind::storage, "disk", {}}, 503, "storage_failed"},
        Row{fault(Fault::Kind::refused), 200, "payment_refused"},
        Row{fault(Fault::Kind::retry), 200, "payment_unavailable"},
        Row{fault(Fault::Kind::untrusted), 200, "payment_unavailable"},
        Row{fault(Fault::Kind::unavailable), 200, "payment_unavailable"}}) {
    service_.error = row.error;
    const Answer answer = create("123456", "1");
    EXPECT_EQ(answer.status, row.status) << row.name;
    EXPECT_FALSE(flag(answer));
    EXPECT_EQ(code(answer), 20001);
    EXPECT_EQ(data(answer, "error"), row.name);
    EXPECT_EQ(data(answer, "err_code"), row.error.fault ? "SYSTEMERROR" : "");
    EXPECT_EQ(answer.text("message"), row.error.message);
  }
}

TEST_F(WeixinTest, ASaleOrderIsPaidAsItIsOrNotAtAll) {
  const std::string order = grab_one();
  const auto rest = [](std::string_view queue, std::string_view exchange, std::string_view user) {
    return fmt::format("&queue={}&exchange={}&username={}", queue, exchange, user);
  };
  const std::string right = rest("queueSeckillOrder", "exchange.order", "alice");
  struct Row {
    std::string number, fee, rest;
    int status;
    std::string_view name;
  };
  for (const Row& row :
       {Row{order, "1998", right, 409, "payment_conflict"},
        Row{order, "2000", right, 409, "payment_conflict"},
        Row{order, "1999", rest("queue.order", "exchange.order", "alice"), 400, "invalid_request"},
        Row{order, "1999", rest("queueSeckillOrder", "other", "alice"), 400, "invalid_request"},
        Row{order, "1999", rest("queueSeckillOrder", "exchange.order", "bob"), 404,
            "unknown_order"},
        Row{"No12345678", "1999", right, 404, "unknown_order"}}) {
    const Answer answer = create(row.number, row.fee, row.rest);
    EXPECT_EQ(answer.status, row.status) << row.rest << answer.body;
    EXPECT_EQ(data(answer, "error"), row.name);
  }
  EXPECT_TRUE(service_.created.empty());

  const Answer created = create(order, "1999", right);
  EXPECT_TRUE(flag(created)) << created.body;
  EXPECT_EQ(data(created, "code_url"), "weixin://wxpay/bizpayurl?pr=" + order);
  EXPECT_EQ(data(created, "prepay_id"), "wx1");
  desk_.error = settlement::BeginError::unavailable;
  const Answer later = create(order, "1999", right);
  EXPECT_EQ(later.status, 200);
  EXPECT_EQ(data(later, "error"), "payment_unavailable");
  desk_.error.reset();

  pay(order);
  const Answer paid = create(order, "1999", right);
  EXPECT_EQ(paid.status, 409);
  EXPECT_EQ(data(paid, "error"), "not_payable");
}

TEST_F(WeixinTest, TheSalesQueueTakesSaleOrdersAlone) {
  const Answer sale =
      create("SO-2026-1", "1999", "&queue=queueSeckillOrder&exchange=exchange.order&username=bob");
  EXPECT_EQ(sale.status, 400);
  EXPECT_EQ(data(sale, "error"), "invalid_request");
  EXPECT_TRUE(sale.text("message").contains("queueSeckillOrder")) << sale.body;
  EXPECT_TRUE(service_.created.empty());
  EXPECT_EQ(create("SO-2026-1", "1999").status, 200);
}

TEST_F(WeixinTest, TellsTheStateOfATrade) {
  using State = payment::Trade::State;
  service_.trade.fields = {{"trade_state", "SUCCESS"}, {"transaction_id", "42"}, {"\xff", "\xfe"}};
  service_.trade.state = State::paid;
  const Answer paid = service_get("/weixin/pay/status/query?outtradeno=123456");
  EXPECT_TRUE(flag(paid)) << paid.body;
  EXPECT_EQ(data(paid, "transaction_id"), "42");
  EXPECT_EQ(data(paid, "out_trade_no"), "123456");
  EXPECT_EQ(data(paid, "return_code"), "SUCCESS");
  EXPECT_EQ(desk_.looked_at, std::vector<std::string>{"123456"}) << "nobody else may have told it";
  service_.trade.fields.clear();
  for (const auto& [state, word] :
       {std::pair{State::not_paid, "NOTPAY"}, std::pair{State::paying, "USERPAYING"},
        std::pair{State::closed, "CLOSED"}, std::pair{State::failed, "PAYERROR"},
        std::pair{State::refunded, "REFUND"}}) {
    service_.trade.state = state;
    EXPECT_EQ(data(service_get("/weixin/pay/status/query?outtradeno=123456"), "trade_state"), word);
  }
  service_.trade.state = State::not_found;
  const Answer none = service_get("/weixin/pay/status/query?outtradeno=123456");
  EXPECT_EQ(none.status, 200);
  EXPECT_FALSE(flag(none));
  EXPECT_EQ(data(none, "err_code"), "ORDERNOTEXIST");
  EXPECT_EQ(desk_.looked_at.size(), 1U);
}

TEST_F(WeixinTest, ClosesAndSaysWhatBecameOfIt) {
  using payment::CloseAnswer;
  struct Row {
    CloseAnswer answer;
    bool flag;
    std::string_view result_code, err_code;
  };
  for (const Row& row : {Row{CloseAnswer::closed, true, "SUCCESS", ""},
                         Row{CloseAnswer::already_closed, true, "SUCCESS", ""},
                         Row{CloseAnswer::already_paid, false, "FAIL", "ORDERPAID"},
                         Row{CloseAnswer::not_found, false, "FAIL", "ORDERNOTEXIST"}}) {
    service_.closed = row.answer;
    const Answer answer = service_get("/weixin/pay/close?outtradeno=No12345");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(flag(answer), row.flag) << answer.body;
    EXPECT_EQ(data(answer, "return_code"), "SUCCESS");
    EXPECT_EQ(data(answer, "result_code"), row.result_code);
    EXPECT_EQ(data(answer, "err_code"), row.err_code);
  }
  EXPECT_EQ(service_.asked, std::vector<std::string>(4, "No12345"));
  EXPECT_EQ(desk_.looked_at, std::vector<std::string>(3, "No12345")) << "all but the unknown one";
}

TEST_F(WeixinTest, HandsNotificationsOnByteForByte) {
  const std::string body("<xml>\0 \xff\r\n</xml>", 16);
  const Answer answer = ask(port(), Ask{"POST",
                                        "/weixin/pay/notify/url",
                                        body,
                                        {},
                                        {"Wechatpay-Serial: AB12", "Content-Type: text/xml"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "<xml/>");
  EXPECT_EQ(answer.header("content-type"), "text/xml; charset=utf-8");
  ASSERT_EQ(service_.notified.size(), 1U);
  EXPECT_EQ(service_.notified.front().body, body);
  bool found = false;
  for (const auto& [name, value] : service_.notified.front().headers)
    found = found || (name == "Wechatpay-Serial" && value == "AB12");
  EXPECT_TRUE(found);

  service_.acknowledgement = {500, "application/json", R"({"code":"FAIL","message":"disk"})"};
  const Answer refused = post("/weixin/pay/notify/url", "", "{}");
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.text("code"), "FAIL");
  service_.acknowledgement = {204, "", ""};
  EXPECT_EQ(post("/weixin/pay/notify/url", "", "{}").status, 204);
}

TEST_F(WeixinTest, NotificationsAreBoundedInSizeButNotInNumber) {
  ApiOptions options;
  options.address_per_second = 1;
  options.user_per_second = 1;
  open(options);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(post("/weixin/pay/notify/url", "", "<xml/>").status, 200);
  EXPECT_EQ(service_.notified.size(), 20U);
  const Answer large = post("/weixin/pay/notify/url", "", std::string(32 * 1024 + 1, 'x'));
  EXPECT_EQ(large.status, 400);
  EXPECT_EQ(large.text("code"), "FAIL");
  EXPECT_EQ(post("/weixin/pay/notify/url", "", std::string(65 * 1024, 'x')).status, 413);
  EXPECT_EQ(service_.notified.size(), 20U);
  EXPECT_EQ(get("/weixin/pay/notify/url").status, 405);
}

TEST_F(WeixinTest, IsNotServedWithoutTheRole) {
  ApiOptions options;
  options.pay_role = false;
  open(options);
  EXPECT_EQ(service_get("/weixin/pay/close?outtradeno=123456").code(), "not_found");
  EXPECT_EQ(post("/weixin/pay/notify/url", "", "{}").code(), "not_found");
}

}  // namespace
}  // namespace sluice::api::testing

// The control: what an order's history tells, paying by hand, faults in concert, and hostile
// bodies.
#include "sandbox/control.h"

#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ControlTest : public SandboxTest {
 protected:
  http::Response pay(const std::string& number, std::string_view body = "") const {
    http::Request request;
    request.body = body;
    return control_.pay(request, number);
  }
  http::Response clock(std::string_view body) const {
    http::Request request;
    request.body = body;
    return control_.put_clock(request);
  }
  http::Response list(std::string_view query) const {
    http::Request request;
    request.query = query;
    return control_.list(request);
  }
  void create(const std::string& number) {
    ASSERT_TRUE(emulator_.create(order_request(number)).has_value());
  }
};

TEST_F(ControlTest, PaysNowTheOrdersAmountOrAnother) {
  create("No1000");
  create("No1001");
  const auto paid = json(pay("No1000"));
  EXPECT_EQ(paid.at("trade_state"), "SUCCESS");
  EXPECT_EQ(paid.at("paid"), 1990);
  EXPECT_EQ(paid.at("notifications").at("open"), 1);
  EXPECT_EQ(json(pay("No1001", R"({"amount":1})")).at("paid"), 1);
  EXPECT_EQ(pay("No1001").status, 409);
  EXPECT_EQ(pay("No1002").status, 404);
}

TEST_F(ControlTest, HostileBodiesChangeNothing) {
  create("No1000");
  for (const char* body : {"[]", "x", R"({"amount":0})", R"({"amount":-5})", R"({"amount":1.5})",
                           R"({"amount":"1"})", R"({"amount":1000000000001})", R"({"amont":1})",
                           R"({"amount":1,"amount":2})", R"({"force":1})"}) {
    const auto refused = pay("No1000", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(json(refused).at("code"), "invalid_request") << body;
  }
  EXPECT_THAT(events("No1000"), ElementsAre("created"));
  for (const char* body : {"", "{}", "[1]", R"({"speed":0})", R"({"speed":-1})",
                           R"({"speed":"60"})", R"({"speed":1e9})", R"({"sped":60})"}) {
    EXPECT_EQ(clock(body).status, 400) << body;
  }
  EXPECT_EQ(emulator_.speed(), 1);
  EXPECT_EQ(clock(R"({"speed":60})").status, 200);
  EXPECT_EQ(clock(R"({"speed":0.5})").status, 200);
  EXPECT_EQ(emulator_.speed(), 0.5);
  http::Request request;
  request.body = R"({"notify":{"drop":1},"clse":{}})";
  EXPECT_EQ(control_.put_faults(request).status, 400);
  EXPECT_EQ(emulator_.faults().notify.drop, 0);
}

TEST_F(ControlTest, TheHistoryShowsThatAnOrderWasClosedAndWhen) {
  create("No1000");
  now_ = now_ + Span::seconds(30);
  EXPECT_TRUE(emulator_.query({"No1000"}).has_value());
  EXPECT_TRUE(emulator_.query({"No1000"}).has_value());
  now_ = now_ + Span::seconds(1);
  ASSERT_TRUE(emulator_.close("No1000").has_value());
  EXPECT_THAT(events("No1000"), ElementsAre("created", "queried", "close_asked", "closed"));
  const auto order = shown("No1000");
  EXPECT_EQ(order.at("closed_at"), to_rfc3339(kStart + Span::seconds(31)).c_str());
  EXPECT_EQ(order.at("events").at(1).at("times"), 2);
  EXPECT_EQ(order.at("events").at(3).at("at"), order.at("closed_at"));
}

TEST_F(ControlTest, AClosedOrExpiredOrderIsPaidByForceOnly) {
  create("No1000");
  create("No1001");
  ASSERT_TRUE(emulator_.close("No1000").has_value());
  now_ = now_ + Span::seconds(601);
  EXPECT_EQ(json(pay("No1000")).at("code"), "closed");
  EXPECT_EQ(json(pay("No1001")).at("code"), "expired");
  EXPECT_EQ(pay("No1000", R"({"force":true})").status, 200);
  EXPECT_EQ(pay("No1001", R"({"force":true})").status, 200);
}

TEST_F(ControlTest, ThePayerOvertakesTheCloseWhereThatWasAskedFor) {
  create("No1000");
  emulator_.set_faults(*parse_faults(R"({"pay_before_close":true})"));
  now_ = now_ + Span::seconds(601);
  EXPECT_EQ(emulator_.close("No1000").error().why, Why::paid);
  EXPECT_THAT(events("No1000"), ElementsAre("created", "close_asked", "paid", "close_refused"));
  EXPECT_EQ(emulator_.notices(), 1U);
}

TEST_F(ControlTest, ACloseErrorHitsOnlyAsManyCallsAndLeavesTheOrderOpen) {
  create("No1000");
  emulator_.set_faults(*parse_faults(R"({"close":{"error":"SYSTEMERROR","times":2}})"));
  EXPECT_EQ(emulator_.close("No1000").error().code, "SYSTEMERROR");
  EXPECT_EQ(emulator_.close("No1000").error().code, "SYSTEMERROR");
  EXPECT_EQ(shown("No1000").at("trade_state"), "NOTPAY");
  EXPECT_TRUE(emulator_.close("No1000").has_value());
}

TEST_F(ControlTest, CallsAboutUnknownOrdersAreListed) {
  EXPECT_FALSE(emulator_.query({"No7777"}).has_value());
  EXPECT_FALSE(emulator_.close("No7777").has_value());
  const auto all = json(list(""));
  const auto& unknown = all.at("unknown").as_array();
  ASSERT_EQ(unknown.size(), 3U);
  EXPECT_EQ(unknown[0].at("call").at("event"), "queried");
  EXPECT_EQ(unknown[1].at("call").at("event"), "close_asked");
}

TEST_F(ControlTest, ListsInPages) {
  for (int i = 0; i < 5; ++i)
    create("No100" + std::to_string(i));
  const auto first = json(list("limit=2"));
  EXPECT_EQ(first.at("orders").as_array().size(), 2U);
  EXPECT_EQ(first.at("orders").at(0).at("out_trade_no"), "No1004");
  EXPECT_EQ(first.at("known"), 5);
  const auto rest =
      json(list("limit=3&before=" + std::to_string(first.at("next_before").as_int64())));
  EXPECT_EQ(rest.at("orders").as_array().size(), 3U);
  EXPECT_TRUE(rest.at("next_before").is_null());
  for (const char* query : {"limit=0", "limit=x", "limit=10001", "before=-1"})
    EXPECT_EQ(list(query).status, 400) << query;
}

TEST_F(ControlTest, EveryAttemptIsShownWithItsAnswer) {
  create("No1000");
  emulator_.set_faults(*parse_faults(R"({"notify":{"drop":1}})"));
  ASSERT_TRUE(emulator_.pay("No1000", std::nullopt, false).has_value());
  EXPECT_TRUE(emulator_.take(10).empty()) << "lost on its way";
  now_ = now_ + Span::seconds(15);
  const auto tasks = emulator_.take(10);
  ASSERT_EQ(tasks.size(), 1U);
  emulator_.answered(tasks[0], {false, 503, now_, Span{12}, "try later"});
  now_ = now_ + Span::seconds(15);
  emulator_.answered(emulator_.take(10).at(0), {true, 204, now_, Span{3}, ""});
  const auto order = shown("No1000");
  const auto& attempts = order.at("attempts").as_array();
  ASSERT_EQ(attempts.size(), 3U);
  EXPECT_EQ(attempts[0].at("kind"), "dropped");
  EXPECT_EQ(attempts[1].at("status"), 503);
  EXPECT_EQ(attempts[1].at("answer"), "try later");
  EXPECT_EQ(attempts[2].at("acknowledged"), true);
  EXPECT_EQ(order.at("notifications").at("open"), 0);
  EXPECT_THAT(events("No1000"), ElementsAre("created", "paid", "notify_acknowledged"));
}

TEST_F(ControlTest, WhatMerchantsAnswerCannotBreakTheJson) {
  create("No1000");
  ASSERT_TRUE(emulator_.pay("No1000", std::nullopt, false).has_value());
  const auto tasks = emulator_.take(10);
  emulator_.answered(tasks.at(0), {false, 500, now_, Span{}, "\"\xff\xfe\\<script>\n\x01"});
  std::string body = control_.show("No1000").body;
  EXPECT_NO_THROW(boost::json::parse(body)) << body;
  now_ = now_ + Span::seconds(15);
  std::string long_answer = "x";
  while (long_answer.size() < 2 * kMaxAnswerBytes)
    long_answer += "订";
  emulator_.answered(emulator_.take(10).at(0), {false, 500, now_, Span{}, long_answer});
  body = control_.show("No1000").body;
  EXPECT_NO_THROW(boost::json::parse(body)) << body;
  EXPECT_THAT(body, HasSubstr("订\"")) << "cut at a character";
}

TEST_F(ControlTest, NumbersThatNobodyWouldSendCannotBreakTheListEither) {
  std::string number = "No\"\\<订";
  while (number.size() < 1'000)
    number += "订";
  EXPECT_FALSE(emulator_.close(number).has_value());
  EXPECT_NO_THROW(boost::json::parse(list("").body));
}

}  // namespace
}  // namespace sluice::sandbox

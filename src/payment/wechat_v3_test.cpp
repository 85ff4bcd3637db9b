// WeChat Pay v3 without sockets: what is asked, and what answers mean.
#include "payment/wechat_v3.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "payment/json_tree.h"
#include "payment/v3_test_support.h"
#include "payment/xml.h"

namespace sluice::payment {
namespace {

const Moment kMoment{kTestNow, "593BEC0C930BF1AFEB40B4A08C8FB242"};

class WechatV3Test : public testing::Test {
 protected:
  std::unique_ptr<Protocol> v3_ = wechat_v3(test_account()).value();

  static NewPayment payment() {
    return {"No|2015*0806", Money{888},  Currency(),
            "Image形象店",  "{\"q\":1}", kTestNow + Span{1'800'999},
            "192.0.2.7"};
  }
  static RefundOrder refund() {
    return {kTestOrder, "4200000001", "R1", Money{888}, Money{500}, Currency(), "too late"};
  }
  static HttpAnswer answer(int status, std::string body) {
    return signed_answer(platform_key(), status, std::move(body));
  }
  static HttpAnswer error(int status, std::string_view code) {
    return answer(status, fmt::format(R"({{"code":"{}","message":"x"}})", code));
  }
  Outcome<Trade> trade(const HttpAnswer& from) const {
    return v3_->read_trade(kTestOrder, from, kTestNow);
  }
  template <class T>
  static Fault::Kind kind(const Outcome<T>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Fault::Kind::unavailable : outcome.error().kind;
  }
  /// Whether the Authorization header signs what is sent.
  static void expect_signed(const HttpCall& call) {
    const auto header =
        std::ranges::find(call.headers, "Authorization", &Headers::value_type::first);
    ASSERT_NE(header, call.headers.end());
    const auto parts = parse_v3_authorization(header->second);
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_EQ(parts->mchid, "1900009191");
    EXPECT_EQ(parts->serial, merchant_key().serial);
    EXPECT_EQ(parts->timestamp, "1795356309");
    const auto key = PublicKey::from_pem(merchant_key().certificate_pem).value();
    EXPECT_TRUE(key.verifies(
        v3_request_message(call.method, call.target, parts->timestamp, parts->nonce, call.body),
        *from_base64(parts->signature)));
  }
};

TEST_F(WechatV3Test, CreateIsSignedAndComplete) {
  const HttpCall call = v3_->create(payment(), kMoment);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.target, "/v3/pay/transactions/native");
  expect_signed(call);
  const auto body = parse_object(call.body).value();
  EXPECT_EQ(text_in(body, "appid"), "wxd678efh567hg6787");
  EXPECT_EQ(text_in(body, "mchid"), "1900009191");
  EXPECT_EQ(text_in(body, "description"), "Image形象店");
  EXPECT_EQ(text_in(body, "out_trade_no"), "No|2015*0806");
  EXPECT_EQ(text_in(body, "time_expire"), "2026-11-22T22:35:09+08:00") << "cut, never beyond";
  EXPECT_EQ(text_in(body, "attach"), "{\"q\":1}");
  EXPECT_EQ(whole_in(*object_in(body, "amount"), "total"), 888);
  EXPECT_EQ(text_in(*object_in(body, "amount"), "currency"), "CNY");
}

TEST_F(WechatV3Test, OtherCallsAsDocumented) {
  const HttpCall query = v3_->query("No|2015*0806", kMoment);
  EXPECT_EQ(query.method, "GET");
  EXPECT_EQ(query.target, "/v3/pay/transactions/out-trade-no/No%7C2015%2A0806?mchid=1900009191");
  EXPECT_EQ(query.body, "");
  expect_signed(query);
  const HttpCall close = v3_->close(kTestOrder, kMoment);
  EXPECT_EQ(close.target, "/v3/pay/transactions/out-trade-no/No20150806125346/close");
  EXPECT_EQ(close.body, "{\"mchid\":\"1900009191\"}");
  expect_signed(close);
  const HttpCall refunded = v3_->refund(refund(), kMoment);
  EXPECT_EQ(refunded.target, "/v3/refund/domestic/refunds");
  const auto body = parse_object(refunded.body).value();
  EXPECT_EQ(text_in(body, "transaction_id"), "4200000001");
  EXPECT_EQ(text_in(body, "out_trade_no"), "");
  EXPECT_EQ(whole_in(*object_in(body, "amount"), "refund"), 500);
  EXPECT_EQ(whole_in(*object_in(body, "amount"), "total"), 888);
  expect_signed(refunded);
  const HttpCall followed = v3_->query_refund(kTestOrder, "R1", kMoment);
  EXPECT_EQ(followed.target, "/v3/refund/domestic/refunds/R1");
  expect_signed(followed);
  EXPECT_TRUE(v3_->confirms_close_by_query());
}

TEST_F(WechatV3Test, PublicKeyModeAsksForThatKey) {
  WechatV3Account account = test_account();
  account.platform_serial = "PUB_KEY_ID_0114232134912410000000000000";
  account.platform_public_key_pem = platform_key().public_pem;
  const auto v3 = wechat_v3(account).value();
  const HttpCall call = v3->query(kTestOrder, kMoment);
  EXPECT_NE(std::ranges::find(call.headers,
                              Headers::value_type("Wechatpay-Serial", account.platform_serial)),
            call.headers.end());
  const HttpAnswer from{
      200, stamped(platform_key(), "pub_key_id_0114232134912410000000000000", test_trade()),
      test_trade()};
  EXPECT_TRUE(v3->read_trade(kTestOrder, from, kTestNow)) << "serials have no case";
}

TEST_F(WechatV3Test, CreatedGivesTheCodeUrl) {
  const auto created =
      v3_->read_created(payment(), answer(200, R"({"code_url":"weixin://x"})"), kTestNow);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->code_url, "weixin://x");
  EXPECT_EQ(field_of(created->fields, "code_url"), "weixin://x");
  for (const char* body : {"{}", "[]", "", "null", R"({"code_url":1})", R"({"code_url":""})",
                           "<html></html>", "{\"code_url\":\"a\\nb\"}"})
    EXPECT_EQ(kind(v3_->read_created(payment(), answer(200, body), kTestNow)),
              Fault::Kind::untrusted)
        << body;
  for (const int status : {201, 204})
    EXPECT_EQ(kind(v3_->read_created(payment(), answer(status, R"({"code_url":"weixin://x"})"),
                                     kTestNow)),
              Fault::Kind::untrusted)
        << status;
}

TEST_F(WechatV3Test, PaidTellsTheFacts) {
  const auto read = trade(answer(200, test_trade()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->state, Trade::State::paid);
  ASSERT_TRUE(read->payment);
  EXPECT_EQ(read->payment->amount, Money{888}) << "total, not payer_total";
  EXPECT_EQ(read->payment->transaction_id, "1217752501201407033233368018");
  EXPECT_EQ(to_rfc3339(read->payment->paid_at), "2018-06-08T02:34:56.000Z");
  EXPECT_EQ(field_of(read->fields, "amount.total"), "888");
  EXPECT_EQ(field_of(read->fields, "total_fee"), "888");
  EXPECT_EQ(field_of(read->fields, "time_end"), "20180608103456");
}

TEST_F(WechatV3Test, EveryTradeState) {
  using State = Trade::State;
  const std::vector<std::pair<std::string, State>> states{
      {"SUCCESS", State::paid},   {"REFUND", State::refunded}, {"NOTPAY", State::not_paid},
      {"CLOSED", State::closed},  {"REVOKED", State::closed},  {"USERPAYING", State::paying},
      {"PAYERROR", State::failed}};
  for (const auto& [name, state] : states) {
    const auto read = trade(answer(200, test_trade("SUCCESS", name)));
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->state, state) << name;
    EXPECT_EQ(read->payment.has_value(), state == State::paid || state == State::refunded) << name;
  }
  EXPECT_EQ(kind(trade(answer(200, test_trade("SUCCESS", "OTHER")))), Fault::Kind::untrusted);
}

TEST_F(WechatV3Test, AnswersOfAnotherOrderOrMerchantAreUntrusted) {
  for (const auto& [from, to] : Fields{{kTestOrder, "No20150806125347"},
                                       {"1900009191", "1900009192"},
                                       {"wxd678efh567hg6787", "wxd678efh567hg6788"},
                                       {"\"total\":888", "\"total\":0"},
                                       {"\"total\":888", "\"total\":8.88"},
                                       {"\"total\":888", "\"total\":\"888\""},
                                       {"\"total\":888", "\"total\":-888"},
                                       {"2018-06-08T10:34:56+08:00", "yesterday"},
                                       {"1217752501201407033233368018", ""},
                                       {"\"CNY\"", "\"XXX\""}}) {
    EXPECT_EQ(kind(trade(answer(200, test_trade(from, to)))), Fault::Kind::untrusted) << to;
  }
}

TEST_F(WechatV3Test, WhatIsNotSignedIsUntrusted) {
  HttpAnswer bare = answer(200, test_trade());
  bare.headers.clear();
  EXPECT_EQ(kind(trade(bare)), Fault::Kind::untrusted);
  EXPECT_EQ(kind(v3_->read_closed(kTestOrder, {204, {}, ""}, kTestNow)), Fault::Kind::untrusted);

  HttpAnswer changed = answer(200, test_trade());
  changed.body += " ";
  EXPECT_EQ(kind(trade(changed)), Fault::Kind::untrusted);

  const HttpAnswer by_another{200, stamped(merchant_key(), platform_key().serial, test_trade()),
                              test_trade()};
  EXPECT_EQ(kind(trade(by_another)), Fault::Kind::untrusted);

  EXPECT_EQ(kind(v3_->read_trade(kTestOrder, answer(200, test_trade()), kTestNow + kV3Freshness)),
            Fault::Kind::untrusted)
      << "replayed";
  EXPECT_EQ(kind(trade(signed_answer(next_platform_key(), 200, test_trade()))),
            Fault::Kind::untrusted)
      << "an unknown serial";
}

TEST_F(WechatV3Test, EveryErrorCode) {
  const std::vector<std::pair<int, const char*>> refused{
      {400, "PARAM_ERROR"},     {400, "INVALID_REQUEST"},     {400, "APPID_MCHID_NOT_MATCH"},
      {400, "MCH_NOT_EXISTS"},  {400, "ORDER_CLOSED"},        {401, "SIGN_ERROR"},
      {403, "NO_AUTH"},         {403, "NOT_ENOUGH"},          {403, "OUT_TRADE_NO_USED"},
      {403, "RULE_LIMIT"},      {403, "TRADE_ERROR"},         {403, "ACCOUNT_ERROR"},
      {404, "ORDER_NOT_EXIST"}, {404, "RESOURCE_NOT_EXISTS"}, {400, "SOMETHING_NEW"}};
  for (const auto& [status, code] : refused) {
    const auto created = v3_->read_created(payment(), error(status, code), kTestNow);
    EXPECT_EQ(kind(created), Fault::Kind::refused) << code;
    EXPECT_EQ(created.error().code, code);
  }
  const std::vector<std::pair<int, const char*>> retried{{500, "SYSTEM_ERROR"},
                                                         {202, "USER_PAYING"},
                                                         {429, "FREQUENCY_LIMITED"},
                                                         {500, "BANK_ERROR"},
                                                         {503, "SOMETHING_NEW"}};
  for (const auto& [status, code] : retried) {
    const auto created = v3_->read_created(payment(), error(status, code), kTestNow);
    EXPECT_EQ(kind(created), Fault::Kind::retry) << code;
    EXPECT_EQ(created.error().code, code);
  }
}

TEST_F(WechatV3Test, CloseAnswers) {
  const auto close = [this](const HttpAnswer& from) {
    return v3_->read_closed(kTestOrder, from, kTestNow);
  };
  EXPECT_EQ(close(answer(204, "")), CloseAnswer::closed);
  EXPECT_EQ(close(error(400, "ORDER_CLOSED")), CloseAnswer::already_closed);
  EXPECT_EQ(close(error(400, "ORDERPAID")), CloseAnswer::already_paid);
  EXPECT_EQ(close(error(404, "ORDER_NOT_EXIST")), CloseAnswer::not_found);
  EXPECT_EQ(kind(close(error(500, "SYSTEM_ERROR"))), Fault::Kind::retry);
  EXPECT_EQ(kind(close(error(202, "USER_PAYING"))), Fault::Kind::retry);
}

/// An error without a signature must not release stock; what tells nothing of an order is taken.
TEST_F(WechatV3Test, UnsignedErrorsTellNothingOfTheOrder) {
  for (const char* code : {"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND",
                           "ORDER_CLOSED", "ORDERPAID"}) {
    HttpAnswer bare = error(404, code);
    bare.headers.clear();
    EXPECT_EQ(kind(trade(bare)), Fault::Kind::untrusted) << code;
    EXPECT_EQ(kind(v3_->read_closed(kTestOrder, bare, kTestNow)), Fault::Kind::untrusted) << code;
    EXPECT_EQ(kind(v3_->read_refund_query("R1", bare, kTestNow)), Fault::Kind::untrusted) << code;
  }
  HttpAnswer unsigned_refusal = error(401, "SIGN_ERROR");
  unsigned_refusal.headers.clear();
  EXPECT_EQ(kind(trade(unsigned_refusal)), Fault::Kind::refused);
  for (const char* code : {"ORDER_NOT_EXIST", "SIGN_ERROR"}) {
    HttpAnswer badly_signed = error(404, code);
    badly_signed.body += "\n";
    EXPECT_EQ(kind(trade(badly_signed)), Fault::Kind::untrusted) << code;
  }
}

TEST_F(WechatV3Test, UnknownOrders) {
  for (const char* code : {"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"}) {
    const auto read = trade(error(404, code));
    ASSERT_TRUE(read) << code;
    EXPECT_EQ(read->state, Trade::State::not_found);
  }
  EXPECT_EQ(kind(trade(error(400, "ORDER_NOT_EXIST"))), Fault::Kind::refused) << "only with 404";
}

TEST_F(WechatV3Test, HtmlIsNeverAnAnswer) {
  EXPECT_EQ(kind(trade({200, {}, "<html>"})), Fault::Kind::untrusted);
  EXPECT_EQ(kind(trade({404, {}, "<html>"})), Fault::Kind::untrusted);
  EXPECT_EQ(kind(trade({302, {}, ""})), Fault::Kind::untrusted);
  EXPECT_EQ(kind(trade({502, {}, "<html>"})), Fault::Kind::retry);
  EXPECT_EQ(kind(trade({429, {}, ""})), Fault::Kind::retry);
}

TEST_F(WechatV3Test, Refunds) {
  using State = RefundProgress::State;
  const std::string good =
      R"({"refund_id":"50","out_refund_no":"R1","transaction_id":"4200000001",)"
      R"("out_trade_no":"No20150806125346","status":"STATUS",)"
      R"("amount":{"total":888,"refund":500,"currency":"CNY"}})";
  const auto text = [&good](std::string_view from, std::string_view to) {
    std::string body = good;
    return body.replace(body.find(from), from.size(), to);
  };
  const std::vector<std::pair<const char*, State>> states{{"SUCCESS", State::succeeded},
                                                          {"PROCESSING", State::processing},
                                                          {"CLOSED", State::closed},
                                                          {"ABNORMAL", State::failed}};
  for (const auto& [status, state] : states) {
    const HttpAnswer from = answer(200, text("STATUS", status));
    const auto made = v3_->read_refund(refund(), from, kTestNow);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->state, state) << status;
    EXPECT_EQ(made->refund_id, "50");
    const auto followed = v3_->read_refund_query("R1", from, kTestNow);
    ASSERT_TRUE(followed) << followed.error().message;
    EXPECT_EQ(followed->state, state) << status;
  }
  EXPECT_EQ(kind(v3_->read_refund(refund(), answer(200, good), kTestNow)), Fault::Kind::untrusted);
  for (const auto& [from, to] : Fields{{"\"refund\":500", "\"refund\":501"},
                                       {"\"total\":888", "\"total\":887"},
                                       {"R1", "R2"},
                                       {kTestOrder, "No2"}}) {
    EXPECT_EQ(kind(v3_->read_refund(refund(), answer(200, text(from, to)), kTestNow)),
              Fault::Kind::untrusted)
        << to;
  }
  const auto unknown = v3_->read_refund_query("R1", error(404, "RESOURCE_NOT_EXISTS"), kTestNow);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->state, State::not_found);
}

TEST_F(WechatV3Test, AccountsAreChecked) {
  const auto refused = [](auto change) {
    WechatV3Account account = test_account();
    change(account);
    const auto made = wechat_v3(account);
    EXPECT_FALSE(made);
    return made ? "" : made.error().message;
  };
  EXPECT_NE(refused([](auto& a) { a.api_v3_key.pop_back(); }).find("31 bytes"), std::string::npos);
  EXPECT_NE(refused([](auto& a) { a.merchant_private_key_pem = "x"; }).find("private_key"),
            std::string::npos);
  EXPECT_NE(refused([](auto& a) { a.platform_public_key_pem = "x"; }).find("platform_public_key"),
            std::string::npos);
  EXPECT_NE(refused([](auto& a) { a.merchant_serial.clear(); }).find("merchant_serial"),
            std::string::npos);
  EXPECT_NE(refused([](auto& a) {
              a.platform_serial.clear();
              a.platform_public_key_pem = platform_key().public_pem;
            }).find("platform_serial"),
            std::string::npos);
  WechatV3Account account = test_account();
  account.platform_serial.clear();
  EXPECT_TRUE(wechat_v3(account)) << "a certificate tells its serial";
}

}  // namespace
}  // namespace sluice::payment

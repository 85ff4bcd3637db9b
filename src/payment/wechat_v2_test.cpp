// WeChat Pay v2 without sockets: what is asked, what answers mean, what notifications are taken.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "payment/test_keys.h"
#include "payment/wechat_v2.h"
#include "payment/xml.h"

namespace sluice::payment {
namespace {

const std::string kKey = "192006250b4c09247ec02edce69f6a2d";
const Moment kMoment{kTestNow, "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"};

class WechatV2Test : public testing::Test {
 protected:
  static std::unique_ptr<Protocol> make(bool hmac) {
    return wechat_v2({"wxd930ea5d5a258f4f", "10000100", kKey,
                      "http://127.0.0.1:8080/weixin/pay/notify/url", hmac});
  }
  std::unique_ptr<Protocol> v2_ = make(true);

  static NewPayment payment() {
    return {
        "No20150806125346",         Money{888}, Currency(), "腾讯充值中心-QQ会员充值", "{\"q\":1}",
        kTestNow + Span{1'800'999}, "192.0.2.7"};
  }
  static RefundOrder refund() {
    return {"No20150806125346", "4200000001", "R-No20150806125346", Money{888}, Money{500},
            Currency(),         "too late"};
  }
  /// An answer with return_code, this account and a sign.
  static HttpAnswer answer(const Fields& fields, SignType type = SignType::hmac_sha256) {
    Fields all{{"return_code", "SUCCESS"},
               {"return_msg", "OK"},
               {"appid", "wxd930ea5d5a258f4f"},
               {"mch_id", "10000100"},
               {"nonce_str", "IITRi8Iabbblz1Jc"}};
    all.insert(all.end(), fields.begin(), fields.end());
    return {200, {}, write_xml(with_sign(all, kKey, type))};
  }
  static HttpAnswer error(std::string code) {
    return answer({{"result_code", "FAIL"}, {"err_code", std::move(code)}, {"err_code_des", "x"}});
  }
  static Fields paid() {
    return {{"result_code", "SUCCESS"},
            {"out_trade_no", "No20150806125346"},
            {"transaction_id", "1008450740201411110005820873"},
            {"trade_type", "NATIVE"},
            {"trade_state", "SUCCESS"},
            {"total_fee", "888"},
            {"cash_fee", "800"},
            {"fee_type", "CNY"},
            {"attach", "{\"q\":1}"},
            {"openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            {"time_end", "20141111170043"}};
  }
  static Fields with(Fields fields, std::string_view name, std::string value) {
    std::ranges::find(fields, name, &Fields::value_type::first)->second = std::move(value);
    return fields;
  }
  static Fields without(Fields fields, std::string_view name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return fields;
  }
  Outcome<Trade> trade(const HttpAnswer& from) const {
    return v2_->read_trade("No20150806125346", from, kTestNow);
  }
  /// The kind of the fault, which there must be.
  template <class T>
  static Fault::Kind kind(const Outcome<T>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Fault::Kind::unavailable : outcome.error().kind;
  }
};

TEST_F(WechatV2Test, CreateIsSignedAndComplete) {
  for (const bool hmac : {false, true}) {
    const HttpCall call = make(hmac)->create(payment(), kMoment);
    EXPECT_EQ(call.target, "/pay/unifiedorder");
    EXPECT_TRUE(call.repeatable);
    EXPECT_FALSE(call.with_client_certificate);
    const Fields fields = parse_xml(call.body).value();
    EXPECT_EQ(v2_verify(fields, kKey), hmac ? SignType::hmac_sha256 : SignType::md5);
    EXPECT_EQ(field_of(fields, "body"), "腾讯充值中心-QQ会员充值");
    EXPECT_EQ(field_of(fields, "total_fee"), "888");
    EXPECT_EQ(field_of(fields, "fee_type"), "CNY");
    EXPECT_EQ(field_of(fields, "trade_type"), "NATIVE");
    EXPECT_EQ(field_of(fields, "product_id"), "No20150806125346");
    EXPECT_EQ(field_of(fields, "attach"), "{\"q\":1}");
    EXPECT_EQ(field_of(fields, "spbill_create_ip"), "192.0.2.7");
    EXPECT_FALSE(field_of(fields, "time_start")) << "a repetition must have the same parameters";
    EXPECT_EQ(field_of(fields, "time_expire"), "20261122223509") << "cut, never beyond the hold";
    EXPECT_EQ(field_of(fields, "nonce_str"), kMoment.nonce);
  }
}

TEST_F(WechatV2Test, SubjectsAreCutAtACharacter) {
  NewPayment long_one = payment();
  long_one.subject = std::string(126, 'x') + "深圳";
  EXPECT_EQ(field_of(*parse_xml(v2_->create(long_one, kMoment).body), "body"),
            std::string(126, 'x'));
  long_one.subject = "two\nlines";
  EXPECT_EQ(field_of(*parse_xml(v2_->create(long_one, kMoment).body), "body"), "two lines");
  long_one.subject = "\xff";
  EXPECT_EQ(field_of(*parse_xml(v2_->create(long_one, kMoment).body), "body"), "?");
  long_one.subject = "";
  EXPECT_EQ(field_of(*parse_xml(v2_->create(long_one, kMoment).body), "body"), "No20150806125346");
}

TEST_F(WechatV2Test, OtherCallsAsDocumented) {
  EXPECT_EQ(v2_->query("No20150806125346", kMoment).target, "/pay/orderquery");
  EXPECT_EQ(v2_->close("No20150806125346", kMoment).target, "/pay/closeorder");
  EXPECT_EQ(v2_->query_refund("No20150806125346", "R1", kMoment).target, "/pay/refundquery");
  const HttpCall call = v2_->refund(refund(), kMoment);
  EXPECT_EQ(call.target, "/secapi/pay/refund");
  EXPECT_TRUE(call.with_client_certificate);
  const Fields fields = parse_xml(call.body).value();
  EXPECT_TRUE(v2_verify(fields, kKey));
  EXPECT_EQ(field_of(fields, "transaction_id"), "4200000001");
  EXPECT_EQ(field_of(fields, "out_refund_no"), "R-No20150806125346");
  EXPECT_EQ(field_of(fields, "total_fee"), "888");
  EXPECT_EQ(field_of(fields, "refund_fee"), "500");
  EXPECT_FALSE(v2_->confirms_close_by_query());
}

TEST_F(WechatV2Test, CreatedGivesTheCodeUrl) {
  const Fields good{{"result_code", "SUCCESS"},
                    {"trade_type", "NATIVE"},
                    {"prepay_id", "wx2014"},
                    {"code_url", "weixin://wxpay/bizpayurl?pr=abc"}};
  for (const SignType type : {SignType::md5, SignType::hmac_sha256}) {
    const auto created = v2_->read_created(payment(), answer(good, type), kTestNow);
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->code_url, "weixin://wxpay/bizpayurl?pr=abc");
    EXPECT_EQ(field_of(created->fields, "prepay_id"), "wx2014");
    EXPECT_FALSE(field_of(created->fields, "sign"));
  }
  EXPECT_EQ(kind(v2_->read_created(payment(), answer(without(good, "code_url")), kTestNow)),
            Fault::Kind::untrusted);
  EXPECT_EQ(kind(v2_->read_created(payment(), answer(with(good, "trade_type", "JSAPI")), kTestNow)),
            Fault::Kind::untrusted);
}

TEST_F(WechatV2Test, PaidTellsTheFacts) {
  const auto read = trade(answer(paid()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->state, Trade::State::paid);
  ASSERT_TRUE(read->payment);
  EXPECT_EQ(read->payment->transaction_id, "1008450740201411110005820873");
  EXPECT_EQ(read->payment->amount, Money{888}) << "total_fee, not cash_fee";
  EXPECT_EQ(to_rfc3339(read->payment->paid_at), "2014-11-11T09:00:43.000Z");
  EXPECT_EQ(read->payment->attach, "{\"q\":1}");
}

TEST_F(WechatV2Test, PaidWithoutACurrencyIsCny) {
  const auto read = trade(answer(without(paid(), "fee_type")));
  ASSERT_TRUE(read && read->payment);
  EXPECT_EQ(read->payment->currency.code(), "CNY");
}

TEST_F(WechatV2Test, EveryTradeState) {
  using State = Trade::State;
  const std::vector<std::pair<std::string, State>> states{
      {"SUCCESS", State::paid},   {"REFUND", State::refunded}, {"NOTPAY", State::not_paid},
      {"CLOSED", State::closed},  {"REVOKED", State::closed},  {"USERPAYING", State::paying},
      {"PAYERROR", State::failed}};
  for (const auto& [name, state] : states) {
    const auto read = trade(answer(with(paid(), "trade_state", name)));
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->state, state) << name;
    EXPECT_EQ(read->payment.has_value(), state == State::paid || state == State::refunded) << name;
  }
  EXPECT_EQ(kind(trade(answer(with(paid(), "trade_state", "OTHER")))), Fault::Kind::untrusted);
  const auto closed = trade(answer({{"result_code", "SUCCESS"},
                                    {"out_trade_no", "No20150806125346"},
                                    {"trade_state", "CLOSED"}}));
  ASSERT_TRUE(closed) << "a closed trade has neither amount nor time";
  EXPECT_EQ(closed->state, State::closed);
}

TEST_F(WechatV2Test, PaidMustBeComplete) {
  for (const char* name : {"transaction_id", "total_fee", "time_end", "out_trade_no"})
    EXPECT_EQ(kind(trade(answer(without(paid(), name)))), Fault::Kind::untrusted) << name;
  for (const char* fee : {"0", "-1", "8.88", "0888", "888 ", "1e3", "9223372036854775808", ""})
    EXPECT_EQ(kind(trade(answer(with(paid(), "total_fee", fee)))), Fault::Kind::untrusted) << fee;
  for (const char* time :
       {"2014111117004", "20141311170043", "20141111250043", "2014-11-11 17:0", "201411111700431"})
    EXPECT_EQ(kind(trade(answer(with(paid(), "time_end", time)))), Fault::Kind::untrusted) << time;
  EXPECT_EQ(kind(trade(answer(with(paid(), "fee_type", "XXX")))), Fault::Kind::untrusted);
}

TEST_F(WechatV2Test, AnswersOfAnotherOrderOrMerchantAreUntrusted) {
  EXPECT_EQ(kind(trade(answer(with(paid(), "out_trade_no", "No20150806125347")))),
            Fault::Kind::untrusted);
  Fields foreign = paid();
  foreign.insert(foreign.begin(), {{"return_code", "SUCCESS"}, {"appid", "wxd930ea5d5a258f4f"}});
  foreign.emplace_back("mch_id", "10000101");
  const HttpAnswer other{200, {}, write_xml(with_sign(foreign, kKey, SignType::md5))};
  EXPECT_EQ(kind(trade(other)), Fault::Kind::untrusted);
  EXPECT_EQ(kind(v2_->read_closed("No20150806125346", other, kTestNow)), Fault::Kind::untrusted);
  EXPECT_EQ(kind(v2_->read_closed("No20150806125346",
                                  answer({{"result_code", "SUCCESS"}, {"out_trade_no", "No2"}}),
                                  kTestNow)),
            Fault::Kind::untrusted);
}

TEST_F(WechatV2Test, ForgedAnswersAreUntrusted) {
  HttpAnswer forged = answer(paid());
  forged.body.replace(forged.body.find("888"), 3, "001");
  EXPECT_EQ(kind(trade(forged)), Fault::Kind::untrusted);
  Fields bare = paid();
  bare.insert(
      bare.begin(),
      {{"return_code", "SUCCESS"}, {"appid", "wxd930ea5d5a258f4f"}, {"mch_id", "10000100"}});
  EXPECT_EQ(kind(trade({200, {}, write_xml(bare)})), Fault::Kind::untrusted) << "unsigned";
  for (const std::string_view body :
       {"<html><body>hello</body></html>", "", "{}", "<xml><return_code>MAYBE</return_code></xml>",
        "<!DOCTYPE html><xml><a>1</a></xml>"}) {
    EXPECT_EQ(kind(trade({200, {}, std::string(body)})), Fault::Kind::untrusted) << body;
  }
}

TEST_F(WechatV2Test, StatusesThatAreNotTheProtocols) {
  EXPECT_EQ(kind(trade({502, {}, "<html>"})), Fault::Kind::retry);
  EXPECT_EQ(kind(trade({429, {}, ""})), Fault::Kind::retry);
  EXPECT_EQ(kind(trade({404, {}, "<html>"})), Fault::Kind::untrusted);
  EXPECT_EQ(kind(trade({302, {}, ""})), Fault::Kind::untrusted);
}

TEST_F(WechatV2Test, EveryErrorCode) {
  for (const char* code : {"SYSTEMERROR", "BIZERR_NEED_RETRY", "FREQUENCY_LIMITED",
                           "INVALID_REQ_TOO_MUCH", "TRADE_STATE_ERROR"}) {
    const auto created = v2_->read_created(payment(), error(code), kTestNow);
    EXPECT_EQ(kind(created), Fault::Kind::retry) << code;
    EXPECT_EQ(created.error().code, code);
  }
  for (const char* code : {"INVALID_REQUEST",
                           "NOAUTH",
                           "NOTENOUGH",
                           "ORDERPAID",
                           "ORDERCLOSED",
                           "APPID_NOT_EXIST",
                           "MCHID_NOT_EXIST",
                           "APPID_MCHID_NOT_MATCH",
                           "LACK_PARAMS",
                           "OUT_TRADE_NO_USED",
                           "SIGNERROR",
                           "XML_FORMAT_ERROR",
                           "REQUIRE_POST_METHOD",
                           "POST_DATA_EMPTY",
                           "NOT_UTF8",
                           "TRADE_OVERDUE",
                           "USER_ACCOUNT_ABNORMAL",
                           "INVALID_TRANSACTIONID",
                           "PARAM_ERROR",
                           "SOMETHING_NEW"}) {
    const auto created = v2_->read_created(payment(), error(code), kTestNow);
    EXPECT_EQ(kind(created), Fault::Kind::refused) << code;
    EXPECT_EQ(created.error().code, code);
  }
}

TEST_F(WechatV2Test, CloseAnswers) {
  const auto close = [this](const HttpAnswer& from) {
    return v2_->read_closed("No20150806125346", from, kTestNow);
  };
  EXPECT_EQ(close(answer({{"result_code", "SUCCESS"}})), CloseAnswer::closed);
  EXPECT_EQ(close(error("ORDERPAID")), CloseAnswer::already_paid);
  EXPECT_EQ(close(error("ORDERCLOSED")), CloseAnswer::already_closed);
  EXPECT_EQ(close(error("ORDERNOTEXIST")), CloseAnswer::not_found);
  EXPECT_EQ(kind(close(error("SYSTEMERROR"))), Fault::Kind::retry);
  EXPECT_EQ(kind(close(error("SIGNERROR"))), Fault::Kind::refused);
}

/// return_code FAIL is unsigned, so anybody in between can write it: it must not release stock.
TEST_F(WechatV2Test, UnsignedRefusalsTellNothingOfTheOrder) {
  for (const char* said : {"ORDERPAID", "ORDERCLOSED", "ORDERNOTEXIST", "appid不存在"}) {
    const HttpAnswer bare{
        200, {}, write_xml({{"return_code", "FAIL"}, {"return_msg", said}, {"err_code", said}})};
    const auto closed = v2_->read_closed("No20150806125346", bare, kTestNow);
    EXPECT_EQ(kind(closed), Fault::Kind::refused) << said;
    EXPECT_EQ(closed.error().code, "") << said;
    EXPECT_EQ(kind(trade(bare)), Fault::Kind::refused) << said;
  }
  const HttpAnswer busy{
      200, {}, write_xml({{"return_code", "FAIL"}, {"return_msg", "SYSTEMERROR"}})};
  EXPECT_EQ(kind(trade(busy)), Fault::Kind::retry);
}

TEST_F(WechatV2Test, UnknownOrders) {
  const auto read = trade(error("ORDERNOTEXIST"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, Trade::State::not_found);
}

TEST_F(WechatV2Test, RefundsAreAcceptedThenFollowed) {
  using State = RefundProgress::State;
  const Fields good{{"result_code", "SUCCESS"},   {"out_trade_no", "No20150806125346"},
                    {"transaction_id", "420000"}, {"out_refund_no", "R-No20150806125346"},
                    {"refund_id", "50000"},       {"total_fee", "888"},
                    {"refund_fee", "500"}};
  const auto accepted = v2_->read_refund(refund(), answer(good), kTestNow);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(accepted->state, State::processing);
  EXPECT_EQ(accepted->refund_id, "50000");
  for (const char* name : {"out_trade_no", "out_refund_no", "total_fee", "refund_fee"}) {
    EXPECT_EQ(kind(v2_->read_refund(refund(), answer(with(good, name, "1")), kTestNow)),
              Fault::Kind::untrusted)
        << name;
  }
  EXPECT_EQ(kind(v2_->read_refund(refund(), error("NOTENOUGH"), kTestNow)), Fault::Kind::refused);
  const auto query = [this](const HttpAnswer& from) {
    return v2_->read_refund_query("R1", from, kTestNow);
  };
  const Fields listed{{"result_code", "SUCCESS"}, {"out_refund_no_0", "R0"},
                      {"refund_id_0", "50"},      {"refund_status_0", "SUCCESS"},
                      {"out_refund_no_1", "R1"},  {"refund_id_1", "51"},
                      {"refund_status_1", "x"}};
  const std::vector<std::pair<const char*, State>> states{{"SUCCESS", State::succeeded},
                                                          {"PROCESSING", State::processing},
                                                          {"REFUNDCLOSE", State::closed},
                                                          {"CHANGE", State::failed}};
  for (const auto& [status, state] : states) {
    const auto read = query(answer(with(listed, "refund_status_1", status)));
    ASSERT_TRUE(read) << status;
    EXPECT_EQ(read->state, state) << status;
    EXPECT_EQ(read->refund_id, "51");
  }
  EXPECT_EQ(kind(query(answer(listed))), Fault::Kind::untrusted);
  EXPECT_EQ(kind(query(answer(without(listed, "out_refund_no_1")))), Fault::Kind::untrusted);
  ASSERT_TRUE(query(error("REFUNDNOTEXIST")));
  EXPECT_EQ(query(error("REFUNDNOTEXIST"))->state, State::not_found);
}

TEST_F(WechatV2Test, PaymentNotification) {
  for (const SignType type : {SignType::md5, SignType::hmac_sha256}) {
    for (const bool stated : {false, true}) {
      Fields fields = paid();
      if (stated) fields.emplace_back("sign_type", name_of(type));
      const auto read = v2_->parse({{}, answer(fields, type).body}, kTestNow);
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(read->kind, Notification::Kind::payment);
      EXPECT_TRUE(read->succeeded);
      EXPECT_EQ(read->event_id, "1008450740201411110005820873");
      EXPECT_EQ(read->out_trade_no, "No20150806125346");
      EXPECT_EQ(read->attach, "{\"q\":1}");
      ASSERT_TRUE(read->payment);
      EXPECT_EQ(read->payment->amount, Money{888});
      EXPECT_EQ(field_of(read->fields, "openid"), "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
      for (const char* secret : {"sign", "sign_type", "nonce_str"})
        EXPECT_FALSE(field_of(read->fields, secret)) << secret;
    }
  }
}

TEST_F(WechatV2Test, ANotificationOfAnotherStateIsNoPayment) {
  for (const char* state : {"NOTPAY", "USERPAYING", "PAYERROR", "CLOSED", "REFUND", "success", ""})
    EXPECT_FALSE(v2_->parse({{}, answer(with(paid(), "trade_state", state)).body}, kTestNow))
        << state;
  EXPECT_TRUE(v2_->parse({{}, answer(without(paid(), "trade_state")).body}, kTestNow));
}

TEST_F(WechatV2Test, FailedPaymentNotification) {
  Fields fields = with(paid(), "result_code", "FAIL");
  const auto read = v2_->parse({{}, answer(fields).body}, kTestNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->succeeded);
  EXPECT_FALSE(read->payment);
}

TEST_F(WechatV2Test, BadNotificationsAreRefused) {
  const std::string good = answer(paid()).body;
  ASSERT_TRUE(v2_->parse({{}, good}, kTestNow));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(v2_->parse({{}, good.substr(0, size)}, kTestNow)) << "cut to " << size;
  std::string off_by_one = good;
  off_by_one.replace(off_by_one.find("888"), 3, "889");
  EXPECT_FALSE(v2_->parse({{}, off_by_one}, kTestNow));
  EXPECT_FALSE(v2_->parse({{}, "<!DOCTYPE xml>" + good}, kTestNow));
  const auto gbk = good.find("<attach>");
  EXPECT_FALSE(v2_->parse({{}, good.substr(0, gbk) + "\xc9\xee" + good.substr(gbk)}, kTestNow));

  Fields wrong_type = paid();
  wrong_type.emplace_back("sign_type", "HMAC-SHA256");
  EXPECT_FALSE(v2_->parse({{}, answer(wrong_type, SignType::md5).body}, kTestNow));

  Fields other = paid();
  other.insert(other.begin(), {{"return_code", "SUCCESS"}, {"appid", "wxd930ea5d5a258f4f"}});
  other.emplace_back("mch_id", "10000101");
  const auto foreign = v2_->parse({{}, write_xml(with_sign(other, kKey, SignType::md5))}, kTestNow);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("mch_id"), std::string::npos);

  EXPECT_FALSE(v2_->parse({{}, answer(without(paid(), "total_fee")).body}, kTestNow));
  EXPECT_FALSE(v2_->parse({{}, answer(with(paid(), "out_trade_no", "a b c d")).body}, kTestNow));
}

TEST_F(WechatV2Test, RefundNotification) {
  const Fields inner{{"out_refund_no", "R-No20150806125346"},
                     {"out_trade_no", "No20150806125346"},
                     {"refund_id", "50000408942018111907145868882"},
                     {"refund_status", "SUCCESS"},
                     {"refund_fee", "500"},
                     {"total_fee", "888"},
                     {"success_time", "2018-11-19 16:24:13"}};
  const auto notice = [&](const Fields& content, const std::string& key) {
    return write_xml(
        {{"return_code", "SUCCESS"},
         {"appid", "wxd930ea5d5a258f4f"},
         {"mch_id", "10000100"},
         {"nonce_str", "TeqClE3i0mvn3DrK"},
         {"req_info", to_base64(aes_256_ecb_encrypt(write_xml(content, "root"), md5_hex(key)))}});
  };
  const auto read = v2_->parse({{}, notice(inner, kKey)}, kTestNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, Notification::Kind::refund);
  EXPECT_TRUE(read->succeeded);
  EXPECT_EQ(read->out_refund_no, "R-No20150806125346");
  EXPECT_EQ(field_of(read->fields, "refund_fee"), "500");
  EXPECT_FALSE(field_of(read->fields, "req_info"));
  const auto closed =
      v2_->parse({{}, notice(with(inner, "refund_status", "REFUNDCLOSE"), kKey)}, kTestNow);
  ASSERT_TRUE(closed);
  EXPECT_FALSE(closed->succeeded);
  EXPECT_NE(closed->event_id, read->event_id);
  EXPECT_FALSE(v2_->parse({{}, notice(inner, "another key")}, kTestNow));
  EXPECT_FALSE(v2_->parse({{}, notice(with(inner, "refund_status", "x"), kKey)}, kTestNow));
  EXPECT_FALSE(v2_->parse({{}, notice(without(inner, "refund_id"), kKey)}, kTestNow));
}

TEST_F(WechatV2Test, Acknowledgements) {
  const Acknowledgement good = v2_->acknowledge(Receipt::stored, "");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body,
            "<xml><return_code><![CDATA[SUCCESS]]></return_code>"
            "<return_msg><![CDATA[OK]]></return_msg></xml>");
  const Acknowledgement bad = v2_->acknowledge(Receipt::refused, "sign ]]> \x01");
  EXPECT_EQ(field_of(*parse_xml(bad.body), "return_code"), "FAIL");
  EXPECT_EQ(field_of(*parse_xml(bad.body), "return_msg"), "sign ]]>  ");
}

}  // namespace
}  // namespace sluice::payment

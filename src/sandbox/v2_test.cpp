// v2 as our own client and as hostile hands meet it: documented error codes in their order.
#include "sandbox/v2.h"

#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

using payment::Fields;
using ::testing::HasSubstr;

class V2Test : public SandboxTest {
 protected:
  Fields order_fields(const std::string& number) const {
    return {{"appid", account().appid},  {"mch_id", account().mch_id}, {"nonce_str", "n"},
            {"body", "Kettle"},          {"out_trade_no", number},     {"total_fee", "1990"},
            {"spbill_create_ip", "::1"}, {"notify_url", kNotifyUrl},   {"trade_type", "NATIVE"},
            {"product_id", "kettle"}};
  }
  static std::string& at(Fields& fields, std::string_view name) {
    for (auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return fields.emplace_back(name, "").second;
  }
  std::string signed_xml(Fields fields, SignType type = SignType::md5) const {
    fields.emplace_back("sign", payment::v2_sign(fields, account().api_key, type));
    return payment::write_xml(fields);
  }
  Fields post(V2::Call call, std::string_view body) const {
    http::Request request;
    request.method = http::Method::post;
    request.body = body;
    const http::Response response = v2_.handle(call, request);
    EXPECT_EQ(response.status, 200);
    auto fields = payment::parse_xml(response.body);
    EXPECT_TRUE(fields.has_value()) << response.body;
    EXPECT_TRUE(payment::v2_verify(*fields, account().api_key).has_value()) << response.body;
    return *fields;
  }
  std::string code(V2::Call call, std::string_view body) const {
    const Fields fields = post(call, body);
    return std::string(payment::field_of(fields, "err_code").value_or("none"));
  }
  std::string create_with(const std::string& name, const std::string& value) const {
    Fields fields = order_fields("No100001");
    at(fields, name) = value;
    return code(V2::Call::unified_order, signed_xml(fields));
  }
};

TEST_F(V2Test, OurOwnClientCreatesQueriesClosesAndRefundsWithBothSignTypes) {
  for (const bool hmac : {false, true}) {
    const auto client = v2_client(hmac);
    const std::string number = hmac ? "No200001" : "No200000";
    const auto payment = new_payment(number);
    const auto create = [&] {
      return client->read_created(payment, send(client->create(payment, moment())), now_);
    };
    const auto query = [&](const std::string& which) {
      return client->read_trade(which, send(client->query(which, moment())), now_);
    };
    const auto created = create();
    ASSERT_TRUE(created.has_value()) << created.error().message;
    EXPECT_THAT(created->code_url, HasSubstr("http://sandbox.test/pay/"));
    EXPECT_EQ(create()->code_url, created->code_url);
    EXPECT_EQ(query(number)->state, payment::Trade::State::not_paid);
    EXPECT_EQ(query("No999999")->state, payment::Trade::State::not_found);
    ASSERT_TRUE(emulator_.pay(number, std::nullopt, false).has_value());
    const auto paid = query(number);
    ASSERT_TRUE(paid.has_value()) << paid.error().message;
    EXPECT_EQ(paid->state, payment::Trade::State::paid);
    EXPECT_EQ(paid->payment->amount, payment.amount);
    EXPECT_EQ(paid->payment->attach, payment.attach);
    EXPECT_EQ(paid->payment->paid_at, now_);
    EXPECT_EQ(client->read_closed(number, send(client->close(number, moment())), now_),
              payment::CloseAnswer::already_paid);
    const payment::RefundOrder refund{number,         paid->payment->transaction_id,
                                      number + "R",   payment.amount,
                                      payment.amount, Currency(),
                                      "late"};
    const auto refunded = client->read_refund(refund, send(client->refund(refund, moment())), now_);
    ASSERT_TRUE(refunded.has_value()) << refunded.error().message;
    const auto state = client->read_refund_query(
        refund.out_refund_no, send(client->query_refund(number, refund.out_refund_no, moment())),
        now_);
    ASSERT_TRUE(state.has_value()) << state.error().message;
    EXPECT_EQ(state->state, payment::RefundProgress::State::succeeded);
    EXPECT_EQ(query(number)->state, payment::Trade::State::refunded);
  }
}

TEST_F(V2Test, OurOwnClientIsToldWhatAClosedOrderIs) {
  const auto client = v2_client();
  const auto close = [&](const std::string& number) {
    return client->read_closed(number, send(client->close(number, moment())), now_);
  };
  ASSERT_TRUE(emulator_.create(order_request("No200002", Api::v2)).has_value());
  EXPECT_EQ(close("No200002"), payment::CloseAnswer::closed);
  EXPECT_EQ(close("No200002"), payment::CloseAnswer::already_closed);
  EXPECT_EQ(close("No200003"), payment::CloseAnswer::not_found);
}

TEST_F(V2Test, FailuresOfCommunicationHaveTheirDocumentedCodes) {
  constexpr auto kOrder = V2::Call::unified_order;
  EXPECT_EQ(code(kOrder, ""), "POST_DATA_EMPTY");
  EXPECT_EQ(code(kOrder, "<xml>\xff</xml>"), "NOT_UTF8");
  EXPECT_EQ(code(kOrder, "<xml>"), "XML_FORMAT_ERROR");
  EXPECT_EQ(code(kOrder, "{}"), "XML_FORMAT_ERROR");
  EXPECT_EQ(
      code(kOrder, "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml>&e;</xml>"),
      "XML_FORMAT_ERROR");
  EXPECT_EQ(code(kOrder, "<xml><appid>a</appid></xml>"), "LACK_PARAMS");
  EXPECT_EQ(payment::field_of(*payment::parse_xml(v2_.refuse_method().body), "err_code"),
            "REQUIRE_POST_METHOD");
  const Fields fields = post(kOrder, "<xml><appid>a</appid></xml>");
  EXPECT_EQ(payment::field_of(fields, "return_code"), "FAIL");
}

TEST_F(V2Test, AnotherMerchantIsNamedByWhatIsWrong) {
  EXPECT_EQ(create_with("appid", "wx0000000000000000"), "APPID_NOT_EXIST");
  EXPECT_EQ(create_with("mch_id", "1900000000"), "MCHID_NOT_EXIST");
  Fields fields = order_fields("No100001");
  at(fields, "appid") = "a";
  at(fields, "mch_id") = "b";
  EXPECT_EQ(code(V2::Call::unified_order, signed_xml(fields)), "APPID_MCHID_NOT_MATCH");
}

TEST_F(V2Test, OnlyTheRightSignatureOfTheRightTypePasses) {
  constexpr auto kOrder = V2::Call::unified_order;
  Fields fields = order_fields("No100001");
  const std::string good = signed_xml(fields);
  std::string changed = good;
  changed.replace(changed.find("[1990]"), 6, "[1991]");
  EXPECT_EQ(code(kOrder, changed), "SIGNERROR");
  fields.emplace_back("sign", std::string(32, '0'));
  EXPECT_EQ(code(kOrder, payment::write_xml(fields)), "SIGNERROR");
  Fields hmac = order_fields("No100001");
  hmac.emplace_back("sign_type", "HMAC-SHA256");
  EXPECT_EQ(code(kOrder, signed_xml(hmac, SignType::md5)), "SIGNERROR");
  at(hmac, "sign_type") = "SHA1";
  EXPECT_EQ(code(kOrder, signed_xml(hmac, SignType::md5)), "SIGNERROR");
  EXPECT_TRUE(shown("No100001").contains("code")) << "nothing was created";
  EXPECT_EQ(code(kOrder, good), "none");
}

TEST_F(V2Test, AnswersAreSignedByTheTypeOfTheirRequest) {
  Fields fields = order_fields("No100001");
  fields.emplace_back("sign_type", "HMAC-SHA256");
  const Fields answer = post(V2::Call::unified_order, signed_xml(fields, SignType::hmac_sha256));
  EXPECT_EQ(payment::field_of(answer, "sign")->size(), 64U);
  const Fields md5 = post(V2::Call::unified_order, signed_xml(order_fields("No100002")));
  EXPECT_EQ(payment::field_of(md5, "sign")->size(), 32U);
}

TEST_F(V2Test, ParametersAreCheckedAgainstTheirRules) {
  EXPECT_EQ(create_with("body", ""), "LACK_PARAMS");
  EXPECT_EQ(create_with("product_id", ""), "LACK_PARAMS");
  EXPECT_EQ(create_with("notify_url", ""), "LACK_PARAMS");
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"out_trade_no", "No1"},
      {"out_trade_no", std::string(33, '1')},
      {"out_trade_no", "No 1000001"},
      {"out_trade_no", "订单号码订单号码"},
      {"total_fee", "0"},
      {"total_fee", "-1"},
      {"total_fee", "1.0"},
      {"total_fee", "99999999999999999999"},
      {"fee_type", "USD"},
      {"trade_type", "JSAPI"},
      {"body", std::string(128, 'b')},
      {"attach", std::string(128, 'a')},
      {"notify_url", "ftp://example.test/"},
      {"notify_url", "http://example.test/?a=1"},
      {"time_expire", "20200101000000"},
      {"time_expire", "2020-01-01 00:00:00"},
      {"time_expire", "20991332250000"},
  };
  for (const auto& [name, value] : rows)
    EXPECT_EQ(create_with(name, value), "INVALID_REQUEST") << name << " " << value;
}

TEST_F(V2Test, ARepetitionMayDifferInNonceAndSignTypeOnly) {
  Fields fields = order_fields("No100001");
  EXPECT_EQ(code(V2::Call::unified_order, signed_xml(fields)), "none");
  at(fields, "nonce_str") = "another";
  at(fields, "sign_type") = "HMAC-SHA256";
  EXPECT_EQ(code(V2::Call::unified_order, signed_xml(fields, SignType::hmac_sha256)), "none");
  for (const char* name : {"body", "attach", "detail", "product_id", "time_start"}) {
    Fields other = order_fields("No100001");
    at(other, name) = "other";
    EXPECT_EQ(code(V2::Call::unified_order, signed_xml(other)), "INVALID_REQUEST") << name;
  }
}

TEST_F(V2Test, AnOrderOfTheOtherApiKeepsItsNumber) {
  ASSERT_TRUE(emulator_.create(order_request("No100001", Api::v3)).has_value());
  EXPECT_EQ(code(V2::Call::unified_order, signed_xml(order_fields("No100001"))),
            "OUT_TRADE_NO_USED");
}

TEST_F(V2Test, ErrorsThatWereAskedForComeAsOftenAsAskedFor) {
  emulator_.set_faults(*parse_faults(
      R"({"create":{"error":"SYSTEMERROR","times":2},"query":{"error":"FREQUENCY_LIMITED"}})"));
  const std::string order = signed_xml(order_fields("No100001"));
  EXPECT_EQ(code(V2::Call::unified_order, order), "SYSTEMERROR");
  EXPECT_EQ(code(V2::Call::unified_order, order), "SYSTEMERROR");
  EXPECT_EQ(code(V2::Call::unified_order, order), "none");
  const std::string query = signed_xml({{"appid", account().appid},
                                        {"mch_id", account().mch_id},
                                        {"nonce_str", "n"},
                                        {"out_trade_no", "No100001"}});
  EXPECT_EQ(code(V2::Call::order_query, query), "FREQUENCY_LIMITED");
  EXPECT_EQ(code(V2::Call::order_query, query), "none");
}

}  // namespace
}  // namespace sluice::sandbox

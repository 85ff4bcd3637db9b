// v3 as our own client and as hostile hands meet it: authentication, documented codes, and the
// signature of every answer.
#include "sandbox/v3.h"

#include "payment/signature.h"
#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

class V3Test : public SandboxTest {
 protected:
  /// A request signed with the merchant's key, then changed by `change`.
  template <class Change>
  http::Response ask(V3::Call call, std::string_view target, const std::string& body,
                     Change change) const {
    payment::V3Authorization authorization{
        account().mch_id, "nonce", std::to_string(now_.ms / 1000), account().merchant_serial, ""};
    static const auto key =
        payment::PrivateKey::from_pem(TestKeys::instance().merchant_key()).value();
    http::Request request;
    request.method = body.empty() ? http::Method::get : http::Method::post;
    const auto sign = [&] {
      authorization.signature = payment::to_base64(key.sign(
          payment::v3_request_message(body.empty() ? "GET" : "POST", target,
                                      authorization.timestamp, authorization.nonce, body)));
    };
    sign();
    std::string sent = body;
    change(authorization, sent, sign);
    const std::string header = payment::to_text(authorization);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    request.body = sent;
    request.authorization = header;
    const std::string_view segment = request.path.substr(request.path.rfind('/') + 1);
    return v3_.handle(call, request, segment);
  }
  http::Response ask(V3::Call call, std::string_view target, const std::string& body) const {
    return ask(call, target, body, [](auto&, auto&, auto) {});
  }
  std::string code(const http::Response& response) const {
    return response.status == 200 ? "none" : std::string(json(response).at("code").as_string());
  }
  std::string order_body(const std::string& more = "") const {
    return R"({"appid":")" + account().appid + R"(","mchid":")" + account().mch_id +
           R"(","description":"Kettle","out_trade_no":"No300001","notify_url":")" + kNotifyUrl +
           R"(","amount":{"total":1990,"currency":"CNY"})" + more + "}";
  }
  http::Response native(const std::string& body) const {
    return ask(V3::Call::native, "/v3/pay/transactions/native", body);
  }
};

TEST_F(V3Test, OurOwnClientCreatesQueriesClosesAndRefunds) {
  const auto client = v3_client();
  const std::string number = "No400000";
  const auto payment = new_payment(number);
  const auto query = [&](const std::string& which) {
    return client->read_trade(which, send(client->query(which, moment())), now_);
  };
  const auto created = client->read_created(payment, send(client->create(payment, moment())), now_);
  ASSERT_TRUE(created.has_value()) << created.error().message;
  EXPECT_EQ(query(number)->state, payment::Trade::State::not_paid);
  EXPECT_EQ(query("No499999")->state, payment::Trade::State::not_found);
  ASSERT_TRUE(emulator_.pay(number, std::nullopt, false).has_value());
  const auto paid = query(number);
  ASSERT_TRUE(paid.has_value()) << paid.error().message;
  EXPECT_EQ(paid->state, payment::Trade::State::paid);
  EXPECT_EQ(paid->payment->amount, payment.amount);
  EXPECT_EQ(paid->payment->attach, payment.attach);
  EXPECT_EQ(client->read_closed(number, send(client->close(number, moment())), now_),
            payment::CloseAnswer::already_paid);
  const payment::RefundOrder refund{number,         paid->payment->transaction_id,
                                    number + "R",   payment.amount,
                                    payment.amount, Currency(),
                                    "late"};
  const auto refunded = client->read_refund(refund, send(client->refund(refund, moment())), now_);
  ASSERT_TRUE(refunded.has_value()) << refunded.error().message;
  EXPECT_EQ(refunded->state, payment::RefundProgress::State::processing);
  const auto state = client->read_refund_query(
      refund.out_refund_no, send(client->query_refund(number, refund.out_refund_no, moment())),
      now_);
  ASSERT_TRUE(state.has_value()) << state.error().message;
  EXPECT_EQ(state->state, payment::RefundProgress::State::succeeded);
  EXPECT_EQ(query(number)->state, payment::Trade::State::refunded);
}

TEST_F(V3Test, ACloseIsSilentForClosedAndUnknownOrdersButRecorded) {
  const auto client = v3_client();
  ASSERT_TRUE(emulator_.create(order_request("No400001")).has_value());
  for (const std::string number : {"No400001", "No400001", "No400002"}) {
    const auto answer = send(client->close(number, moment()));
    EXPECT_EQ(answer.status, 204);
    EXPECT_TRUE(client->read_closed(number, answer, now_).has_value()) << "204 is signed too";
  }
  EXPECT_THAT(events("No400001"), ::testing::ElementsAre("created", "close_asked", "closed",
                                                         "close_asked", "close_refused"));
  const http::Request all;
  EXPECT_THAT(control_.list(all).body, ::testing::HasSubstr("\"out_trade_no\":\"No400002\""));
}

TEST_F(V3Test, OnlyAFreshSignatureOfTheMerchantPasses) {
  using A = payment::V3Authorization;
  const auto with = [this](auto change) {
    const auto response =
        ask(V3::Call::native, "/v3/pay/transactions/native", order_body(), change);
    EXPECT_EQ(response.status, response.status == 200 ? 200 : 401);
    return code(response);
  };
  const auto at = [this](std::int64_t seconds) { return std::to_string(now_.ms / 1000 + seconds); };
  EXPECT_EQ(with([](A& a, auto&, auto) { a.signature = "AAAA"; }), "SIGN_ERROR");
  EXPECT_EQ(with([](A& a, auto&, auto) { a.signature = ""; }), "SIGN_ERROR");
  EXPECT_EQ(with([](A& a, auto&, auto) { a.nonce = "other"; }), "SIGN_ERROR");
  EXPECT_EQ(with([](A& a, auto&, auto) { a.serial = std::string(40, 'A'); }), "SIGN_ERROR");
  EXPECT_EQ(with([](A& a, auto&, auto) { a.mchid = "1900000000"; }), "SIGN_ERROR");
  EXPECT_EQ(with([](A&, std::string& body, auto) { body += ' '; }), "SIGN_ERROR");
  EXPECT_EQ(with([&](A& a, auto&, auto sign) { a.timestamp = at(-300), sign(); }), "SIGN_ERROR");
  EXPECT_EQ(with([&](A& a, auto&, auto sign) { a.timestamp = at(300), sign(); }), "SIGN_ERROR");
  EXPECT_EQ(with([](A& a, auto&, auto sign) { a.timestamp = "soon", sign(); }), "SIGN_ERROR");
  EXPECT_TRUE(shown("No300001").contains("code")) << "nothing was created";
  EXPECT_EQ(with([&](A& a, auto&, auto sign) { a.timestamp = at(-299), sign(); }), "none");
  EXPECT_EQ(with([](A& a, auto&, auto) {
              for (char& c : a.serial)
                c |= 0x20;
            }),
            "none")
      << "serials are compared without regard to case";
  const http::Request unsigned_request;
  EXPECT_EQ(v3_.handle(V3::Call::certificates, unsigned_request, "").status, 401);
}

TEST_F(V3Test, ErrorsAreSignedToo) {
  const auto answer = answer_of(v3_.handle(V3::Call::certificates, http::Request{}, ""));
  const auto stamp = payment::v3_stamp(answer.headers);
  ASSERT_TRUE(stamp.has_value());
  const auto key = payment::PublicKey::from_pem(TestKeys::instance().platform_certificate());
  EXPECT_TRUE(payment::v3_verify(*stamp, answer.body, *key, now_).has_value());
}

TEST_F(V3Test, ParametersAreCheckedAgainstTheirRules) {
  const auto replaced = [this](const std::string& from, const std::string& to) {
    std::string body = order_body();
    body.replace(body.find(from), from.size(), to);
    const auto response = native(body);
    EXPECT_EQ(response.status, 400) << body;
    return code(response);
  };
  EXPECT_EQ(replaced(account().mch_id, "1900000000"), "MCH_NOT_EXISTS");
  EXPECT_EQ(replaced(account().appid, "wx0000000000000000"), "APPID_MCHID_NOT_MATCH");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"No300001", "No3"},
           {"No300001", "No 300001"},
           {"\"Kettle\"", "\"\""},
           {"\"Kettle\"", "7"},
           {"\"Kettle\"", "\"a\\u0001b\""},
           {"\"Kettle\"", "\"" + std::string(128, 'k') + "\""},
           {"http://", "mail://"},
           {":1990,", ":0,"},
           {":1990,", ":-1,"},
           {":1990,", ":19.9,"},
           {":1990,", ":\"1990\","},
           {"CNY", "USD"},
           {"{\"total\":1990,\"currency\":\"CNY\"}", "1990"},
           {"\"description\"", "\"appid\":\"x\",\"description\""},
           {"}}", "},\"time_expire\":\"2020-01-01T00:00:00+08:00\"}"},
           {"}}", "},\"time_expire\":\"tomorrow\"}"},
           {"}}", "},\"attach\":\"" + std::string(129, 'a') + "\"}"},
           {"}}", ""},
       }) {
    EXPECT_EQ(replaced(from, to), "PARAM_ERROR") << from << " -> " << to;
  }
  EXPECT_EQ(code(native(order_body())), "none");
}

TEST_F(V3Test, QueriesNeedTheMerchantInTheQuery) {
  ASSERT_TRUE(emulator_.create(order_request("No300001")).has_value());
  const std::string path = "/v3/pay/transactions/out-trade-no/No300001";
  const auto ask_for = [&](const std::string& target) {
    return ask(V3::Call::query_by_number, target, "");
  };
  EXPECT_EQ(code(ask_for(path)), "PARAM_ERROR");
  EXPECT_EQ(code(ask_for(path + "?mchid=1900000000")), "PARAM_ERROR");
  EXPECT_EQ(code(ask_for(path + "?mchid=" + account().mch_id)), "none");
  const auto unknown = ask_for(path + "9?mchid=" + account().mch_id);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code(unknown), "ORDER_NOT_EXIST");
}

TEST_F(V3Test, APathThatIsNoTextIsRefused) {
  for (const char* segment : {"%ff%fe", "%zz", "%2"}) {
    const std::string target =
        "/v3/pay/transactions/out-trade-no/" + std::string(segment) + "?mchid=" + account().mch_id;
    EXPECT_EQ(code(ask(V3::Call::query_by_number, target, "")), "PARAM_ERROR") << segment;
  }
}

TEST_F(V3Test, ErrorsOfV2AreSpeltAsV3SpellsThem) {
  emulator_.set_faults(*parse_faults(R"({"create":{"error":"SYSTEMERROR","times":1}})"));
  const auto response = native(order_body());
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(code(response), "SYSTEM_ERROR");
}

TEST_F(V3Test, OurOwnClientReadsThePlatformCertificate) {
  const auto response = ask(V3::Call::certificates, "/v3/certificates", "");
  ASSERT_EQ(response.status, 200);
  const auto document = json(response);
  const auto& sealed = document.at("data").at(0).at("encrypt_certificate");
  const auto plain = payment::aes_256_gcm_decrypt(
      *payment::from_base64(sealed.at("ciphertext").as_string()), account().api_v3_key,
      sealed.at("nonce").as_string(), sealed.at("associated_data").as_string());
  EXPECT_EQ(plain, TestKeys::instance().platform_certificate());
}

}  // namespace
}  // namespace sluice::sandbox

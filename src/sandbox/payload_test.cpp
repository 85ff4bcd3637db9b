// Notifications as our own client judges them: the genuine ones pass, no forgery does.
#include "sandbox/payload.h"

#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

class PayloadTest : public SandboxTest {
 protected:
  Emulator::Subject subject(Api api, SignType type, bool of_refund = false) {
    OrderRequest request = order_request("No" + std::to_string(++count_ + 1'000), api);
    request.sign_type = type;
    request.attach = R"({"queue":"q","username":"爱丽丝"})";
    EXPECT_TRUE(emulator_.create(request).has_value());
    auto trade = emulator_.pay(request.out_trade_no, std::nullopt, false).value();
    if (!of_refund) return {trade, std::nullopt, "event", false};
    RefundRequest refund;
    refund.out_trade_no = request.out_trade_no;
    refund.out_refund_no = request.out_trade_no + "R";
    refund.total = refund.amount = request.total;
    refund.notify_url = kNotifyUrl;
    return {emulator_.refund(refund).value().trade, 0, "event", false};
  }
  static payment::RawNotification raw(const Payload& payload) {
    payment::RawNotification made;
    for (const std::string& line : payload.headers) {
      const std::size_t colon = line.find(": ");
      made.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    made.body = payload.body;
    return made;
  }
  std::unique_ptr<payment::Protocol> client(Api api) const {
    return api == Api::v2 ? v2_client() : v3_client();
  }

  int count_ = 0;
};

TEST_F(PayloadTest, OurOwnClientAcceptsWhatIsGenuine) {
  for (const auto& [api, type] : {std::pair{Api::v2, SignType::md5},
                                  {Api::v2, SignType::hmac_sha256},
                                  {Api::v3, SignType::md5}}) {
    const auto told = subject(api, type);
    const auto notice = client(api)->parse(raw(notification(told, account(), now_)), now_);
    ASSERT_TRUE(notice.has_value()) << notice.error().message;
    EXPECT_EQ(notice->out_trade_no, told.trade.asked.out_trade_no);
    EXPECT_EQ(notice->payment->amount, told.trade.paid);
    EXPECT_EQ(notice->payment->transaction_id, told.trade.transaction_id);
    EXPECT_EQ(notice->payment->attach, told.trade.asked.attach);
    EXPECT_EQ(notice->payment->paid_at, told.trade.paid_at);
  }
}

TEST_F(PayloadTest, OurOwnClientAcceptsHmacWithoutItsSignType) {
  auto told = subject(Api::v2, SignType::hmac_sha256);
  told.omit_sign_type = true;
  const Payload payload = notification(told, account(), now_);
  EXPECT_THAT(payload.body, ::testing::Not(::testing::HasSubstr("sign_type")));
  EXPECT_TRUE(v2_client(true)->parse(raw(payload), now_).has_value());
}

TEST_F(PayloadTest, OurOwnClientAcceptsRefundsOfBothApis) {
  for (const Api api : {Api::v2, Api::v3}) {
    const auto told = subject(api, SignType::md5, true);
    const auto notice = client(api)->parse(raw(notification(told, account(), now_)), now_);
    ASSERT_TRUE(notice.has_value()) << notice.error().message;
    EXPECT_EQ(notice->kind, payment::Notification::Kind::refund);
    EXPECT_EQ(notice->out_trade_no, told.trade.asked.out_trade_no);
  }
}

TEST_F(PayloadTest, NoForgeryPasses) {
  for (const auto& [api, type] : {std::pair{Api::v2, SignType::md5},
                                  {Api::v2, SignType::hmac_sha256},
                                  {Api::v3, SignType::md5}}) {
    for (const bool of_refund : {false, true}) {
      const auto told = subject(api, type, of_refund);
      for (std::size_t variety = 0; variety < kForgeries; ++variety) {
        const Payload payload = forgery(told, account(), now_, variety);
        EXPECT_FALSE(client(api)->parse(raw(payload), now_).has_value())
            << "variety " << variety << " of " << (api == Api::v2 ? "v2" : "v3")
            << (of_refund ? " refund: " : " payment: ") << payload.body;
      }
    }
  }
}

TEST_F(PayloadTest, AnAcknowledgementIsWhatTheProviderTakesForOne) {
  for (const Api api : {Api::v2, Api::v3}) {
    const auto taken = client(api)->acknowledge(payment::Receipt::stored, "");
    EXPECT_TRUE(acknowledges(api, taken.status, taken.body));
    for (const auto receipt : {payment::Receipt::refused, payment::Receipt::not_stored}) {
      const auto refused = client(api)->acknowledge(receipt, "why");
      EXPECT_FALSE(acknowledges(api, refused.status, refused.body));
    }
  }
  EXPECT_FALSE(acknowledges(Api::v2, 200, "success"));
  EXPECT_FALSE(acknowledges(Api::v2, 200, ""));
  EXPECT_FALSE(acknowledges(Api::v2, 500, "<xml><return_code>SUCCESS</return_code></xml>"));
  EXPECT_TRUE(acknowledges(Api::v3, 200, R"({"code":"FAIL"})")) << "the status wins";
  EXPECT_FALSE(acknowledges(Api::v3, 302, ""));
}

}  // namespace
}  // namespace sluice::sandbox

// The payment page: languages, states, escaping, and that it works without script.
#include "sandbox/page.h"

#include "sandbox/page_text.h"
#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PageTest : public SandboxTest {
 protected:
  std::string create(const OrderRequest& request) { return emulator_.create(request).value().code; }
  http::Response show(const std::string& code, std::string_view query = "",
                      std::string_view accept_language = "") const {
    http::Request request;
    request.query = query;
    request.accept_language = accept_language;
    return page_.show(request, code);
  }
  http::Response act(const std::string& code, std::string_view body) const {
    http::Request request;
    request.method = http::Method::post;
    request.body = body;
    request.query = "lang=zh-CN";
    return page_.act(request, code);
  }
};

TEST_F(PageTest, ShowsMerchantItemAmountStateAndExpiryInBothLanguages) {
  const std::string code = create(order_request("No1000"));
  EXPECT_THAT(show(code).body, AllOf(HasSubstr("<html lang=\"en\">"), HasSubstr("¥19.90"),
                                     HasSubstr("Kettle"), HasSubstr(account().mch_id),
                                     HasSubstr("No1000"), HasSubstr("Waiting for payment"),
                                     HasSubstr(to_rfc3339(now_ + Span::seconds(600))),
                                     HasSubstr("value=\"pay\""), HasSubstr("value=\"decline\"")));
  EXPECT_THAT(
      show(code, "", "zh-CN,zh;q=0.9,en;q=0.8").body,
      AllOf(HasSubstr("<html lang=\"zh-CN\">"), HasSubstr("待支付"), HasSubstr("确认支付")));
  EXPECT_THAT(show(code, "lang=en", "zh-CN").body, HasSubstr("Pay now")) << "?lang= wins";
}

TEST_F(PageTest, NeedsNoScriptAndAllowsNone) {
  const auto response = show(create(order_request("No1000")));
  EXPECT_THAT(response.body, Not(HasSubstr("<script")));
  EXPECT_THAT(response.headers, HasSubstr("default-src 'none'"));
  EXPECT_THAT(response.headers, HasSubstr("frame-ancestors 'none'"));
}

TEST_F(PageTest, EscapesWhatMerchantsSend) {
  OrderRequest request = order_request("No1000");
  request.description = R"(<script>alert("1")</script>&'" {0} %s)";
  const std::string body = show(create(request)).body;
  EXPECT_THAT(body, Not(HasSubstr("<script>")));
  EXPECT_THAT(body, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(body, HasSubstr("{0} %s"));
}

TEST_F(PageTest, PayingLeadsBackToThePage) {
  const std::string code = create(order_request("No1000"));
  const auto response = act(code, "action=pay");
  EXPECT_EQ(response.status, 303);
  EXPECT_THAT(response.headers, HasSubstr("Location: /pay/" + code + "?lang=zh-CN"));
  EXPECT_EQ(shown("No1000").at("trade_state"), "SUCCESS");
  EXPECT_THAT(show(code).body, AllOf(HasSubstr("Paid"), Not(HasSubstr("<form"))));
  act(code, "action=pay");
  EXPECT_EQ(emulator_.notices(), 1U) << "a second click pays nothing";
}

TEST_F(PageTest, DecliningEndsTheOrder) {
  const std::string code = create(order_request("No1000"));
  act(code, "action=decline");
  EXPECT_EQ(shown("No1000").at("trade_state"), "PAYERROR");
  EXPECT_EQ(emulator_.notices(), 0U) << "only successes are told";
  EXPECT_THAT(show(code).body, AllOf(HasSubstr("Payment declined"), Not(HasSubstr("<form"))));
}

TEST_F(PageTest, AnUnknownActionChangesNothing) {
  const std::string code = create(order_request("No1000"));
  for (const char* body : {"", "action=", "action=PAY", "pay", "action=%zz", "a=1&action=pai"})
    EXPECT_EQ(act(code, body).status, 303) << body;
  EXPECT_EQ(shown("No1000").at("trade_state"), "NOTPAY");
}

TEST_F(PageTest, ClosedExpiredRefundedAndUnknownOrdersHaveNoButtons) {
  const std::string closed = create(order_request("No1000"));
  EXPECT_TRUE(emulator_.close("No1000").has_value());
  EXPECT_THAT(show(closed).body, AllOf(HasSubstr("Order closed"), Not(HasSubstr("<form"))));
  const std::string expired = create(order_request("No1001"));
  now_ = now_ + Span::seconds(601);
  EXPECT_THAT(show(expired).body, AllOf(HasSubstr("Too late"), Not(HasSubstr("<form"))));
  act(expired, "action=pay");
  EXPECT_EQ(shown("No1001").at("trade_state"), "NOTPAY");
  const auto unknown = show("nosuchcode");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("No such payment code"));
  EXPECT_EQ(act("nosuchcode", "action=pay").status, 404);
}

TEST(PageText, TheLanguageIsTheHeaviestKnownOne) {
  EXPECT_EQ(choose_language("", ""), Language::en);
  EXPECT_EQ(choose_language("", "zh"), Language::zh);
  EXPECT_EQ(choose_language("", "ZH-hans-CN"), Language::zh);
  EXPECT_EQ(choose_language("", "en;q=0.5, zh;q=0.8"), Language::zh);
  EXPECT_EQ(choose_language("", "zh;q=0, en"), Language::en);
  EXPECT_EQ(choose_language("", "zh;q=2, en;q=0.1"), Language::en);
  EXPECT_EQ(choose_language("", "fr, zho"), Language::en);
  EXPECT_EQ(choose_language("zh-CN", "en"), Language::zh);
  EXPECT_EQ(choose_language("xx", "zh"), Language::zh);
  EXPECT_EQ(choose_language("", ";;;,,,=q;"), Language::en);
}

}  // namespace
}  // namespace sluice::sandbox

// The storefront over HTTP: a real server, a real engine, payment rooms made of memory.
#include "web/storefront.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "api/testing_payments.h"
#include "engine/blocking.h"

namespace sluice::web {
namespace {

using api::testing::Answer;
using api::testing::Ask;
using api::testing::now;
using api::testing::pass;

class StorefrontTest : public api::testing::PaymentApiTest {
 protected:
  StorefrontTest() {
    services_ = [](api::Api& api) { return storefront(api, true, {"secret of forms", false}); };
    api::ApiOptions options;
    options.demo = true;
    open(options);
  }

  /// A page as the browser of `user` asks for it.
  Answer page(const std::string& path, std::string_view user = {},
              std::vector<std::string> headers = {}) {
    if (!user.empty()) headers.push_back("Cookie: sluice_session=" + token(user));
    headers.emplace_back("Accept: text/html");
    return api::testing::ask(port(), Ask{"GET", path, {}, {}, std::move(headers)});
  }
  Answer send(const std::string& path, const std::string& body, std::vector<std::string> headers) {
    headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    return api::testing::ask(port(), Ask{"POST", path, body, {}, std::move(headers)});
  }
  /// The form of a page of `user`, sent as a browser does.
  Answer submit(const std::string& path, std::string_view user, const std::string& body = {}) {
    return send(path, "seal=" + seal(user) + (body.empty() ? "" : "&" + body),
                {"Origin: http://test", "Cookie: sluice_session=" + token(user)});
  }
  /// The seal that pages of this user carry.
  std::string seal(std::string_view user) {
    const std::string html = page("/orders", user).body;
    const std::string before = "name=\"seal\" value=\"";
    const std::size_t at = html.find(before);
    return at == std::string::npos ? "" : html.substr(at + before.size(), 43);
  }
  /// The provider tells of a payment of the whole amount.
  void settle(const std::string& order, std::string transaction) {
    const auto reply = engine::call(
        *engine_,
        sale::PaymentSucceeded{
            *parse_order_id(order.substr(8)), std::move(transaction), Money{1999}, {}, now()});
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(std::get<sale::PaymentOutcome>(reply->outcome), sale::PaymentOutcome::paid);
  }
  std::string grab_as(std::string_view user, const std::string& item) {
    return submit("/items/" + item + "/grab", user).header("location");
  }
};

TEST_F(StorefrontTest, AGrabLeadsToItsOrder) {
  open_sale("lamp", 2);
  EXPECT_NE(page("/").body.find("href=\"/items/lamp\""), std::string::npos);
  EXPECT_NE(page("/items/lamp").body.find("/signin?next=/items/lamp"), std::string::npos);
  const Answer grabbed = submit("/items/lamp/grab", "alice");
  EXPECT_EQ(grabbed.status, 303);
  const std::string order = grabbed.header("location");
  ASSERT_TRUE(order.starts_with("/orders/No")) << order;
  EXPECT_EQ(page(order, "alice").status, 200);
  EXPECT_EQ(page(order, "bob").status, 404) << "another's order is not told to exist";
  EXPECT_NE(page("/orders", "alice").body.find(order), std::string::npos);
  EXPECT_EQ(page(order).header("location"), "/signin?next=" + order);
}

TEST_F(StorefrontTest, EveryEndOfAGrabIsTold) {
  const auto told = [&](const std::string& item, std::string_view user, int status,
                        std::string_view words, const std::string& body = {}) {
    const Answer answer = submit("/items/" + item + "/grab", user, body);
    EXPECT_EQ(answer.status, status) << item;
    EXPECT_NE(answer.body.find(words), std::string::npos) << words << answer.body;
  };
  open_sale("lamp", 1);
  const std::string order = grab_as("alice", "lamp");
  told("lamp", "alice", 409, "href=\"" + order + "\"");
  told("lamp", "bob", 409, "not paid yet: 1.");
  settle(order, "4200001");
  told("lamp", "bob", 409, "Every unit is sold and paid.");
  open_sale("plenty", 5);
  settle(grab_as("alice", "plenty"), "4200002");
  told("plenty", "alice", 409, "That is your limit");
  told("plenty", "bob", 400, "That quantity cannot be ordered", "quantity=0");
  told("plenty", "bob", 400, "That quantity cannot be ordered", "quantity=two");
  open_sale("soon", 1, 1, Span::seconds(60));
  told("soon", "bob", 425, "Too early");
  open_sale("late", 1, 1, Span::seconds(-60), Span::seconds(30));
  told("late", "bob", 410, "The sale is over");
  told("none", "bob", 404, "Nothing here");
  api_->begin_shutdown();
  told("plenty", "bob", 503, "Too many at the gate");
}

TEST_F(StorefrontTest, APausedSaleSaysSo) {
  open_sale("lamp", 1);
  const std::string sale = get("/api/v1/items/lamp").text("sale_id");
  ASSERT_EQ(
      admin("POST", "/api/v1/admin/sales/" + sale + "/pause", R"({"reason":"a check"})").status,
      200);
  const Answer answer = submit("/items/lamp/grab", "alice");
  EXPECT_EQ(answer.status, 423);
  EXPECT_NE(answer.body.find("The sale is paused"), std::string::npos);
}

TEST_F(StorefrontTest, FormsOfOtherSitesDoNothing) {
  open_sale("lamp", 1);
  const std::string session = "Cookie: sluice_session=" + token("alice");
  const std::string good = "seal=" + seal("alice");
  EXPECT_EQ(send("/items/lamp/grab", good, {session}).status, 403) << "no origin";
  EXPECT_EQ(send("/items/lamp/grab", good, {session, "Origin: http://evil"}).status, 403);
  EXPECT_EQ(send("/items/lamp/grab", good, {session, "Origin: null"}).status, 403);
  EXPECT_EQ(send("/items/lamp/grab", "", {session, "Origin: http://test"}).status, 403)
      << "no seal";
  EXPECT_EQ(
      send("/items/lamp/grab", "seal=" + seal("bob"), {session, "Origin: http://test"}).status,
      403);
  EXPECT_EQ(send("/session", "name=x", {"Origin: http://evil"}).status, 403);
  EXPECT_EQ(send("/session/end", "", {session, "Origin: http://test"}).status, 403);
  EXPECT_EQ(get("/api/v1/items/lamp").json().at("available").as_int64(), 1);
  EXPECT_EQ(send("/items/lamp/grab", good, {session, "Origin: http://test"}).status, 303);
}

TEST_F(StorefrontTest, TheApiDoesNotKnowTheCookie) {
  const std::string session = "Cookie: sluice_session=" + token("alice");
  EXPECT_EQ(api::testing::ask(port(), Ask{"GET", "/api/v1/orders", {}, {}, {session}}).status, 401);
}

TEST_F(StorefrontTest, SignsInByNameInTheDemoAndByToken) {
  const Answer demo = send("/session", "name=alice&next=%2Forders", {"Origin: http://test"});
  EXPECT_EQ(demo.status, 303);
  EXPECT_EQ(demo.header("location"), "/orders");
  const std::string cookie = demo.header("set-cookie");
  EXPECT_TRUE(cookie.starts_with("sluice_session=ey")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; HttpOnly; SameSite=Lax")) << cookie;
  EXPECT_EQ(
      send("/session", "name=alice&next=%2F%2Fevil", {"Origin: http://test"}).header("location"),
      "/");
  EXPECT_TRUE(send("/session", "token=" + token("bob"), {"Origin: http://test"})
                  .header("set-cookie")
                  .contains(token("bob").substr(0, 20)));
  EXPECT_EQ(send("/session", "token=a.b.c", {"Origin: http://test"}).status, 401);
  EXPECT_EQ(send("/session", "name=a%00b", {"Origin: http://test"}).status, 400);
  const Answer offered = page("/signin?token=" + token("carol") + "&next=/orders");
  EXPECT_NE(offered.body.find("Continue as carol"), std::string::npos);
  EXPECT_TRUE(offered.header("set-cookie").empty()) << "a link alone signs nobody in";
  EXPECT_EQ(submit("/session/end", "alice").header("set-cookie"),
            "sluice_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}

TEST_F(StorefrontTest, WithoutTheDemoANameIsNotEnough) {
  open({});
  EXPECT_EQ(send("/session", "name=alice", {"Origin: http://test"}).status, 401);
  EXPECT_EQ(page("/signin").body.find("name=\"name\""), std::string::npos);
}

TEST_F(StorefrontTest, ADemoSaysOnEveryPageThatItIsATrialAndAShopDoesNot) {
  for (const char* path : {"/", "/items/lamp", "/signin", "/nowhere"}) {
    EXPECT_NE(page(path).body.find("This is a trial"), std::string::npos) << path;
  }
  EXPECT_NE(page("/console").body.find("data-trial=\"yes\""), std::string::npos);
  open({});
  EXPECT_EQ(page("/").body.find("This is a trial"), std::string::npos);
  EXPECT_NE(page("/console").body.find("data-trial=\"no\""), std::string::npos);
}

TEST_F(StorefrontTest, CookiesAreSecureWhereThePageCameOverTls) {
  const Answer answer = send("/session", "name=a", {"Origin: https://test"});
  EXPECT_TRUE(answer.header("set-cookie").ends_with("; Secure"));
}

TEST_F(StorefrontTest, AnEndedSessionIsToldAndNotUsed) {
  const Answer answer = page("/signin", {}, {"Cookie: sluice_session=a.b.c"});
  EXPECT_NE(answer.body.find("Your session is over"), std::string::npos);
  EXPECT_EQ(page("/orders", {}, {"Cookie: sluice_session=a.b.c"}).status, 303);
}

TEST_F(StorefrontTest, PagesAreKeptAsFarAsTheyMayBe) {
  open_sale("lamp", 3);
  const Answer open = page("/items/lamp");
  EXPECT_EQ(open.header("cache-control"), "public, max-age=1");
  EXPECT_EQ(open.header("vary"), "Cookie, Accept-Language");
  const std::string tag = open.header("etag");
  const auto again = [&](std::string_view user, std::string_view with) {
    return page("/items/lamp", user, {"If-None-Match: " + std::string(with)});
  };
  pass(Span::seconds(1));
  const Answer same = again("", tag);
  EXPECT_EQ(same.status, 304) << "a second is no change";
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(again("alice", tag).status, 200) << "another visitor's page is another page";
  EXPECT_EQ(again("alice", tag).header("cache-control"), "private, no-cache");
  EXPECT_EQ(page("/items/lamp", {}, {"If-None-Match: " + tag, "Accept-Language: zh"}).status, 200);
  grab_as("alice", "lamp");
  EXPECT_EQ(again("", tag).status, 200) << "a unit less is a change";
  EXPECT_EQ(page("/orders", "alice").header("cache-control"), "no-store");
}

TEST_F(StorefrontTest, PagesMayRunOnlyTheirOwnScript) {
  const Answer answer = page("/");
  const std::string policy = answer.header("content-security-policy");
  EXPECT_NE(policy.find("default-src 'none'; script-src 'self'; style-src 'self'"),
            std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(answer.body.find(" style="), std::string::npos);
  EXPECT_EQ(answer.header("referrer-policy"), "same-origin");
}

TEST_F(StorefrontTest, AssetsAreKeptForEver) {
  const std::string html = page("/").body;
  const std::size_t at = html.find("/assets/storefront-");
  ASSERT_NE(at, std::string::npos);
  const std::string path = html.substr(at, html.find('"', at) - at);
  const Answer plain = page(path);
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(plain.header("cache-control"), "public, max-age=31536000, immutable");
  const Answer small = page(path, {}, {"Accept-Encoding: gzip, br"});
  EXPECT_EQ(small.header("content-encoding"), "br");
  EXPECT_LT(small.body.size(), plain.body.size());
  EXPECT_EQ(page(path, {}, {"Accept-Encoding: gzip"}).body.substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(page("/assets/none.js").status, 404);
}

TEST_F(StorefrontTest, LanguageAndThemeAreRemembered) {
  EXPECT_NE(page("/", {}, {"Accept-Language: zh-CN"}).body.find("<html lang=\"zh-CN\""),
            std::string::npos);
  const Answer chosen = send("/preferences", "language=zh&next=%2Forders", {"Origin: http://test"});
  EXPECT_EQ(chosen.header("location"), "/orders");
  EXPECT_TRUE(chosen.header("set-cookie").starts_with("sluice_language=zh; "));
  EXPECT_EQ(send("/preferences", "theme=x%0d%0a", {"Origin: http://test"}).header("set-cookie"),
            "");
  const std::string dark = page("/", {}, {"Cookie: sluice_theme=dark; sluice_language=zh"}).body;
  EXPECT_NE(dark.find("<html lang=\"zh-CN\" data-theme=\"dark\""), std::string::npos);
}

TEST_F(StorefrontTest, AnOrderIsPaidByItsCode) {
  open_sale("lamp", 1);
  const std::string order = grab_as("alice", "lamp");
  EXPECT_EQ(page(order + "/payment", "alice").header("location"), order) << "not begun yet";
  EXPECT_EQ(submit(order + "/payment", "bob").status, 404);
  EXPECT_EQ(submit(order + "/payment", "alice").header("location"), order + "/payment");
  const Answer paying = page(order + "/payment", "alice");
  EXPECT_EQ(paying.status, 200);
  EXPECT_NE(paying.body.find("class=\"qr\""), std::string::npos);
  EXPECT_NE(paying.body.find("¥19.99"), std::string::npos);
  settle(order, "4200001");
  EXPECT_EQ(page(order + "/payment", "alice").header("location"), order);
  EXPECT_NE(page(order, "alice").body.find("Thank you."), std::string::npos);
}

TEST_F(StorefrontTest, AProviderThatFailsIsTold) {
  open_sale("lamp", 1);
  const std::string order = grab_as("alice", "lamp");
  desk_.error = settlement::BeginError::unavailable;
  const Answer down = submit(order + "/payment", "alice");
  EXPECT_EQ(down.status, 503);
  EXPECT_NE(down.body.find("The provider does not answer"), std::string::npos);
  desk_.error = settlement::BeginError::refused;
  EXPECT_EQ(submit(order + "/payment", "alice").status, 502);
  desk_.error = settlement::BeginError::past_deadline;
  EXPECT_EQ(submit(order + "/payment", "alice").status, 502)
      << "the provider's, not the hold's end";
  pass(Span::seconds(61));  // the hold is a minute
  EXPECT_EQ(submit(order + "/payment", "alice").header("location"), order);
}

TEST_F(StorefrontTest, AnOrderIsGivenBack) {
  open_sale("lamp", 1);
  const std::string order = grab_as("alice", "lamp");
  EXPECT_EQ(submit(order + "/cancel", "bob").status, 404);
  EXPECT_EQ(submit(order + "/cancel", "alice").header("location"), order);
  EXPECT_NE(page(order, "alice").body.find("Given back"), std::string::npos);
  EXPECT_EQ(get("/api/v1/items/lamp").json().at("available").as_int64(), 1);
  EXPECT_EQ(submit("/orders/Nonsense/cancel", "alice").status, 404);
}

TEST_F(StorefrontTest, TheScriptFollowsAnOrderWithTheSession) {
  open_sale("lamp", 1);
  const std::string order = grab_as("alice", "lamp");
  EXPECT_EQ(page(order + "/status", "alice").text("status"), "awaiting_payment");
  EXPECT_EQ(page(order + "/status", "bob").status, 404);
  EXPECT_EQ(page(order + "/status").status, 401);
  const int socket = api::testing::send_only(
      port(), Ask{"GET", order + "/events", {}, {}, {"Cookie: sluice_session=" + token("alice")}});
  EXPECT_NE(api::testing::read_until(socket, "awaiting_payment").find("event: order"),
            std::string::npos);
  settle(order, "4200001");
  EXPECT_NE(api::testing::read_until(socket, "\"paid\"").find("paid"), std::string::npos);
  close(socket);
}

TEST_F(StorefrontTest, LimitsCountForPagesToo) {
  api::ApiOptions options;
  options.user_per_second = 2;
  open(options);
  open_sale("lamp", 5);
  const std::string sealed = "seal=" + seal("alice");
  const std::vector<std::string> headers{"Origin: http://test",
                                         "Cookie: sluice_session=" + token("alice")};
  EXPECT_EQ(send("/items/lamp/grab", sealed, headers).status, 303);
  const Answer refused = send("/items/lamp/grab", sealed, headers);
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.body.find("Slow down a little"), std::string::npos);
  EXPECT_EQ(page("/orders", "alice").status, 429);
}

TEST_F(StorefrontTest, WhatIsNoPageIsTheApis) {
  EXPECT_EQ(get("/livez").body, "ok\n");
  EXPECT_EQ(page("/livez").body, "ok\n");
  EXPECT_EQ(page("/nowhere").header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(get("/nowhere").code(), "not_found");
  EXPECT_EQ(page("/api/v1/nowhere").code(), "not_found");
  EXPECT_EQ(send("/", "", {"Origin: http://test"}).status, 404);
}

TEST_F(StorefrontTest, ScriptInWhatAnOperatorWritesIsText) {
  const std::string attack = "<script>alert('x')</script>";
  const std::string body = R"({"title":")" + attack + R"(","starts_at":")" + to_rfc3339(now()) +
                           R"(","ends_at":")" + to_rfc3339(now() + Span::seconds(60)) +
                           R"(","items":[{"id":"x","title":")" + attack + R"(","description":")" +
                           attack + R"(","price":1999,"stock":3}]})";
  ASSERT_EQ(admin("POST", "/api/v1/admin/sales", body).status, 201);
  const std::string order = grab_as(attack, "x");
  for (const std::string& path :
       {std::string("/"), std::string("/items/x"), order, std::string("/orders")}) {
    const std::string html = page(path, attack).body;
    EXPECT_EQ(html.find("<script>"), std::string::npos) << path;
    EXPECT_NE(html.find("&lt;script&gt;alert(&#39;x&#39;)"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace sluice::web

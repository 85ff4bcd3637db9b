// Cookies, origins and seals against what hostile pages can send.
#include "web/session.h"

#include <gtest/gtest.h>

namespace sluice::web {
namespace {

http::Request with(std::vector<http::Field> fields) {
  http::Request request;
  request.fields = std::move(fields);
  return request;
}

TEST(Cookie, IsFoundByItsWholeName) {
  const http::Request request =
      with({{"Host", "a"}, {"Cookie", "x_sluice_session=no; sluice_session=a.b.c ;theme=dark"}});
  EXPECT_EQ(cookie(request, kSessionCookie), "a.b.c");
  EXPECT_EQ(cookie(request, "theme"), "dark");
  EXPECT_EQ(cookie(request, "session"), "");
  EXPECT_EQ(cookie(with({}), kSessionCookie), "");
  EXPECT_EQ(cookie(with({{"cookie", ";;=;sluice_session"}}), kSessionCookie), "");
}

TEST(Cookie, IsKeptFromScriptAndFromOtherSites) {
  EXPECT_EQ(session_cookie("a.b.c", Span::seconds(60), false),
            "sluice_session=a.b.c; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
  EXPECT_EQ(session_cookie("a.b.c", Span::seconds(60), true),
            "__Host-sluice_session=a.b.c; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(session_end_cookie(true),
            "__Host-sluice_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
}

TEST(Cookie, APlantedSessionCountsForNothingOverTls) {
  const auto planted = with({{"Cookie", "sluice_session=evil; __Host-sluice_session=mine"}});
  EXPECT_EQ(session_token(planted, true), "mine");
  EXPECT_EQ(session_token(planted, false), "mine");
  EXPECT_EQ(session_token(with({{"Cookie", "sluice_session=evil"}}), true), "");
  EXPECT_EQ(session_token(with({{"Cookie", "sluice_session=a.b.c"}}), false), "a.b.c");
}

TEST(SameOrigin, IsWhatTheBrowserSays) {
  EXPECT_TRUE(same_origin(with({{"Host", "shop:8080"}, {"Origin", "http://shop:8080"}})));
  EXPECT_TRUE(same_origin(with({{"Host", "shop"}, {"Origin", "https://SHOP"}})));
  EXPECT_TRUE(same_origin(with({{"Host", "shop"}, {"Sec-Fetch-Site", "same-origin"}})));
  for (const std::string_view origin :
       {"http://evil", "null", "", "shop", "http://shop:81", "http://shop.evil"}) {
    EXPECT_FALSE(same_origin(
        with({{"Host", "shop"}, {"Origin", origin}, {"Sec-Fetch-Site", "same-origin"}})))
        << origin;
  }
  EXPECT_FALSE(same_origin(with({{"Host", "shop"}})));
  EXPECT_FALSE(same_origin(with({{"Host", "shop"}, {"Sec-Fetch-Site", "same-site"}})));
  EXPECT_FALSE(same_origin(with({{"Host", "shop"}, {"Sec-Fetch-Site", "cross-site"}})));
}

TEST(SafeReturn, StaysOnThisSite) {
  EXPECT_EQ(safe_return("/orders/No1?x=1"), "/orders/No1?x=1");
  for (const std::string_view bad : {"//evil.example", "/\\evil.example", "https://evil.example",
                                     "", "orders", "/a\r\nSet-Cookie:x", "/\xff"}) {
    EXPECT_EQ(safe_return(bad), "/") << bad;
  }
  EXPECT_EQ(safe_return("/" + std::string(kMaxReturnBytes, 'x')), "/");
}

TEST(SignInPath, CarriesTheWayBack) {
  EXPECT_EQ(sign_in_path("/orders?page_token=a&b"), "/signin?next=/orders%3Fpage_token%3Da%26b");
}

TEST(FormSeals, HoldForOneSessionOnly) {
  const FormSeals seals("a secret");
  const std::string seal = seals.seal("alice's token");
  EXPECT_TRUE(seals.holds("alice's token", seal));
  EXPECT_FALSE(seals.holds("bob's token", seal));
  EXPECT_FALSE(seals.holds("alice's token", ""));
  EXPECT_FALSE(seals.holds("alice's token", seal.substr(1)));
  EXPECT_FALSE(FormSeals("another").holds("alice's token", seal));
  EXPECT_TRUE(FormSeals("a secret").holds("alice's token", seal)) << "after a restart";
}

}  // namespace
}  // namespace sluice::web

// Tests of the router: precedence, captures, methods, and paths that must not match.
#include "http/router.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  void add(Method method, std::string_view pattern) {
    router_.add(method, pattern, [](const Request&, const Captures&, Responder) {});
  }
  Router router_;
};

TEST_F(RouterTest, LiteralsAndCaptures) {
  add(Method::get, "/");
  add(Method::get, "/api/v1/orders/{order}");
  add(Method::post, "/api/v1/items/{item}/orders");
  add(Method::get, "/a/{one}/{two}/b/{three}");

  EXPECT_EQ(router_.find(Method::get, "/").pattern, "/");
  const auto order = router_.find(Method::get, "/api/v1/orders/No1");
  ASSERT_EQ(order.match, Router::Match::found);
  EXPECT_EQ(order.captures[0], "No1");
  EXPECT_EQ(order.pattern, "/api/v1/orders/{order}");
  const auto three = router_.find(Method::get, "/a/x/y/b/z");
  ASSERT_EQ(three.match, Router::Match::found);
  EXPECT_EQ(three.captures[0], "x");
  EXPECT_EQ(three.captures[1], "y");
  EXPECT_EQ(three.captures[2], "z");
}

TEST_F(RouterTest, ALiteralComesBeforeACaptureInWhateverOrderTheyWereAdded) {
  add(Method::get, "/orders/{order}");
  add(Method::get, "/orders/export");
  add(Method::get, "/{what}/export");
  EXPECT_EQ(router_.find(Method::get, "/orders/export").pattern, "/orders/export");
  EXPECT_EQ(router_.find(Method::get, "/orders/No1").pattern, "/orders/{order}");
  EXPECT_EQ(router_.find(Method::get, "/sales/export").pattern, "/{what}/export");
}

TEST_F(RouterTest, ACaptureServesWhatTheLiteralBesideItDoesNot) {
  add(Method::get, "/orders/export");
  add(Method::del, "/orders/{order}");
  EXPECT_EQ(router_.find(Method::del, "/orders/export").pattern, "/orders/{order}");
  EXPECT_EQ(router_.find(Method::post, "/orders/export").allow, "GET, HEAD, DELETE");
}

TEST_F(RouterTest, AnotherMethodIsNotAllowedAndSaysWhatIs) {
  add(Method::get, "/sales");
  add(Method::post, "/sales");
  const auto found = router_.find(Method::del, "/sales");
  EXPECT_EQ(found.match, Router::Match::method_not_allowed);
  EXPECT_EQ(found.allow, "GET, HEAD, POST");
  EXPECT_EQ(router_.find(Method::other, "/sales").match, Router::Match::method_not_allowed);
  EXPECT_EQ(router_.find(Method::other, "/none").match, Router::Match::not_found);
}

TEST_F(RouterTest, GetServesHeadUnlessHeadHasAHandlerOfItsOwn) {
  add(Method::get, "/sales");
  add(Method::post, "/orders");
  EXPECT_EQ(router_.find(Method::head, "/sales").match, Router::Match::found);
  EXPECT_EQ(router_.find(Method::head, "/orders").match, Router::Match::method_not_allowed);
  EXPECT_EQ(router_.find(Method::head, "/sales").handler,
            router_.find(Method::get, "/sales").handler);
  add(Method::head, "/sales");
  EXPECT_NE(router_.find(Method::head, "/sales").handler,
            router_.find(Method::get, "/sales").handler);
}

TEST_F(RouterTest, PathsThatNameNothing) {
  add(Method::get, "/api/v1/orders/{order}");
  for (const char* path :
       {"", "*", "api/v1/orders/1", "/api/v1/orders", "/api/v1/orders/", "/api/v1/orders/1/",
        "/api//v1/orders/1", "/api/v1/orders/a%2Fb", "/api/v1/orders/a%2fb", "/api/v1/orders/a%00",
        "/API/v1/orders/1", "/api/v1/orders/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15"}) {
    EXPECT_EQ(router_.find(Method::get, path).match, Router::Match::not_found) << path;
  }
}

TEST_F(RouterTest, TwoHandlersForOneRouteAreABug) {
  add(Method::get, "/sales");
  EXPECT_DEATH(add(Method::get, "/sales"), "one handler");
  EXPECT_DEATH(add(Method::other, "/sales"), "known method");
  EXPECT_DEATH(add(Method::get, "sales"), "few segments");
  EXPECT_DEATH(add(Method::get, "/{a}/{b}/{c}/{d}/{e}"), "captures");
}

}  // namespace
}  // namespace sluice::http

// What everyone and what shoppers can read, over real HTTP.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>

#include "api/testing.h"

namespace sluice::api::testing {
namespace {

class ShopperTest : public ApiTest {};

TEST_F(ShopperTest, TheClockAndTheSales) {
  EXPECT_EQ(get("/api/v1/time").text("now"), to_rfc3339(now()));
  ASSERT_EQ(open_sale("later", 1, 1, Span::seconds(100)).status, 201);
  ASSERT_EQ(open_sale("now", 2).status, 201);
  ASSERT_EQ(open_sale("past", 3, 1, Span::seconds(-100), Span::seconds(50)).status, 201);
  ASSERT_EQ(open_sale("older", 3, 1, Span::seconds(-200), Span::seconds(50)).status, 201);
  const Answer answer = get("/api/v1/sales");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("cache-control"), "public, max-age=1");
  const auto sales = answer.json().at("sales").as_array();
  ASSERT_EQ(sales.size(), 4U);
  const auto told = [&](std::size_t index) {
    const auto& sale = sales[index].as_object();
    const auto& item = sale.at("items").as_array().at(0).as_object();
    return fmt::format("{} {} {}", item.at("id").as_string().c_str(),
                       sale.at("phase").as_string().c_str(), item.at("phase").as_string().c_str());
  };
  EXPECT_EQ(told(0), "now open open");
  EXPECT_EQ(told(1), "later upcoming upcoming");
  EXPECT_EQ(told(2), "past ended ended");
  EXPECT_EQ(told(3), "older ended ended");
  EXPECT_FALSE(answer.json().as_object().contains("next_page_token"));
}

TEST_F(ShopperTest, AnItemHasEveryMemberOfTheContract) {
  ASSERT_EQ(open_sale("phone", 7, 2).status, 201);
  const Answer answer = get("/api/v1/items/phone");
  ASSERT_EQ(answer.status, 200);
  std::set<std::string> members;
  const auto item = answer.json();
  for (const auto& member : item.as_object())
    members.emplace(member.key());
  const std::set<std::string> wanted{"id",    "sale_id",    "title",    "image_url",
                                     "price", "list_price", "currency", "description",
                                     "stock", "available",  "sold_out", "per_user_limit",
                                     "phase", "starts_at",  "ends_at"};
  EXPECT_EQ(members, wanted);
  EXPECT_EQ(get("/api/v1/items/%70hone").status, 200);
  EXPECT_EQ(get("/api/v1/items/none").code(), "unknown_item");
}

TEST_F(ShopperTest, ManySalesComeInPages) {
  for (int i = 0; i < 130; ++i)
    ASSERT_EQ(open_sale(fmt::format("item{}", i), 1).status, 201);
  std::set<std::string> seen;
  std::string path = "/api/v1/sales";
  for (int page = 0; page < 3 && !path.empty(); ++page) {
    const Answer answer = get(path);
    const auto listed = answer.json();
    for (const auto& sale : listed.at("sales").as_array())
      EXPECT_TRUE(seen.emplace(sale.at("id").as_string().c_str()).second);
    const std::string token = answer.text("next_page_token");
    path = token.empty() ? "" : "/api/v1/sales?page_token=" + token;
  }
  EXPECT_EQ(seen.size(), 130U);
  EXPECT_EQ(get("/api/v1/sales?page=2").code(), "invalid_request");
}

TEST_F(ShopperTest, OrdersOfOthersDoNotExist) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const std::string id = grab("phone", "alice").text("id");
  const Answer foreign = get("/api/v1/orders/" + id, "mallory");
  for (const std::string& order :
       {id, std::string("No1"), std::string("No0"), std::string("no5"), std::string("x"),
        std::string("No99999999999999999999"), std::string("No-1"), std::string("%4eo1"),
        std::string(500, '9')}) {
    for (const std::string& path :
         {"/api/v1/orders/" + order, "/api/v1/orders/" + order + "/events"}) {
      const Answer answer = get(path, "mallory");
      EXPECT_EQ(answer.status, 404) << path;
      EXPECT_EQ(answer.body, foreign.body) << path;
    }
    const Answer cancel = post("/api/v1/orders/" + order + "/cancel", "mallory");
    EXPECT_EQ(cancel.status, 404) << order;
    EXPECT_EQ(cancel.body, foreign.body) << order;
  }
  EXPECT_EQ(get("/api/v1/orders/" + id, "alice").text("status"), "awaiting_payment");
  EXPECT_EQ(get("/api/v1/orders/" + id).status, 401);
}

TEST_F(ShopperTest, OwnOrdersNewestFirstInPages) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    const std::string item = fmt::format("item{}", i);
    ASSERT_EQ(open_sale(item, 5).status, 201);
    pass(Span{1});
    made.insert(made.begin(), grab(item, "alice").text("id"));
    grab(item, "bob");
  }
  std::vector<std::string> listed;
  std::string token;
  do {
    const Answer page =
        get("/api/v1/orders?limit=2" + (token.empty() ? "" : "&page_token=" + token), "alice");
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.header("cache-control"), "no-store");
    EXPECT_LE(page.json().at("orders").as_array().size(), 2U);
    const auto json = page.json();
    for (const auto& order : json.at("orders").as_array())
      listed.emplace_back(order.at("id").as_string().c_str());
    // A page token is no key to somebody else's list.
    if (!page.text("next_page_token").empty()) {
      const Answer stolen =
          get("/api/v1/orders?page_token=" + page.text("next_page_token"), "mallory");
      EXPECT_TRUE(stolen.json().at("orders").as_array().empty()) << stolen.body;
    }
    token = page.text("next_page_token");
  } while (!token.empty() && listed.size() < 20);
  EXPECT_EQ(listed, made);
  EXPECT_TRUE(get("/api/v1/orders", "nobody").json().at("orders").as_array().empty());
  EXPECT_EQ(get("/api/v1/orders?limit=0", "alice").code(), "invalid_request");
  EXPECT_EQ(get("/api/v1/orders?page_token=!", "alice").code(), "invalid_request");
}

TEST_F(ShopperTest, CancellingTwiceIsTheSameAsOnce) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const std::string id = grab("phone", "alice").text("id");
  for (int i = 0; i < 2; ++i) {
    const Answer answer = post("/api/v1/orders/" + id + "/cancel", "alice");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.text("status"), "cancelled");
    EXPECT_EQ(answer.text("reason"), "user");
  }
  EXPECT_EQ(get("/api/v1/items/phone").json().at("available").as_int64(), 1);
  EXPECT_EQ(grab("phone", "alice").status, 201);  // and may queue again
}

TEST_F(ShopperTest, LimitsPerAddressCountForEverybody) {
  ApiOptions options;
  options.address_per_second = 3;
  start(options);
  int refused = 0;
  for (int i = 0; i < 5; ++i)
    refused += get("/api/v1/time").status == 429 ? 1 : 0;
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(get("/api/v1/orders", "alice").code(), "rate_limited");
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(admin("GET", "/api/v1/admin/sales").status, 200);
}

TEST_F(ShopperTest, BehindAProxyTheLastForwardedAddressCounts) {
  ApiOptions options;
  options.address_per_second = 1;
  options.trust_forwarded_for = true;
  start(options);
  const auto status = [&](const std::string& forwarded) {
    return ask(port(), Ask{"GET", "/api/v1/time", "", "", {"X-Forwarded-For: " + forwarded}})
        .status;
  };
  EXPECT_EQ(status("9.9.9.9, 1.1.1.1"), 200);
  EXPECT_EQ(status("1.1.1.1, 2.2.2.2"), 200);
  EXPECT_EQ(status("8.8.8.8, 1.1.1.1"), 429);
}

TEST_F(ShopperTest, UnknownPathsAndMethods) {
  EXPECT_EQ(get("/nowhere").code(), "not_found");
  EXPECT_EQ(get("/api/v1/items").code(), "not_found");
  const Answer answer = ask(port(), Ask{"DELETE", "/api/v1/orders", "", "", {}});
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.code(), "method_not_allowed");
  EXPECT_EQ(answer.header("allow"), "GET, HEAD");
}

TEST_F(ShopperTest, TheDemoSignsInOnlyInTheDemo) {
  EXPECT_EQ(post("/api/v1/demo/token", "").status, 404);
  ApiOptions options;
  options.demo = true;
  start(options);
  const Answer named = post("/api/v1/demo/token", "", R"({"user":"alice"})",
                            {"Content-Type: application/x-www-form-urlencoded"});
  ASSERT_EQ(named.status, 200) << named.body;
  EXPECT_EQ(named.text("user"), "alice");
  const Answer orders = ask(port(), Ask{"GET", "/api/v1/orders", "", named.text("token"), {}});
  EXPECT_EQ(orders.status, 200);
  EXPECT_EQ(ask(port(), Ask{"GET", "/api/v1/admin/sales", "", named.text("token"), {}}).code(),
            "forbidden");
  const Answer guest = post("/api/v1/demo/token", "");
  EXPECT_TRUE(guest.text("user").starts_with("guest-"));
  EXPECT_NE(guest.text("user"), post("/api/v1/demo/token", "").text("user"));
  for (const std::string body :
       {R"({"user":""})", R"({"user":1})", R"({"role":"admin"})", "x", R"({"user":"a\nb"})"}) {
    EXPECT_EQ(post("/api/v1/demo/token", "", body).code(), "invalid_request") << body;
  }
}

TEST_F(ShopperTest, HealthAndProblemPages) {
  EXPECT_EQ(get("/livez").body, "ok\n");
  EXPECT_EQ(get("/livez?verbose").body, "ok\nversion test\n");
  EXPECT_EQ(get("/readyz").body, "ok\n");
  EXPECT_EQ(get("/readyz?verbose").body,
            "ok\n[+] admissions ok\n[+] storage ok\n[+] conservation ok\n[+] queue ok\n"
            "queue 0 of 65536\n");
  api_->begin_shutdown();
  EXPECT_EQ(get("/livez").status, 200);
  const Answer stopping = get("/readyz?verbose");
  EXPECT_EQ(stopping.status, 503);
  EXPECT_NE(stopping.body.find("[-] admissions: "), std::string::npos);
  EXPECT_NE(get("/problems/sold_out").body.find("已售罄"), std::string::npos);
  EXPECT_EQ(get("/problems/none").status, 404);
}

TEST_F(ShopperTest, MetricsCountWhatHappened) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  ASSERT_EQ(grab("phone", "alice").status, 201);
  for (int i = 0; i < 3; ++i)
    grab("phone", fmt::format("late{}", i));
  grab("phone", "alice");
  const Answer answer = get("/metrics");
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const auto has = [&](std::string_view line) {
    EXPECT_NE(answer.body.find("\n" + std::string(line) + "\n"), std::string::npos) << line << "\n"
                                                                                    << answer.body;
  };
  has(R"(sluice_grabs_total{outcome="granted"} 1)");
  has(R"(sluice_grabs_total{outcome="sold_out"} 3)");
  has(R"(sluice_grabs_total{outcome="already_queued"} 1)");
  has(R"(sluice_http_requests_total{method="POST",route="/api/v1/items/{item}/orders",)"
      R"(status="2xx"} 1)");
  has(R"(sluice_http_requests_total{method="POST",route="/api/v1/items/{item}/orders",)"
      R"(status="4xx"} 4)");
  has(R"(sluice_item_units{item="phone",state="held"} 1)");
  has(R"(sluice_item_units{item="phone",state="available"} 0)");
  has("sluice_orders 1");
  has("sluice_users 1");
  has("sluice_conserved 1");
  has("sluice_connections 1");
  EXPECT_NE(answer.body.find("sluice_grab_seconds_bucket{le=\"+Inf\"} "), std::string::npos);
  // No user and no order in any label, and one prefix for all.
  EXPECT_EQ(answer.body.find("alice"), std::string::npos);
  std::size_t at = 0;
  while (at < answer.body.size()) {
    const std::size_t end = answer.body.find('\n', at);
    const std::string line = answer.body.substr(at, end - at);
    EXPECT_TRUE(line.starts_with("sluice_") || line.starts_with("# ")) << line;
    at = end + 1;
  }
}

}  // namespace
}  // namespace sluice::api::testing

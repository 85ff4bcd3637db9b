// The operator API over real HTTP.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/testing.h"

namespace sluice::api::testing {
namespace {

class OperatorTest : public ApiTest {
 protected:
  std::string create(const std::string& body) {
    const Answer answer = admin("POST", "/api/v1/admin/sales", body);
    return answer.status == 201 ? "" : fmt::format("{} {}", answer.code(), answer.detail());
  }
  /// A sale whose JSON is the usual one with `from` replaced by `to`.
  static std::string sale_with(std::string_view from, std::string_view to) {
    std::string json =
        R"({"title":"Sale","starts_at":"2026-11-22T00:00:00Z","ends_at":"2036-11-23T00:00:00Z",)"
        R"("hold_seconds":600,"items":[{"title":"A","price":100,"stock":1},)"
        R"({"title":"B","price":100,"list_price":200,"currency":"CNY","stock":5,)"
        R"("per_user_limit":2}]})";
    const std::size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return json.replace(at, from.size(), to);
  }
};

TEST_F(OperatorTest, NeedsTheRole) {
  const std::vector<std::pair<std::string, std::string>> routes{
      {"POST", "/api/v1/admin/sales"},         {"GET", "/api/v1/admin/sales"},
      {"GET", "/api/v1/admin/orders"},         {"GET", "/api/v1/admin/orders.csv"},
      {"POST", "/api/v1/admin/items/x/stock"}, {"GET", "/api/v1/admin/audit"}};
  for (const auto& [method, path] : routes) {
    EXPECT_EQ(ask(port(), Ask{method, path, "", "", {}}).code(), "unauthenticated") << path;
    for (const http::Role role : {http::Role::shopper, http::Role::service}) {
      EXPECT_EQ(ask(port(), Ask{method, path, "", token("mallory", role), {}}).code(), "forbidden")
          << path;
    }
  }
}

TEST_F(OperatorTest, CanBeLeftOutOfAListener) {
  auto server = http::Server::start(
      [] {
        http::ServerOptions options;
        options.listen.port = 0;
        return options;
      }(),
      api_->services(false));
  ASSERT_TRUE(server);
  const std::string boss = token("boss", http::Role::admin);
  EXPECT_EQ(ask((*server)->port(), Ask{"GET", "/api/v1/admin/sales", "", boss, {}}).code(),
            "not_found");
  EXPECT_EQ(ask((*server)->port(), Ask{"GET", "/api/v1/sales", "", "", {}}).status, 200);
  (*server)->stop(Span{1000});
}

TEST_F(OperatorTest, CreatesASaleWithDefaultsAndAssignedIds) {
  const Answer answer = admin("POST", "/api/v1/admin/sales",
                              R"({"title":"秒杀","starts_at":"2030-01-01T08:00:00+08:00",)"
                              R"("ends_at":"2030-01-01T01:00:00Z",)"
                              R"("items":[{"title":"手机","price":199900,"stock":10},)"
                              R"({"id":42,"title":"B","price":1,"stock":0}]})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto sale = answer.json().as_object();
  const std::string id(sale.at("id").as_string().c_str());
  EXPECT_EQ(answer.header("location"), "/api/v1/admin/sales/" + id);
  EXPECT_EQ(sale.at("starts_at").as_string(), "2030-01-01T00:00:00.000Z");
  EXPECT_EQ(sale.at("hold_seconds").as_int64(), 1800);
  EXPECT_EQ(sale.at("phase").as_string(), "upcoming");
  const auto& items = sale.at("items").as_array();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].at("currency").as_string(), "CNY");
  EXPECT_EQ(items[0].at("list_price").as_int64(), 199900);
  EXPECT_EQ(items[0].at("per_user_limit").as_int64(), 1);
  EXPECT_EQ(items[0].at("available").as_int64(), 10);
  EXPECT_EQ(items[1].at("id").as_string(), "42");
  EXPECT_EQ(admin("GET", "/api/v1/admin/sales/" + id).json(), answer.json());
  EXPECT_EQ(admin("GET", "/api/v1/admin/items/42").json(), items[1]);
}

TEST_F(OperatorTest, ErrorsNameTheFieldTheValueAndTheLimit) {
  const std::vector<std::array<std::string, 3>> cases{
      {R"("price":100,"stock":1)", R"("price":0,"stock":1)", "items[0].price is 0; it must be"},
      {R"("price":100,"stock":1)", R"("price":1.5,"stock":1)", "items[0].price is 1.5"},
      {R"("price":100,"stock":1)", R"("price":1e3,"stock":1)", "items[0].price is 1000"},
      {R"("price":100,"stock":1)", R"("price":"100","stock":1)", "items[0].price is \"100\""},
      {R"("price":100,"stock":1)", R"("price":1000000000001,"stock":1)", "1000000000000"},
      {R"("price":100,"stock":1)", R"("stock":1)", "items[0].price is missing"},
      {R"("stock":5)", R"("stock":-1)", "items[1].stock is -1"},
      {R"("stock":5)", R"("stock":1000000001)", "items[1].stock"},
      {R"("stock":5)", R"("stock":18446744073709551615)", "items[1].stock"},
      {R"("stock":5)", R"("stok":5)",
       "items[1] has the key \"stok\", which is not known (did you "
       "mean \"stock\"?)"},
      {R"("per_user_limit":2)", R"("per_user_limit":0)", "items[1].per_user_limit is 0"},
      {R"("currency":"CNY")", R"("currency":"cny")", "items[1].currency"},
      {R"("currency":"CNY")", R"("currency":"XXXX")", "items[1].currency"},
      {R"("title":"B")", R"("title":"")", "items[1].title is empty"},
      {R"("title":"B")", R"("title":"a\u0007")", "items[1].title contains a control character"},
      {R"("title":"B")", R"("title":")" + std::string(513, 'x') + "\"", "513 bytes; at most 512"},
      {R"("title":"B")", R"("title":"B","image_url":"javascript:x")", "items[1].image_url"},
      {R"("title":"B")", R"("title":"B","image_url":"//host/x")", "items[1].image_url"},
      {R"("title":"B")", R"("title":"B","id":"../x")", "items[1].id"},
      {R"("title":"B")", R"("title":"B","id":-5)", "items[1].id"},
      {R"("hold_seconds":600)", R"("hold_seconds":0)", "hold_seconds is 0"},
      {R"("hold_seconds":600)", R"("hold_seconds":604801)", "hold_seconds is 604801"},
      {R"("starts_at":"2026-11-22T00:00:00Z")", R"("starts_at":"2026-11-22 00:00")", "starts_at"},
      {R"("starts_at":"2026-11-22T00:00:00Z")", R"("starts_at":1790000000)", "starts_at"},
      {R"("starts_at":"2026-11-22T00:00:00Z")", R"("starts_at":"2046-11-22T00:00:00Z")",
       "ends_at must be after starts_at"},
      {R"("title":"Sale",)", "", "title is missing"},
      {R"("title":"Sale")", R"("title":"Sale","title":"Sale")", "\"title\" twice"},
      {R"("title":"Sale")", R"("title":"Sale","reason":"")", "reason is empty"},
      {R"({"title":"A","price":100,"stock":1})", "7", "items[0] is 7; it must be an object"},
      {R"({"title":"A","price":100,"stock":1})", R"([[[[[[[[[]]]]]]]]])", "deeper than 8"},
  };
  for (const auto& [from, to, message] : cases) {
    const std::string error = create(sale_with(from, to));
    EXPECT_TRUE(error.starts_with("invalid_request ")) << to << ": " << error;
    EXPECT_NE(error.find(message), std::string::npos) << to << ": " << error;
  }
  EXPECT_EQ(admin("GET", "/api/v1/admin/sales").json().at("sales").as_array().size(), 0U);
  for (const std::string body : {"", "[]", "null", "{", "{}"}) {
    EXPECT_TRUE(create(body).starts_with("invalid_request ")) << body;
  }
  EXPECT_EQ(create(sale_with("Sale", "Sale")), "");
}

TEST_F(OperatorTest, IdsAreTakenOnce) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  EXPECT_EQ(open_sale("phone", 1).code(), "duplicate_id");
  EXPECT_TRUE(create(sale_with(R"("title":"A")", R"("id":"x","title":"A")")).empty());
  EXPECT_TRUE(create(sale_with(R"({"title":"A",)", R"({"id":"y","title":"C","price":1,"stock":1},)"
                                                   R"({"id":"y","title":"A",)"))
                  .starts_with("duplicate_id"));
}

TEST_F(OperatorTest, ChangesASaleAndItsItems) {
  const std::string id = open_sale("phone", 5).text("id");
  const std::string sale = "/api/v1/admin/sales/" + id;
  EXPECT_EQ(admin("PATCH", sale, R"({"title":"New"})").detail(), "reason is missing.");
  EXPECT_EQ(admin("PATCH", sale, R"({"title":"New","reason":"typo"})").text("title"), "New");
  EXPECT_EQ(admin("PATCH", sale, R"({"hold_seconds":30,"reason":"faster"})")
                .json()
                .at("hold_seconds")
                .as_int64(),
            30);
  const Answer window =
      admin("PATCH", sale, R"({"ends_at":"1999-01-01T00:00:00Z","reason":"oops"})");
  EXPECT_EQ(window.code(), "invalid_request");
  EXPECT_NE(window.detail().find("after starts_at"), std::string::npos);
  EXPECT_EQ(admin("PATCH", sale, R"({"holdseconds":30,"reason":"x"})").status, 400);
  EXPECT_EQ(admin("PATCH", "/api/v1/admin/sales/none", R"({"reason":"x"})").code(), "unknown_sale");

  const std::string item = "/api/v1/admin/items/phone";
  const Answer changed =
      admin("PATCH", item, R"({"price":1500,"description":"line\nline","reason":"cheaper"})");
  EXPECT_EQ(changed.json().at("price").as_int64(), 1500);
  EXPECT_EQ(changed.text("description"), "line\nline");
  EXPECT_EQ(grab("phone", "alice").json().at("amount").as_int64(), 1500);
  EXPECT_EQ(admin("PATCH", item, R"({"per_user_limit":0,"reason":"x"})").code(), "invalid_request");

  const Answer added =
      admin("POST", sale + "/items", R"({"id":"tablet","title":"T","price":5,"stock":2})");
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.header("location"), "/api/v1/admin/items/tablet");
  EXPECT_EQ(
      admin("POST", sale + "/items", R"({"id":"tablet","title":"T","price":5,"stock":2})").code(),
      "duplicate_id");
  EXPECT_EQ(get("/api/v1/items/tablet").text("sale_id"), id);
}

TEST_F(OperatorTest, StockIsNeverBelowWhatIsGivenOut) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  ASSERT_EQ(grab("phone", "alice").status, 201);
  ASSERT_EQ(grab("phone", "bob").status, 201);
  const std::string stock = "/api/v1/admin/items/phone/stock";
  EXPECT_EQ(admin("POST", stock, R"({"stock":1,"reason":"x"})").code(), "below_committed");
  EXPECT_EQ(admin("POST", stock, R"({"stock":2,"reason":"x"})").json().at("available").as_int64(),
            0);
  EXPECT_EQ(grab("phone", "carol").code(), "sold_out");
  EXPECT_EQ(admin("POST", stock, R"({"stock":3,"reason":"x"})").json().at("available").as_int64(),
            1);
  EXPECT_EQ(grab("phone", "carol").status, 201);
  EXPECT_EQ(admin("POST", stock, R"({"stock":3})").detail(), "reason is missing.");
  EXPECT_EQ(admin("POST", stock, R"({"stock":-1,"reason":"x"})").code(), "invalid_request");
  EXPECT_EQ(admin("POST", "/api/v1/admin/items/none/stock", R"({"stock":1,"reason":"x"})").code(),
            "unknown_item");
}

TEST_F(OperatorTest, StatisticsAddUp) {
  const std::string id = open_sale("phone", 5).text("id");
  ASSERT_EQ(grab("phone", "alice").status, 201);
  const Answer answer = admin("GET", "/api/v1/admin/sales/" + id + "/stats");
  ASSERT_EQ(answer.status, 200);
  const auto json = answer.json();
  EXPECT_EQ(boost::json::serialize(json.at("items")),
            R"([{"item_id":"phone","stock":5,"available":4,"held":1,"sold":0,"refunded":0,)"
            R"("conserved":true}])");
  EXPECT_EQ(boost::json::serialize(json.at("total")),
            R"({"stock":5,"available":4,"held":1,"sold":0,"refunded":0,"conserved":true})");
  EXPECT_EQ(json.at("now").as_string(), to_rfc3339(now()));
  EXPECT_EQ(admin("GET", "/api/v1/admin/sales/none/stats").code(), "unknown_sale");
}

TEST_F(OperatorTest, CancellingASaleGivesUpItsOrders) {
  const std::string id = open_sale("phone", 5).text("id");
  const std::string order = grab("phone", "alice").text("id");
  const std::string cancel = "/api/v1/admin/sales/" + id + "/cancel";
  EXPECT_EQ(admin("POST", cancel).code(), "invalid_request");
  EXPECT_EQ(admin("POST", cancel, R"({"reason":"recall"})").json().at("cancelled").as_bool(), true);
  EXPECT_EQ(admin("POST", cancel, R"({"reason":"again"})").status, 200);
  EXPECT_EQ(grab("phone", "bob").code(), "ended");
  EXPECT_EQ(admin("POST", "/api/v1/admin/sales/" + id + "/pause", R"({"reason":"x"})").code(),
            "ended");
  pass(Span{100});
  // Any command lets the pulse run that gives the sale's orders up.
  ASSERT_EQ(open_sale("other", 1).status, 201);
  const Answer given_up = get("/api/v1/orders/" + order, "alice");
  EXPECT_EQ(given_up.text("status"), "cancelled");
  EXPECT_EQ(given_up.text("reason"), "sale_cancelled");
}

TEST_F(OperatorTest, SearchesOrdersByEveryField) {
  ASSERT_EQ(open_sale("phone", 50).status, 201);
  ASSERT_EQ(open_sale("tablet", 50).status, 201);
  const Instant begin = now();
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    pass(Span{1000});
    ids.push_back(grab(i % 2 == 0 ? "phone" : "tablet", fmt::format("user{}", i)).text("id"));
  }
  post("/api/v1/orders/" + ids[4] + "/cancel", "user4");
  const auto found = [&](const std::string& query) {
    std::set<std::string> orders;
    std::string token;
    do {
      const Answer page = admin("GET", "/api/v1/admin/orders?limit=3" + query +
                                           (token.empty() ? "" : "&page_token=" + token));
      EXPECT_EQ(page.status, 200) << page.body;
      const auto json = page.json();
      for (const auto& order : json.at("orders").as_array())
        EXPECT_TRUE(orders.emplace(order.at("id").as_string().c_str()).second);
      token = page.text("next_page_token");
    } while (!token.empty());
    return orders;
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(found(""), Ids(ids.begin(), ids.end()));
  EXPECT_EQ(found("&user=user3"), Ids{ids[3]});
  EXPECT_EQ(found("&item=tablet"), (Ids{ids[1], ids[3], ids[5], ids[7], ids[9]}));
  EXPECT_EQ(found("&status=cancelled"), Ids{ids[4]});
  EXPECT_EQ(found("&order=" + ids[7]), Ids{ids[7]});
  EXPECT_EQ(found("&transaction_id=none"), Ids{});
  EXPECT_EQ(found("&item=phone&status=awaiting_payment"), (Ids{ids[0], ids[2], ids[6], ids[8]}));
  const std::string from = to_rfc3339(begin + Span{3000});
  const std::string to = to_rfc3339(begin + Span{5000});
  EXPECT_EQ(found("&from=" + from + "&to=" + to), (Ids{ids[2], ids[3]}));
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders?sale_id=x").code(), "invalid_request");
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders?status=won").code(), "invalid_request");
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders?order=7").code(), "invalid_request");
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders?from=2026").code(), "invalid_request");
}

TEST_F(OperatorTest, ExportsTheSameSearchAsCsv) {
  ASSERT_EQ(open_sale("phone", 2000).status, 201);
  for (int i = 0; i < 5; ++i)
    grab("phone", fmt::format("user{}", i));
  grab("phone", "=cmd|' /C calc'!A0");
  const Answer answer = admin("GET", "/api/v1/admin/orders.csv?item=phone");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(answer.header("content-disposition"), "attachment; filename=\"orders.csv\"");
  EXPECT_EQ(std::ranges::count(answer.body, '\n'), 7);
  EXPECT_TRUE(answer.body.starts_with("order,user,sale,item,title,"));
  EXPECT_NE(answer.body.find(",'=cmd|' /C calc'!A0,"), std::string::npos) << answer.body;
  EXPECT_EQ(std::ranges::count(admin("GET", "/api/v1/admin/orders.csv?user=user1").body, '\n'), 2);
  EXPECT_EQ(std::ranges::count(admin("GET", "/api/v1/admin/orders.csv?user=none").body, '\n'), 1);
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders.csv?usr=user1").code(), "invalid_request");
}

TEST_F(OperatorTest, ExportsMoreThanOnePage) {
  ASSERT_EQ(open_sale("phone", 2000).status, 201);
  for (int i = 0; i < 1203; ++i)
    ASSERT_EQ(grab("phone", fmt::format("user{}", i)).status, 201);
  const Answer answer = admin("GET", "/api/v1/admin/orders.csv");
  EXPECT_EQ(std::ranges::count(answer.body, '\n'), 1204);
  std::set<std::string> lines;
  for (std::size_t at = 0; at < answer.body.size();) {
    const std::size_t end = answer.body.find('\n', at);
    lines.insert(answer.body.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_EQ(lines.size(), 1204U);
}

TEST_F(OperatorTest, TimelineAndAuditTellWhoDidWhat) {
  const std::string sale = open_sale("phone", 5).text("id");
  const std::string order = grab("phone", "alice").text("id");
  post("/api/v1/orders/" + order + "/cancel", "alice");
  const auto timeline = admin("GET", "/api/v1/admin/orders/" + order + "/timeline").json();
  const auto& entries = timeline.at("entries").as_array();
  ASSERT_EQ(entries.size(), 2U) << boost::json::serialize(timeline);
  EXPECT_EQ(entries[0].at("event").as_string(), "granted");
  EXPECT_EQ(entries[1].at("event").as_string(), "cancelled");
  EXPECT_EQ(admin("GET", "/api/v1/admin/orders/No1/timeline").code(), "unknown_order");
  const Answer view = admin("GET", "/api/v1/admin/orders/" + order);
  EXPECT_EQ(view.text("user"), "alice");
  EXPECT_EQ(view.text("operator_status"), "cancelled");

  admin("POST", "/api/v1/admin/items/phone/stock", R"({"stock":9,"reason":"found \"more\""})");
  const auto audit = admin("GET", "/api/v1/admin/audit?limit=1").json();
  const auto& newest = audit.at("entries").as_array().at(0).as_object();
  EXPECT_EQ(newest.at("actor").as_string(), "boss");
  EXPECT_EQ(newest.at("action").as_string(), "item.stock");
  EXPECT_EQ(newest.at("subject").as_string(), "phone");
  EXPECT_EQ(newest.at("reason").as_string(), "found \"more\"");
  EXPECT_EQ(boost::json::serialize(newest.at("before")), R"({"stock":"5"})");
  EXPECT_EQ(boost::json::serialize(newest.at("after")), R"({"stock":"9"})");
  const Answer rest = admin("GET", "/api/v1/admin/audit?page_token=" +
                                       std::string(audit.at("next_page_token").as_string()));
  const auto older = rest.json();
  const auto& before = older.at("entries").as_array();
  ASSERT_EQ(before.size(), 2U) << rest.body;
  EXPECT_EQ(before[0].at("action").as_string(), "item.add");
  EXPECT_EQ(before[1].at("action").as_string(), "sale.open");
  EXPECT_EQ(before[1].at("subject").as_string(), sale);
  EXPECT_EQ(before[1].at("reason").as_string(), "created");
}

TEST_F(OperatorTest, DecisionsAboutOrders) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const std::string order = "/api/v1/admin/orders/" + grab("phone", "alice").text("id");
  const auto resolve = [&](const std::string& body) {
    return admin("POST", order + "/resolve", body);
  };
  EXPECT_EQ(resolve(R"({"action":"release","reason":"x"})").code(), "not_resolvable");
  EXPECT_EQ(resolve(R"({"action":"delete","reason":"x"})").code(), "invalid_request");
  EXPECT_EQ(resolve(R"({"action":"mark_paid","reason":"x"})").detail(), "evidence is missing.");
  EXPECT_EQ(resolve(R"({"action":"release"})").detail(), "reason is missing.");
  EXPECT_EQ(admin("POST", order + "/refund", R"({"reason":"x"})").code(), "not_paid");
  EXPECT_EQ(admin("POST", "/api/v1/admin/orders/No1/refund", R"({"reason":"x"})").code(),
            "unknown_order");
  const auto attention = admin("GET", "/api/v1/admin/attention").json();
  EXPECT_TRUE(attention.at("orders").as_array().empty());
}

TEST_F(OperatorTest, ListsSalesNewestFirstInPages) {
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(open_sale(fmt::format("item{}", i), 1).status, 201);
  const Answer first = admin("GET", "/api/v1/admin/sales?limit=3");
  const auto json = first.json();
  ASSERT_EQ(json.at("sales").as_array().size(), 3U);
  EXPECT_EQ(json.at("sales").as_array()[0].at("title").as_string(), "Sale of item4");
  EXPECT_EQ(json.at("sales").as_array()[0].at("item_count").as_int64(), 1);
  const auto rest =
      admin("GET", "/api/v1/admin/sales?limit=3&page_token=" + first.text("next_page_token"))
          .json();
  ASSERT_EQ(rest.at("sales").as_array().size(), 2U);
  EXPECT_EQ(rest.at("sales").as_array()[1].at("title").as_string(), "Sale of item0");
  EXPECT_FALSE(rest.as_object().contains("next_page_token"));
}

}  // namespace
}  // namespace sluice::api::testing

// POST /api/v1/items/{item}/orders over real HTTP: every row of the contract's table, in its order.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>

#include "api/testing.h"
#include "base/ids.h"
#include "engine/testing.h"

namespace sluice::api::testing {
namespace {

class GrabTest : public ApiTest {
 protected:
  static std::string key(std::string_view value) {
    return "Idempotency-Key: " + std::string(value);
  }
  std::int64_t available(const std::string& item) {
    return get("/api/v1/items/" + item).json().at("available").as_int64();
  }
  void pause(const std::string& sale) {
    ASSERT_EQ(
        admin("POST", "/api/v1/admin/sales/" + sale + "/pause", R"({"reason":"test"})").status,
        200);
  }
  /// Starts with an engine that does what the test tells it.
  engine::testing::TroubledEngine* start_troubled() {
    engine::testing::TroubledEngine* engine = nullptr;
    wrap_ = [&](std::unique_ptr<engine::Engine> real) {
      auto troubled = std::make_unique<engine::testing::TroubledEngine>(std::move(real));
      engine = troubled.get();
      return troubled;
    };
    start({});
    return engine;
  }
};

/// "status code", as the contract's table puts it; with 2xx the code is empty.
std::string row(const Answer& answer) {
  return fmt::format("{} {}", answer.status, answer.code());
}

TEST_F(GrabTest, GrantedAtOnce) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const Answer answer = grab("phone", "alice");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto order = answer.json().as_object();
  const std::string id(order.at("id").as_string().c_str());
  EXPECT_TRUE(parse_order_id(id));
  EXPECT_EQ(answer.header("location"), "/api/v1/orders/" + id);
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(order.at("item_id").as_string(), "phone");
  EXPECT_EQ(order.at("title").as_string(), "Item phone");
  EXPECT_EQ(order.at("quantity").as_int64(), 1);
  EXPECT_EQ(order.at("amount").as_int64(), 1999);
  EXPECT_EQ(order.at("currency").as_string(), "CNY");
  EXPECT_EQ(order.at("status").as_string(), "awaiting_payment");
  EXPECT_EQ(order.at("status_code").as_int64(), 2);
  EXPECT_TRUE(order.at("reason").is_null());
  EXPECT_TRUE(order.at("paid_at").is_null());
  EXPECT_TRUE(order.at("transaction_id").is_null());
  EXPECT_EQ(order.at("created_at").as_string(), to_rfc3339(now()));
  EXPECT_EQ(order.at("expires_at").as_string(), to_rfc3339(now() + Span::seconds(60)));
  // The same order is read back, member for member.
  EXPECT_EQ(get("/api/v1/orders/" + id, "alice").json(), answer.json());
  EXPECT_EQ(available("phone"), 4);
}

TEST_F(GrabTest, SeveralUnitsCostSeveralPrices) {
  ASSERT_EQ(open_sale("phone", 5, 3).status, 201);
  const Answer answer = grab("phone", "alice", R"({"quantity":3})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.json().at("quantity").as_int64(), 3);
  EXPECT_EQ(answer.json().at("amount").as_int64(), 3 * 1999);
  EXPECT_EQ(available("phone"), 2);
}

// Each test below breaks as many later rows as it can, so that only the precedence explains the
// answer.

TEST_F(GrabTest, Row1TokenComesBeforeEverything) {
  ApiOptions options;
  options.address_per_second = 1;
  start(options);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = grab("nothing", "", "not json", {key("\"")});
    EXPECT_EQ(row(answer), "401 unauthenticated");
    EXPECT_EQ(answer.header("www-authenticate"), "Bearer");
  }
  const Answer bad = ask(port(), Ask{"POST", "/api/v1/items/x/orders", "", "abc.def.ghi", {}});
  EXPECT_EQ(row(bad), "401 unauthenticated");
  EXPECT_EQ(bad.header("www-authenticate"), "Bearer error=\"invalid_token\"");
}

TEST_F(GrabTest, Row2RateLimitComesBeforeTheKeyAndTheItem) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  ApiOptions options;
  options.user_per_second = 2;
  start(options);
  ASSERT_EQ(grab("phone", "alice", "", {key("k")}).status, 201);
  const Answer second = grab("phone", "alice", "", {key("k")});
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.header("ratelimit-policy"), "\"default\";q=2;w=1");
  EXPECT_EQ(second.header("ratelimit"), "\"default\";r=0;t=1");
  for (const std::string item : {"phone", "nothing"}) {
    const Answer answer = grab(item, "alice", "", {key("k")});
    EXPECT_EQ(row(answer), "429 rate_limited");
    EXPECT_EQ(answer.header("retry-after"), "1");
  }
  EXPECT_EQ(grab("phone", "bob").status, 201);  // the limit is the user's own
  pass(Span{500});
  EXPECT_EQ(grab("phone", "alice", "", {key("k")}).status, 201);
}

TEST_F(GrabTest, Row3TheKeyThatMadeAnOrderGivesItAgain) {
  const auto sale = open_sale("phone", 1);
  const Answer first = grab("phone", "alice", "", {key("k")});
  ASSERT_EQ(first.status, 201);
  EXPECT_EQ(first.header("idempotency-replayed"), "");
  const auto replayed = [&](const std::string& body, std::string_view as) {
    const Answer again = grab("phone", "alice", body, {key(as)});
    EXPECT_EQ(again.status, 201) << again.body;
    EXPECT_EQ(again.header("idempotency-replayed"), "true");
    EXPECT_EQ(again.header("location"), first.header("location"));
    EXPECT_EQ(again.json(), first.json());
  };
  replayed("", "k");
  replayed("", "\"k\"");
  replayed("{}", "k");
  replayed(R"({"quantity":1})", "k");
  // Whatever has become of the sale since.
  pause(sale.text("id"));
  replayed("", "k");
  admin("POST", "/api/v1/admin/sales/" + sale.text("id") + "/cancel", R"({"reason":"test"})");
  const Answer after = grab("phone", "alice", "", {key("k")});
  EXPECT_EQ(after.status, 201);
  EXPECT_EQ(after.text("id"), first.text("id"));
  // Another user's key of the same name is another key.
  EXPECT_EQ(row(grab("phone", "bob", "", {key("k")})), "410 ended");
}

TEST_F(GrabTest, Row4TheKeyOfAnotherRequestIsRefused) {
  ASSERT_EQ(open_sale("phone", 5, 2).status, 201);
  ASSERT_EQ(open_sale("tablet", 5).status, 201);
  ASSERT_EQ(grab("phone", "alice", "", {key("k")}).status, 201);
  const std::string mismatch = "422 idempotency_mismatch";
  EXPECT_EQ(row(grab("tablet", "alice", "", {key("k")})), mismatch);
  EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":2})", {key("k")})), mismatch);
  // It comes before the unknown item and before the bad body.
  EXPECT_EQ(row(grab("nothing", "alice", "", {key("k")})), mismatch);
  EXPECT_EQ(row(grab("phone", "alice", "{", {key("k")})), mismatch);
  EXPECT_EQ(row(grab("phone", "alice", "x", {key("k"), "Content-Type: text/plain"})), mismatch);
}

TEST_F(GrabTest, AKeyIsRememberedOnlyOnceItMadeAnOrder) {
  ASSERT_EQ(open_sale("phone", 1, 1, Span::seconds(10)).status, 201);
  EXPECT_EQ(row(grab("phone", "alice", "", {key("k")})), "425 not_started");
  EXPECT_EQ(row(grab("phone", "alice", "{", {key("k")})), "400 invalid_request");
  EXPECT_EQ(row(grab("nothing", "alice", "", {key("k")})), "404 unknown_item");
  pass(Span::seconds(10));
  EXPECT_EQ(row(grab("phone", "alice", "", {key("k")})), "201 ");
}

TEST_F(GrabTest, AKeyWithoutAValueIsARefusalAndNoGrab) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  for (const std::string_view value : {"", " ", "\t", "\"\""}) {
    const Answer answer = grab("phone", "alice", "", {key(value)});
    EXPECT_EQ(row(answer), "400 invalid_request");
    EXPECT_TRUE(answer.body.contains("Idempotency-Key")) << answer.body;
  }
  EXPECT_EQ(available("phone"), 5);
  EXPECT_EQ(row(grab("phone", "alice")), "201 ") << "without the header it is a plain grab";
}

TEST_F(GrabTest, Row5UnknownItemComesBeforeTheBody) {
  for (const std::string& item :
       {std::string("nothing"), std::string("%70hone2"), std::string("a%2Fb"), std::string("%ff"),
        std::string(200, 'a'), std::string("..%2f..%2fetc")}) {
    for (const std::string body : {"", "{", R"({"quantity":0})"}) {
      EXPECT_EQ(grab(item, "alice", body).status, 404) << item;
      EXPECT_EQ(grab(item, "alice", body, {key("k")}).status, 404) << item;
    }
  }
  EXPECT_EQ(row(grab("nothing", "alice", "{", {key("\"")})), "404 unknown_item");
}

TEST_F(GrabTest, Row6TheBodyComesBeforeTheWindow) {
  ASSERT_EQ(open_sale("phone", 5, 1, Span::seconds(100)).status, 201);
  const std::string bad = "400 invalid_request";
  for (const std::string& with_key : {std::string(), key("k")}) {
    std::vector<std::string> headers;
    if (!with_key.empty()) headers.emplace_back(with_key);
    EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":0})", headers)), bad);
    EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":-1})", headers)), bad);
    EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":2147483648})", headers)), bad);
    EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":1e3})", headers)), bad);
    EXPECT_EQ(row(grab("phone", "alice", "nonsense", headers)), bad);
    headers.emplace_back();
    for (const char* type : {"application/x-www-form-urlencoded", "application/json", "nonsense"}) {
      headers.back() = std::string("Content-Type: ") + type;
      EXPECT_EQ(row(grab("phone", "alice", "quantity=1", headers)), bad) << type;
      EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":1})", headers)), "425 not_started")
          << type;
    }
  }
  EXPECT_NE(grab("phone", "alice", R"({"quantity":1,"quantity":1})").detail().find("twice"),
            std::string::npos);
  EXPECT_NE(grab("phone", "alice", R"({"quantity":0})").detail().find("1 to 1000000000"),
            std::string::npos);
  const std::string long_key(65, 'k');
  EXPECT_EQ(row(grab("phone", "alice", "", {key(long_key)})), bad);
  EXPECT_EQ(grab("phone", "alice", "", {key("a"), key("b")}).status, 400);
}

TEST_F(GrabTest, Row7NotStartedSaysWhen) {
  const auto sale = open_sale("phone", 0, 1, Span{90'001});
  pause(sale.text("id"));
  const Answer answer = grab("phone", "alice");
  EXPECT_EQ(row(answer), "425 not_started");
  EXPECT_EQ(answer.header("retry-after"), "91");
  EXPECT_EQ(answer.text("starts_at"), to_rfc3339(now() + Span{90'001}));
  pass(Span{90'000});
  EXPECT_EQ(grab("phone", "alice").header("retry-after"), "1");
  EXPECT_EQ(row(grab("phone", "alice", "", {key("k")})), "425 not_started");
}

TEST_F(GrabTest, Row8EndedComesBeforePaused) {
  const auto sale = open_sale("phone", 5, 1, Span{-1000}, Span::seconds(10));
  ASSERT_EQ(grab("phone", "alice").status, 201);
  pause(sale.text("id"));
  pass(Span::seconds(10));
  EXPECT_EQ(row(grab("phone", "alice")), "410 ended");
  EXPECT_EQ(row(grab("phone", "bob", "", {key("k")})), "410 ended");
}

TEST_F(GrabTest, Row9PausedComesBeforeAlreadyQueued) {
  const auto sale = open_sale("phone", 1);
  ASSERT_EQ(grab("phone", "alice").status, 201);
  pause(sale.text("id"));
  EXPECT_EQ(row(grab("phone", "alice")), "423 paused");
  EXPECT_EQ(row(grab("phone", "bob")), "423 paused");
  admin("POST", "/api/v1/admin/sales/" + sale.text("id") + "/resume", R"({"reason":"test"})");
  EXPECT_EQ(row(grab("phone", "bob")), "409 sold_out");
}

TEST_F(GrabTest, Row10AlreadyQueuedComesBeforeLimitAndSoldOut) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const Answer first = grab("phone", "alice");
  ASSERT_EQ(first.status, 201);
  const Answer second = grab("phone", "alice");
  EXPECT_EQ(row(second), "409 already_queued");
  EXPECT_EQ(second.json().at("legacy_code").as_int64(), 100);
  EXPECT_EQ(second.text("order_id"), first.text("id"));
  EXPECT_EQ(row(grab("phone", "alice", "", {key("new")})), "409 already_queued");
}

TEST_F(GrabTest, Row11LimitComesBeforeSoldOut) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":2})")), "409 limit_reached");
  EXPECT_EQ(row(grab("phone", "alice", R"({"quantity":2})", {key("k")})), "409 limit_reached");
  EXPECT_EQ(available("phone"), 1);
}

TEST_F(GrabTest, Row12SoldOutUntilAUnitComesBack) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const Answer winner = grab("phone", "alice");
  ASSERT_EQ(winner.status, 201);
  EXPECT_EQ(row(grab("phone", "bob")), "409 sold_out");
  EXPECT_EQ(row(grab("phone", "bob", "", {key("k")})), "409 sold_out");
  EXPECT_EQ(get("/api/v1/items/phone").json().at("sold_out").as_bool(), true);
  ASSERT_EQ(post("/api/v1/orders/" + winner.text("id") + "/cancel", "alice").status, 200);
  EXPECT_EQ(row(grab("phone", "bob", "", {key("k")})), "201 ");
}

TEST_F(GrabTest, Row13OverloadedWhileStopping) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  api_->begin_shutdown();
  const Answer answer = grab("phone", "alice");
  EXPECT_EQ(row(answer), "503 overloaded");
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_EQ(row(grab("nothing", "alice")), "404 unknown_item");  // it is the last row
  EXPECT_EQ(get("/readyz").status, 503);
  engine_->stop();
  EXPECT_EQ(row(grab("phone", "alice")), "503 overloaded");
}

TEST_F(GrabTest, AQueuedGrabIs202AndSaysWhenToLookAgain) {
  auto* engine = start_troubled();
  ASSERT_EQ(open_sale("phone", 2).status, 201);
  engine->queues = true;
  const Answer first = grab("phone", "alice", "", {key("k")});
  EXPECT_EQ(row(first), "202 ");
  EXPECT_EQ(first.text("status"), "queued");
  EXPECT_EQ(first.header("location"), "/api/v1/orders/" + first.text("id"));
  EXPECT_EQ(first.header("retry-after"), "1");
  const Answer again = grab("phone", "alice", "", {key("k")});
  EXPECT_EQ(row(again), "202 ");
  EXPECT_EQ(again.header("idempotency-replayed"), "true");
  EXPECT_EQ(again.text("id"), first.text("id"));
  // Decided meanwhile: the same key tells so.
  engine->queues = false;
  EXPECT_EQ(row(grab("phone", "alice", "", {key("k")})), "201 ");
}

TEST_F(GrabTest, AServiceThatDidNotAnswerIsNoAnswerToTheGrab) {
  auto* engine = start_troubled();
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  engine->trouble = engine::Reply::Trouble::unavailable;
  const Answer answer = grab("phone", "alice");
  EXPECT_EQ(row(answer), "503 overloaded");
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_NE(answer.text("detail").find("look at your orders"), std::string::npos) << answer.body;
  EXPECT_EQ(row(post("/api/v1/orders/No1/cancel", "alice")), "503 overloaded");
  engine->trouble = engine::Reply::Trouble::none;
  EXPECT_EQ(row(grab("phone", "alice")), "201 ");
}

TEST_F(GrabTest, AnExpiredHoldIsSoldAgain) {
  ASSERT_EQ(open_sale("phone", 1).status, 201);
  const Answer first = grab("phone", "alice");
  ASSERT_EQ(first.status, 201);
  // Deadlines are kept in buckets of 64 ms; the writer expires what is due before the next command.
  pass(Span{60'064});
  EXPECT_EQ(row(grab("phone", "bob", "", {key("k")})), "201 ");
  const Answer given_up = get("/api/v1/orders/" + first.text("id"), "alice");
  EXPECT_EQ(given_up.text("status"), "expired");
  EXPECT_EQ(given_up.text("reason"), "deadline");
  EXPECT_EQ(given_up.json().at("status_code").as_int64(), 3);
}

TEST_F(GrabTest, ProblemsSpeakTheClientsLanguage) {
  const Answer english = grab("nothing", "alice", "", {"Accept-Language: fr, en;q=0.5"});
  const Answer chinese = grab("nothing", "alice", "", {"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8"});
  EXPECT_EQ(english.text("title"), "No such item");
  EXPECT_EQ(chinese.text("title"), "商品不存在");
  EXPECT_EQ(chinese.header("content-language"), "zh-CN");
  EXPECT_EQ(chinese.code(), english.code());
  const Answer body = grab("nothing", "", "", {"Accept-Language: zh"});
  EXPECT_EQ(body.detail(), "请求未携带令牌");
}

}  // namespace
}  // namespace sluice::api::testing

// The gateway against a server that hangs, resets, lies and answers late: what is repeated, what
// is bounded, and that every call ends exactly once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "payment/driver.h"
#include "payment/gateway_test_support.h"

namespace sluice::payment {
namespace {

using http::eventually;

TEST(Gateway, AnswersAndKeepsTheConnection) {
  const ScriptServer server([](const auto&) { return http_answer(200, "SUCCESS"); });
  const auto gateway = start_fake(options_for(server.url()));
  for (int i = 0; i < 3; ++i) {
    const auto trade = query(*gateway);
    ASSERT_TRUE(trade) << trade.error().message;
    EXPECT_EQ(trade->state, Trade::State::paid);
  }
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(gateway->health().calls, 3U);
  EXPECT_EQ(gateway->health().failures, 0U);
}

TEST(Gateway, PostsBodiesWithFreshNonces) {
  const ScriptServer server([](const auto&) { return http_answer(200, "weixin://x"); });
  const auto gateway = start_fake(options_for(server.url()));
  for (int i = 0; i < 2; ++i) {
    Answered<CreatedPayment> answered;
    gateway->create({kTestOrder, Money{1}, Currency(), "s", "", kTestNow, ""}, answered.then());
    const auto created = answered.wait();
    ASSERT_TRUE(created);
    EXPECT_EQ(created->code_url, "weixin://x");
  }
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].body, kTestOrder);
  EXPECT_NE(requests[0].head, requests[1].head) << "the nonce is another";
}

TEST(Gateway, RepeatsWhatFailsOnTheWay) {
  std::atomic<int> asked{0};
  const ScriptServer server([&asked](const auto&) {
    const int n = asked++;
    if (n == 0) return http_answer(502, "<html>");
    if (n == 1) return ScriptServer::kReset;
    if (n == 2) return http_answer(200, "?SYSTEMERROR");
    return http_answer(200, "NOTPAY");
  });
  const auto gateway = start_fake(options_for(server.url()));
  const auto trade = query(*gateway);
  ASSERT_TRUE(trade) << trade.error().message;
  EXPECT_EQ(trade->state, Trade::State::not_paid);
  EXPECT_EQ(asked, 4);
}

TEST(Gateway, RepeatsAreBounded) {
  const ScriptServer server([](const auto&) { return http_answer(200, "?SYSTEMERROR"); });
  const auto gateway = start_fake(options_for(server.url()));
  const auto trade = query(*gateway);
  ASSERT_FALSE(trade);
  EXPECT_EQ(trade.error().kind, Fault::Kind::retry);
  EXPECT_EQ(trade.error().code, "SYSTEMERROR");
  EXPECT_EQ(server.requests().size(), static_cast<std::size_t>(kMaxAttempts));
}

TEST(Gateway, RefusalsLiesAndUnrepeatableCallsAreAskedOnce) {
  const std::map<std::string, Fault::Kind> said{{"!ORDERPAID", Fault::Kind::refused},
                                                {"<html>", Fault::Kind::untrusted},
                                                {"another", Fault::Kind::untrusted}};
  for (const auto& [body, kind] : said) {
    const ScriptServer server([&body](const auto&) { return http_answer(200, body); });
    const auto gateway = start_fake(options_for(server.url()));
    const auto trade = query(*gateway);
    ASSERT_FALSE(trade) << body;
    EXPECT_EQ(trade.error().kind, kind) << body;
    EXPECT_EQ(server.requests().size(), 1U) << body;
  }
  const ScriptServer server([](const auto&) { return http_answer(502, ""); });
  const auto gateway = start_fake(options_for(server.url()));
  Answered<RefundProgress> answered;
  gateway->refund({kTestOrder, "1", "R1", Money{1}, Money{1}, Currency(), ""}, answered.then());
  EXPECT_EQ(answered.wait().error().kind, Fault::Kind::retry);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Gateway, RedirectsAreNotFollowed) {
  const ScriptServer server(
      [](const auto&) { return http_answer(302, "", "Location: /elsewhere\r\n"); });
  const auto gateway = start_fake(options_for(server.url()));
  EXPECT_EQ(query(*gateway).error().kind, Fault::Kind::untrusted);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Gateway, HangingAndHalfAnswersEndWithinTheTimeout) {
  for (const std::string& said :
       {ScriptServer::kHang, std::string("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nSUC"),
        std::string("HTTP/1.1 200 OK\r\nX: ")}) {
    const ScriptServer server([&said](const auto&) { return said; });
    GatewayOptions options = options_for(server.url());
    options.timeout = Span{300};
    const auto gateway = start_fake(options);
    const auto trade = query(*gateway);
    ASSERT_FALSE(trade);
    EXPECT_EQ(trade.error().kind, Fault::Kind::retry);
    EXPECT_FALSE(server.requests().empty());
    EXPECT_EQ(gateway->health().failures, 1U);
  }
}

TEST(Gateway, AnswersAreBounded) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i <= kMaxAnswerHeaders; ++i)
    many += "A: 1\r\n";
  many += "Content-Length: 7\r\n\r\nSUCCESS";
  for (const std::string& said :
       {http_answer(200, std::string(kMaxAnswerBytes + 1, 'x')),
        http_answer(200, "SUCCESS", "X: " + std::string(kMaxAnswerHeaderBytes, 'x') + "\r\n"),
        many}) {
    const ScriptServer server([&said](const auto&) { return said; });
    const auto gateway = start_fake(options_for(server.url()));
    const auto trade = query(*gateway);
    ASSERT_FALSE(trade);
    EXPECT_EQ(trade.error().kind, Fault::Kind::untrusted);
    EXPECT_NE(trade.error().message.find("larger than"), std::string::npos)
        << trade.error().message;
  }
}

TEST(Gateway, NobodyThere) {
  std::string url;
  {
    url = ScriptServer([](const auto&) { return ""; }).url();
  }
  const auto gateway = start_fake(options_for(url));
  const auto trade = query(*gateway);
  ASSERT_FALSE(trade);
  EXPECT_EQ(trade.error().kind, Fault::Kind::retry);
}

TEST(Gateway, CallsUnderWayAndWaitingAreBounded) {
  ScriptServer server([](const auto&) { return ScriptServer::kHang; });
  GatewayOptions options = options_for(server.url());
  options.concurrency = 2;
  options.queue_bound = 3;
  const auto gateway = start_fake(options);
  std::vector<Answered<Trade>> answered(5);
  for (std::size_t i = 0; i < 2; ++i)
    gateway->query(kTestOrder, answered[i].then());
  ASSERT_TRUE(eventually([&] { return server.requests().size() == 2; }));
  for (std::size_t i = 2; i < 5; ++i)
    gateway->query(kTestOrder, answered[i].then());
  const auto overflow = query(*gateway);
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().kind, Fault::Kind::unavailable);
  EXPECT_EQ(server.requests().size(), 2U) << "never more than the concurrency";
  std::atomic<std::size_t> done{0};
  const auto release = std::jthread([&](const std::stop_token& stop) {
    std::size_t released = 0;
    while (!stop.stop_requested() && done < answered.size()) {
      if (server.requests().size() > released) {
        released = server.requests().size();
        server.release(http_answer(200, "NOTPAY"));
      }
      std::this_thread::yield();
    }
  });
  for (auto& one : answered) {
    EXPECT_TRUE(one.wait());
    ++done;
  }
  EXPECT_LE(server.connections(), 2U);
}

TEST(Gateway, BadValuesAreRefusedWithoutACall) {
  const ScriptServer server([](const auto&) { return http_answer(200, "SUCCESS"); });
  const auto gateway = start_fake(options_for(server.url()));
  EXPECT_EQ(query(*gateway, "No 1 2 3").error().kind, Fault::Kind::refused);
  EXPECT_EQ(query(*gateway, "short").error().kind, Fault::Kind::refused);
  EXPECT_EQ(query(*gateway, "../../../etc").error().kind, Fault::Kind::refused);
  const NewPayment good{kTestOrder, Money{1}, Currency(), "s", "a", kTestNow, ""};
  const auto refused = [&gateway](NewPayment payment) {
    Answered<CreatedPayment> answered;
    gateway->create(std::move(payment), answered.then());
    const auto created = answered.wait();
    return !created && created.error().kind == Fault::Kind::refused;
  };
  NewPayment bad = good;
  bad.attach = std::string(128, 'a');
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.attach = "a\xff";
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.amount = Money{0};
  EXPECT_TRUE(refused(bad));
  EXPECT_FALSE(refused(good));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Gateway, BreakerOpensProbesAndCloses) {
  std::atomic<bool> broken{true};
  const ScriptServer server([&broken](const auto&) {
    return broken ? http_answer(200, "<html>") : http_answer(200, "SUCCESS");
  });
  GatewayOptions options = options_for(server.url());
  options.breaker_failures = 3;
  options.breaker_pause = Span{30};
  const auto gateway = start_fake(options);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(query(*gateway).error().kind, Fault::Kind::untrusted);
  ASSERT_TRUE(eventually([&] { return gateway->health().breaker_open; }));
  const auto held = [&] {
    const auto trade = query(*gateway);
    return !trade && trade.error().kind == Fault::Kind::unavailable;
  };
  EXPECT_TRUE(eventually(held)) << "one of two calls in a row finds it open";
  broken = false;
  EXPECT_TRUE(eventually([&] { return query(*gateway).has_value(); }));
  EXPECT_TRUE(eventually([&] { return !gateway->health().breaker_open; }));
}

TEST(Gateway, ReasonsOfTheProviderDoNotOpenTheBreaker) {
  const ScriptServer server([](const auto& request) {
    return http_answer(200, request.target.starts_with("/close") ? "?SYSTEMERROR" : "SUCCESS");
  });
  GatewayOptions options = options_for(server.url());
  options.breaker_failures = 2;
  const auto gateway = start_fake(options);
  EXPECT_EQ(close(*gateway).error().code, "SYSTEMERROR");
  EXPECT_TRUE(query(*gateway));
}

TEST(Gateway, StopEndsEveryCallOnce) {
  const ScriptServer server([](const auto&) { return ScriptServer::kHang; });
  GatewayOptions options = options_for(server.url());
  options.concurrency = 4;
  const auto gateway = start_fake(options);
  std::vector<std::atomic<int>> ended(20);
  std::atomic<int> unavailable{0};
  for (auto& one : ended) {
    gateway->query(kTestOrder, [&](const Outcome<Trade>& trade) {
      ++one;
      if (!trade && trade.error().kind == Fault::Kind::unavailable) ++unavailable;
    });
  }
  ASSERT_TRUE(eventually([&] { return server.requests().size() == 4; }));
  gateway->stop();
  for (const auto& one : ended)
    EXPECT_EQ(one, 1);
  EXPECT_EQ(unavailable, 20);
  EXPECT_EQ(query(*gateway).error().kind, Fault::Kind::unavailable) << "after the stop";
}

TEST(Gateway, CallsFromManyThreadsAndFromAnswers) {
  const ScriptServer server([](const auto&) { return http_answer(200, "NOTPAY"); });
  const auto gateway = start_fake(options_for(server.url()));
  constexpr int kThreads = 4;
  constexpr int kCalls = 50;
  std::atomic<int> ended{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kCalls; ++i) {
          gateway->query(kTestOrder, [&](const Outcome<Trade>& first) {
            EXPECT_TRUE(first);
            gateway->query(kTestOrder, [&](const Outcome<Trade>& second) {
              EXPECT_TRUE(second);
              ++ended;
            });
          });
        }
      });
    }
  }
  EXPECT_TRUE(eventually([&] { return ended == kThreads * kCalls; }));
}

}  // namespace
}  // namespace sluice::payment

// The gateway's trust: a close confirmed by a query, keys that are fetched, TLS, and its options.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <vector>

#include "payment/gateway_test_support.h"

namespace sluice::payment {
namespace {

using http::eventually;

struct Confirmation {
  const char* closed;
  const char* trade;
  std::optional<CloseAnswer> wanted;
  Fault::Kind fault = Fault::Kind::retry;
};

TEST(Gateway, ACloseIsConfirmedByAQuery) {
  using Kind = Fault::Kind;
  for (const Confirmation& row :
       std::vector<Confirmation>{{"ok", "CLOSED", CloseAnswer::closed},
                                 {"ok", "SUCCESS", CloseAnswer::already_paid},
                                 {"ok", "REFUND", CloseAnswer::already_paid},
                                 {"ok", "unknown", CloseAnswer::not_found},
                                 {"ok", "PAYERROR", CloseAnswer::already_closed},
                                 {"ok", "NOTPAY", std::nullopt, Kind::retry},
                                 {"ok", "USERPAYING", std::nullopt, Kind::retry},
                                 {"ok", "!NO_AUTH", std::nullopt, Kind::refused},
                                 {"ok", "<html>", std::nullopt, Kind::untrusted},
                                 {"already_closed", "CLOSED", CloseAnswer::already_closed},
                                 {"already_closed", "NOTPAY", std::nullopt, Kind::retry},
                                 {"already_paid", "SUCCESS", CloseAnswer::already_paid},
                                 {"not_found", "unknown", CloseAnswer::not_found},
                                 {"not_found", "SUCCESS", CloseAnswer::already_paid},
                                 {"!INVALID_REQUEST", "SUCCESS", CloseAnswer::already_paid},
                                 {"!INVALID_REQUEST", "CLOSED", CloseAnswer::already_closed},
                                 {"!INVALID_REQUEST", "NOTPAY", std::nullopt, Kind::refused},
                                 {"<html>", "CLOSED", std::nullopt, Kind::untrusted}}) {
    const ScriptServer server([&row](const auto& request) {
      return http_answer(200, request.target.starts_with("/close") ? row.closed : row.trade);
    });
    const auto gateway = start_fake(options_for(server.url()), true);
    const auto closed = close(*gateway);
    EXPECT_EQ(closed.has_value(), row.wanted.has_value()) << row.closed << " " << row.trade;
    if (closed && row.wanted) {
      EXPECT_EQ(*closed, *row.wanted) << row.closed << " " << row.trade;
    }
    if (!closed) {
      EXPECT_EQ(closed.error().kind, row.fault) << row.closed << " " << row.trade;
    }
  }
}

TEST(Gateway, WithoutConfirmationACloseIsOneCall) {
  const ScriptServer server([](const auto&) { return http_answer(200, "ok"); });
  const auto gateway = start_fake(options_for(server.url()));
  EXPECT_EQ(close(*gateway), CloseAnswer::closed);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Gateway, AnAnswerWaitsForTheKeyThatReadsIt) {
  const ScriptServer server([](const auto& request) {
    return http_answer(200, request.target == "/keys/" ? "key" : "sealed SUCCESS");
  });
  const auto gateway = start_fake(options_for(server.url()));
  const auto trade = query(*gateway);
  ASSERT_TRUE(trade) << trade.error().message;
  EXPECT_EQ(trade->state, Trade::State::paid);
  EXPECT_EQ(server.requests().size(), 2U) << "the call itself is not repeated";
}

TEST(Gateway, WithoutTheKeyAnAnswerIsUntrusted) {
  const ScriptServer server([](const auto& request) {
    return http_answer(200, request.target == "/keys/" ? "!NO_AUTH" : "sealed SUCCESS");
  });
  const auto gateway = start_fake(options_for(server.url()));
  EXPECT_EQ(query(*gateway).error().kind, Fault::Kind::untrusted);
}

TEST(Gateway, ANotificationWithAnUnknownKeyFetchesIt) {
  const ScriptServer server([](const auto&) { return http_answer(200, "key"); });
  const auto gateway = start_fake(options_for(server.url()));
  EXPECT_FALSE(gateway->parse({}, kTestNow));
  EXPECT_TRUE(eventually([&] {
    const auto requests = server.requests();
    return !requests.empty() && requests[0].target == "/keys/";
  }));
}

TEST(Gateway, UnknownTlsCertificatesAreUntrusted) {
  const std::string stem = testing::TempDir() + fmt::format("gateway-{}", ::getpid());
  const auto write = [](const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "we");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  };
  write(stem + ".crt", platform_key().certificate_pem);
  write(stem + ".key", platform_key().private_pem);
  http::ServerOptions options;
  options.listen.certificate_file = stem + ".crt";
  options.listen.private_key_file = stem + ".key";
  std::atomic<int> asked{0};
  const auto server = http::start(
      [&asked](const http::Request&, http::Responder responder, http::IoThread&) {
        ++asked;
        responder.send(http::text("SUCCESS"));
      },
      options);
  ASSERT_TRUE(server);
  const auto gateway = start_fake(options_for(fmt::format("https://127.0.0.1:{}", server->port())));
  const auto trade = query(*gateway);
  ASSERT_FALSE(trade);
  EXPECT_EQ(trade.error().kind, Fault::Kind::untrusted) << trade.error().message;
  EXPECT_EQ(asked, 0);
  server->stop(Span{});
  std::remove((stem + ".crt").c_str());
  std::remove((stem + ".key").c_str());
}

TEST(Gateway, BadOptionsAreRefused) {
  for (const char* url : {"", "api.mch.weixin.qq.com", "ftp://host", "https://", "https://h/path",
                          "https://user:pw@host", "https://host?x", "file:///etc/passwd"}) {
    const auto gateway = start_gateway(std::make_unique<FakeProtocol>(), options_for(url));
    ASSERT_FALSE(gateway) << url;
    EXPECT_NE(gateway.error().message.find("base_url"), std::string::npos) << url;
  }
  GatewayOptions options = options_for("https://host");
  options.client_certificate_file = "/does/not/exist.pem";
  EXPECT_FALSE(start_gateway(std::make_unique<FakeProtocol>(), options));
  options = options_for("https://host");
  options.concurrency = 0;
  EXPECT_FALSE(start_gateway(std::make_unique<FakeProtocol>(), options));
}

/// The real protocol in certificate mode, against a platform whose key nobody knows at first.
TEST(Gateway, WechatV3DownloadsItsKeysAndConfirmsACloseByAQuery) {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const Instant now{std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
  const TestKey key =
      make_test_key("5157F09EFDC096DF", now - Span::seconds(86'400), now + Span::seconds(86'400));
  const auto send = [&key, now](int status, const std::string& body) {
    std::string headers;
    for (const auto& [name, value] : stamped(key, key.serial, body, now))
      headers += fmt::format("{}: {}\r\n", name, value);
    return http_answer(status, body, headers);
  };
  const ScriptServer server([&](const ScriptRequest& request) {
    if (request.target == "/v3/certificates") {
      return send(200, test_certificates({{&key, key.serial}}));
    }
    if (request.method == "POST") return std::string("HTTP/1.1 204 X\r\n") + send(0, "").substr(14);
    return send(200, test_trade("SUCCESS", "CLOSED"));
  });
  WechatV3Account account = test_account();
  account.platform_serial.clear();
  account.platform_public_key_pem.clear();
  auto gateway = start_gateway(wechat_v3(account).value(), options_for(server.url()));
  ASSERT_TRUE(gateway) << gateway.error().message;
  const auto closed = close(**gateway);
  ASSERT_TRUE(closed) << closed.error().message;
  EXPECT_EQ(*closed, CloseAnswer::closed);
}

}  // namespace
}  // namespace sluice::payment

// The sender against receivers that hang, reset, redirect, drip and never stop talking.
#include "webhook/curl_sender.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>

#include "payment/script_server.h"
#include "webhook/protocol.h"

namespace sluice::webhook {
namespace {

using payment::http_answer;
using payment::ScriptRequest;
using payment::ScriptServer;
using ::testing::HasSubstr;

constexpr Instant kNow{1'800'000'000'000};

Verdict deliver(const std::string& url, Span timeout = Span::seconds(20),
                bool public_only = false) {
  SenderOptions options;
  options.timeout = timeout;
  options.public_only = public_only;
  options.now = [] { return kNow; };
  CurlSender sender(options);
  Parcel parcel;
  parcel.url = url;
  parcel.secret = "whsec_test_secret_123";
  parcel.delivery.no = 5;
  parcel.delivery.event_id = "evt_9";
  parcel.delivery.type = EventType::order_paid;
  parcel.delivery.attempts = 2;
  parcel.delivery.body = R"({"id":"evt_9"})";
  sender.send(std::move(parcel));
  std::optional<Verdict> verdict;
  while (!verdict) {
    sender.pump([&](Verdict&& done) { verdict = std::move(done); });
    if (!verdict) sender.wait(Span::seconds(1));
  }
  return std::move(*verdict);
}

TEST(CurlSender, SendsASignedBody) {
  ScriptServer receiver([](const ScriptRequest&) { return http_answer(204, ""); });
  const Verdict verdict = deliver(receiver.url() + "/hooks?a=b");
  EXPECT_EQ(verdict.attempt.error, "");
  EXPECT_EQ(verdict.attempt.status, 204);
  EXPECT_EQ(verdict.delivery.no, 5);
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/hooks?a=b");
  EXPECT_EQ(requests[0].body, R"({"id":"evt_9"})");
  EXPECT_THAT(requests[0].head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("Sluice-Event: order.paid\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("Sluice-Event-Id: evt_9\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("Sluice-Attempt: 3\r\n"));
  EXPECT_THAT(requests[0].head,
              HasSubstr("Sluice-Signature: " +
                        signature("whsec_test_secret_123", kNow, requests[0].body) + "\r\n"));
}

TEST(CurlSender, ARedirectIsNotFollowed) {
  ScriptServer other([](const ScriptRequest&) { return http_answer(200, ""); });
  ScriptServer receiver([&](const ScriptRequest&) {
    return http_answer(302, "", "Location: " + other.url() + "/\r\n");
  });
  const Verdict verdict = deliver(receiver.url());
  EXPECT_EQ(verdict.attempt.status, 302);
  EXPECT_THAT(verdict.attempt.error, HasSubstr("redirects are not followed"));
  EXPECT_EQ(other.connections(), 0U);
}

TEST(CurlSender, AHugeAnswerIsCutOffAndItsStatusCounts) {
  ScriptServer receiver(
      [](const ScriptRequest&) { return http_answer(200, std::string(10'000'000, 'x')); });
  const Verdict verdict = deliver(receiver.url());
  EXPECT_EQ(verdict.attempt.status, 200);
  EXPECT_EQ(verdict.attempt.error, "");
}

TEST(CurlSender, OneThatHangsEndsInTime) {
  ScriptServer receiver([](const ScriptRequest&) { return ScriptServer::kHang; });
  const Verdict verdict = deliver(receiver.url(), Span{100});
  EXPECT_EQ(verdict.attempt.status, 0);
  EXPECT_NE(verdict.attempt.error, "");
}

TEST(CurlSender, OneThatStopsInTheMiddleOfItsHeadersIsNoDelivery) {
  ScriptServer receiver([](const ScriptRequest&) { return "HTTP/1.1 200 OK\r\nX-Slow: "; });
  const Verdict verdict = deliver(receiver.url(), Span{100});
  EXPECT_NE(verdict.attempt.error, "");
}

TEST(CurlSender, OneThatDripsItsBodyHasAnswered) {
  ScriptServer receiver(
      [](const ScriptRequest&) { return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"; });
  const Verdict verdict = deliver(receiver.url(), Span{100});
  EXPECT_EQ(verdict.attempt.status, 200);
  EXPECT_EQ(verdict.attempt.error, "");
}

TEST(CurlSender, AResetIsAFailure) {
  ScriptServer receiver([](const ScriptRequest&) { return ScriptServer::kReset; });
  const Verdict verdict = deliver(receiver.url());
  EXPECT_EQ(verdict.attempt.status, 0);
  EXPECT_NE(verdict.attempt.error, "");
}

TEST(CurlSender, NonsenseIsAFailure) {
  ScriptServer receiver([](const ScriptRequest&) { return "SSH-2.0-OpenSSH\r\n\r\n"; });
  const Verdict verdict = deliver(receiver.url(), Span::seconds(1));
  EXPECT_NE(verdict.attempt.error, "");
}

TEST(CurlSender, PrivateAddressesAreNotConnectedToWhereThatIsAsked) {
  ScriptServer receiver([](const ScriptRequest&) { return http_answer(200, ""); });
  const Verdict verdict = deliver(receiver.url(), Span::seconds(5), true);
  EXPECT_THAT(verdict.attempt.error, HasSubstr("not public"));
  EXPECT_EQ(receiver.connections(), 0U);
}

}  // namespace
}  // namespace sluice::webhook

// Signatures against a vector made elsewhere, statuses and pauses.
#include "webhook/protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::webhook {
namespace {

TEST(Signature, IsWhatOpensslMakesOfIt) {
  // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret_123
  EXPECT_EQ(signature("whsec_test_secret_123", Instant{1'800'000'000'999}, R"({"id":"evt_1"})"),
            "t=1800000000,v1=5b4305db0a4f5b7d8ff6e4d7fe6477e995c4d521d0df01dc7bd88f504b5d7edd");
}

TEST(Secret, IsNewEachTimeAndStrong) {
  EXPECT_NE(new_secret(), new_secret());
  EXPECT_TRUE(check_secret(new_secret()).has_value());
  EXPECT_FALSE(check_secret("has a blank in its middle").has_value());
  EXPECT_FALSE(check_secret(std::string(257, 'x')).has_value());
}

TEST(Status, OnlyTwoHundredsAreDeliveries) {
  EXPECT_EQ(status_error(200), "");
  EXPECT_EQ(status_error(204), "");
  for (const int status : {199, 301, 302, 307, 400, 404, 410, 500, 503}) {
    EXPECT_NE(status_error(status), "") << status;
  }
}

TEST(Pause, DoublesWithinBounds) {
  EXPECT_EQ(retry_pause(1, 0.0), kFirstRetry);
  EXPECT_EQ(retry_pause(2, 0.0), Span{2 * kFirstRetry.ms});
  EXPECT_EQ(retry_pause(1, 1.0), Span{kFirstRetry.ms / 2});
  EXPECT_EQ(retry_pause(1'000'000, 0.0), kLastRetry);
  EXPECT_EQ(endpoint_hold(kDoubtAfter - 1, 0.0), Span{0});
  EXPECT_EQ(endpoint_hold(kDoubtAfter, 0.0), kFirstHold);
  EXPECT_EQ(endpoint_hold(4'000'000'000U, 0.0), kLastHold);
}

}  // namespace
}  // namespace sluice::webhook

// Signatures against a vector made elsewhere, addresses, statuses and pauses.
#include "webhook/protocol.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
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

std::string_view refused(const char* text, bool public_only) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    std::memcpy(&storage, &v6, sizeof v6);
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  return refused_address(reinterpret_cast<const sockaddr&>(storage), public_only);
}

TEST(Address, LinkLocalIsNeverTold) {
  for (const char* text : {"169.254.169.254", "fe80::1", "::ffff:169.254.169.254"}) {
    EXPECT_NE(refused(text, false), "") << text;
  }
}

TEST(Address, PrivateOnesAreRefusedOnDemand) {
  for (const char* text : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                           "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1",
                           "::", "fd00::1", "ff02::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(refused(text, false), "") << text;
    EXPECT_NE(refused(text, true), "") << text;
  }
  for (const char* text :
       {"8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700::1", "::ffff:8.8.8.8"}) {
    EXPECT_EQ(refused(text, true), "") << text;
  }
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

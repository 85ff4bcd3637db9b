// Addresses that hostile names resolve to: metadata services, the shop's network, and IPv4
// addresses in the clothes of IPv6.
#include "webhook/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string_view>

namespace sluice::webhook {
namespace {

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

TEST(Address, SomeAreNeverTold) {
  for (const char* text :
       {"169.254.169.254", "169.254.0.0", "169.254.255.255", "100.100.100.200", "168.63.129.16",
        "192.0.0.192", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255",
        "fe80::1", "febf::1", "64:ff9b:1::a9fe:a9fe", "fd00:ec2::254", "fd20:ce::254", "ff02::1",
        "::"}) {
    EXPECT_NE(refused(text, false), "") << text;
    EXPECT_NE(refused(text, true), "") << text;
  }
}

TEST(Address, NoneIsToldInTheClothesOfIpv6) {
  for (const char* text : {
           "::ffff:169.254.169.254", "::ffff:100.100.100.200", "::ffff:0.0.0.0",  // mapped
           "::169.254.169.254",                                                   // compatible
           "64:ff9b::169.254.169.254", "64:ff9b::100.100.100.200",                // NAT64
           "::ffff:0:169.254.169.254",                                            // SIIT
           "2002:a9fe:a9fe::1", "2002:6464:64c8::",                               // 6to4
           "2001:0:a9fe:a9fe::1",        // a Teredo server there …
           "2001:0:808:808::5601:5601",  // … and a client: 169.254.169.254 XOR ffff:ffff
       }) {
    EXPECT_NE(refused(text, false), "") << text;
  }
}

TEST(Address, PrivateOnesAreRefusedOnDemand) {
  for (const char* text : {"127.0.0.1",       "127.255.255.255",
                           "10.1.2.3",        "172.16.0.1",
                           "172.31.255.255",  "192.168.1.1",
                           "100.64.0.1",      "100.127.255.255",
                           "192.0.2.1",       "198.51.100.1",
                           "203.0.113.1",     "198.19.0.1",
                           "240.0.0.1",       "::1",
                           "fc00::1",         "fd00::1",
                           "fec0::1",         "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
                           "2002:7f00:1::",   "2002:c0a8:101::1",
                           "2001:db8::1",     "2001:0:808:808::f5ff:fffe",
                           "::8.8.8.8",       "100::1",
                           "3fff::1"}) {
    EXPECT_EQ(refused(text, false), "") << text;
    EXPECT_NE(refused(text, true), "") << text;
  }
}

TEST(Address, PublicOnesAreTold) {
  for (const char* text :
       {"8.8.8.8", "1.0.0.1", "172.15.255.255", "172.32.0.1", "192.169.0.1", "100.63.255.255",
        "100.128.0.0", "169.253.255.255", "223.255.255.255", "168.63.129.17", "2606:4700::1",
        "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_EQ(refused(text, true), "") << text;
  }
}

TEST(Address, AnotherFamilyIsRefused) {
  sockaddr local{};
  local.sa_family = AF_UNIX;
  EXPECT_NE(refused_address(local, false), "");
}

}  // namespace
}  // namespace sluice::webhook

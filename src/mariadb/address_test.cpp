// mysql:// addresses: good ones, and what is said of bad ones.
#include "mariadb/address.h"

#include <gmock/gmock.h>

namespace sluice::mariadb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Address, HasAllItsParts) {
  const auto address = parse_address("mysql://shop:secret@db.example:3307/sales");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->host, "db.example");
  EXPECT_EQ(address->port, 3307);
  EXPECT_EQ(address->user, "shop");
  EXPECT_EQ(address->password, "secret");
  EXPECT_EQ(address->database, "sales");
  EXPECT_EQ(address->tls, Tls::off);
  EXPECT_EQ(address->shown(), "shop@db.example:3307/sales");
  EXPECT_FALSE(address->is_loopback());
}

TEST(Address, PortAndPasswordMayBeMissing) {
  const auto address = parse_address("mariadb://shop@127.0.0.1/sales");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->port, 3306);
  EXPECT_EQ(address->password, "");
  EXPECT_TRUE(address->is_loopback());
}

TEST(Address, SpecialCharactersArePercentEncodedOrPlain) {
  const auto encoded = parse_address("mysql://a%40b:p%3A%2F%25@[::1]:3306/%E5%95%86");
  ASSERT_TRUE(encoded) << encoded.error().message;
  EXPECT_EQ(encoded->user, "a@b");
  EXPECT_EQ(encoded->password, "p:/%");
  EXPECT_EQ(encoded->host, "::1");
  EXPECT_EQ(encoded->database, "商");
  EXPECT_EQ(encoded->shown(), "a@b@[::1]:3306/商");
  const auto plain = parse_address("mysql://u:p@:/w@h/d");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->password, "p@:/w") << "the last @ ends the account";
}

TEST(Address, OptionsChooseTls) {
  EXPECT_EQ(parse_address("mysql://u@h/d?tls=required")->tls, Tls::required);
  EXPECT_EQ(parse_address("mysql://u@h/d?tls=verify")->tls, Tls::verify);
  const auto ca = parse_address("mysql://u@h/d?tls_ca=%2Fetc%2Fca.pem");
  ASSERT_TRUE(ca);
  EXPECT_EQ(ca->tls, Tls::verify) << "who names a CA wants it looked at";
  EXPECT_EQ(ca->tls_ca, "/etc/ca.pem");
  EXPECT_FALSE(parse_address("mysql://u@h/d?tls=required&tls_ca=x"));
}

struct Bad {
  const char* url;
  const char* says;
};

class BadAddress : public ::testing::TestWithParam<Bad> {};

TEST_P(BadAddress, IsExplainedWithoutThePassword) {
  const auto address = parse_address(GetParam().url);
  ASSERT_FALSE(address) << GetParam().url;
  EXPECT_THAT(address.error().message, HasSubstr(GetParam().says)) << GetParam().url;
  EXPECT_THAT(address.error().message, Not(HasSubstr("hidden")));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAddress,
    ::testing::Values(
        Bad{"", "mysql://"}, Bad{"postgres://u:hidden@h/d", "mysql://"},
        Bad{"mysql:/u:hidden@h/d", "does not begin"}, Bad{"mysql://h/d", "no user"},
        Bad{"mysql://:hidden@h/d", "user"}, Bad{"mysql://u:hidden@/d", "host"},
        Bad{"mysql://u:hidden@h h/d", "host"}, Bad{"mysql://u:hidden@h/", "database"},
        Bad{"mysql://u:hidden@h", "database"}, Bad{"mysql://u:hidden@h:0/d", "port \"0\""},
        Bad{"mysql://u:hidden@h:65536/d", "65535"}, Bad{"mysql://u:hidden@h:/d", "port"},
        Bad{"mysql://u:hidden@h:33x/d", "33x"}, Bad{"mysql://u:hidden@[::1/d", "bracket"},
        Bad{"mysql://u:hidden@[::1]3306/d", "colon"}, Bad{"mysql://u:hidden%@h/d", "password"},
        Bad{"mysql://u:hidden%zz@h/d", "password"}, Bad{"mysql://u:hidden%00@h/d", "password"},
        Bad{"mysql://u%0a:hidden@h/d", "user"}, Bad{"mysql://u:hidden@h/d%0a", "database"},
        Bad{"mysql://u:hidden@h/d?tls=maybe", "maybe"},
        Bad{"mysql://u:hidden@h/d?ssl=1", "there are tls"},
        Bad{"mysql://u:hidden@h/d?tls_ca=", "no path"}));

TEST(Address, ALongOneIsRefused) {
  EXPECT_FALSE(parse_address("mysql://u:p@h/" + std::string(5000, 'd')));
  EXPECT_FALSE(parse_address("mysql://" + std::string(300, 'u') + ":p@h/d"));
}

}  // namespace
}  // namespace sluice::mariadb

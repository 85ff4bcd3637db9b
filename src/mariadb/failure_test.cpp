// Which error asks for which reaction.
#include "mariadb/failure.h"

#include <gmock/gmock.h>

#include "mariadb/connection.h"

namespace sluice::mariadb {
namespace {

using Kind = Failure::Kind;
using ::testing::HasSubstr;

TEST(Failure, KindsAreWhatTheCallerActsUpon) {
  EXPECT_EQ(kind_of(1213), Kind::retryable) << "deadlock";
  EXPECT_EQ(kind_of(1205), Kind::retryable) << "lock timeout";
  EXPECT_EQ(kind_of(1062), Kind::duplicate_key);
  for (const unsigned code : {2006U, 2013U, 1053U, 1927U, 1290U})
    EXPECT_EQ(kind_of(code), Kind::lost) << code;
  EXPECT_EQ(kind_of(2002), Kind::unreachable);
  EXPECT_EQ(kind_of(1045), Kind::refused);
  EXPECT_EQ(kind_of(2026), Kind::refused);
  EXPECT_EQ(kind_of(1146), Kind::no_table);
  EXPECT_EQ(kind_of(1054), Kind::no_column);
  EXPECT_EQ(kind_of(1142), Kind::denied);
  EXPECT_EQ(kind_of(1064), Kind::other);
}

TEST(Failure, SaysWhatWhereWhyAndWhatToDo) {
  const Failure failure = make_failure("connecting", "u@h:1/d", 1045, "Access denied");
  EXPECT_EQ(failure.message,
            "connecting at u@h:1/d failed: Access denied (error 1045); check user, password, "
            "database name and tls of the address");
  EXPECT_THAT(make_failure("x", "y", 1064, std::string(10'000, 'z')).message.size(),
              ::testing::Lt(600U));
}

TEST(QuotedName, CannotBeLeft) {
  EXPECT_EQ(quoted_name("tb_seckill_goods"), "`tb_seckill_goods`");
  EXPECT_EQ(quoted_name("a`; DROP TABLE b; --"), "`a``; DROP TABLE b; --`");
}

TEST(Connection, NobodyListensIsUnreachable) {
  Address address;
  address.host = "127.0.0.1";
  address.port = 1;  // tcpmux: nobody has it
  address.user = "u";
  address.database = "d";
  const auto connection = Connection::open(address);
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind, Kind::unreachable) << connection.error().message;
  EXPECT_THAT(connection.error().message, HasSubstr("u@127.0.0.1:1/d"));
}

}  // namespace
}  // namespace sluice::mariadb

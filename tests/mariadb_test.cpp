// The wrapper of the client library against a real server: values, errors, and their kinds.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "mariadb/connection.h"
#include "mariadb/server_check.h"
#include "support/mariadb_service.h"

namespace sluice::test {
namespace {

using Kind = mariadb::Failure::Kind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MariadbTest : public testing::Test {
 protected:
  mariadb::Statement prepare(std::string_view sql) {
    auto statement = database_.connection().prepare(sql);
    if (!statement) throw std::runtime_error(statement.error().message);
    return std::move(*statement);
  }

  /// A user of this database alone, with `privileges`.
  mariadb::Address user_with(const std::string& privileges) {
    mariadb::Address address = database_.address();
    address.user = database_.name();
    address.password = "p:/%@'\"\\";
    database_.execute("CREATE OR REPLACE USER '" + address.user +
                      "'@'127.0.0.1' IDENTIFIED BY 'p:/%@\\'\"\\\\'");
    database_.execute("GRANT " + privileges + " TO '" + address.user + "'@'127.0.0.1'");
    return address;
  }

  void TearDown() override {
    database_.execute("DROP USER IF EXISTS '" + database_.name() + "'@'127.0.0.1'");
  }

  TestDatabase database_{MariadbService::shared()};
};

TEST_F(MariadbTest, ValuesComeBackAsTheyWentIn) {
  database_.execute(
      "CREATE TABLE t(a BIGINT, b VARCHAR(100), c LONGBLOB, d DECIMAL(10,2), e DATETIME, "
      "f BIGINT UNSIGNED)");
  auto insert = prepare("INSERT INTO t VALUES(?,?,?,?,?,?)");
  const std::string text = "it's \\ \"; DROP TABLE t; -- 秒杀😀";
  const std::string zeros(3, '\0');
  insert.bind(1, std::int64_t{-9'223'372'036'854'775'807});
  insert.bind(2, text);
  insert.bind(3, zeros);
  insert.bind(4, std::string_view("-0.05"));
  insert.bind(5, std::string_view("2017-10-14 18:07:27"));
  insert.bind(6, std::string_view("18446744073709551615"));
  ASSERT_EQ(insert.run().value(), 1U);
  for (int i = 1; i <= 6; ++i)
    insert.bind_null(i);
  ASSERT_EQ(insert.run().value(), 1U);

  auto select = prepare("SELECT * FROM t ORDER BY a IS NULL");
  ASSERT_TRUE(select.query());
  ASSERT_TRUE(select.next().value());
  EXPECT_EQ(select.columns(), 6);
  EXPECT_EQ(select.name(1), "b");
  EXPECT_EQ(select.integer(0), -9'223'372'036'854'775'807);
  EXPECT_EQ(select.text(1), text);
  EXPECT_EQ(select.text(2), zeros);
  EXPECT_EQ(select.text(3), "-0.05");
  EXPECT_EQ(select.text(4), "2017-10-14 18:07:27");
  EXPECT_EQ(select.text(5), "18446744073709551615");
  ASSERT_TRUE(select.next().value());
  for (int i = 0; i < 6; ++i)
    EXPECT_TRUE(select.is_null(i)) << i;
  EXPECT_FALSE(select.next().value());
}

TEST_F(MariadbTest, LongValuesAreFetchedUpToTheBound) {
  database_.execute("CREATE TABLE t(a INT, b LONGTEXT)");
  database_.execute(
      "INSERT INTO t VALUES(1, 'x'), (2, REPEAT('y', 1000)), (3, REPEAT('z', 1048576)),"
      "(4, REPEAT('w', 1048577)), (5, '')");
  auto select = prepare("SELECT b FROM t ORDER BY a");
  ASSERT_TRUE(select.query());
  const auto next = [&] {
    EXPECT_TRUE(select.next().value());
    return std::string(select.text(0));
  };
  EXPECT_EQ(next(), "x");
  EXPECT_EQ(next(), std::string(1000, 'y'));
  EXPECT_EQ(next(), std::string(1048576, 'z'));
  EXPECT_EQ(next(), "") << "above the bound";
  EXPECT_EQ(select.length(0), 1048577U);
  EXPECT_EQ(next(), "");
  EXPECT_EQ(select.length(0), 0U);
}

TEST_F(MariadbTest, FailuresHaveTheirKinds) {
  auto& connection = database_.connection();
  database_.execute("CREATE TABLE t(a INT PRIMARY KEY)");
  database_.execute("INSERT INTO t VALUES(1)");
  EXPECT_EQ(connection.execute("INSERT INTO t VALUES(1)").error().kind, Kind::duplicate_key);
  EXPECT_EQ(connection.execute("INSERT INTO u VALUES(1)").error().kind, Kind::no_table);
  EXPECT_EQ(connection.prepare("SELECT b FROM t").error().kind, Kind::no_column);
  EXPECT_EQ(connection.execute("SELEKT").error().kind, Kind::other);
  EXPECT_TRUE(connection.execute("INSERT INTO t VALUES(2)")) << "it goes on after each";
}

TEST_F(MariadbTest, RefusalsSayWhatToCheck) {
  auto address = user_with("SELECT ON " + database_.name() + ".*");
  EXPECT_TRUE(mariadb::Connection::open(address)) << "with every odd character in the password";
  address.password = "guess";
  const auto wrong = mariadb::Connection::open(address);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, Kind::refused);
  EXPECT_THAT(wrong.error().message, HasSubstr("check user, password"));
  EXPECT_THAT(wrong.error().message, Not(HasSubstr("guess")));
  const auto nowhere = mariadb::Connection::open(MariadbService::shared().admin("no_such"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, Kind::refused);
  address = database_.address();
  address.tls = mariadb::Tls::verify;
  const auto plain = mariadb::Connection::open(address);
  ASSERT_FALSE(plain) << "this server has no certificate: there must be no silent fall-back";
  EXPECT_EQ(plain.error().kind, Kind::refused) << plain.error().message;
}

TEST_F(MariadbTest, ADeadlockIsRetryable) {
  database_.execute("CREATE TABLE t(a INT PRIMARY KEY, b INT) ENGINE=InnoDB");
  database_.execute("INSERT INTO t VALUES(1,0),(2,0)");
  auto other = mariadb::Connection::open(database_.address());
  ASSERT_TRUE(other);
  auto& first = database_.connection();
  ASSERT_TRUE(first.begin());
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(first.execute("UPDATE t SET b=1 WHERE a=1"));
  ASSERT_TRUE(other->execute("UPDATE t SET b=1 WHERE a=2"));
  // The first gives up at once instead of waiting; the wait for a lock is the same kind.
  ASSERT_TRUE(first.execute("SET SESSION innodb_lock_wait_timeout = 0"));
  const auto blocked = first.execute("UPDATE t SET b=2 WHERE a=2");
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().kind, Kind::retryable) << blocked.error().message;
  first.rollback();
  EXPECT_TRUE(other->commit());
}

TEST_F(MariadbTest, AKilledConnectionIsLost) {
  auto other = mariadb::Connection::open(database_.address());
  ASSERT_TRUE(other);
  auto statement = other->prepare("DO 1");
  ASSERT_TRUE(statement);
  database_.execute("KILL " + std::to_string(other->id()));
  EXPECT_EQ(statement->run().error().kind, Kind::lost);
  EXPECT_EQ(other->execute("DO 1").error().kind, Kind::lost) << "and does not come back by itself";
  other->rollback();
}

TEST_F(MariadbTest, TheServerCheckKnowsGoodAndBad) {
  auto address = user_with("ALL ON " + database_.name() + ".*");
  auto good = mariadb::Connection::open(address);
  ASSERT_TRUE(good);
  const auto none = mariadb::check_server(*good, address);
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_THAT(*none, IsEmpty()) << none->front().text;

  address = user_with("SELECT, INSERT ON " + database_.name() + ".*");
  database_.execute("REVOKE ALL PRIVILEGES ON " + database_.name() + ".* FROM '" + address.user +
                    "'@'127.0.0.1'");
  database_.execute("GRANT SELECT, INSERT ON " + database_.name() + ".* TO '" + address.user +
                    "'@'127.0.0.1'");
  auto weak = mariadb::Connection::open(address);
  ASSERT_TRUE(weak);
  const auto missing = mariadb::check_server(*weak, address);
  ASSERT_TRUE(missing) << missing.error().message;
  ASSERT_EQ(missing->size(), 1U);
  EXPECT_TRUE(missing->front().is_fatal);
  EXPECT_THAT(missing->front().text, HasSubstr("UPDATE"));
  EXPECT_THAT(missing->front().remedy, HasSubstr("GRANT UPDATE, CREATE"));
}

TEST_F(MariadbTest, DoctorLooksAtTheDatabase) {
  TemporaryDirectory directory;
  const auto doctor = [&](const mariadb::Address& address) {
    const std::string output = directory.path() + "/output";
    std::filesystem::remove(output);
    run_sluice({"doctor", "--data", directory.path() + "/data", "--listen", "127.0.0.1:0", "--set",
                "database.url=" + url_of(address)},
               output);
    std::ifstream in(output, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.substr(std::min(text.size(), text.find("database  ")));
  };
  EXPECT_THAT(doctor(database_.address()),
              AllOf(HasSubstr("OK"), HasSubstr("syncs what it acknowledges")));
  auto address = database_.address();
  address.password = "guess";
  EXPECT_THAT(doctor(address), AllOf(HasSubstr("FAILED"), HasSubstr("Access denied"),
                                     HasSubstr("remedy"), Not(HasSubstr("guess"))));
}

TEST(MariadbTls, IsVerifiedOrRefused) {
  MariadbService service;
  service.stop();
  const std::string at = service.directory();
  // An authority, and a certificate of it for this host.
  const std::string commands =
      "cd '" + at +
      "' && { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key "
      "-out ca.pem && openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout server.key "
      "-out server.csr && echo subjectAltName=IP:127.0.0.1 > names && openssl x509 -req -days 2 "
      "-in "
      "server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem; } "
      "2>openssl.log";
  ASSERT_EQ(std::system(commands.c_str()), 0) << at << "/openssl.log";
  service.configure("ssl-cert = " + at + "/server.pem\nssl-key = " + at + "/server.key\n");
  service.start();

  mariadb::Address address = service.admin();
  address.tls = mariadb::Tls::required;
  EXPECT_TRUE(mariadb::Connection::open(address));
  address.tls = mariadb::Tls::verify;
  const auto stranger = mariadb::Connection::open(address);
  ASSERT_FALSE(stranger) << "nobody the system trusts vouches for it";
  EXPECT_EQ(stranger.error().kind, Kind::refused) << stranger.error().message;
  address.tls_ca = at + "/ca.pem";
  const auto known = mariadb::Connection::open(address);
  EXPECT_TRUE(known) << known.error().message;
  address.host = "localhost";
  const auto elsewhere = mariadb::Connection::open(address);
  ASSERT_FALSE(elsewhere) << "the certificate is for another name";
  EXPECT_EQ(elsewhere.error().kind, Kind::refused) << elsewhere.error().message;
}

}  // namespace
}  // namespace sluice::test

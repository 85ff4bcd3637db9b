// What is said of a server, from what the server says.
#include "redis/server_check.h"

#include <gtest/gtest.h>

#include "redis/admission.h"

namespace sluice::redis {
namespace {

ServerFacts fine() {
  ServerFacts facts;
  facts.info =
      "# Server\r\nredis_version:7.0.15\r\n# Clients\r\nloading:0\r\naof_enabled:1\r\n"
      "aof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\nmaxmemory:0\r\n"
      "maxmemory_policy:noeviction\r\nrole:master\r\ncluster_enabled:0\r\n";
  facts.appendfsync = "everysec";
  facts.library = std::string(library_text());
  return facts;
}

/// The remarks about `fine()` with `from` replaced by `to` in INFO.
std::vector<Remark> with(const std::string& from, const std::string& to) {
  ServerFacts facts = fine();
  facts.info.replace(facts.info.find(from), from.size(), to);
  return judge(facts, 1);
}

void expect_one(const std::vector<Remark>& remarks, bool is_fatal, const std::string& word) {
  ASSERT_EQ(remarks.size(), 1U) << word;
  EXPECT_EQ(remarks[0].is_fatal, is_fatal) << remarks[0].text;
  EXPECT_NE(remarks[0].text.find(word), std::string::npos) << remarks[0].text;
  EXPECT_FALSE(remarks[0].remedy.empty());
}

TEST(ServerCheck, SaysNothingOfAServerThatIsFine) {
  EXPECT_TRUE(judge(fine(), 1).empty());
  EXPECT_TRUE(with("7.0.15", "10.1.0").empty());
}

TEST(ServerCheck, NamesEachFault) {
  expect_one(with("7.0.15", "6.2.7"), true, "6.2.7");
  expect_one(with("redis_version", "other_version"), true, "functions");
  expect_one(with("loading:0", "loading:1"), true, "loading");
  expect_one(with("aof_enabled:1", "aof_enabled:0"), false, "appendonly");
  expect_one(with("aof_last_write_status:ok", "aof_last_write_status:err"), true, "refuses grabs");
  expect_one(with("noeviction", "allkeys-lru"), false, "allkeys-lru");
  expect_one(with("maxmemory:0\r\nmaxmemory_policy:noeviction",
                  "maxmemory:99\r\nmaxmemory_policy:volatile-ttl"),
             true, "volatile-ttl");
  expect_one(with("role:master", "role:slave"), true, "replica");
}

TEST(ServerCheck, LooksAtTheSettingsAndTheFunctions) {
  ServerFacts facts = fine();
  facts.appendfsync = "no";
  expect_one(judge(facts, 1), false, "appendfsync");
  facts = fine();
  facts.appendfsync.reset();  // a managed server does not tell
  EXPECT_TRUE(judge(facts, 1).empty());
  facts = fine();
  facts.library.reset();
  facts.library_refusal = "NOPERM this user has no permissions to run the 'function|load' command";
  expect_one(judge(facts, 1), true, "NOPERM");
  facts.library = "#!lua name=sluice_1";
  expect_one(judge(facts, 1), true, "another build");
  facts = fine();
  facts.ahead = Span{-501};
  expect_one(judge(facts, 1), false, "501 ms behind");
  facts.ahead = Span{500};
  EXPECT_TRUE(judge(facts, 1).empty());
}

TEST(ServerCheck, LooksAtTheCluster) {
  expect_one(judge(fine(), 2), true, "no part of a Redis Cluster");
  ServerFacts facts = fine();
  facts.info.replace(facts.info.find("cluster_enabled:0"), 17, "cluster_enabled:1");
  facts.cluster_ok = true;
  facts.full_coverage = "no";
  EXPECT_TRUE(judge(facts, 3).empty());
  facts.full_coverage = "yes";
  expect_one(judge(facts, 3), false, "full-coverage");
  facts.full_coverage = "no";
  facts.cluster_ok = false;
  expect_one(judge(facts, 3), true, "down");
}

}  // namespace
}  // namespace sluice::redis

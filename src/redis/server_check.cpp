// Asks each server, and judges what it says.
#include "redis/server_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <utility>

#include "base/text.h"
#include "redis/admission.h"

namespace sluice::redis {

namespace {

constexpr std::int64_t kOldestMajor = 7;
/// A page that counts down by this node's clock is this much off at most.
constexpr Span kMaxAhead{500};
constexpr std::string_view kLibraryName = "sluice_1";

/// The value of `name:value` in a reply to INFO.
std::string_view field(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find('\n', at), info.size());
    std::string_view line = info.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

void judge_version(std::string_view info, std::vector<Remark>& remarks) {
  const std::string_view version = field(info, "redis_version");
  const auto major = parse_uint(version.substr(0, version.find('.')), 1000);
  if (major && *major >= kOldestMajor) return;
  remarks.push_back(
      {true,
       fmt::format("it is Redis {}, and functions came with {}.0", quote(version), kOldestMajor),
       fmt::format("upgrade Redis to {}.0 or newer", kOldestMajor)});
}

void judge_keeping(const ServerFacts& facts, std::vector<Remark>& remarks) {
  if (field(facts.info, "aof_enabled") != "1") {
    remarks.push_back({false,
                       "appendonly is no: a restart forgets the reservations that the broker has "
                       "not confirmed, and every sale is closed until it is loaded again",
                       "appendonly yes in redis.conf"});
  } else if (facts.appendfsync == "no") {
    remarks.push_back({false,
                       "appendfsync is no: a power cut forgets half a minute of reservations that "
                       "the broker has not confirmed",
                       "appendfsync everysec, or always, in redis.conf"});
  }
  for (const std::string_view write : {"aof_last_write_status", "rdb_last_bgsave_status"}) {
    const std::string_view status = field(facts.info, write);
    if (status.empty() || status == "ok") continue;
    remarks.push_back({true, fmt::format("{} is {}: it refuses grabs", write, quote(status)),
                       "make room on Redis's disk and look at its log"});
  }
  const std::string_view policy = field(facts.info, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction") {
    const bool has_limit = field(facts.info, "maxmemory") != "0";
    remarks.push_back({has_limit,
                       fmt::format("maxmemory-policy is {}: a full memory would throw sales away "
                                   "while they are on",
                                   quote(policy)),
                       "maxmemory-policy noeviction in redis.conf"});
  }
}

void judge_role(const ServerFacts& facts, std::size_t servers, std::vector<Remark>& remarks) {
  if (field(facts.info, "loading") == "1") {
    remarks.push_back({true, "it is still loading its data", "wait, and look again"});
  }
  const bool is_cluster = field(facts.info, "cluster_enabled") == "1";
  if (!is_cluster && field(facts.info, "role") == "slave") {
    remarks.push_back(
        {true, "it is a replica, which takes no grabs", "name the master in redis.url"});
  }
  if (!is_cluster && servers > 1) {
    remarks.push_back(
        {true, "redis.url names several servers, and this one is no part of a Redis Cluster",
         "name one server, or the servers of one Redis Cluster"});
  }
  if (!is_cluster) return;
  if (facts.cluster_ok == false) {
    remarks.push_back({true, "the Redis Cluster is down: slots are served by nobody",
                       "redis-cli --cluster check HOST:PORT names them"});
  }
  if (facts.full_coverage == "yes") {
    remarks.push_back({false,
                       "cluster-require-full-coverage is yes: one lost master stops all sales, "
                       "not only those it had",
                       "cluster-require-full-coverage no in redis.conf"});
  }
}

void judge_library(const ServerFacts& facts, std::vector<Remark>& remarks) {
  if (facts.library == library_text()) return;
  remarks.push_back(
      {true,
       facts.library ? fmt::format("its functions {} are of another build, and it does not take "
                                   "these: {}",
                                   kLibraryName, quote(facts.library_refusal))
                     : fmt::format("it has no functions {} and does not take them: {}",
                                   kLibraryName, quote(facts.library_refusal)),
       "allow this account FUNCTION LOAD, FCALL and the keys sluice:* (ACL SETUSER)"});
}

/// What one command came to: the reply, or why there is none.
Outcome ask(Connection& connection, const Command& command) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> answer = promise->get_future();
  Then then = [promise](Outcome&& outcome) { promise->set_value(std::move(outcome)); };
  if (!connection.submit({command}, then)) return {Fate::not_done, {}, "it takes no commands"};
  return answer.get();
}

/// A setting, where it is told.
std::optional<std::string> setting(Connection& connection, const std::string& name) {
  const Outcome got = ask(connection, {"CONFIG", "GET", name});
  if (got.fate != Fate::answered || got.value.items.size() != 2) return std::nullopt;
  return got.value.items[1].text;
}

Instant wall_now() {
  using namespace std::chrono;
  return Instant{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

/// How far its clock is ahead; half of the way there and back is taken off.
Span ahead_of_here(Connection& connection) {
  const Instant before = wall_now();
  const Outcome got = ask(connection, {"TIME"});
  const Instant after = wall_now();
  if (got.fate != Fate::answered || got.value.items.size() != 2) return Span{0};
  const auto seconds = parse_uint(got.value.items[0].text, kLastInstant.ms / 1000);
  const auto micros = parse_uint(got.value.items[1].text, 999'999);
  if (!seconds || !micros) return Span{0};
  return Instant{*seconds * 1000 + *micros / 1000} - Instant{(before.ms + after.ms) / 2};
}

void read_library(Connection& connection, ServerFacts& facts) {
  const Outcome loaded =
      ask(connection, {"FUNCTION", "LOAD", "REPLACE", std::string(library_text())});
  facts.library_refusal = loaded.fate == Fate::answered ? loaded.value.text : loaded.why;
  const Outcome list =
      ask(connection, {"FUNCTION", "LIST", "LIBRARYNAME", std::string(kLibraryName), "WITHCODE"});
  if (list.fate != Fate::answered || list.value.items.size() != 1) return;
  const std::vector<Value>& parts = list.value.items[0].items;
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    if (parts[i].text == "library_code") facts.library = parts[i + 1].text;
  }
}

Result<ServerFacts> facts_of(const Endpoint& endpoint, const ConnectionOptions& options) {
  Connection connection(endpoint, options);
  const Outcome info = ask(connection, {"INFO"});
  if (info.fate != Fate::answered) return fail(info.why);
  if (!info.value.is(Value::Kind::text)) {
    return fail(fmt::format("Redis at {} does not answer INFO: {}", to_text(endpoint),
                            quote(info.value.text)));
  }
  ServerFacts facts;
  facts.info = info.value.text;
  facts.appendfsync = setting(connection, "appendfsync");
  read_library(connection, facts);
  facts.ahead = ahead_of_here(connection);
  if (field(facts.info, "cluster_enabled") == "1") {
    const Outcome cluster = ask(connection, {"CLUSTER", "INFO"});
    if (cluster.fate == Fate::answered) {
      facts.cluster_ok = field(cluster.value.text, "cluster_state") == "ok";
    }
    facts.full_coverage = setting(connection, "cluster-require-full-coverage");
  }
  return facts;
}

}  // namespace

std::vector<Remark> judge(const ServerFacts& facts, std::size_t servers_configured) {
  std::vector<Remark> remarks;
  judge_version(facts.info, remarks);
  judge_role(facts, servers_configured, remarks);
  judge_library(facts, remarks);
  judge_keeping(facts, remarks);
  if (std::abs(facts.ahead.ms) > kMaxAhead.ms) {
    remarks.push_back(
        {false,
         fmt::format("its clock is {} ms {} this one: sales open and holds end by "
                     "its clock, and pages count down by this one",
                     std::abs(facts.ahead.ms), facts.ahead.ms > 0 ? "ahead of" : "behind"),
         "synchronise the clocks of both machines (NTP)"});
  }
  return remarks;
}

Result<std::vector<Remark>> check_server(const Address& address, const ConnectionOptions& options) {
  ConnectionOptions whole = options;
  whole.database = address.database;
  whole.user = address.user;
  whole.password = address.password;
  std::vector<Remark> all;
  for (const Endpoint& endpoint : address.endpoints) {
    const Result<ServerFacts> facts = facts_of(endpoint, whole);
    if (!facts) return std::unexpected(facts.error());
    for (Remark& remark : judge(*facts, address.endpoints.size())) {
      if (address.endpoints.size() > 1) {
        remark.text = fmt::format("{}: {}", to_text(endpoint), remark.text);
      }
      all.push_back(std::move(remark));
    }
  }
  return all;
}

}  // namespace sluice::redis

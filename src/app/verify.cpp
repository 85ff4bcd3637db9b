// `sluice verify`: the offline audit of the record, for people and for scripts.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "app/cli.h"
#include "app/logging.h"
#include "app/shop.h"
#include "cluster/redis_audit.h"
#include "http/json_writer.h"
#include "mariadb/address.h"
#include "redis/slots.h"
#include "store/cluster_copy.h"
#include "store/verify.h"

namespace sluice::app {

namespace {

/// How long Redis, which follows the record of a running cluster, may differ from it.
constexpr Span kRedisPatience = Span::seconds(5);

struct VerifyFlags {
  ConfigFlags config;
  bool json = false;
};

void print_json(const store::VerifyReport& report, const std::string& data) {
  std::string text;
  http::JsonWriter json(text);
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  json.begin_object();
  json.member("data", std::string_view(data)).member("ok", report.finding_count == 0);
  json.member("sales", number(report.sales)).member("items", number(report.items));
  json.member("orders", number(report.orders));
  json.member("history_rows", number(report.history_rows)).member("seals", number(report.seals));
  json.member("journal_batches", number(report.journal_batches));
  json.key("stock").begin_array();
  for (const auto& line : report.lines) {
    json.begin_object();
    json.member("item_id", std::string_view(line.id));
    json.member("title", std::string_view(line.title));
    json.member("stock", line.stock).member("available", line.available);
    json.member("held", line.held).member("sold", line.sold).member("refunded", line.refunded);
    json.member("conserved", line.available + line.held + line.sold == line.stock);
    json.end_object();
  }
  json.end_array();
  json.member("finding_count", number(report.finding_count));
  json.key("findings").begin_array();
  for (const store::Finding& finding : report.findings) {
    json.begin_object();
    json.member("check", std::string_view(finding.check));
    json.member("detail", std::string_view(escaped(finding.detail)));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  fmt::print("{}\n", text);
}

void print_text(const store::VerifyReport& report, const std::string& data,
                const std::string& redis) {
  std::size_t width = 4;
  for (const auto& line : report.lines)
    width = std::max(width, line.id.size());
  fmt::print("{:<{}}  {:>10} {:>10} {:>10} {:>10} {:>10}\n", "item", width, "stock", "available",
             "held", "sold", "refunded");
  for (const auto& line : report.lines) {
    const bool conserved = line.available + line.held + line.sold == line.stock;
    fmt::print("{:<{}}  {:>10} {:>10} {:>10} {:>10} {:>10}  {}{}\n", line.id, width, line.stock,
               line.available, line.held, line.sold, line.refunded,
               conserved ? "" : "NOT CONSERVED  ", escaped(line.title));
  }
  fmt::print("{}: {} sales, {} items, {} orders, {} history rows under {} seals\n", data,
             report.sales, report.items, report.orders, report.history_rows, report.seals);
  if (!redis.empty()) fmt::print("{}\n", redis);
  if (report.journal_batches > 0) {
    fmt::print(
        "{} of the seals are in the journal of a server that was killed; they were audited with "
        "the rest and left there: the next start carries them into record.db\n",
        report.journal_batches);
  }
  for (const store::Finding& finding : report.findings) {
    fmt::print("FINDING {}: {}\n", finding.check, escaped(finding.detail));
  }
  if (report.finding_count > report.findings.size()) {
    fmt::print("… and {} more\n", report.finding_count - report.findings.size());
  }
  if (report.finding_count == 0) {
    fmt::print("OK: every invariant holds\n");
  } else {
    fmt::print(
        "FAILED: {} findings. Keep a copy of {}, stop the server, and see \"When verify "
        "finds something\" in docs/operating.md\n",
        report.finding_count, data);
  }
}

void print_progress(std::string_view step) {
  static const bool is_watched = isatty(STDERR_FILENO) == 1;
  if (is_watched) fmt::print(stderr, "verify: {}\n", step);
}

/// A report, and of what it is.
struct Audited {
  store::VerifyReport report;
  std::string where;
  std::string redis;  ///< a sentence on what else was compared; empty: nothing
};

Result<Audited> audit_file(const std::string& data) {
  if (!has_record(data)) {
    return fail(
        fmt::format("there is no record in {}; name the data directory of the server with --data, "
                    "or its configuration with --config",
                    data));
  }
  auto report = store::verify(data, print_progress);
  if (!report) return std::unexpected(report.error());
  return Audited{std::move(*report), data, {}};
}

/// Adds what Redis has otherwise than the record to the findings. Returns a sentence: without Redis
/// the record is as good as before, since Redis is loaded from it.
std::string hold_redis_against(const mariadb::Address& record, const Config& config,
                               store::VerifyReport& report) {
  if (config.text("redis.url").empty()) return "Redis was not compared: redis.url is not set";
  const auto redis = redis::parse_address(config.text("redis.url"));
  if (!redis) return "Redis was not compared: redis.url: " + redis.error().message;
  print_progress("comparing Redis with the record");
  auto compared = cluster::audit_redis(record, *redis, kRedisPatience);
  if (!compared) return "Redis was not compared: " + compared.error().message;
  report.finding_count += compared->findings.size();
  for (std::string& finding : compared->findings)
    report.findings.push_back({"redis", std::move(finding)});
  return fmt::format("Redis at {} was compared: {} sales with {} orders",
                     redis::to_text(redis->endpoints.front()), compared->sales, compared->orders);
}

/// The record of a cluster is copied next to the data of this node, and audited there; then Redis
/// is held against it.
Result<Audited> audit_cluster(const Config& config) {
  const auto address = mariadb::parse_address(config.text("database.url"));
  if (!address) return fail("database.url: " + address.error().message);
  auto report = store::verify_cluster(*address, config.text("server.data"), print_progress);
  if (!report) return std::unexpected(report.error());
  std::string redis = hold_redis_against(*address, config, *report);
  return Audited{std::move(*report), address->shown(), std::move(redis)};
}

int verify(const VerifyFlags& flags) {
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  auto audited = config->text("engine.kind") == "cluster" ? audit_cluster(*config)
                                                          : audit_file(config->text("server.data"));
  if (!audited) return complain(audited.error().message, kJobFailed);
  const store::VerifyReport* report = &audited->report;
  if (flags.json) {
    print_json(*report, audited->where);
  } else {
    print_text(*report, audited->where, audited->redis);
  }
  return report->finding_count == 0 ? kSuccess : kJobFailed;
}

}  // namespace

void add_verify(CLI::App& app, int& status) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = app.add_subcommand(
      "verify", "audit the record: every invariant, the hash chain, stock per item");
  flags->config.add_to(*command);
  command->add_flag("--json", flags->json, "print the report as JSON");
  command->footer("Example:\n  sluice verify --data ./sluice-data");
  command->callback([flags, &status] { status = verify(*flags); });
}

}  // namespace sluice::app

// `sluice doctor`: tests what a server needs of this machine, with the remedy for what fails.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "app/cli.h"
#include "app/cluster.h"
#include "app/goods_watch.h"
#include "app/keys.h"
#include "app/logging.h"
#include "app/probe.h"
#include "app/rabbit.h"
#include "app/server_file.h"
#include "app/shop.h"
#include "app/shop_http.h"
#include "app/support.h"
#include "app/system.h"
#include "app/webhooks.h"
#include "app/wechat.h"
#include "app/write_back.h"
#include "http/client.h"
#include "mariadb/server_check.h"
#include "redis/server_check.h"
#include "store/record.h"

namespace sluice::app {

namespace {

constexpr std::uint64_t kLowSpaceBytes = 256ULL * 1024 * 1024;
constexpr std::uint64_t kFairSpaceBytes = 2ULL * 1024 * 1024 * 1024;
constexpr double kSlowSyncMs = 10.0;
constexpr std::uint64_t kSpareFiles = 128;

enum class Mark : std::uint8_t { ok, warning, failed };

struct Answer {
  Mark mark = Mark::ok;
  std::string text;
  std::string remedy;
};

Answer check_configuration(const Config& config) {
  if (auto supported = check_supported(config); !supported) {
    return {Mark::failed, supported.error().message, "sluice check shows every value"};
  }
  const auto remarks = unused_settings(config);
  if (!remarks.empty()) return {Mark::warning, remarks.front(), "remove the section"};
  return {Mark::ok, "valid", {}};
}

Answer check_directory(const std::string& data) {
  auto probed = probe_writable(data);
  if (!probed) {
    return {Mark::failed, probed.error().message,
            fmt::format("mkdir -p {0} && chown $(id -un) {0}", data)};
  }
  return {Mark::ok, fmt::format("{} can be written", *probed), {}};
}

Answer check_space(const std::string& data) {
  std::error_code error;
  const auto space = std::filesystem::space(existing_parent(data), error);
  if (error) return {Mark::failed, error.message(), fmt::format("df -h {}", data)};
  const std::string text = fmt::format("{} MiB free", space.available / 1024 / 1024);
  if (space.available >= kFairSpaceBytes) return {Mark::ok, text, {}};
  return {space.available < kLowSpaceBytes ? Mark::failed : Mark::warning, text,
          "free space, or put the record on another disk with --data"};
}

Answer check_sync(const std::string& data) {
  const auto cost = measure_sync(existing_parent(data));
  if (!cost) return {Mark::failed, cost.error().message, fmt::format("ls -ld {}", data)};
  const std::string text =
      fmt::format("a synced write takes {:.2f} ms (median of {}); grabs share it in batches",
                  cost->median_ms, cost->rounds);
  if (cost->median_ms <= kSlowSyncMs) return {Mark::ok, text, {}};
  return {Mark::warning, text, "put the record on an SSD or NVMe disk with --data"};
}

Answer check_open_files(const Config& config) {
  const std::uint64_t files = raise_open_files();
  const auto wanted =
      static_cast<std::uint64_t>(config.integer("server.max_connections")) + kSpareFiles;
  const std::string text =
      fmt::format("{} may be open; server.max_connections wants {}", files, wanted);
  if (files >= wanted) return {Mark::ok, text, {}};
  return {Mark::warning, text,
          fmt::format("ulimit -Hn {0}, or LimitNOFILE={0} in the unit", wanted)};
}

Answer check_clock() {
  constexpr Instant earliest{1'704'067'200'000};  // 2024-01-01: order numbers count from there
  const Instant now = wall_now();
  if (now < earliest || now > kLastInstant) {
    return {Mark::failed, fmt::format("the clock says {}", to_rfc3339(now)),
            "timedatectl set-time, or enable NTP"};
  }
  timex state{};
  const bool is_synced = adjtimex(&state) != TIME_ERROR;
  const std::string text = fmt::format("{}, {}", to_rfc3339(now),
                                       is_synced ? "synchronised" : "not known to be synchronised");
  if (is_synced) return {Mark::ok, text, {}};
  return {Mark::warning, text, "timedatectl set-ntp true (in a container: on its host)"};
}

Answer check_port(const std::string& where, const std::optional<ServerFile>& server) {
  const auto endpoint = parse_endpoint(where);
  if (!endpoint) return {Mark::failed, endpoint.error().message, "sluice check"};
  if (auto bound = probe_port(*endpoint); !bound) {
    if (server && server->url.ends_with(fmt::format(":{}", endpoint->port))) {
      return {Mark::ok,
              fmt::format("{} is served by process {} of this data directory", where, server->pid),
              {}};
    }
    return {
        Mark::failed, bound.error().message,
        fmt::format("ss -ltnp 'sport = :{}' shows who; or use another --listen", endpoint->port)};
  }
  return {Mark::ok, where + " is free", {}};
}

Answer check_key(const Config& config) {
  const std::string path = key_path(config.text("server.data"));
  if (!config.text("auth.hs256_secret").empty()) return {Mark::ok, "configured", {}};
  if (!config.text("auth.ed25519_public_key_file").empty()) {
    const auto options = token_options(config, {});
    if (!options) return {Mark::failed, options.error().message, "check the path and its rights"};
    return {Mark::ok, "Ed25519 public key configured", {}};
  }
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    return {Mark::ok, "none yet; sluice serve makes one at its first start", {}};
  }
  if ((found.st_mode & 077) != 0) {
    return {Mark::failed, path + " can be read by other users", "chmod 600 " + path};
  }
  if (const auto key = find_key(config); !key) {
    return {Mark::failed, key.error().message, "rm " + path};
  }
  return {Mark::ok, path, {}};
}

Answer check_record(const std::string& data, const std::optional<ServerFile>& server) {
  if (!has_record(data)) return {Mark::ok, "none yet; it is made at the first start", {}};
  const auto reader = store::Reader::open(data);
  if (!reader) {
    return {Mark::failed, reader.error().message, fmt::format("sluice verify --data {}", data)};
  }
  if (!server) return {Mark::ok, "opens; no server runs on it", {}};
  if (const auto alive = answers(*server); !alive) {
    return {Mark::warning,
            fmt::format("process {} holds it, but: {}", server->pid, alive.error().message),
            fmt::format("look at the log of process {}", server->pid)};
  }
  return {Mark::ok, fmt::format("opens; {} (process {}) runs on it", server->url, server->pid), {}};
}

/// Asks for a payment that does not exist: that harms nothing and proves account and keys.
Answer check_gateway(const Config& config) {
  if (!wechat_configured(config)) return {Mark::ok, "none configured: nothing can be paid", {}};
  if (const auto checked = check_wechat(config); !checked) {
    return {Mark::failed, checked.error().message, "sluice check shows every value"};
  }
  auto gateway = start_wechat(config);
  if (!gateway) return {Mark::failed, gateway.error().message, "sluice check shows every value"};
  std::promise<payment::Outcome<payment::Trade>> promise;
  auto answer = promise.get_future();
  (*gateway)->query("SLUICE-DOCTOR", [&promise](payment::Outcome<payment::Trade> trade) {
    promise.set_value(std::move(trade));
  });
  const auto trade = answer.get();
  (*gateway)->stop();
  if (trade) return {Mark::ok, wechat_name(config) + " answers and knows the account", {}};
  const payment::Fault& fault = trade.error();
  std::string text = fmt::format("{}: {} {}", wechat_name(config), fault.code, fault.message);
  switch (fault.kind) {
    case payment::Fault::Kind::refused:
      return {Mark::failed, std::move(text), "check appid, mch_id, keys and serials of [wechat]"};
    case payment::Fault::Kind::untrusted:
      return {Mark::failed, std::move(text),
              "check wechat.platform_serial and platform_public_key_file (v2: api_key)"};
    case payment::Fault::Kind::retry:
    case payment::Fault::Kind::unavailable:
      break;
  }
  return {Mark::failed, std::move(text), fmt::format("curl -v {}", config.text("wechat.base_url"))};
}

/// Connects to the configured receiver without telling it anything.
Answer check_webhook(const Config& config) {
  const std::string& url = config.text("webhook.url");
  if (url.empty()) return {Mark::ok, "none configured; the operator API may know some", {}};
  if (const auto checked = check_webhooks(config); !checked) {
    return {Mark::failed, checked.error().message, "sluice check shows every value"};
  }
  http::ClientRequest request;
  request.method = "HEAD";
  request.url = url;
  request.timeout = config.span("webhook.timeout");
  const auto answer = http::perform(request);
  if (!answer) return {Mark::failed, answer.error().message, "curl -vI " + url};
  return {
      Mark::ok, fmt::format("{} can be reached (it answered {} to HEAD)", url, answer->status), {}};
}

/// All remarks in one answer; `good` where there is none.
template <class Remark>
Answer sum_of(const std::vector<Remark>& remarks, std::string good) {
  if (remarks.empty()) return {Mark::ok, std::move(good), {}};
  Answer answer{Mark::warning, {}, {}};
  for (const Remark& remark : remarks) {
    if (remark.is_fatal) answer.mark = Mark::failed;
    for (auto [whole, part] :
         {std::pair{&answer.text, &remark.text}, std::pair{&answer.remedy, &remark.remedy}}) {
      if (!whole->empty()) *whole += "; ";
      *whole += *part;
    }
  }
  return answer;
}

Answer check_database(const Config& config) {
  const auto address = mariadb::parse_address(config.text("database.url"));
  if (!address) return {Mark::failed, address.error().message, "correct database.url"};
  auto connection = mariadb::Connection::open(*address);
  if (!connection) {
    return {Mark::failed, connection.error().message,
            fmt::format("mariadb -h {} -P {} -u {} -p {}", address->host, address->port,
                        address->user, address->database)};
  }
  const auto remarks = mariadb::check_server(*connection, *address);
  if (!remarks) return {Mark::failed, remarks.error().message, "sluice check shows every value"};
  return sum_of(*remarks, fmt::format("{}, {}: syncs what it acknowledges", address->shown(),
                                      connection->version()));
}

Answer check_redis(const Config& config) {
  const auto address = redis::parse_address(config.text("redis.url"));
  if (!address) return {Mark::failed, address.error().message, "correct redis.url"};
  const auto remarks = redis::check_server(*address, {});
  if (!remarks) {
    return {Mark::failed, remarks.error().message, "redis-cli -u with redis.url, then PING"};
  }
  return sum_of(*remarks, fmt::format("{} answers, keeps what it was told, and has the functions",
                                      redis::to_text(address->endpoints.front())));
}

Answer check_write_back(const Config& config) {
  const auto table = write_back_table(config);
  if (!table) return {Mark::failed, table.error().message, "sluice check shows every value"};
  const auto found = store::WriteBack::probe(*table);
  if (!found) {
    return {Mark::failed, found.error().message,
            "docs/import.md has the columns; the user needs SELECT, INSERT and UPDATE"};
  }
  return {Mark::ok,
          fmt::format("{} at {} takes orders; sellers: {}", table->name, table->address.shown(),
                      *found ? "from " + table->goods : "not known there"),
          {}};
}

Answer check_goods_source(const Config& config) {
  const auto table = goods_source_table(config);
  if (!table) return {Mark::failed, table.error().message, "sluice check shows every value"};
  const auto plan = read_goods_source(config, wall_now());
  if (!plan) {
    return {Mark::failed, plan.error().message,
            "docs/import.md has the columns; the user needs SELECT"};
  }
  return {Mark::ok,
          fmt::format("{} at {}: {} rows, {} can be sold", table->name, table->address.shown(),
                      plan->rows, plan->rows - plan->left_out_count),
          {}};
}

Answer check_broker(const Config& config) {
  const auto places = places_of(config);
  if (!places) return {Mark::failed, places.error().message, "sluice check shows every value"};
  const auto probed = probe_rabbit(config, *places);
  if (!probed) return {Mark::failed, probed.error().message, "docs/rabbitmq.md"};
  return {Mark::ok, *probed, {}};
}

/// Prints numbered answers and remembers whether one failed.
class Report {
 public:
  void add(const char* name, const Answer& answer) {
    constexpr std::array<const char*, 3> marks = {"OK", "WARNING", "FAILED"};
    fmt::print("{:>2}. {:<14} {:<8} {}\n", ++count_, name,
               marks[static_cast<std::size_t>(answer.mark)], escaped(answer.text));
    if (!answer.remedy.empty()) fmt::print("{:29}remedy: {}\n", "", escaped(answer.remedy));
    failed_ = failed_ || answer.mark == Mark::failed;
  }
  bool failed() const { return failed_; }

 private:
  int count_ = 0;
  bool failed_ = false;
};

int examine(const ConfigFlags& flags) {
  Report report;
  const auto config = flags.load();
  if (!config) {
    report.add("configuration", {Mark::failed, config.error().message, "sluice check --keys"});
    return kJobFailed;
  }
  const std::string& data = config->text("server.data");
  const auto server = find_server(data);
  report.add("configuration", check_configuration(*config));
  report.add("data directory", check_directory(data));
  report.add("disk space", check_space(data));
  report.add("sync cost", check_sync(data));
  report.add("open files", check_open_files(*config));
  report.add("clock", check_clock());
  report.add("port", check_port(config->text("server.listen"), server));
  report.add("token key", check_key(*config));
  if (!is_cluster(*config)) report.add("record", check_record(data, server));
  report.add("gateway", check_gateway(*config));
  if (const auto remark = refund_remark(*config)) {
    report.add("refunds", {Mark::warning, *remark,
                           "give wechat.merchant_certificate_file and "
                           "wechat.merchant_private_key_file"});
  }
  if (rabbit_configured(*config)) report.add("rabbitmq", check_broker(*config));
  report.add("webhook", check_webhook(*config));
  if (!config->text("database.url").empty()) report.add("database", check_database(*config));
  if (!config->text("redis.url").empty()) report.add("redis", check_redis(*config));
  if (write_back_configured(*config)) report.add("write-back", check_write_back(*config));
  if (goods_source_configured(*config)) report.add("goods source", check_goods_source(*config));
  fmt::print("{}\n", report.failed() ? "something failed: see the remedies" : "ready to serve");
  return report.failed() ? kJobFailed : kSuccess;
}

}  // namespace

void add_doctor(CLI::App& app, int& status) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* command =
      app.add_subcommand("doctor", "test what a server needs of this machine, with remedies");
  flags->add_to(*command);
  flags->add_key(*command, "--listen", "server.listen", "address to test");
  command->footer("Example:\n  sluice doctor --config sluice.toml");
  command->callback([flags, &status] { status = examine(*flags); });
}

}  // namespace sluice::app

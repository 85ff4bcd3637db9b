// `sluice serve`: configuration to a running server, until a signal or a broken disk ends it.
#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>

#include "app/cli.h"
#include "app/house.h"
#include "app/logging.h"
#include "app/support.h"
#include "app/system.h"

namespace sluice::app {

namespace {

/// Descriptors that are not connections: the record, logs, timers, wake-ups.
constexpr std::uint64_t kSpareFiles = 128;

struct ServeFlags {
  ConfigFlags config;
  bool demo = false;
};

/// server.max_connections, or fewer where the system does not allow that many open files.
std::size_t affordable_connections(const Config& config) {
  const auto wanted = static_cast<std::uint64_t>(config.integer("server.max_connections"));
  const std::uint64_t files = raise_open_files();
  if (files >= wanted + kSpareFiles) return wanted;
  const std::uint64_t affordable = files > 2 * kSpareFiles ? files - kSpareFiles : kSpareFiles;
  // Nobody asked for the default: running with a little less is no reason for a warning.
  const auto level =
      config.is_default("server.max_connections") ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level,
              "at most {} connections, not {}: only {} files may be open; raise it with ulimit -Hn "
              "{} or LimitNOFILE={}",
              affordable, wanted, files, wanted + kSpareFiles, wanted + kSpareFiles);
  return affordable;
}

int serve(const ServeFlags& flags) {
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kWrongUsage);
  if (auto supported = check_supported(*config); !supported) {
    return complain(supported.error().message, kWrongUsage);
  }
  if (auto logging = start_logging(*config); !logging) {
    return complain(logging.error().message, kJobFailed);
  }
  for (const std::string& remark : unused_settings(*config, flags.demo))
    spdlog::warn("{}", remark);
  StopSignals signals;
  House house(*config, flags.demo, affordable_connections(*config));
  if (auto started = house.start(); !started) {
    return complain(started.error().message, kJobFailed);
  }
  const bool in_peace = house.wait(signals);
  signals.insist();
  if (!in_peace) {
    spdlog::critical(
        "the record cannot be written any more; stopping. What was acknowledged is on "
        "disk: check the disk (sluice doctor) and start again");
  }
  house.stop(in_peace);
  return in_peace ? kSuccess : kJobFailed;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "run the server");
  flags->config.add_to(*command);
  flags->config.add_key(*command, "--listen", "server.listen", "address to serve at, HOST:PORT");
  flags->config.add_key(*command, "--roles", "server.roles",
                        "sale, pay, worker, console (comma-separated)");
  flags->config.add_key(*command, "--threads", "server.threads", "I/O threads; 0: by hardware");
  flags->config.add_key(*command, "--log-format", "log.format", "text or json");
  flags->config.add_key(*command, "--log-level", "log.level", "debug, info, warn, error, …");
  command->add_flag(
      "--demo", flags->demo,
      "add a sale that starts in 15 s, a sandbox gateway and a sign-in without account");
  command->footer(
      "Example:\n  sluice serve --demo\n  sluice serve --config sluice.toml --listen "
      "0.0.0.0:8080\n\nWithout configuration: the embedded engine on 127.0.0.1:8080, "
      "data in ./sluice-data.");
  command->callback([flags, &status] { status = serve(*flags); });
}

}  // namespace sluice::app

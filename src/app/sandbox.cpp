// `sluice sandbox`: a payment gateway for development and tests.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "app/cli.h"
#include "app/system.h"
#include "app/version.h"
#include "base/text.h"
#include "sandbox/sandbox.h"

namespace sluice::app {

namespace {

/// The longest a signal waits.
constexpr int kWatchMs = 500;

struct SandboxFlags {
  std::string listen = "127.0.0.1:9080";
  std::string keys = "./sluice-sandbox";
  std::string notify_url;
  std::string api;
  std::string base_url;
  bool allow_remote = false;
};

void print_banner(const sandbox::Sandbox& sandbox) {
  const std::string url = sandbox.base_url();
  const std::string& settings = sandbox.settings_file();
  fmt::print("Sluice {} sandbox: WeChat Pay v2 and v3 at {}; no money moves\n\n", version(), url);
  fmt::print("  account   {}\n", settings);
  fmt::print("  control   {}/_sandbox/orders\n", url);
  fmt::print("\n  try\n    {} serve --config {}\n", program(), settings);
  fmt::print("    curl {}/_sandbox/orders\n", url);
  fmt::print("    curl -X POST {}/_sandbox/orders/OUT_TRADE_NO/pay\n", url);
  fmt::print("    curl -X PUT -d '{{\"notify\":{{\"drop\":1}}}}' {}/_sandbox/faults\n", url);
  fmt::print("    curl -X PUT -d '{{\"speed\":60}}' {}/_sandbox/clock\n", url);
  fmt::print("\n  A code_url opens a page where a person pays or declines. Ctrl-C stops it.\n");
  std::fflush(stdout);
}

int run_sandbox(const SandboxFlags& flags) {
  const auto endpoint = parse_endpoint(flags.listen);
  if (!endpoint) return complain("--listen: " + endpoint.error().message, kWrongUsage);
  if (!flags.api.empty() && flags.api != "v2" && flags.api != "v3") {
    return complain(fmt::format("--api {} is unknown; it must be v2 or v3", quote(flags.api)),
                    kWrongUsage);
  }
  StopSignals signals;
  sandbox::SandboxOptions options;
  options.address = endpoint->host;
  options.port = endpoint->port;
  options.keys_directory = flags.keys;
  options.notify_url = flags.notify_url;
  options.api = flags.api;
  options.base_url = flags.base_url;
  options.allow_remote = flags.allow_remote;
  auto sandbox = sandbox::Sandbox::start(options);
  if (!sandbox) return complain(sandbox.error().message, kJobFailed);
  print_banner(**sandbox);
  while (!signals.wait(kWatchMs)) {
  }
  signals.insist();
  (*sandbox)->stop();
  return kSuccess;
}

}  // namespace

void add_sandbox(CLI::App& app, int& status) {
  auto flags = std::make_shared<SandboxFlags>();
  CLI::App* command = app.add_subcommand(
      "sandbox", "run a WeChat Pay gateway emulator, v2 and v3, for development and tests");
  command->add_option("--listen", flags->listen, "address to serve at, HOST:PORT")
      ->capture_default_str();
  command->add_option("--keys", flags->keys, "directory of keys and wechat.toml; made if missing")
      ->capture_default_str();
  command->add_option("--notify-url", flags->notify_url,
                      "notify_url of wechat.toml; at first the default shop's");
  command->add_option("--api", flags->api, "api of wechat.toml, v2 or v3; at first v3");
  command->add_option("--base-url", flags->base_url,
                      "how others reach it, where that is not the address it serves at");
  command->add_flag("--allow-remote", flags->allow_remote,
                    "serve at an address that other machines reach; anybody there can pay");
  command->footer(
      "Example:\n  sluice sandbox --keys ./sandbox-keys\n  sluice serve --config "
      "./sandbox-keys/wechat.toml\n\nIt serves at 127.0.0.1:9080 and keeps its account in "
      "./sluice-sandbox unless told otherwise.");
  command->callback([flags, &status] { status = run_sandbox(*flags); });
}

}  // namespace sluice::app

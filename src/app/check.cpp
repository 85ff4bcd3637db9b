// `sluice check`: is this configuration valid, and where does each value come from.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "app/cli.h"
#include "app/logging.h"
#include "app/support.h"
#include "app/wechat.h"

namespace sluice::app {

namespace {

struct CheckFlags {
  ConfigFlags config;
  bool keys = false;
};

/// The value as it would stand in the file.
std::string in_toml(const Key& key, std::string_view value) {
  if (key.type == KeyType::integer || key.type == KeyType::boolean) return std::string(value);
  return fmt::format("\"{}\"", escaped(value));
}

std::string_view section_of(const Key& key) {
  return key.name.substr(0, key.name.find('.'));
}

std::string_view word_of(const Key& key) {
  return key.name.substr(key.name.find('.') + 1);
}

/// The table of keys as a file to start from.
void print_keys() {
  std::string_view section;
  for (const Key& key : config_keys()) {
    if (section_of(key) != section) {
      fmt::print("{}[{}]\n", section.empty() ? "" : "\n", section_of(key));
      section = section_of(key);
    }
    fmt::print("# {}{}\n", key.description,
               key.secret ? fmt::format(" (or {}_file)", word_of(key)) : "");
    fmt::print("# {} = {}\n", word_of(key), in_toml(key, key.fallback));
  }
}

int check(const CheckFlags& flags) {
  if (flags.keys) {
    print_keys();
    return kSuccess;
  }
  const auto config = flags.config.load();
  if (!config) return complain(config.error().message, kJobFailed);
  std::size_t width = 0;
  for (const Setting& setting : config->settings()) {
    const std::size_t size =
        setting.key->name.size() + 3 + in_toml(*setting.key, shown(setting)).size();
    width = std::max(width, std::min<std::size_t>(size, 60));
  }
  for (const Setting& setting : config->settings()) {
    const std::string line =
        fmt::format("{} = {}", setting.key->name, in_toml(*setting.key, shown(setting)));
    fmt::print("{:<{}}  # {}\n", line, width, escaped(setting.origin));
  }
  if (auto supported = check_supported(*config); !supported) {
    return complain(supported.error().message, kJobFailed);
  }
  for (const std::string& remark : unused_settings(*config))
    fmt::print("# note: {}\n", remark);
  if (const auto remark = refund_remark(*config)) fmt::print("# note: {}\n", *remark);
  fmt::print("# the configuration is valid\n");
  return kSuccess;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command = app.add_subcommand(
      "check", "validate the configuration and print each value with its origin");
  flags->config.add_to(*command);
  command->add_flag("--keys", flags->keys, "print every key with its default, as a file to edit");
  command->footer("Example:\n  sluice check --config sluice.toml");
  command->callback([flags, &status] { status = check(*flags); });
}

}  // namespace sluice::app

// Registers the commands and turns parsing errors into advice.
#include "app/cli.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <utility>

#include "app/keys.h"
#include "app/logging.h"
#include "base/text.h"
#include "rush/rush.h"

namespace sluice::app {

namespace {

/// The flags or subcommands of `command` that could have been meant by `word`.
std::vector<std::string> candidates(const CLI::App& command, bool is_flag) {
  std::vector<std::string> words;
  if (is_flag) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames())
        words.push_back("--" + name);
    }
  } else {
    for (const CLI::App* sub : command.get_subcommands({}))
      words.push_back(sub->get_name());
  }
  return words;
}

int explain_extras(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::string name = chosen.empty() ? "sluice" : "sluice " + command.get_name();
  const auto extras = app.remaining(true);
  const std::string word = extras.empty() ? std::string{} : extras.front();
  const bool is_flag = word.starts_with('-');
  const auto words = candidates(command, is_flag);
  const std::vector<std::string_view> views(words.begin(), words.end());
  const auto meant = nearest(word.substr(0, word.find('=')), views);
  const char* kind = is_flag ? "flag" : chosen.empty() ? "command" : "argument";
  return complain(fmt::format("unknown {} {}{}; {} --help lists what there is", kind, quote(word),
                              meant ? fmt::format(", did you mean {}?", *meant) : "", name),
                  kWrongUsage);
}

int explain(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return explain_extras(app);
  if (app.get_subcommands().empty() && !app.remaining().empty()) return explain_extras(app);
  const auto chosen = app.get_subcommands();
  const std::string name = chosen.empty() ? "sluice" : "sluice " + chosen.front()->get_name();
  return complain(fmt::format("{}; see {} --help", error.what(), name), kWrongUsage);
}

/// The key that the server's tokens are signed with, found as the server finds it.
Result<rush::SigningKey> key_for_rush(const rush::KeyPlace& place) {
  ConfigSources sources{{}, sluice_environment(), std::nullopt};
  if (!place.data.empty()) sources.flags.push_back({"server.data", place.data, "--data"});
  if (!place.secret_file.empty()) {
    sources.flags.push_back({"auth.hs256_secret_file", place.secret_file, "--secret-file"});
  }
  if (!place.config.empty()) sources.file = place.config;
  const auto config = Config::load(sources);
  if (!config) return std::unexpected(config.error());
  auto secret = find_key(*config);
  if (!secret) return std::unexpected(secret.error());
  return rush::SigningKey{std::move(*secret), config->text("auth.issuer"),
                          config->text("auth.audience")};
}

}  // namespace

int complain(std::string_view message, int status) {
  // Lines stay lines: a list of problems is printed as one.
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    fmt::print(stderr, "sluice: {}\n", escaped(message.substr(0, end)));
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  return status;
}

void ConfigFlags::add_to(CLI::App& command) {
  command.add_option("--config", file_, "configuration file (TOML)")->type_name("FILE");
  add_key(command, "--data", "server.data", "directory of the record, keys and logs");
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [this](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const std::size_t equals = pair.find('=');
              if (equals == std::string::npos) {
                throw CLI::ValidationError("--set", "write --set section.key=value");
              }
              flags_.push_back({pair.substr(0, equals), pair.substr(equals + 1), "--set"});
            }
          },
          "set any configuration key: --set limits.user_per_second=5")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void ConfigFlags::add_key(CLI::App& command, const std::string& flag, const std::string& key,
                          const std::string& description) {
  command
      .add_option_function<std::string>(
          flag,
          [this, flag, key](const std::string& value) {
            flags_.push_back({key, value, flag});
          },
          description)
      ->type_name("VALUE");
}

Result<Config> ConfigFlags::load() const {
  return Config::load({flags_, sluice_environment(), file_});
}

int run(int count, char** arguments) {
  CLI::App app("Sluice sells a small stock to a large crowd, exactly.", "sluice");
  app.require_subcommand(1);
  app.footer(
      "Example:\n  sluice serve --demo\n\nEvery command explains itself: sluice COMMAND "
      "--help");
  int status = kSuccess;
  add_serve(app, status);
  add_import(app, status);
  add_sandbox(app, status);
  add_order(app, status);
  add_delay(app, status);
  rush::add_command(app, status, key_for_rush);
  add_verify(app, status);
  add_token(app, status);
  add_check(app, status);
  add_doctor(app, status);
  add_version(app, status);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  } catch (const std::exception& error) {
    return complain(error.what(), kJobFailed);
  }
  return status;
}

}  // namespace sluice::app

// The command line: one subcommand per job, helpful errors, and the exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace sluice::app {

// Exit statuses of every command.
inline constexpr int kSuccess = 0;
inline constexpr int kJobFailed = 1;
inline constexpr int kWrongUsage = 2;

/// Parses the command line and runs the command. Exit status: see above.
int run(int count, char** arguments);

/// The flags that choose a configuration, shared by the commands that need one.
class ConfigFlags {
 public:
  /// Adds --config, --data and --set.
  void add_to(CLI::App& command);
  /// Adds a flag that stands for a configuration key.
  void add_key(CLI::App& command, const std::string& flag, const std::string& key,
               const std::string& description);
  Result<Config> load() const;

 private:
  std::optional<std::string> file_;
  std::vector<ConfigSources::Flag> flags_;
};

// Each registers one subcommand that leaves its exit status in `status`.
void add_serve(CLI::App& app, int& status);
void add_import(CLI::App& app, int& status);
void add_sandbox(CLI::App& app, int& status);
void add_order(CLI::App& app, int& status);
void add_delay(CLI::App& app, int& status);
void add_verify(CLI::App& app, int& status);
void add_token(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_doctor(CLI::App& app, int& status);
void add_version(CLI::App& app, int& status);

/// Prints "sluice: <message>" to standard error, escaping what could harm a terminal; gives
/// `status` back.
int complain(std::string_view message, int status);

}  // namespace sluice::app

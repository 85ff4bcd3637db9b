// `sluice version` and `sluice --version`. The version, the commit and the build type come from the
// build.
#include "app/version.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/cli.h"
#include "app_commit.h"

namespace sluice::app {

std::string version() {
  return SLUICE_VERSION;
}

std::string commit() {
  return kCommit;
}

std::string compiler() {
#ifdef __clang__
  return "Clang " __clang_version__ ", " SLUICE_BUILD_TYPE;
#else
  return "GCC " __VERSION__ ", " SLUICE_BUILD_TYPE;
#endif
}

std::string program() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) return "sluice";
  const fs::path near = fs::proximate(path, error);
  // Only a path below the working directory reads well; elsewhere the full one is clearer.
  return error || near.string().starts_with("..") ? path.string() : near.string();
}

namespace {

/// Without a line feed at the end.
std::string report() {
  return fmt::format(
      "sluice {} ({})\n"
      "compiler:          {}\n"
      "engines:           embedded, cluster\n"
      "payment providers: none",
      version(), commit(), compiler());
}

}  // namespace

void add_version(CLI::App& app, int&) {
  constexpr const char* kDoes = "print version, commit, compiler, engines";
  CLI::App* command = app.add_subcommand("version", kDoes);
  command->footer("Example:\n  sluice version");
  command->callback([] { fmt::print("{}\n", report()); });
  app.set_version_flag("--version", report, kDoes);
}

}  // namespace sluice::app

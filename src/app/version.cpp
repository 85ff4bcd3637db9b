// `sluice version`. The version, the commit and the build type come from the build.
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

void add_version(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand("version", "print version, commit, compiler, engines");
  command->footer("Example:\n  sluice version");
  command->callback([] {
    fmt::print("sluice {} ({})\n", version(), commit());
    fmt::print("compiler:          {}\n", compiler());
    fmt::print("engines:           embedded\n");
    fmt::print("payment providers: none\n");
  });
}

}  // namespace sluice::app

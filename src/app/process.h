// Runs the binary under test, for the tests of commands.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sluice::app {

struct ProcessResult {
  int status = -1;  ///< exit status; 128 + signal where one ended it
  std::string out;
  std::string err;
};

/// A started `sluice` with its outputs on pipes. Ended by the destructor if it still runs.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::string& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Reads standard output until `text` was seen; false if it ended before.
  bool wait_for(const std::string& text);
  /// The same for standard error.
  bool wait_for_error(const std::string& text);
  void signal(int number) const;
  /// Reads to the end and reaps.
  ProcessResult finish();
  pid_t pid() const { return pid_; }

 private:
  bool read_some();
  bool read_until(const std::string& stream, const std::string& text);

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  ProcessResult result_;
};

/// Runs to the end with `folder` as the working directory.
ProcessResult run_sluice(const std::vector<std::string>& arguments, const std::string& folder);

}  // namespace sluice::app

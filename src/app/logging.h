// The log: text or JSON lines, where no message can forge a line or control a terminal.
#pragma once

#include <spdlog/formatter.h>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "base/result.h"

namespace sluice::app {

/// `text` with control characters, DEL, C1 controls and broken UTF-8 written as \xNN, so that it is
/// one harmless line.
std::string escaped(std::string_view text);

/// Lines of "time level message", or of {"time","level","message"}.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override;
  std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  bool json_;
};

/// Makes the process log as [log] says. Errors: the file cannot be opened.
Result<> start_logging(const Config& config);

}  // namespace sluice::app

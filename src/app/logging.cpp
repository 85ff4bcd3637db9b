// spdlog with a formatter of our own.
#include "app/logging.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "base/instant.h"
#include "base/text.h"
#include "http/json_writer.h"

namespace sluice::app {

namespace {

/// Bytes of the UTF-8 sequence that begins with `lead`; 1 for what can begin none.
std::size_t length_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte >= 0xF0) return 4;
  if (byte >= 0xE0) return 3;
  return byte >= 0xC0 ? 2 : 1;
}

/// U+0080 to U+009F: some terminals obey them like escape sequences.
bool is_c1_control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xC2' &&
         static_cast<unsigned char>(sequence[1]) < 0xA0;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view piece = text.substr(0, length_of(text.front()));
    const bool is_broken = !valid_utf8(piece);
    if (is_broken) piece = text.substr(0, 1);
    if (is_broken || has_control(piece) || is_c1_control(piece)) {
      for (const char c : piece) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      }
    } else {
      out += piece;
    }
    text.remove_prefix(piece.size());
  }
  return out;
}

void LineFormatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) {
  const auto since_epoch = message.time.time_since_epoch();
  const Instant at{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
  const auto level = spdlog::level::to_string_view(message.level);
  const std::string_view level_name(level.data(), level.size());
  std::string text = escaped({message.payload.data(), message.payload.size()});
  std::string line;
  if (json_) {
    http::JsonWriter json(line);
    json.begin_object();
    json.member("time", at).member("level", level_name).member("message", std::string_view(text));
    json.end_object();
    line += '\n';
  } else {
    line = fmt::format("{} {:<8} {}\n", to_rfc3339(at), level_name, text);
  }
  out.append(line.data(), line.data() + line.size());
}

std::unique_ptr<spdlog::formatter> LineFormatter::clone() const {
  return std::make_unique<LineFormatter>(json_);
}

Result<> start_logging(const Config& config) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  const std::string& file = config.text("log.file");
  try {
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
  } catch (const spdlog::spdlog_ex& error) {
    return fail(fmt::format("the log file {} cannot be opened: {}", file, error.what()));
  }
  auto logger = std::make_shared<spdlog::logger>("sluice", std::move(sink));
  logger->set_formatter(std::make_unique<LineFormatter>(config.text("log.format") == "json"));
  logger->set_level(spdlog::level::from_str(config.text("log.level")));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace sluice::app

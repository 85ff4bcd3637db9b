// Log lines that cannot be forged, whatever a stranger put into them.
#include "app/logging.h"

#include <gmock/gmock.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/json.hpp>
#include <sstream>

namespace sluice::app {
namespace {

std::string logged(bool json, const std::string& message) {
  std::ostringstream out;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(out);
  spdlog::logger logger("test", sink);
  logger.set_formatter(std::make_unique<LineFormatter>(json));
  logger.warn("{}", message);
  return out.str();
}

TEST(Logging, EscapesWhatControlsTerminalsOrSplitsLines) {
  EXPECT_EQ(escaped("plain, 秒杀, é"), "plain, 秒杀, é");
  EXPECT_EQ(escaped("a\r\nb\x1b[31mc\x7f"), "a\\x0d\\x0ab\\x1b[31mc\\x7f");
  EXPECT_EQ(escaped("\xFF\xC3(\xED\xA0\x80"), "\\xff\\xc3(\\xed\\xa0\\x80");
  EXPECT_EQ(escaped("\xC2\x9B"
                    "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(escaped(std::string("\0", 1) + "\xE7\xA7"), "\\x00\\xe7\\xa7");
}

TEST(Logging, WritesOneTextLineForEachMessage) {
  const std::string line = logged(false, "first\n2026-01-01T00:00:00.000Z info forged");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, ::testing::MatchesRegex(
                        "....-..-..T..:..:......Z warning  first.x0a2026-01-01.* forged\n"));
}

TEST(Logging, WritesJsonThatParses) {
  const std::string line = logged(true, "say \"hi\"\n\\ \x1b\xFF 秒");
  const auto value = boost::json::parse(line);
  EXPECT_EQ(value.at("message").as_string(), "say \"hi\"\\x0a\\ \\x1b\\xff 秒");
  EXPECT_EQ(value.at("level").as_string(), "warning");
}

}  // namespace
}  // namespace sluice::app

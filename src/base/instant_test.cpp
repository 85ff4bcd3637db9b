// The calendar, RFC 3339, local times and durations, at their bounds and beyond.
#include "base/instant.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <random>

namespace sluice {
namespace {

std::int64_t rfc(std::string_view text) {
  const auto parsed = parse_rfc3339(text);
  return parsed ? parsed->ms : -1;
}
std::int64_t local(std::string_view text, Span offset = {}) {
  const auto parsed = parse_local(text, offset);
  return parsed ? parsed->ms : -1;
}
std::int64_t span(std::string_view text) {
  const auto parsed = parse_span(text);
  return parsed ? parsed->ms : -1;
}

TEST(Rfc3339, Writes) {
  EXPECT_EQ(to_rfc3339(Instant{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(Instant{1}), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(to_rfc3339(Instant{951'782'400'000}), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(Instant{1'704'067'200'000}), "2024-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(kLastInstant), "9999-12-31T23:59:59.999Z");
}

TEST(Rfc3339, AgreesWithTheCLibraryOnEveryDayAndOnRandomInstants) {
  const auto expected = [](std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(ms % 1000));
    return std::string{text};
  };
  for (std::int64_t ms = 0; ms <= kLastInstant.ms; ms += 86'400'000) {
    ASSERT_EQ(to_rfc3339(Instant{ms}), expected(ms)) << ms;
    ASSERT_EQ(rfc(to_rfc3339(Instant{ms})), ms);
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const auto ms = static_cast<std::int64_t>(random() % 253'402'300'800'000ULL);
    ASSERT_EQ(to_rfc3339(Instant{ms}), expected(ms)) << ms;
    ASSERT_EQ(rfc(to_rfc3339(Instant{ms})), ms);
  }
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
  EXPECT_EQ(rfc("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(rfc("1970-01-01t00:00:01z"), 1000);
  EXPECT_EQ(rfc("1970-01-01T08:00:00+08:00"), 0);
  EXPECT_EQ(rfc("1969-12-31T19:00:00-05:00"), 0);
  EXPECT_EQ(rfc("1970-01-01T00:00:00-00:00"), 0);
  EXPECT_EQ(rfc("1970-01-01T23:59:00+23:59"), 0);
  EXPECT_EQ(rfc("1970-01-01T00:00:00.1Z"), 100);
  EXPECT_EQ(rfc("1970-01-01T00:00:00.12Z"), 120);
  EXPECT_EQ(rfc("1970-01-01T00:00:00.123456789Z"), 123);
  EXPECT_EQ(rfc("1970-01-01T00:00:00.0009Z"), 0);
  EXPECT_EQ(rfc("9999-12-31T23:59:59.999999999Z"), kLastInstant.ms);
  EXPECT_EQ(rfc("2024-02-29T12:00:00Z"), 1'709'208'000'000);
  EXPECT_EQ(rfc("2000-02-29T00:00:00Z"), 951'782'400'000);
}

TEST(Rfc3339, Refuses) {
  for (const std::string_view text : {"",
                                      "Z",
                                      "2026",
                                      "2026-11-22",
                                      "2026-11-22T14:05",
                                      "2026-11-22T14:05:09",
                                      "2026-11-22 14:05:09Z",
                                      "2026-11-22T14:05:09 Z",
                                      "2026-11-22T14:05:09+0800",
                                      "2026-11-22T14:05:09+8:00",
                                      "2026-11-22T14:05:09+24:00",
                                      "2026-11-22T14:05:09+08:60",
                                      "2026-11-22T14:05:09.Z",
                                      "2026-11-22T14:05:09.1234567890Z",
                                      "2026-11-22T14:05:09,5Z",
                                      "2026-11-22T24:00:00Z",
                                      "2026-11-22T23:60:00Z",
                                      "2026-11-22T23:59:60Z",
                                      "2026-00-22T14:05:09Z",
                                      "2026-13-22T14:05:09Z",
                                      "2026-11-00T14:05:09Z",
                                      "2026-11-31T14:05:09Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2024-02-30T00:00:00Z",
                                      "26-11-22T14:05:09Z",
                                      "02026-11-22T14:05:09Z",
                                      "10000-01-01T00:00:00Z",
                                      "-2026-11-22T14:05:09Z",
                                      "+2026-11-22T14:05:09Z",
                                      "2026-1-22T14:05:09Z",
                                      "2026-11-22T4:05:09Z",
                                      "2026-11-22T14:05:09Zx",
                                      "2026-11-22T14:05:09ZZ",
                                      "1969-12-31T23:59:59.999Z",
                                      "1970-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "0000-01-01T00:00:00Z",
                                      "２026-11-22T14:05:09Z",
                                      "2026-11-22T14:05:09.999999999999999999Z"}) {
    EXPECT_EQ(rfc(text), -1) << text;
  }
  EXPECT_EQ(rfc(std::string_view("1970-01-01T00:00:00Z\0", 21)), -1);
  EXPECT_EQ(rfc("1970-01-01T00:00:00." + std::string(1'000'000, '1') + "Z"), -1);
}

TEST(Rfc3339, ErrorsSayWhatAndHow) {
  EXPECT_NE(parse_rfc3339("soon\n").error().message.find("\"soon?\""), std::string::npos);
  EXPECT_NE(parse_rfc3339("2026-02-29T00:00:00Z").error().message.find("does not exist"),
            std::string::npos);
  EXPECT_NE(parse_rfc3339("1969-01-01T00:00:00Z").error().message.find("1970 to 9999"),
            std::string::npos);
}

TEST(Rfc3339DeathTest, RefusesToWriteWhatHasNoForm) {
  EXPECT_DEATH(to_rfc3339(Instant{-1}), "within 1970 to 9999");
  EXPECT_DEATH(to_rfc3339(Instant{kLastInstant.ms + 1}), "within 1970 to 9999");
}

TEST(LocalTime, FormsOfDumps) {
  const Span east = Span::seconds(8 * 3600);
  EXPECT_EQ(local("1970-01-01 08:00:00", east), 0);
  EXPECT_EQ(local("1970-1-1 8:00:00", east), 0);
  EXPECT_EQ(local("1970-01-01T08:00:00", east), 0);
  EXPECT_EQ(local("1970-01-01 08:00:00.5", east), 500);
  EXPECT_EQ(local("1969-12-31 19:00:00", Span::seconds(-5 * 3600)), 0);
  EXPECT_EQ(local("2024-02-29 00:00:00"), 1'709'164'800'000);
  EXPECT_EQ(local("9999-12-31 23:59:59"), kLastInstant.ms - 999);
}

TEST(LocalTime, Refuses) {
  for (const std::string_view text :
       {"", "0000-00-00 00:00:00", "1970-01-01", "1970-01-01 ", "1970/01/01 00:00:00",
        "1970-01-01 0:0:0", "1970-01-01 00:00", "1970-01-01  00:00:00", "1970-01-01 00:00:00Z",
        "1970-001-01 00:00:00", "1970-01-01 000:00:00", "70-01-01 00:00:00", "2023-02-29 00:00:00",
        "1970-01-01 25:00:00", "NULL", "1970-01-01 00:00:00 AM"}) {
    EXPECT_EQ(local(text), -1) << text;
  }
  EXPECT_EQ(local("1970-01-01 07:59:59", Span::seconds(8 * 3600)), -1);
  EXPECT_EQ(local("9999-12-31 23:59:59", Span::seconds(-1)), -1);
}

TEST(Durations, Units) {
  EXPECT_EQ(span("250ms"), 250);
  EXPECT_EQ(span("90s"), 90'000);
  EXPECT_EQ(span("30m"), 1'800'000);
  EXPECT_EQ(span("2h"), 7'200'000);
  EXPECT_EQ(span("1d"), 86'400'000);
  EXPECT_EQ(span("15"), 15'000);
  EXPECT_EQ(span("0"), 0);
  EXPECT_EQ(span("0ms"), 0);
  EXPECT_EQ(span("3650d"), 315'360'000'000);
}

TEST(Durations, Refuses) {
  for (const std::string_view text : {"",
                                      "s",
                                      "ms",
                                      "-1s",
                                      "+1s",
                                      "1.5h",
                                      "1 s",
                                      " 1s",
                                      "1s ",
                                      "1S",
                                      "1M",
                                      "1w",
                                      "1sec",
                                      "1h30m",
                                      "01s",
                                      "00",
                                      "1e3s",
                                      "3651d",
                                      "87601h",
                                      "315360001s",
                                      "9223372036854775807",
                                      "9223372036854775807d",
                                      "9223372036854775808ms",
                                      "99999999999999999999999ms",
                                      "１s"}) {
    EXPECT_EQ(span(text), -1) << text;
  }
}

TEST(Arithmetic, InstantsAndSpans) {
  EXPECT_EQ(Instant{5} + Span{3}, Instant{8});
  EXPECT_EQ(Instant{5} - Span{3}, Instant{2});
  EXPECT_EQ(Instant{5} - Instant{8}, Span{-3});
  EXPECT_LT(Instant{5}, Instant{6});
  EXPECT_EQ(Span::seconds(2), Span{2000});
}

}  // namespace
}  // namespace sluice

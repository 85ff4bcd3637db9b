// The three forms of a report: numbers in their places, hostile text made harmless, no blank plots.
#include "rush/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "rush/svg_chart.h"

namespace sluice::rush {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</title><script>alert('x')</script>&\"";

Report sample(bool passed) {
  Report report;
  report.url = "http://127.0.0.1:1";
  report.prefix = kHostile;
  report.seconds = 3;
  report.rounds.push_back({.seconds = 3, .answered = 3'000, .passed = passed});
  for (int second = 0; second < 3; ++second) {
    Second part;
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
      ++part.outcomes[static_cast<std::size_t>(i % 2 == 0 ? Outcome::granted : Outcome::sold_out)];
      part.latency.record(i * 10'000);
      report.tally.latency.record(i * 10'000);
      report.tally.granted.record(i * 10'000);
    }
    report.timeline.push_back(part);
  }
  report.tally.sent = 3'000;
  report.tally.outcomes[static_cast<std::size_t>(Outcome::granted)] = 1'500;
  report.tally.outcomes[static_cast<std::size_t>(Outcome::sold_out)] = 1'500;
  report.tally.sample(kHostile);
  Evidence evidence;
  ItemEvidence item;
  item.id = "cup";
  item.title = kHostile;
  item.after = ItemStats{"cup", 1'500, 0, 1'500, 0, 0, true};
  item.granted = 1'500;
  evidence.items.push_back(item);
  report.evidence = evidence;
  report.verdict = Verdict{{{"sold exactly", passed, kHostile}}};
  return report;
}

TEST(Report, TextHasTheNumbers) {
  const std::string text = render_text(sample(true));
  EXPECT_THAT(text, HasSubstr("3,000 answers in 3.00 s: 1,000 per second"));
  EXPECT_THAT(text, HasSubstr("50.000%"));
  EXPECT_THAT(text, HasSubstr("ok   sold exactly"));
  EXPECT_THAT(text, HasSubstr("verdict: PASS"));
  EXPECT_THAT(render_text(sample(false)), HasSubstr("verdict: FAIL"));
  EXPECT_THAT(render_text(sample(false)), HasSubstr("FAIL sold exactly"));
}

TEST(Report, JsonIsJson) {
  const auto json = boost::json::parse(render_json(sample(false)));
  EXPECT_EQ(json.at("verdict").as_string(), "FAIL");
  EXPECT_EQ(json.at("outcomes").at("sold_out").to_number<int>(), 1'500);
  EXPECT_EQ(json.at("timeline").as_array().size(), 3U);
  EXPECT_EQ(json.at("items").at(0).at("title").as_string(), kHostile);
  EXPECT_NEAR(json.at("latency").at("intended").at("p50_ms").as_double(), 5.0, 0.05);
}

TEST(Report, HtmlIsOneHarmlessPageWithThreePlots) {
  for (const bool passed : {true, false}) {
    const std::string html = render_html(sample(passed));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("http-equiv")));
    EXPECT_THAT(html, Not(HasSubstr("src=")));
    EXPECT_THAT(html, Not(HasSubstr("nan")));
    EXPECT_THAT(html, HasSubstr(passed ? "PASS" : "FAIL"));
    std::size_t plots = 0;
    for (std::size_t at = 0; (at = html.find("<svg", at)) != std::string::npos; ++at)
      ++plots;
    EXPECT_EQ(plots, 3U);
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  }
}

TEST(Report, AnEmptyRunStillRenders) {
  const Report report;
  EXPECT_THAT(render_html(report), HasSubstr("</html>"));
  EXPECT_THAT(render_text(report), HasSubstr("0 answers"));
  EXPECT_NO_THROW(boost::json::parse(render_json(report)));
}

TEST(Report, LongRunsAreFolded) {
  Report report = sample(true);
  report.timeline.resize(3'600);
  EXPECT_LT(render_html(report).size(), 400'000U);
}

TEST(Report, MedianOfRounds) {
  Report report;
  for (const std::uint64_t answered : {300U, 100U, 200U}) {
    report.rounds.push_back({.seconds = 1, .answered = answered});
  }
  EXPECT_EQ(report.median_per_second(), 200);
  report.rounds.push_back({.seconds = 1, .answered = 1'000});
  EXPECT_EQ(report.median_per_second(), 250);
}

TEST(Report, NumbersAreGrouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(SvgChart, OneValueAndManyValuesAreDrawn) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{240}}) {
    const std::vector<std::string> positions(count, "x");
    const std::vector<Series> series{{"a", "s-a", std::vector<double>(count, 3.5)}};
    EXPECT_THAT(stacked_bars("t", "u", positions, series), HasSubstr("class=\"s-a\""));
    EXPECT_THAT(log_lines("t", "u", positions, series), HasSubstr("class=\"line s-a\""));
  }
}

}  // namespace
}  // namespace sluice::rush

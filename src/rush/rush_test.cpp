// Whole rushes against a small shop on a free port: honest ones pass, each dishonest one is caught.
#include "rush/rush.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "rush/fake_shop.h"
#include "rush/run.h"

namespace sluice::rush {
namespace {

using testing::HasSubstr;

Result<SigningKey> shop_key(const KeyPlace&) {
  return SigningKey{kShopSecret, "", ""};
}

Options crowd(const FakeShop& shop) {
  Options options;
  options.url = shop.url();
  options.shoppers = 400;
  options.rate = 20'000;
  options.ramp = Span{0};
  options.connections = 16;
  options.impatient = 0.5;
  options.double_click = 0.3;
  options.two_tabs = 0.3;
  options.think = 0.01;
  options.seed = 7;
  return options;
}

std::string failures(const Report& report) {
  std::string text;
  for (const Check& check : report.verdict->checks) {
    if (!check.passed) text += check.name + ": " + check.detail + "\n";
  }
  return text;
}

Report play(const Options& options) {
  auto report = run(options, shop_key);
  if (!report) throw std::runtime_error(report.error().message);
  return std::move(*report);
}

TEST(Rush, AnHonestShopPassesAndSellsOut) {
  const FakeShop shop(3, 40, {});
  const Report report = play(crowd(shop));
  EXPECT_TRUE(report.passed()) << failures(report);
  EXPECT_EQ(shop.orders(), 120U);
  EXPECT_EQ(count_of(report.tally.outcomes, Outcome::granted), 120U);
  EXPECT_GT(report.tally.duplicates.sent, 0U);
  EXPECT_EQ(report.tally.duplicates.sent, report.tally.duplicates.refused_100);
  EXPECT_EQ(report.evidence->readback.matched, 120U);
  EXPECT_EQ(report.tally.sent, report.tally.answered());
}

TEST(Rush, TwoThreadsShareTheCrowd) {
  const FakeShop shop(2, 30, {});
  Options options = crowd(shop);
  options.threads = 2;
  const Report report = play(options);
  EXPECT_TRUE(report.passed()) << failures(report);
  EXPECT_EQ(shop.orders(), 60U);
}

TEST(Rush, AStockLargerThanTheCrowdIsNotSoldOut) {
  const FakeShop shop(1, 1'000, {});
  const Report report = play(crowd(shop));
  EXPECT_TRUE(report.passed()) << failures(report);
  EXPECT_EQ(shop.orders(), 400U);
}

TEST(Rush, IdempotencyKeysAreReplayed) {
  const FakeShop shop(1, 50, {});
  Options options = crowd(shop);
  options.idempotency_keys = true;
  const Report report = play(options);
  EXPECT_TRUE(report.passed()) << failures(report);
  EXPECT_EQ(shop.orders(), 50U);
  EXPECT_GT(count_of(report.tally.outcomes, Outcome::replayed), 0U);
}

TEST(Rush, ClosedLoopSendsExactlyWhatWasAsked) {
  const FakeShop shop(1, 300, {});
  Options options = crowd(shop);
  options.mode = Mode::closed;
  options.requests = 1'000;
  options.rounds = 2;
  const Report report = play(options);
  EXPECT_TRUE(report.passed()) << failures(report);
  EXPECT_EQ(report.rounds.size(), 2U);
  EXPECT_EQ(report.tally.sent, 1'000U);
  EXPECT_EQ(shop.orders(), 300U);
}

TEST(Rush, LostAnswersAreLookedUpAfterwards) {
  const FakeShop shop(1, 100, {.drops_answers = true});
  Options options = crowd(shop);
  options.mode = Mode::closed;
  options.requests = 300;
  const Report report = play(options);
  EXPECT_GT(report.evidence->unknown, 0U);
  EXPECT_EQ(report.evidence->unknown, report.evidence->unknown_with_order);
  // The answers were not HTTP as it should be, and that alone is held against the shop.
  EXPECT_THAT(failures(report), testing::StartsWith("answers as documented"));
}

struct Dishonest {
  const char* name;
  ShopFaults faults;
  const char* check;
};

class DishonestShop : public testing::TestWithParam<Dishonest> {};

TEST_P(DishonestShop, IsCaught) {
  const FakeShop shop(2, 20, GetParam().faults);
  const Report report = play(crowd(shop));
  EXPECT_FALSE(report.passed());
  EXPECT_THAT(failures(report), HasSubstr(GetParam().check));
}

INSTANTIATE_TEST_SUITE_P(
    Shops, DishonestShop,
    testing::Values(
        Dishonest{"Oversells", {.oversells = true}, "sold exactly: item item-0 is overs"},
        Dishonest{"WastesAUnit", {.wastes_a_unit = true}, "with 1 units left"},
        Dishonest{
            "ForgetsDuplicates", {.forgets_duplicates = true}, "one unpaid order per shopper"},
        Dishonest{"DuplicatesWithout100", {.duplicates_without_100 = true}, "duplicates refused"},
        Dishonest{"LosesOrders", {.loses_orders = true}, "orders read back"},
        Dishonest{"ShowsOrders", {.shows_orders_to_anyone = true}, "orders private"},
        Dishonest{"RepeatsIds", {.repeats_ids = true}, "order numbers distinct"},
        Dishonest{"Answers500", {.answers_500 = true}, "answers as documented"},
        Dishonest{"Miscounts", {.miscounts = true}, "sold exactly"}),
    [](const auto& test) { return test.param.name; });

TEST(Rush, ARawServerIsOnlyMeasured) {
  const FakeShop shop(1, 1, {});
  Options options = crowd(shop);
  options.raw_method = "GET";
  options.raw_path = "/api/v1/sales";
  options.requests = 500;
  const Report report = play(options);
  EXPECT_FALSE(report.verdict.has_value());
  EXPECT_EQ(count_of(report.tally.outcomes, Outcome::ok), 500U);
}

TEST(Rush, AnotherMachineIsRefusedUnlessItIsOwned) {
  Options options;
  options.url = "http://192.0.2.1:8080";
  const auto report = run(options, shop_key);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("--i-own-this-server"));
}

TEST(Rush, AServerThatIsNotThereIsSaidAtOnce) {
  std::string url;
  {
    const FakeShop shop(1, 1, {});
    url = shop.url();
  }
  Options options;
  options.url = url;
  EXPECT_FALSE(run(options, shop_key));
}

TEST(Rush, AsksForTheKeyWithWhatTheCommandLineSaid) {
  const FakeShop shop(3, 40, {});
  KeyPlace asked;
  const KeySource source = [&](const KeyPlace& place) -> Result<SigningKey> {
    asked = place;
    return fail("no key today");
  };
  Options options = crowd(shop);
  options.data = "folder";
  options.secret_file = "key";
  const auto report = run(options, source);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "no key today");
  EXPECT_EQ(asked.data, "folder");
  EXPECT_EQ(asked.secret_file, "key");
  options.config = "a.toml";
  EXPECT_FALSE(run(options, source));
  EXPECT_EQ(asked.config, "a.toml");
  EXPECT_EQ(asked.data, "") << "the configuration names its own";
  options.data_given = true;
  EXPECT_FALSE(run(options, source));
  EXPECT_EQ(asked.data, "folder");
}

/// Runs the command line as main would; returns the exit status.
int command(std::string line, std::string& out) {
  CLI::App app("sluice");
  int status = 0;
  add_command(app, status, shop_key);
  testing::internal::CaptureStdout();
  try {
    app.parse(std::move(line));
  } catch (const CLI::ParseError& wrong) {
    out = testing::internal::GetCapturedStdout();
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  out = testing::internal::GetCapturedStdout();
  return status;
}

TEST(Rush, TheCommandWritesItsReports) {
  const FakeShop shop(2, 25, {});
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("rush-test-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::string out;
  const int status =
      command("rush --url " + shop.url() + " --shoppers 200 --rate 20000 --ramp 0s --think 0.01 " +
                  "--report-html " + (folder / "r.html").string() + " --report-json " +
                  (folder / "r.json").string(),
              out);
  EXPECT_EQ(status, 0) << out;
  EXPECT_THAT(out, HasSubstr("verdict: PASS"));
  const auto slurp = [](const std::filesystem::path& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto json = boost::json::parse(slurp(folder / "r.json"));
  EXPECT_EQ(json.at("verdict").as_string(), "PASS");
  EXPECT_EQ(json.at("outcomes").at("granted").to_number<int>(), 50);
  const std::string html = slurp(folder / "r.html");
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;Tea &amp; cake&lt;/b&gt;"));
  EXPECT_THAT(html, testing::Not(HasSubstr("<b>Tea")));
  EXPECT_THAT(html, testing::Not(HasSubstr("<script")));
  std::filesystem::remove_all(folder);
}

TEST(Rush, WrongUsageIsStatus2) {
  std::string out;
  EXPECT_EQ(command("rush --ramp soon", out), 2);
  EXPECT_EQ(command("rush --rounds 3", out), 2);
  EXPECT_EQ(command("rush --shoppers 0", out), 2);
  EXPECT_EQ(command("rush --raw-get nopath", out), 2);
  EXPECT_EQ(command("rush --no-such-flag", out), 2);
  EXPECT_EQ(command("rush --timeout 0", out), 2);
}

}  // namespace
}  // namespace sluice::rush

// Reading of the server's JSON, whole and hostile, and how long a busy server is asked again.
#include "rush/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::rush {
namespace {

using testing::HasSubstr;

constexpr const char* kSales =
    R"({"now":"2026-11-22T12:00:00.000Z","sales":[{"id":"s","title":"T","phase":"open",)"
    R"("starts_at":"2026-11-22T11:00:00.000Z","ends_at":"2026-11-22T13:00:00.000Z","items":[)"
    R"({"id":"i","title":"I","stock":5,"available":4,"per_user_limit":2}]}]})";

TEST(Control, ReadsSales) {
  const auto listing = parse_listing(kSales);
  ASSERT_TRUE(listing) << listing.error().message;
  ASSERT_EQ(listing->sales.size(), 1U);
  EXPECT_EQ(listing->sales[0].items[0].available, 4);
  EXPECT_EQ(listing->sales[0].items[0].limit, 2);
  EXPECT_EQ(listing->next_page_token, "");
}

TEST(Control, ReadsStatisticsAndOrders) {
  const auto stats =
      parse_stats(R"({"now":"x","items":[{"item_id":"i","stock":5,"available":1,"held":3,"sold":1,)"
                  R"("refunded":0,"conserved":true}]})");
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ((*stats)[0].held, 3);
  const auto page = parse_orders(
      R"({"orders":[{"id":"No7","item_id":"i","status":"paid","user":"u",)"
      R"("created_at":"2026-11-22T11:00:00.000Z","expires_at":null}],"next_page_token":"t"})");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->orders[0].id, OrderId{7});
  EXPECT_EQ(page->orders[0].user, "u");
  EXPECT_EQ(page->next_page_token, "t");
}

TEST(Control, SaysWhatIsWrongWithAnAnswer) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "not JSON"},
      {"<html>", "not JSON"},
      {"[]", "is not a JSON object"},
      {"{}", "has no \"now\""},
      {R"({"now":5,"sales":[]})", "\"now\" of the list of sales is not text"},
      {R"({"now":"yesterday","sales":[]})", "not an RFC 3339 time"},
      {R"({"now":"2026-11-22T12:00:00Z"})", "has no \"sales\""},
      {R"({"now":"2026-11-22T12:00:00Z","sales":{}})", "is not a list"},
      {R"({"now":"2026-11-22T12:00:00Z","sales":[7]})", "a sale is not a JSON object"},
  };
  for (const auto& [text, problem] : cases) {
    const auto listing = parse_listing(text);
    ASSERT_FALSE(listing) << text;
    EXPECT_THAT(listing.error().message, HasSubstr(problem)) << text;
  }
  EXPECT_FALSE(parse_stats(R"({"items":[{"item_id":"i","stock":1.5}]})"));
  EXPECT_FALSE(parse_order(R"({"id":"7","item_id":"i","status":"paid"})"));
  EXPECT_FALSE(parse_listing(std::string(100'000, '[')));
}

/// Plays back answers and remembers what was asked.
class Script {
 public:
  explicit Script(std::vector<http::ClientResponse> answers) : answers_(std::move(answers)) {}
  Fetch fetch() {
    return [this](const http::ClientRequest& request) -> Result<http::ClientResponse> {
      asked.push_back(request);
      if (asked.size() > answers_.size()) return fail("no connection");
      return answers_[asked.size() - 1];
    };
  }
  std::vector<http::ClientRequest> asked;

 private:
  std::vector<http::ClientResponse> answers_;
};

TEST(Control, FollowsThePagesOfTheSales) {
  std::string first = kSales;
  first.insert(first.size() - 1, R"(,"next_page_token":"abc")");
  Script script({{200, first}, {200, kSales}});
  const auto listing = Control("http://h", "http://a", "t", script.fetch()).sales();
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->sales.size(), 2U);
  EXPECT_EQ(script.asked[1].url, "http://h/api/v1/sales?page_token=abc");
}

TEST(Control, ABusyServerIsAskedAgainARefusalIsNot) {
  Script busy({{503, "{}"}, {200, R"({"items":[]})"}});
  EXPECT_TRUE(Control("http://h", "http://a", "t", busy.fetch()).stats("s"));
  EXPECT_EQ(busy.asked.size(), 2U);
  EXPECT_EQ(busy.asked[0].headers[0], "Authorization: Bearer t");
  EXPECT_EQ(busy.asked[0].url, "http://a/api/v1/admin/sales/s/stats");

  Script refused({{403, "forbidden"}});
  const auto stats = Control("http://h", "http://a", "t", refused.fetch()).stats("s");
  ASSERT_FALSE(stats);
  EXPECT_THAT(stats.error().message, HasSubstr("/api/v1/admin/sales/s/stats answered 403"));
  EXPECT_EQ(refused.asked.size(), 1U);
}

}  // namespace
}  // namespace sluice::rush

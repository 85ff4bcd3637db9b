// Tests of requests, responses and the decoding of query strings and path segments.
#include "http/message.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(MessageTest, FieldsAreFoundWithoutRegardToCaseAndTheFirstCounts) {
  Request request;
  request.fields = {{"X-Forwarded-For", "1"}, {"x-forwarded-for", "2"}};
  EXPECT_EQ(request.field("X-FORWARDED-FOR"), "1");
  EXPECT_EQ(request.field("X-Forwarded"), std::nullopt);
}

TEST(MessageTest, AddedHeadersBecomeLines) {
  const Response response = Response{}.add("Location", "/orders/No1").add("Retry-After", "1");
  EXPECT_EQ(response.headers, "Location: /orders/No1\r\nRetry-After: 1\r\n");
}

TEST(MessageDeathTest, AHeaderThatCouldSplitTheResponseIsABug) {
  Response response;
  EXPECT_DEATH(response.add("X", "a\r\nSet-Cookie: b"), "line end");
  EXPECT_DEATH(response.add("X", std::string_view("a\0b", 3)), "line end");
  EXPECT_DEATH(response.add("X: a\r\nY", "b"), "token");
  EXPECT_DEATH(response.add("", "b"), "token");
}

struct QueryCase {
  const char* query;
  const char* name;
  std::optional<std::string> value;
};

TEST(MessageTest, QueryValues) {
  const QueryCase cases[] = {
      {"", "a", std::nullopt},
      {"a=1", "a", "1"},
      {"a=1&b=2", "b", "2"},
      {"a=1&a=2", "a", "1"},
      {"a", "a", ""},
      {"a=", "a", ""},
      {"a=b=c", "a", "b=c"},
      {"&&a=1&", "a", "1"},
      {"%61=1", "a", "1"},
      {"a=x+y%20z%2B", "a", "x y z+"},
      {"a=%E5%BA%97", "a", "\xE5\xBA\x97"},
      {"a=%", "a", std::nullopt},
      {"a=%4", "a", std::nullopt},
      {"a=%GG", "a", std::nullopt},
      {"a=%FF", "a", std::nullopt},
      {"a=%C0%80", "a", std::nullopt},
      {"%=1&a=2", "a", "2"},
      {"ab=1", "a", std::nullopt},
      {"=1", "", "1"},
  };
  for (const QueryCase& c : cases) {
    EXPECT_EQ(query_value(c.query, c.name), c.value) << c.query << " " << c.name;
  }
}

TEST(MessageTest, Segments) {
  EXPECT_EQ(decode_segment("No123"), "No123");
  EXPECT_EQ(decode_segment("a%20b+c"), "a b+c");
  EXPECT_EQ(decode_segment(""), "");
  for (const char* bad : {"a%2Fb", "a%2fb", "%00", "%", "%2", "%zz", "%ff", "a/b"}) {
    EXPECT_EQ(decode_segment(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace sluice::http

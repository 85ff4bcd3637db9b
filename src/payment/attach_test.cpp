// attach decides where a notification of money goes: what is read, and everything that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "payment/service.h"

namespace sluice::payment {
namespace {

using ::testing::HasSubstr;

TEST(Attach, ComesBackAsItWasWritten) {
  for (const Attach& attach : {
           Attach{"queueSeckillOrder", "exchange.order", "mia"},
           Attach{"queue.order", "exchange.order", ""},
           Attach{"q", "e", "小明 \"the\" \\ shopper"},
       }) {
    const std::string json = to_json(attach);
    const auto read = parse_attach(json);
    ASSERT_TRUE(read) << json;
    EXPECT_EQ(*read, attach);
  }
}

TEST(Attach, HasTheTutorialsForm) {
  EXPECT_EQ(to_json({"queueSeckillOrder", "exchange.order", "mia"}),
            R"({"queue":"queueSeckillOrder","exchange":"exchange.order","username":"mia"})");
}

TEST(Attach, LeavesANameOutThatDoesNotFit) {
  const std::string fits(60, 'u');
  const Attach named{"queue.order", "exchange", fits};
  ASSERT_LE(to_json(named).size(), kMaxAttachBytes);
  EXPECT_EQ(parse_attach(to_json(named))->username, fits);
  const Attach long_name{"queueSeckillOrder", "exchange.order", std::string(128, 'u')};
  const auto read = parse_attach(to_json(long_name));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->queue, "queueSeckillOrder");
  EXPECT_EQ(read->username, "");
}

TEST(Attach, MayHave127BytesAndNotOneMore) {
  const std::string frame = R"({"queue":"q","exchange":"e","username":""})";
  const auto of_size = [&](std::size_t size) {
    std::string json = frame;
    return json.insert(frame.size() - 2, std::string(size - frame.size(), 'u'));
  };
  EXPECT_TRUE(parse_attach(of_size(127)));
  const auto large = parse_attach(of_size(128));
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message, HasSubstr("128 bytes"));
}

// One byte of a good one changed, left out or slipped in: it is refused, or it still says exactly
// what it says when it is written again.
RC_GTEST_PROP(Attach, IsReadStrictlyWhateverBytesCome, ()) {
  std::string json = to_json({"queueSeckillOrder", "exchange.order", "mia"});
  const auto at = *rc::gen::inRange<std::size_t>(0, json.size());
  const auto byte = *rc::gen::arbitrary<char>();
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      json[at] = byte;
      break;
    case 1:
      json.erase(at, 1);
      break;
    default:
      json.insert(at, 1, byte);
  }
  const auto read = parse_attach(json);
  if (!read) return;
  RC_ASSERT(!read->queue.empty() && !read->exchange.empty());
  const auto again = parse_attach(to_json(*read));
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->queue == read->queue && again->exchange == read->exchange);
}

class BadAttach : public ::testing::TestWithParam<std::string> {};

TEST_P(BadAttach, IsRefused) {
  EXPECT_FALSE(parse_attach(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, BadAttach,
    ::testing::Values("", " ", "null", "7", "\"queue\"", "[]", "{}", "{", R"({"queue":"q")",
                      R"({"queue":"q","exchange":"e"})", R"({"queue":"q","username":"u"})",
                      R"({"exchange":"e","username":"u"})",
                      R"({"queue":"","exchange":"e","username":"u"})",
                      R"({"queue":"q","exchange":"","username":"u"})",
                      R"({"queue":"q","queue":"r","exchange":"e","username":"u"})",
                      R"({"queue":"q","exchange":"e","username":"u","username":"u"})",
                      R"({"queue":"q","exchange":"e","username":"u","extra":"x"})",
                      R"({"Queue":"q","exchange":"e","username":"u"})",
                      R"({"queue":1,"exchange":"e","username":"u"})",
                      R"({"queue":null,"exchange":"e","username":"u"})",
                      R"({"queue":true,"exchange":"e","username":"u"})",
                      R"({"queue":1.5,"exchange":"e","username":"u"})",
                      R"({"queue":18446744073709551615,"exchange":"e","username":"u"})",
                      R"({"queue":["q"],"exchange":"e","username":"u"})",
                      R"({"queue":{"queue":"q"},"exchange":"e","username":"u"})",
                      R"({"queue":"q","exchange":"e","username":"u"}x)",
                      R"({"queue":"q","exchange":"e","username":"u"}{})",
                      R"([{"queue":"q","exchange":"e","username":"u"}])",
                      R"({"queue":"q","exchange":"e","username":"u",})",
                      R"({'queue':'q','exchange':'e','username':'u'})",
                      R"({"queue":"q","exchange":"e","username":"u"/**/})",
                      R"({"queue":"q\n","exchange":"e","username":"u"})",
                      R"({"queue":"q","exchange":"e\u0000","username":"u"})",
                      R"({"queue":"q","exchange":"\ud800","username":"u"})",
                      "{\"queue\":\"\xff\",\"exchange\":\"e\",\"username\":\"u\"}",
                      std::string("{\"queue\":\"q\0\",\"exchange\":\"e\",\"username\":\"u\"}", 43),
                      "queue=q&exchange=e&username=u", std::string(127, '{'),
                      std::string(127, '[')));

}  // namespace
}  // namespace sluice::payment

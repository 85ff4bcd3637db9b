// The JSON writer's output must be what a JSON parser reads back as the same values.
#include "http/json_writer.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <limits>

namespace sluice::http {
namespace {

std::string written(auto&& write) {
  std::string out;
  JsonWriter writer(out);
  write(writer);
  return out;
}

TEST(JsonWriter, PlacesCommasInNestedObjectsAndArrays) {
  const std::string json = written([](JsonWriter& to) {
    to.begin_object().member("a", 1).key("b").begin_array();
    to.value(1).begin_object().end_object().begin_array().end_array().null().value(true);
    to.end_array().member("c", "x").key("d").raw("[1,2]").member("e", false).end_object();
  });
  EXPECT_EQ(json, R"({"a":1,"b":[1,{},[],null,true],"c":"x","d":[1,2],"e":false})");
}

TEST(JsonWriter, EscapesEveryByteThatJsonForbidsAndNoOther) {
  std::string text;
  for (int byte = 0; byte < 0x80; ++byte)
    text += static_cast<char>(byte);
  text += "秒杀 \U0001F3AB";
  const std::string json = written([&](JsonWriter& to) { to.value(text); });
  EXPECT_EQ(boost::json::parse(json).as_string(), text);
  EXPECT_NE(json.find("秒杀"), std::string::npos);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_EQ(written([](JsonWriter& to) { to.value("a\x01\"\\/\n"); }), "\"a\\u0001\\\"\\\\/\\n\"");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(""); }), "\"\"");
}

TEST(JsonWriter, WritesTheWholeRangeOfNumbers) {
  EXPECT_EQ(written([](JsonWriter& to) { to.value(std::numeric_limits<std::int64_t>::min()); }),
            "-9223372036854775808");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(std::numeric_limits<std::uint64_t>::max()); }),
            "18446744073709551615");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(std::uint8_t{7}); }), "7");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(0.1); }), "0.1");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(std::nan("")); }), "null");
  EXPECT_EQ(written([](JsonWriter& to) { to.value(HUGE_VAL); }), "null");
}

TEST(JsonWriter, WritesInstantsAsRfc3339) {
  EXPECT_EQ(written([](JsonWriter& to) { to.begin_array().value(Instant{0}).end_array(); }),
            R"(["1970-01-01T00:00:00.000Z"])");
}

}  // namespace
}  // namespace sluice::http

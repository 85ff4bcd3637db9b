// The body of PUT /_sandbox/faults: the whole shape, and everything that is not it.
#include "sandbox/faults.h"

#include <gmock/gmock.h>

#include <string>

namespace sluice::sandbox {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& body) {
  const auto faults = parse_faults(body);
  return faults ? "accepted" : faults.error().message;
}

TEST(Faults, TheWholeShapeIsRead) {
  const auto faults = parse_faults(R"({"notify":{"drop":1,"duplicate":1000,"delay_ms":3,
    "reorder":true,"forge":4,"omit_sign_type":true},"close":{"error":"SYSTEMERROR","times":5},
    "create":{"error":"FREQUENCY_LIMITED","times":6},"query":{"error":"SYSTEM_ERROR"},
    "pay_before_close":true})");
  ASSERT_TRUE(faults.has_value()) << faults.error().message;
  EXPECT_EQ(faults->notify.drop, 1);
  EXPECT_EQ(faults->notify.duplicate, 1000);
  EXPECT_EQ(faults->notify.delay, Span{3});
  EXPECT_TRUE(faults->notify.reorder);
  EXPECT_EQ(faults->notify.forge, 4);
  EXPECT_TRUE(faults->notify.omit_sign_type);
  EXPECT_EQ(faults->close.code, "SYSTEMERROR");
  EXPECT_EQ(faults->close.times, 5);
  EXPECT_EQ(faults->create.times, 6);
  EXPECT_EQ(faults->query.times, 1) << "once, unless told otherwise";
  EXPECT_TRUE(faults->pay_before_close);
}

TEST(Faults, AnEmptyObjectClears) {
  const auto faults = parse_faults("{}");
  ASSERT_TRUE(faults.has_value());
  EXPECT_EQ(faults->notify.drop, 0);
  EXPECT_EQ(faults->close.times, 0);
}

TEST(Faults, WhatIsWrittenIsReadBackTheSame) {
  const auto faults =
      parse_faults(R"({"notify":{"drop":7,"reorder":true},"create":{"error":"A_B","times":2}})");
  std::string text;
  http::JsonWriter json(text);
  write_faults(json, *faults);
  const auto again = parse_faults(text);
  ASSERT_TRUE(again.has_value()) << text;
  EXPECT_EQ(again->notify.drop, 7);
  EXPECT_TRUE(again->notify.reorder);
  EXPECT_EQ(again->create.code, "A_B");
  EXPECT_EQ(again->create.times, 2);
}

TEST(Faults, HostileBodiesAreRefusedWithTheirReason) {
  const std::string deep = std::string(10'000, '[');
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "not JSON"},
      {"[]", "not a JSON object"},
      {"null", "not a JSON object"},
      {"{", "not JSON"},
      {"{} {}", "not JSON"},
      {deep, "not JSON"},
      {"{\"a\":\"\xff\"}", "not JSON"},
      {R"({"notify":{"drop":1},"notify":{}})", "twice"},
      {R"({"notify":{"drop":1,"drop":2}})", "twice"},
      {R"({"notfy":{}})", "did you mean notify?"},
      {R"({"notify":{"drp":1}})", "did you mean drop?"},
      {R"({"refund":{"error":"X"}})", "unknown"},
      {R"({"notify":[]})", "must be an object"},
      {R"({"notify":{"drop":-1}})", "drop must be a whole number"},
      {R"({"notify":{"drop":1.5}})", "drop must be a whole number"},
      {R"({"notify":{"drop":"1"}})", "drop must be a whole number"},
      {R"({"notify":{"drop":1e30}})", "drop must be a whole number"},
      {R"({"notify":{"drop":9223372036854775807}})", "drop must be a whole number"},
      {R"({"notify":{"duplicate":100001}})", "from 0 to 100000"},
      {R"({"notify":{"delay_ms":604800001}})", "delay_ms must be"},
      {R"({"notify":{"reorder":1}})", "true or false"},
      {R"({"close":{"times":1}})", "error must be"},
      {R"({"close":{"error":"","times":1}})", "error must be"},
      {R"({"close":{"error":"system error"}})", "error must be"},
      {R"({"close":{"error":"<script>"}})", "error must be"},
      {R"({"close":{"error":"A","time":1}})", "did you mean times?"},
      {R"({"close":"SYSTEMERROR"})", "must be an object"},
      {R"({"pay_before_close":"yes"})", "true or false"},
  };
  for (const auto& [body, reason] : rows)
    EXPECT_THAT(error_of(body), HasSubstr(reason)) << body.substr(0, 80);
}

TEST(Faults, AFaultIsTakenAsOftenAsItWasAskedFor) {
  CallFault fault{"SYSTEMERROR", 2};
  EXPECT_EQ(take(fault), "SYSTEMERROR");
  EXPECT_EQ(take(fault), "SYSTEMERROR");
  EXPECT_EQ(take(fault), std::nullopt);
}

}  // namespace
}  // namespace sluice::sandbox

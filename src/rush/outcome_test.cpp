// Classification of every answer the contract lists, and of answers it does not.
#include "rush/outcome.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::rush {
namespace {

Reading read(int status, std::string_view body, std::string_view head = "HTTP/1.1 200 OK\r\n\r\n") {
  Answer answer;
  answer.status = status;
  answer.head = head;
  answer.body = body;
  return read_grab(answer);
}

std::string problem(const char* code, const char* more = "") {
  return std::string(
             R"({"type":"t","title":"code","status":409,"detail":"the \"code\":\"granted\"",)") +
         R"("code":")" + code + '"' + more + "}";
}

TEST(Outcome, EveryCaseOfTheContract) {
  EXPECT_EQ(read(201, R"({"id":"No17","status":"awaiting_payment"})").outcome, Outcome::granted);
  EXPECT_EQ(read(201, R"({"id":"No17"})").order, OrderId{17});
  EXPECT_EQ(read(202, R"({"id":"No17"})").outcome, Outcome::queued);
  EXPECT_EQ(read(409, problem("already_queued")).outcome, Outcome::already_queued);
  EXPECT_EQ(read(409, problem("limit_reached")).outcome, Outcome::limit_reached);
  EXPECT_EQ(read(409, problem("sold_out")).outcome, Outcome::sold_out);
  EXPECT_EQ(read(425, problem("not_started")).outcome, Outcome::not_started);
  EXPECT_EQ(read(410, problem("ended")).outcome, Outcome::ended);
  EXPECT_EQ(read(423, problem("paused")).outcome, Outcome::paused);
  EXPECT_EQ(read(429, problem("rate_limited")).outcome, Outcome::rate_limited);
  EXPECT_EQ(read(503, problem("overloaded")).outcome, Outcome::overloaded);
}

TEST(Outcome, ReplayIsToldByItsHeader) {
  const char* head = "HTTP/1.1 201 Created\r\nIdempotency-Replayed: true\r\n\r\n";
  const Reading reading = read(201, R"({"id":"No9"})", head);
  EXPECT_EQ(reading.outcome, Outcome::replayed);
  EXPECT_EQ(reading.order, OrderId{9});
}

TEST(Outcome, ADuplicateCarriesCode100AndTheOrder) {
  const Reading reading =
      read(409, problem("already_queued", R"(,"legacy_code":100,"order_id":"No5")"));
  EXPECT_TRUE(reading.legacy_code_100);
  EXPECT_EQ(reading.order, OrderId{5});
  EXPECT_TRUE(read(409, problem("already_queued", R"(, "legacy_code" : 100 )")).legacy_code_100);
  EXPECT_FALSE(read(409, problem("already_queued", R"(,"legacy_code":1000)")).legacy_code_100);
  EXPECT_FALSE(read(409, problem("already_queued", R"(,"legacy_code":10)")).legacy_code_100);
  EXPECT_FALSE(read(409, problem("already_queued")).legacy_code_100);
}

TEST(Outcome, WhatMakesNoSenseIsNoKnownOutcome) {
  EXPECT_EQ(read(200, R"({"id":"No17"})").outcome, Outcome::refused);
  EXPECT_EQ(read(409, "").outcome, Outcome::refused);
  EXPECT_EQ(read(409, problem("conflict")).outcome, Outcome::refused);
  EXPECT_EQ(read(409, R"({"code":["sold_out"]})").outcome, Outcome::refused);
  EXPECT_EQ(read(409, R"({"code":"sold_out)").outcome, Outcome::refused);
  EXPECT_EQ(read(410, problem("gone")).outcome, Outcome::refused);
  EXPECT_EQ(read(401, problem("unauthenticated")).outcome, Outcome::refused);
  EXPECT_EQ(read(404, problem("unknown_item")).outcome, Outcome::refused);
  EXPECT_EQ(read(500, problem("internal")).outcome, Outcome::server_error);
  EXPECT_EQ(read(503, "<html>").outcome, Outcome::server_error);
  EXPECT_EQ(read(302, "").outcome, Outcome::refused);
}

TEST(Outcome, AGrantWithoutAReadableOrderHasOrderZero) {
  for (const char* body : {"", "{}", R"({"id":17})", R"({"id":"17"})", R"({"id":"No0x1"})"}) {
    EXPECT_EQ(read(201, body).outcome, Outcome::granted) << body;
    EXPECT_EQ(read(201, body).order, OrderId{}) << body;
  }
}

TEST(Outcome, JsonStringsAreFoundByWholeName) {
  EXPECT_EQ(find_json_string(R"({"xid":"a","id":"b"})", "id"), "b");
  EXPECT_EQ(find_json_string(R"({"id" : "b"})", "id"), "b");
  EXPECT_EQ(find_json_string(R"({"t":"\"id\":\"evil\"","id":"b"})", "id"), "b");
  EXPECT_EQ(find_json_string(R"({"id":"")", "id"), "");
  EXPECT_EQ(find_json_string("id", "id"), "");
  EXPECT_EQ(find_json_string(R"("id)", "id"), "");
  EXPECT_EQ(find_json_string(R"({"id":)", "id"), "");
}

TEST(Outcome, EveryOutcomeHasAName) {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    EXPECT_NE(std::string(to_text(static_cast<Outcome>(i))), "");
    EXPECT_NE(std::string(to_label(static_cast<Outcome>(i))), "");
  }
}

}  // namespace
}  // namespace sluice::rush

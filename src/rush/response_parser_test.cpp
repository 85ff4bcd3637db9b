// The response parser, fed at every split point and with what a broken server might send.
#include "rush/response_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace sluice::rush {
namespace {

using State = ResponseParser::State;

struct Parsed {
  State state = State::more;
  int status = 0;
  std::string body;
  bool close = false;
  std::size_t consumed = 0;
  std::string problem;
};

Parsed conclude(ResponseParser& parser, State state) {
  Parsed parsed;
  parsed.state = state;
  if (state == State::bad) parsed.problem = parser.problem();
  if (state == State::done) {
    parsed.status = parser.answer().status;
    parsed.body = std::string(parser.answer().body);
    parsed.close = parser.answer().close;
    parsed.consumed = parser.consumed();
  }
  return parsed;
}

Parsed parse(const std::string& text) {
  ResponseParser parser;
  return conclude(parser, parser.feed(text));
}

constexpr std::string_view kGrant =
    "HTTP/1.1 201 Created\r\nServer: x\r\nContent-Type: application/json\r\n"
    "Content-Length: 12\r\nLocation: /api\r\n\r\n{\"id\":\"No1\"}";

TEST(ResponseParser, ReadsAnAnswer) {
  const Parsed parsed = parse(std::string(kGrant));
  EXPECT_EQ(parsed.state, State::done);
  EXPECT_EQ(parsed.status, 201);
  EXPECT_EQ(parsed.body, "{\"id\":\"No1\"}");
  EXPECT_FALSE(parsed.close);
  EXPECT_EQ(parsed.consumed, kGrant.size());
}

TEST(ResponseParser, AnySplitGivesTheSameAnswer) {
  const std::vector<std::string> answers{
      std::string(kGrant), "HTTP/1.1 100 Continue\r\n\r\n" + std::string(kGrant),
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
      "HTTP/1.1 409\r\ncontent-length:0\r\n\r\n"};
  for (const std::string& text : answers) {
    const Parsed whole = parse(text);
    ASSERT_EQ(whole.state, State::done) << text;
    for (std::size_t first = 0; first < text.size(); ++first) {
      for (std::size_t second = first; second < text.size(); ++second) {
        ResponseParser parser;
        const std::string_view view = text;
        ASSERT_EQ(parser.feed(view.substr(0, first)), State::more) << first;
        ASSERT_EQ(parser.feed(view.substr(0, second)), State::more) << second;
        const Parsed split = conclude(parser, parser.feed(view));
        ASSERT_EQ(split.state, State::done);
        ASSERT_EQ(split.status, whole.status);
        ASSERT_EQ(split.body, whole.body);
        ASSERT_EQ(split.consumed, text.size());
      }
    }
  }
}

TEST(ResponseParser, BytesBeyondTheAnswerAreNotConsumed) {
  const Parsed parsed = parse(std::string(kGrant) + "HTTP/1.1 200");
  EXPECT_EQ(parsed.state, State::done);
  EXPECT_EQ(parsed.consumed, kGrant.size());
}

TEST(ResponseParser, KnowsWhenTheConnectionEnds) {
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").close);
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n").close);
  EXPECT_TRUE(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").close);
  EXPECT_FALSE(
      parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").close);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close);
}

TEST(ResponseParser, RefusesWhatItCannotBeSureOf) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"HTTP/2 200 OK\r\n\r\n", "status line"},
      {"HTTP/1.1 20 OK\r\n\r\n", "status line"},
      {"HTTP/1.1 099 OK\r\n\r\n", "status line"},
      {"HTTP/1.1 600 OK\r\n\r\n", "status line"},
      {"HTTP/1.1 2000\r\n\r\n", "status line"},
      {"garbage\r\n\r\n", "status line"},
      {"\r\n\r\n", "status line"},
      {std::string("HTTP/1.1\0", 9) + "200 OK\r\n\r\n", "status line"},
      {"HTTP/1.1 200 OK\r\n\r\n", "no Content-Length"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two different"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", "not a number"},
      {"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", "has no name"},
      {"HTTP/1.1 200 OK\r\n: empty\r\nContent-Length: 0\r\n\r\n", "has no name"},
      {"HTTP/1.1 101 Switching\r\n\r\n", "switched"},
  };
  for (const auto& [text, problem] : cases) {
    const Parsed parsed = parse(text);
    EXPECT_EQ(parsed.state, State::bad) << text;
    EXPECT_NE(parsed.problem.find(problem), std::string::npos) << text << ": " << parsed.problem;
  }
}

TEST(ResponseParser, AnEndlessHeadIsRefused) {
  ResponseParser parser;
  const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(kMaxAnswerHead, 'a');
  EXPECT_EQ(parser.feed(std::string_view(head).substr(0, kMaxAnswerHead)), State::more);
  EXPECT_EQ(parser.feed(head), State::bad);
}

TEST(ResponseParser, IsReadyAgainAfterReset) {
  ResponseParser parser;
  ASSERT_EQ(parser.feed(kGrant), State::done);
  parser.reset();
  EXPECT_EQ(parser.feed("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"), State::done);
  EXPECT_EQ(parser.answer().status, 409);
  EXPECT_TRUE(parser.answer().body.empty());
}

RC_GTEST_PROP(ResponseParser, NeverReadsOutsideWhateverItIsFed, (const std::string& noise)) {
  ResponseParser parser;
  const std::string text = "HTTP/1.1 200 OK\r\n" + noise + "\r\n\r\n";
  const State state = parser.feed(text);
  if (state == State::done) RC_ASSERT(parser.consumed() <= text.size());
}

TEST(HeaderValue, FindsByNameWithoutRegardToCase) {
  const std::string head = "HTTP/1.1 201 C\r\nA: 1\r\nIdempotency-Replayed:  true \r\n\r\n";
  EXPECT_EQ(header_value(head, "idempotency-replayed"), "true");
  EXPECT_EQ(header_value(head, "a"), "1");
  EXPECT_EQ(header_value(head, "b"), "");
  EXPECT_EQ(header_value("", "a"), "");
}

}  // namespace
}  // namespace sluice::rush

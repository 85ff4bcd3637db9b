// Tests of the request parser: what is accepted and what is refused and how, in one piece, byte by
// byte, and cut at every point.
#include "http/parser.h"

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>

namespace sluice::http {
namespace {

using namespace std::string_literals;

struct Outcome {
  Progress progress = Progress::need_head;
  int status = 0;
  std::string code;
  std::size_t size = 0;
  std::string body;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "progress " << static_cast<int>(outcome.progress) << " status " << outcome.status
             << " " << outcome.code << " size " << outcome.size << " body " << outcome.body;
}

Outcome outcome_of(const RequestParser& parser, Progress progress, const Request& request) {
  Outcome outcome;
  outcome.progress = progress;
  if (progress == Progress::refused || progress == Progress::large_body) {
    outcome.status = parser.refusal().status;
    outcome.code = parser.refusal().code;
  } else if (progress == Progress::complete) {
    outcome.size = parser.size();
    outcome.body = request.body;
  }
  return outcome;
}

/// Feeds growing prefixes that end at `cuts` (and the end), each in memory of its own, as a growing
/// buffer has it; stops at the first answer.
Outcome feed(std::string_view input, const std::vector<std::size_t>& cuts) {
  RequestParser parser;
  Request request;
  std::string buffer;
  const auto step = [&](std::size_t end) {
    buffer = std::string(input.substr(0, end));
    buffer.shrink_to_fit();
    return parser.parse(buffer, request);
  };
  for (const std::size_t cut : cuts) {
    const Progress progress = step(cut);
    if (progress == Progress::complete || progress == Progress::refused) {
      return outcome_of(parser, progress, request);
    }
  }
  return outcome_of(parser, step(input.size()), request);
}

Outcome whole(std::string_view input) {
  return feed(input, {});
}

/// However the bytes arrive, the answer is the same.
void expect_same_in_pieces(std::string_view input, const Outcome& expected) {
  std::vector<std::size_t> every;
  for (std::size_t i = 0; i < input.size(); ++i)
    every.push_back(i);
  if (input.size() < 4096) {
    EXPECT_EQ(feed(input, every), expected) << "byte by byte";
  }
  const std::size_t stride = 1 + input.size() / 2000;
  for (std::size_t cut = 0; cut < input.size(); cut += stride) {
    ASSERT_EQ(feed(input, {cut}), expected) << "cut at " << cut;
  }
}

const std::string kHost = "Host: shop.test\r\n";

TEST(ParserTest, AGrabIsTakenApart) {
  const std::string text =
      "POST /api/v1/items/i-1/orders?x=1&y=2 HTTP/1.1\r\nHost: shop.test:8080\r\n"
      "Authorization: Bearer abc\r\ncontent-type:\tapplication/json \r\nAccept-Language: zh-CN\r\n"
      "IDEMPOTENCY-KEY: \"k1\"\r\nX-Empty:\r\nContent-Length: 14\r\n\r\n{\"quantity\":1}GET /";
  RequestParser parser;
  Request request;
  ASSERT_EQ(parser.parse(text, request), Progress::complete);
  EXPECT_EQ(request.method, Method::post);
  EXPECT_EQ(request.target, "/api/v1/items/i-1/orders?x=1&y=2");
  EXPECT_EQ(request.path, "/api/v1/items/i-1/orders");
  EXPECT_EQ(request.query, "x=1&y=2");
  EXPECT_EQ(request.authorization, "Bearer abc");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.accept_language, "zh-CN");
  EXPECT_EQ(request.idempotency_key, "\"k1\"");
  EXPECT_EQ(request.field("x-empty"), "");
  EXPECT_EQ(request.fields.size(), 7U);
  EXPECT_EQ(request.body, "{\"quantity\":1}");
  EXPECT_EQ(parser.size(), text.size() - 5);
  EXPECT_TRUE(parser.keep_alive());
}

TEST(ParserTest, NothingOfTheLastRequestStaysInTheNext) {
  RequestParser parser;
  Request request;
  ASSERT_EQ(parser.parse("POST /a?b HTTP/1.0\r\nAuthorization: x\r\nIdempotency-Key: k\r\n"
                         "Content-Type: t\r\nAccept-Language: en\r\nContent-Length: 1\r\n\r\nz",
                         request),
            Progress::complete);
  parser.reset();
  ASSERT_EQ(parser.parse("GET / HTTP/1.1\r\n" + kHost + "\r\n", request), Progress::complete);
  EXPECT_EQ(request.authorization.data(), nullptr);
  EXPECT_EQ(request.idempotency_key.data(), nullptr);
  EXPECT_EQ(request.content_type.data(), nullptr);
  EXPECT_EQ(request.accept_language.data(), nullptr);
  EXPECT_TRUE(request.query.empty());
  EXPECT_TRUE(request.body.empty());
  EXPECT_EQ(request.fields.size(), 1U);
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_FALSE(parser.http_1_0());
}

struct TargetCase {
  const char* line;
  const char* path;
  const char* query;
};

TEST(ParserTest, Targets) {
  const TargetCase cases[] = {
      {"GET / HTTP/1.1", "/", ""},
      {"GET /a%2Fb?c=%20 HTTP/1.1", "/a%2Fb", "c=%20"},
      {"GET /? HTTP/1.1", "/", ""},
      {"GET /a?b?c HTTP/1.1", "/a", "b?c"},
      {"GET //a HTTP/1.1", "//a", ""},
      {"GET http://shop.test/a?b HTTP/1.1", "/a", "b"},
      {"GET HTTPS://shop.test:443 HTTP/1.1", "/", ""},
      {"GET http://shop.test?b HTTP/1.1", "/", "b"},
      {"OPTIONS * HTTP/1.1", "*", ""},
      {"BREW /pot HTTP/1.1", "/pot", ""},
  };
  for (const TargetCase& c : cases) {
    RequestParser parser;
    Request request;
    const std::string text = std::string(c.line) + "\r\n" + kHost + "\r\n";
    ASSERT_EQ(parser.parse(text, request), Progress::complete) << c.line;
    EXPECT_EQ(request.path, c.path) << c.line;
    EXPECT_EQ(request.query, c.query) << c.line;
  }
}

struct KeepAliveCase {
  const char* head;
  bool keep_alive;
};

TEST(ParserTest, KeepAlive) {
  const KeepAliveCase cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, CLOSE\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: ,,\r\n", true},
      {"GET / HTTP/1.0\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: closed\r\n", false},
  };
  for (const KeepAliveCase& c : cases) {
    RequestParser parser;
    Request request;
    ASSERT_EQ(parser.parse(std::string(c.head) + "\r\n", request), Progress::complete) << c.head;
    EXPECT_EQ(parser.keep_alive(), c.keep_alive) << c.head;
  }
}

struct Case {
  const char* name;
  std::string input;
  int status;  ///< 0: accepted
  const char* code = "bad_request";
};

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\n" + kHost + fields + "\r\n" + body;
}
std::string many_fields(std::size_t count) {
  std::string fields = kHost;
  for (std::size_t i = 1; i < count; ++i)
    fields += "X" + std::to_string(i) + ": y\r\n";
  return get(fields);
}

std::vector<Case> cases() {
  const std::string long_path(kMaxTargetBytes - 1, 'a');
  const std::string head_without_pad = get(kHost + "X: \r\n");
  const std::string pad(kMaxHeaderBytes - head_without_pad.size(), 'a');
  return {
      {"plain", get(kHost), 0},
      {"one empty line before", "\r\n" + get(kHost), 0},
      {"empty body", post("Content-Length: 0\r\n"), 0},
      {"body", post("Content-Length: 3\r\n", "abc"), 0},
      {"leading zeros", post("Content-Length: 003\r\n", "abc"), 0},
      {"obs-text value", get(kHost + "X: \xC3\xA9\r\n"), 0},
      {"tab in a value", get(kHost + "X: a\tb\r\n"), 0},
      {"no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", 0},
      {"target of the limit", "GET /" + long_path + " HTTP/1.1\r\n" + kHost + "\r\n", 0},
      {"head of the limit", get(kHost + "X: " + pad + "\r\n"), 0},
      {"fields of the limit", many_fields(kMaxFields), 0},
      {"body of the limit", post("Content-Length: 65536\r\n", std::string(kMaxBodyBytes, 'b')), 0},

      {"two empty lines before", "\r\n\r\n" + get(kHost), 400},
      {"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"a word", std::string(40, 'A'), 400},
      {"space first", " GET / HTTP/1.1\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"method alone", "GET\r\n", 400},
      {"no target", "GET  HTTP/1.1\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\n", 400},
      {"tab for space", "GET\t/\tHTTP/1.1\r\n", 400},
      {"trailing space", "GET / HTTP/1.1 \r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\n", 400},
      {"authority form", "GET shop.test:80 HTTP/1.1\r\n", 400},
      {"asterisk with GET", "GET * HTTP/1.1\r\n", 400},
      {"other scheme", "GET ftp://shop.test/ HTTP/1.1\r\n", 400},
      {"user in the authority", "GET http://a@b/ HTTP/1.1\r\n", 400},
      {"no authority", "GET http:///a HTTP/1.1\r\n", 400},
      {"fragment", "GET /a#b HTTP/1.1\r\n", 400},
      {"byte above 127 in the target", "GET /\xC3\xA9 HTTP/1.1\r\n", 400},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\n"s, 400},
      {"lower-case version", "GET / http/1.1\r\n", 400},
      {"no version number", "GET / HTTP\r\n", 400},
      {"not a version", "GET / HTTP/11\r\n", 400},
      {"CONNECT", "CONNECT shop.test:443 HTTP/1.1\r\n", 501, "not_implemented"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version_not_supported"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\n", 505, "http_version_not_supported"},
      {"HTTP/3.0", "GET / HTTP/3.0\r\n", 505, "http_version_not_supported"},
      {"long target", "GET /" + long_path + "a HTTP/1.1\r\n", 414, "uri_too_long"},
      {"endless target", "GET /" + std::string(20000, 'a'), 414, "uri_too_long"},

      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare CR in a value", get(kHost + "X: a\rb\r\n"), 400},
      {"two CR", get(kHost + "X: a\r\r\n"), 400},
      {"bare CR in the line", "GET /\r HTTP/1.1\r\n", 400},
      {"NUL in a value", get(kHost + "X: a\0b\r\n"s), 400},
      {"NUL in a name", get(kHost + "X\0: a\r\n"s), 400},
      {"escape in a value", get(kHost + "X: a\x1b[2J\r\n"), 400},
      {"control in a long value", get(kHost + "X: abcdefghijklmnopq\x01\r\n"), 400},
      {"DEL in a value",
       get(kHost + "X: abcdefghijkl\x7f"
                   "abcdefghi\r\n"),
       400},
      {"folded", get(kHost + "X: a\r\n b\r\n"), 400},
      {"folded with a tab", get(kHost + "X: a\r\n\tb\r\n"), 400},
      {"folded first", "GET / HTTP/1.1\r\n X: b\r\n\r\n", 400},
      {"space before the colon", get(kHost + "X : a\r\n"), 400},
      {"no colon", get(kHost + "X\r\n"), 400},
      {"no name", get(kHost + ": a\r\n"), 400},
      {"brackets in a name", get(kHost + "X(1): a\r\n"), 400},
      {"byte above 127 in a name", get(kHost + "X\xE9: a\r\n"), 400},

      {"no Host", get("X: a\r\n"), 400},
      {"two Hosts", get(kHost + kHost), 400},
      {"empty Host", get("Host:\r\n"), 400},
      {"two hosts in one", get("Host: a, b\r\n"), 400},
      {"user in Host", get("Host: a@b\r\n"), 400},
      {"path in Host", get("Host: a/b\r\n"), 400},
      {"two Authorizations", get(kHost + "Authorization: a\r\nauthorization: a\r\n"), 400},
      {"two keys", post("Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400},
      {"two types", post("Content-Type: a\r\nContent-Type: a\r\n"), 400},

      {"chunked", post("Transfer-Encoding: chunked\r\n"), 501, "not_implemented"},
      {"TE and CL", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 501,
       "not_implemented"},
      {"CL and TE", post("transfer-encoding: identity\r\nContent-Length: 3\r\n"), 501,
       "not_implemented"},
      {"hidden TE", post("Transfer-Encoding: xchunked\r\n"), 501, "not_implemented"},
      {"empty TE", post("Transfer-Encoding:\r\n"), 501, "not_implemented"},
      {"same CL twice", post("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"different CL", post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {"CL list", post("Content-Length: 3, 3\r\n"), 400},
      {"CL plus", post("Content-Length: +3\r\n"), 400},
      {"CL minus", post("Content-Length: -3\r\n"), 400},
      {"CL hex", post("Content-Length: 0x3\r\n"), 400},
      {"CL inner space", post("Content-Length: 1 2\r\n"), 400},
      {"CL float", post("Content-Length: 3.0\r\n"), 400},
      {"CL exponent", post("Content-Length: 1e3\r\n"), 400},
      {"CL empty", post("Content-Length:\r\n"), 400},
      {"CL above the limit", post("Content-Length: 65537\r\n"), 413, "body_too_large"},
      {"CL 2^64", post("Content-Length: 18446744073709551616\r\n"), 413, "body_too_large"},
      {"CL 2^64+3", post("Content-Length: 18446744073709551619\r\n"), 413, "body_too_large"},
      {"CL of many digits", post("Content-Length: " + std::string(500, '9') + "\r\n"), 413,
       "body_too_large"},
      {"other expectation", post("Expect: 200-ok\r\n"), 417, "expectation_failed"},

      {"long head", get(kHost + "X: " + pad + "a\r\n"), 431, "header_too_large"},
      {"endless head", "GET / HTTP/1.1\r\nX: " + std::string(20000, 'a'), 431, "header_too_large"},
      {"endless fields", many_fields(5000).substr(0, 30000), 431, "header_too_large"},
      {"many fields", many_fields(kMaxFields + 1), 431, "header_too_large"},
  };
}

TEST(ParserTest, WhatIsAcceptedAndWhatIsRefused) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Outcome outcome = whole(c.input);
    if (c.status == 0) {
      EXPECT_EQ(outcome.progress, Progress::complete) << outcome;
      EXPECT_EQ(outcome.size, c.input.size());
    } else {
      const Progress refused = c.status == 413 ? Progress::large_body : Progress::refused;
      EXPECT_EQ(outcome.progress, refused) << outcome;
      EXPECT_EQ(outcome.status, c.status);
      EXPECT_EQ(outcome.code, c.code);
    }
  }
}

TEST(ParserTest, ItDoesNotMatterHowTheBytesArrive) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    expect_same_in_pieces(c.input, whole(c.input));
    if (HasFatalFailure()) return;
  }
}

TEST(ParserTest, ALargeBodyIsRefusedBeforeItComes) {
  RequestParser parser;
  Request request;
  EXPECT_EQ(parser.parse(post("Content-Length: 65537\r\n"), request), Progress::large_body);
  EXPECT_EQ(parser.refusal().status, 413);
}

TEST(ParserTest, ALargeBodyComesOnceItIsAllowed) {
  const std::string input = post("Content-Length: 65537\r\n", std::string(65537, 'b'));
  RequestParser parser;
  Request request;
  EXPECT_EQ(parser.parse(input.substr(0, 80), request), Progress::large_body);
  EXPECT_EQ(parser.size(), input.size());
  EXPECT_FALSE(parser.allow_body(65536));
  EXPECT_EQ(parser.parse(input, request), Progress::large_body) << "whole, but not allowed";
  EXPECT_TRUE(parser.allow_body(65537));
  EXPECT_EQ(parser.parse(input.substr(0, 80), request), Progress::need_body);
  EXPECT_EQ(parser.parse(input, request), Progress::complete);
  EXPECT_EQ(request.body.size(), 65537U);
  parser.reset();
  EXPECT_EQ(parser.parse(input, request), Progress::large_body) << "allowed for one request only";
}

TEST(ParserTest, NobodyMayAllowMoreThanAnUpload) {
  RequestParser parser;
  Request request;
  parser.parse(post("Content-Length: " + std::to_string(kMaxUploadBytes + 1) + "\r\n"), request);
  EXPECT_FALSE(parser.allow_body(kMaxUploadBytes + 1));
  EXPECT_EQ(parser.refusal().detail,
            "The request body is limited to " + std::to_string(kMaxUploadBytes) + " bytes.");
}

TEST(ParserTest, TheSizeIsKnownOnceTheHeadIsGood) {
  RequestParser parser;
  Request request;
  const std::string head = post("Expect: 100-continue\r\nContent-Length: 5\r\n");
  EXPECT_EQ(parser.parse(head.substr(0, head.size() - 1), request), Progress::need_head);
  EXPECT_EQ(parser.size(), 0U);
  EXPECT_EQ(parser.parse(head, request), Progress::need_body);
  EXPECT_EQ(parser.size(), head.size() + 5);
  EXPECT_TRUE(parser.expects_continue());
  const std::string text = head + "12345";
  EXPECT_EQ(parser.parse(text, request), Progress::complete);
  EXPECT_EQ(request.body, "12345");
}

TEST(ParserTest, MutatedRequestsNeverReadOutsideTheInput) {
  std::mt19937 random(20'260'101);  // fixed: a failure under the sanitizers replays as it is
  const auto all = cases();
  for (int round = 0; round < 20'000; ++round) {
    std::string text = all[random() % all.size()].input.substr(0, 600);
    for (unsigned i = random() % 4; i > 0 && !text.empty(); --i) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 5);
          break;
        default:
          text.insert(at, 1, "\r\n :,\t"[random() % 6]);
      }
    }
    const Outcome outcome = whole(text);
    if (outcome.progress == Progress::complete) {
      ASSERT_LE(outcome.size, text.size()) << text;
    }
    const Outcome in_pieces = feed(text, {text.size() / 3, text.size() / 2});
    // Which fault of a bad head is found, and when, may depend on the pieces; what is accepted not.
    ASSERT_EQ(in_pieces.progress == Progress::complete, outcome.progress == Progress::complete)
        << text;
    if (outcome.progress == Progress::complete) {
      ASSERT_EQ(in_pieces, outcome) << text;
    }
  }
}

}  // namespace
}  // namespace sluice::http

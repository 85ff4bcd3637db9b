// Bad input against the running server: each gets its clear error with the right status and
// changes nothing.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "http/token.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

using namespace std::string_literals;  // "…"s keeps NUL bytes and counts itself

constexpr std::string_view kSale =
    R"({"id":"sale","title":"Target","starts_at":"2020-01-01T00:00:00Z",)"
    R"("ends_at":"2099-01-01T00:00:00Z","hold_seconds":600,"items":[{"id":"item","title":"Unit",)"
    R"("price":100,"list_price":200,"currency":"CNY","stock":10,"per_user_limit":2}]})";
constexpr std::string_view kGrab = "/api/v1/items/item/orders";

class HostileTest : public testing::Test {
 protected:
  HostileTest() : server_(directory_.path() + "/data") {
    const auto answer =
        Wire(server_.port())
            .request("POST", "/api/v1/admin/sales", server_.token("op", true), kSale);
    EXPECT_TRUE(answer && answer->status == 201);
  }

  /// Every test ends with the proof that nothing changed and that the server still sells.
  void TearDown() override {
    Wire wire(server_.port());
    const auto stats =
        wire.request("GET", "/api/v1/admin/sales/sale/stats", server_.token("op", true));
    ASSERT_TRUE(stats.has_value());
    EXPECT_NE(stats->body.find(R"("held":0)"), std::string::npos) << stats->body;
    EXPECT_NE(stats->body.find(R"("available":10)"), std::string::npos) << stats->body;
    const auto granted = wire.request("POST", kGrab, server_.token("honest"));
    ASSERT_TRUE(granted.has_value());
    EXPECT_EQ(granted->status, 201) << granted->body;
    EXPECT_EQ(server_.terminate(), 0);
    EXPECT_EQ(run_sluice({"verify", "--data", directory_.path() + "/data"}), 0);
  }

  void expect_problem(const std::optional<Answer>& answer, int status, const std::string& code,
                      const std::string& what) {
    ASSERT_TRUE(answer.has_value()) << what << ": no answer";
    EXPECT_EQ(answer->status, status) << what << ": " << answer->body;
    EXPECT_EQ(answer->header("Content-Type"), "application/problem+json") << what;
    if (!code.empty()) {
      EXPECT_EQ(answer->member("code"), code) << what << ": " << answer->body;
    }
    EXPECT_EQ(answer->member("status"), std::to_string(status)) << what;
    EXPECT_FALSE(answer->member("title").empty()) << what;
    EXPECT_FALSE(answer->member("detail").empty()) << what;
    EXPECT_FALSE(answer->member("type").empty()) << what;
  }

  /// Sends bytes on a connection of their own and reads one answer.
  std::optional<Answer> raw(const std::string& bytes) {
    Wire wire(server_.port());
    wire.send(bytes);
    return wire.receive();
  }

  std::string head(const std::string& extra) {
    return "POST " + std::string(kGrab) + " HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " +
           server_.token("mallory") + "\r\n" + extra;
  }

  TemporaryDirectory directory_;
  ServerProcess server_;
};

TEST_F(HostileTest, QuantitiesThatAreNone) {
  const std::vector<std::string> bodies{R"({"quantity":0})",
                                        R"({"quantity":-1})",
                                        R"({"quantity":2147483648})",
                                        R"({"quantity":18446744073709551616})",
                                        R"({"quantity":9223372036854775808})",
                                        R"({"quantity":1e3})",
                                        R"({"quantity":"1 "})",
                                        R"({"quantity":"1"})",
                                        R"({"quantity":1.0})",
                                        R"({"quantity":1.5})",
                                        R"({"quantity":null})",
                                        R"({"quantity":true})",
                                        R"({"quantity":[1]})",
                                        R"({"quantity":{}})",
                                        R"({"quantity":01})",
                                        R"({"quantity":+1})",
                                        R"({"quantity":0x1})",
                                        R"({"quantity":NaN})",
                                        R"({"quantity":1,"quantity":1})",
                                        R"({"quantity":1,"extra":1})",
                                        R"({"Quantity":1})",
                                        R"({"quantity":1}{"quantity":1})",
                                        R"({"quantity":1} x)",
                                        R"([1])",
                                        R"("quantity")",
                                        R"({)",
                                        R"({"quantity")",
                                        R"({"quantity":})",
                                        R"({"quantity":1,})",
                                        std::string(20'000, '['),
                                        "{\"a\":" + std::string(5'000, '{'),
                                        "{\"quantity\":1,\"\xff\xfe\":1}",
                                        "{\"quantity\xc0\xaf\":1}",
                                        "{\"quantity\":1\0}"s};
  for (const std::string& body : bodies) {
    for (const std::string& key : {std::string(), std::string("Idempotency-Key: k1\r\n")}) {
      Wire wire(server_.port());
      expect_problem(wire.request("POST", kGrab, server_.token("mallory"), body, key), 400,
                     "invalid_request", body.substr(0, 80) + " " + key);
    }
  }
}

TEST_F(HostileTest, BodiesHeadersAndTargetsThatAreTooLarge) {
  Wire wire(server_.port());
  expect_problem(wire.request("POST", kGrab, server_.token("mallory"),
                              "{\"quantity\":1}" + std::string(65'536, ' ')),
                 413, "", "65,550 bytes of body");
  expect_problem(raw(head("X-Large: " + std::string(20'000, 'a') + "\r\n\r\n")), 431, "",
                 "20,000 bytes of header");
  expect_problem(raw(head("Content-Length: 99999999999999999999999\r\n\r\n")), 413, "",
                 "an endless length");
  std::string many;
  for (int i = 0; i < 500; ++i)
    many += "X-" + std::to_string(i) + ": 1\r\n";
  expect_problem(raw(head(many + "\r\n")), 431, "", "500 headers");
  expect_problem(raw("GET /" + std::string(6'000, 'a') + " HTTP/1.1\r\nHost: test\r\n\r\n"), 414,
                 "", "6,000 bytes of target");
}

TEST_F(HostileTest, RequestsThatTwoServersWouldReadDifferently) {
  const std::vector<std::pair<std::string, std::string>> smuggling{
      {"chunked", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunked and a length", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"hidden chunked", "Transfer-Encoding: xchunked\r\n\r\n"},
      {"two lengths", "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello"},
      {"the same length twice", "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"},
      {"a list of lengths", "Content-Length: 0, 5\r\n\r\n"},
      {"a signed length", "Content-Length: +0\r\n\r\n"},
      {"a negative length", "Content-Length: -1\r\n\r\n"},
      {"a hexadecimal length", "Content-Length: 0x0\r\n\r\n"},
      {"a folded header", "X-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
      {"bare line feeds", "X-Bare: 1\nContent-Length: 0\n\n"},
      {"space before the colon", "Content-Length : 0\r\n\r\n"},
      {"two hosts", "Host: other\r\nContent-Length: 0\r\n\r\n"},
      {"a NUL in a header", "X-Nul: a\0b\r\nContent-Length: 0\r\n\r\n"s},
      {"a carriage return in a header", "X-Cr: a\rb\r\nContent-Length: 0\r\n\r\n"}};
  for (const auto& [what, bytes] : smuggling) {
    const auto answer = raw(head(bytes));
    ASSERT_TRUE(answer.has_value()) << what;
    expect_problem(answer, answer->status == 501 ? 501 : 400, "", what);
  }
  expect_problem(raw("POST " + std::string(kGrab) + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), 400,
                 "", "no host");
}

TEST_F(HostileTest, HalfRequestsAndNoiseOnlyCostTheirConnection) {
  const std::string whole = head("Content-Length: 14\r\n\r\n{\"quantity\":1}");
  for (std::size_t cut = 1; cut < whole.size(); cut += 7) {
    const Wire wire(server_.port());
    ASSERT_TRUE(wire.connected());
    wire.send(std::string_view(whole).substr(0, cut));
  }
  for (const std::string& noise :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"s, std::string(4'000, '\0'),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("\r\n\r\n\r\n")}) {
    const Wire wire(server_.port());
    wire.send(noise);
  }
}

TEST_F(HostileTest, TokensThatProveNothing) {
  const auto part = [](std::string_view json) { return to_base64url(json); };
  const std::string good = server_.token("mallory");
  const std::string signature = good.substr(good.rfind('.'));
  const std::string future = R"(,"exp":4102444800})";
  http::TokenRequest request;
  request.user = "mallory";
  request.issued_at = Instant{4'102'444'800'000};
  const std::string wrong_key = http::sign_hs256(request, "another key of thirty-two bytes!");
  request.issued_at = Instant{1'000'000'000'000};
  const std::string expired = http::sign_hs256(request, server_.secret());
  request.issued_at = Instant{4'000'000'000'000};
  request.user = std::string(8'192, 'u');
  const std::string long_user = http::sign_hs256(request, server_.secret());
  const std::vector<std::pair<std::string, std::string>> tokens{
      {"none", ""},
      {"alg none", part(R"({"alg":"none"})") + "." + part(R"({"sub":"mallory")" + future) + "."},
      {"alg none, with a signature",
       part(R"({"alg":"none"})") + "." + part(R"({"sub":"mallory")" + future) + signature},
      {"another algorithm", part(R"({"alg":"HS512","typ":"JWT"})") + good.substr(good.find('.'))},
      {"wrong key", wrong_key},
      {"expired", expired},
      {"a user of 8 KiB", long_user},
      {"another payload under a good signature",
       good.substr(0, good.find('.') + 1) + part(R"({"sub":"victim")" + future) + signature},
      {"no sub", good.substr(0, good.find('.') + 1) + part(R"({"exp":4102444800})") + signature},
      {"four parts", good + ".x"},
      {"two parts", good.substr(0, good.rfind('.'))},
      {"not base64", "***.***.***"},
      {"a truncated signature", good.substr(0, good.size() - 2)}};
  for (const auto& [what, token] : tokens) {
    Wire wire(server_.port());
    expect_problem(wire.request("POST", kGrab, token), 401, "unauthenticated", what);
  }
}

TEST_F(HostileTest, ShoppersStayOutsideTheOperatorsDoor) {
  Wire wire(server_.port());
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"POST", "/api/v1/admin/sales"},
           {"GET", "/api/v1/admin/sales/sale/stats"},
           {"GET", "/api/v1/admin/orders"},
           {"GET", "/api/v1/admin/orders.csv"},
           {"GET", "/api/v1/admin/audit"},
           {"POST", "/api/v1/admin/sales/sale/cancel"},
           {"POST", "/api/v1/admin/items/item/stock"}}) {
    expect_problem(wire.request(method, path, server_.token("mallory"),
                                method == "POST" ? R"({"reason":"x"})" : ""),
                   403, "forbidden", path);
  }
}

}  // namespace
}  // namespace sluice::test

// The console's sessions over real HTTP: signing in and out, forgery, and what a session may do.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "api/testing.h"
#include "console/door.h"
#include "console/password.h"

namespace sluice::api::testing {
namespace {

constexpr std::string_view kPassword = "a password for tests";
constexpr std::string_view kSession = "/api/v1/admin/session";

class ConsoleTest : public ApiTest {
 protected:
  ConsoleTest() : door_(std::make_unique<console::Door>(hash(), false)) {
    ApiOptions options;
    options.door = door_.get();
    start(options);
  }
  ~ConsoleTest() override {
    stop();  // the door outlives the servers
  }
  ConsoleTest(const ConsoleTest&) = delete;
  ConsoleTest& operator=(const ConsoleTest&) = delete;

  static const std::string& hash() {
    static const std::string made = *console::hash_password(kPassword);
    return made;
  }

  Answer sign_in(const std::string& body, std::vector<std::string> headers = {}) {
    return ask(port(), Ask{"POST", std::string(kSession), body, {}, std::move(headers)});
  }
  Answer sign_in_by_password(std::string_view password = kPassword) {
    return sign_in(fmt::format(R"({{"name":"mei","password":"{}"}})", password));
  }
  /// Signs in and keeps what a browser would.
  void open() {
    const Answer answer = sign_in_by_password();
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::string cookie = answer.header("set-cookie");
    cookie_ = "Cookie: " + cookie.substr(0, cookie.find(';'));
    csrf_ = "Sluice-CSRF: " + answer.text("csrf");
  }
  Answer with(const std::string& method, const std::string& path, const std::string& body,
              std::vector<std::string> headers) {
    return ask(port(), Ask{method, path, body, {}, std::move(headers)});
  }
  Answer change(const std::string& body, std::vector<std::string> headers) {
    return with("POST", "/api/v1/admin/sales", body, std::move(headers));
  }
  static std::string sale(const std::string& item) {
    return fmt::format(R"({{"title":"S","starts_at":"2026-11-22T00:00:00Z","ends_at":)"
                       R"("2036-11-23T00:00:00Z","reason":"for {0}","items":[{{"id":"{0}",)"
                       R"("title":"I","price":100,"stock":1}}]}})",
                       item);
  }

  std::unique_ptr<console::Door> door_;
  std::string cookie_;
  std::string csrf_;
};

TEST_F(ConsoleTest, APasswordOpensASession) {
  const Answer answer = sign_in_by_password();
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("operator"), "mei (console)");
  EXPECT_EQ(answer.text("expires_at"), to_rfc3339(now() + console::kSessionLimit));
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  const std::string cookie = answer.header("set-cookie");
  EXPECT_TRUE(cookie.starts_with("sluice_console=")) << cookie;
  EXPECT_TRUE(cookie.contains("; Path=/api/v1/admin; Max-Age=43200; HttpOnly; SameSite=Strict"))
      << cookie;
  EXPECT_FALSE(cookie.contains("Secure"));
  EXPECT_FALSE(answer.body.contains(cookie.substr(15, 43))) << "the secret is for the cookie alone";
}

TEST_F(ConsoleTest, TheCookieIsSecureWhereTheBrowserCameOverTls) {
  const Answer answer = sign_in(fmt::format(R"({{"name":"mei","password":"{}"}})", kPassword),
                                {"Origin: https://test", "Sec-Fetch-Site: same-origin"});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string cookie = answer.header("set-cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-sluice_console=")) << cookie;
  EXPECT_TRUE(cookie.contains("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Secure")) << cookie;
  EXPECT_FALSE(cookie.contains("Domain"));
  const std::string kept = "Cookie: " + cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(with("GET", std::string(kSession), "", {kept}).status, 200);
  const Answer out = with("DELETE", std::string(kSession), "",
                          {kept, "Sluice-CSRF: " + answer.text("csrf"), "Origin: https://test"});
  EXPECT_EQ(out.status, 204);
  EXPECT_TRUE(out.header("set-cookie").starts_with("__Host-sluice_console=; Path=/; Max-Age=0"));
  EXPECT_TRUE(out.header("set-cookie").ends_with("; Secure"));
  EXPECT_EQ(door_->sessions().size(), 0U);
}

TEST_F(ConsoleTest, OverTlsAPlantedCookieIsNoSession) {
  open();
  const std::string planted = cookie_.substr(8);
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_, "Origin: https://test"}).code(), "unauthenticated");
  EXPECT_EQ(change(sale("a"), {"Cookie: " + planted + "; __Host-sluice_console=x", csrf_}).code(),
            "unauthenticated")
      << "the one that cannot be planted is the one that counts";
  console::Door tls(hash(), true);
  ApiOptions options;
  options.door = &tls;
  start(options);
  const auto opened = tls.sessions().open("mei", now());
  const std::string secret = opened.secret;
  EXPECT_EQ(with("GET", std::string(kSession), "", {"Cookie: sluice_console=" + secret}).code(),
            "unauthenticated");
  EXPECT_EQ(
      with("GET", std::string(kSession), "", {"Cookie: __Host-sluice_console=" + secret}).status,
      200);
  stop();
}

TEST_F(ConsoleTest, ANewSignInEndsTheOldSessionOfThatBrowser) {
  open();
  const std::string old = cookie_;
  open();
  EXPECT_EQ(with("GET", std::string(kSession), "", {old}).status, 200)
      << "that was another browser";
  const std::string wrong = R"({"name":"mei","password":"not the password"})";
  EXPECT_EQ(sign_in(wrong, {old}).code(), "wrong_password");
  EXPECT_EQ(with("GET", std::string(kSession), "", {old}).status, 200);
  const std::string right = fmt::format(R"({{"name":"mei","password":"{}"}})", kPassword);
  EXPECT_EQ(sign_in(right, {old}).status, 200);
  EXPECT_EQ(with("GET", std::string(kSession), "", {old}).code(), "unauthenticated");
  EXPECT_EQ(with("GET", std::string(kSession), "", {cookie_}).status, 200);
  EXPECT_EQ(door_->sessions().size(), 2U);
}

TEST_F(ConsoleTest, ATokenOpensASessionThatEndsWithIt) {
  http::TokenRequest request{"olga", http::Role::admin, now(), Span::seconds(60), {}, {}};
  const Answer answer =
      sign_in(fmt::format(R"({{"token":"{}"}})", http::sign_hs256(request, kSecret)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("operator"), "olga");
  EXPECT_EQ(answer.text("expires_at"), to_rfc3339(now() + Span::seconds(60)));
}

TEST_F(ConsoleTest, WhatIsWrongOpensNothing) {
  const std::vector<std::string> wrong{
      R"({"name":"mei","password":"a password for test"})",
      R"({"name":"mei","password":"A password for tests"})",
      R"({"token":"x.y.z"})",
      fmt::format(R"({{"token":"{}"}})", token("alice")),
      fmt::format(R"({{"token":"{}"}})", token("shop", http::Role::service)),
      fmt::format(R"({{"name":"mei","password":"{}"}})", hash())};
  for (const std::string& body : wrong) {
    const Answer answer = sign_in(body);
    EXPECT_EQ(answer.code(), "wrong_password") << body;
    EXPECT_EQ(answer.header("set-cookie"), "") << body;
  }
  EXPECT_EQ(door_->sessions().size(), 0U);
}

TEST_F(ConsoleTest, BadBodiesAreNamedAndCountAsNoAttempt) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "invalid_request"},
      {"[]", "invalid_request"},
      {"{}", "invalid_request"},
      {R"({"password":"a password for tests"})", "invalid_request"},
      {R"({"name":"","password":"a password for tests"})", "invalid_request"},
      {R"({"name":"a\nb","password":"a password for tests"})", "invalid_request"},
      {R"({"name":"mei","password":7})", "invalid_request"},
      {R"({"name":"mei","password":"x","token":"y"})", "invalid_request"},
      {R"({"name":"mei","password":")" + std::string(257, 'x') + "\"}", "invalid_request"},
      {R"({"name":")" + std::string(113, 'x') + R"(","password":"x"})", "invalid_request"},
      {R"({"token":")" + std::string(4097, 'x') + "\"}", "invalid_request"},
      {R"({"name":"mei","password":"x","admin":true})", "invalid_request"},
      {"name=mei&password=a+password+for+tests", "invalid_request"}};
  for (const auto& [body, code] : cases)
    EXPECT_EQ(sign_in(body).code(), code) << body;
  EXPECT_EQ(sign_in("name=mei", {"Content-Type: application/x-www-form-urlencoded"}).code(),
            "unsupported_media_type");
  EXPECT_EQ(sign_in_by_password().status, 200);
}

TEST_F(ConsoleTest, AnotherSiteCannotSignAnybodyIn) {
  const std::string body = fmt::format(R"({{"name":"mei","password":"{}"}})", kPassword);
  EXPECT_EQ(sign_in(body, {"Origin: https://evil.example"}).code(), "bad_csrf_token");
  EXPECT_EQ(sign_in(body, {"Sec-Fetch-Site: cross-site"}).code(), "bad_csrf_token");
  EXPECT_EQ(sign_in(body, {"Sec-Fetch-Site: same-site"}).code(), "bad_csrf_token");
  EXPECT_EQ(sign_in(body, {"Origin: null"}).code(), "bad_csrf_token");
  EXPECT_EQ(sign_in(body, {"Origin: http://test", "Sec-Fetch-Site: same-origin"}).status, 200);
}

TEST_F(ConsoleTest, AttemptsAreLimitedAndTheWaitIsTold) {
  for (int i = 0; i < console::kMaxAttempts; ++i)
    EXPECT_EQ(sign_in_by_password("wrong but long enough").code(), "wrong_password");
  const Answer answer = sign_in_by_password();
  EXPECT_EQ(answer.code(), "rate_limited");
  EXPECT_EQ(answer.header("retry-after"), "300");
  const std::string by_token = fmt::format(R"({{"token":"{}"}})", token("olga", http::Role::admin));
  EXPECT_EQ(sign_in(R"({"token":"x.y.z"})").code(), "rate_limited");
  EXPECT_EQ(sign_in(by_token).status, 200) << "nobody guesses a token: it has nothing to wait for";
  for (int i = 0; i < console::kMaxAttempts; ++i)
    sign_in_by_password("wrong but long enough");
  EXPECT_EQ(sign_in_by_password().code(), "rate_limited");
  pass(console::kAttemptWindow);
  EXPECT_EQ(sign_in_by_password().status, 200);
}

TEST_F(ConsoleTest, ASessionReadsAndChangesInTheOperatorsName) {
  open();
  EXPECT_EQ(with("GET", std::string(kSession), "", {cookie_}).text("operator"), "mei (console)");
  EXPECT_EQ(with("GET", "/api/v1/admin/sales", "", {cookie_}).status, 200);
  ASSERT_EQ(change(sale("own"), {cookie_, csrf_}).status, 201);
  const auto audit = admin("GET", "/api/v1/admin/audit").json();
  bool signed_in = false;
  bool opened = false;
  for (const auto& entry : audit.at("entries").as_array()) {
    if (entry.at("actor").as_string() != "mei (console)") continue;
    signed_in = signed_in || entry.at("action").as_string() == "console.sign_in";
    opened = opened || (entry.at("action").as_string() == "sale.open" &&
                        entry.at("reason").as_string() == "for own");
  }
  EXPECT_TRUE(signed_in);
  EXPECT_TRUE(opened);
}

TEST_F(ConsoleTest, AChangeNeedsTheSessionsTokenAndOurPage) {
  open();
  const std::string old_csrf = csrf_;
  EXPECT_EQ(change(sale("a"), {cookie_}).code(), "bad_csrf_token");
  EXPECT_EQ(change(sale("a"), {cookie_, "Sluice-CSRF: "}).code(), "bad_csrf_token");
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_ + "x"}).code(), "bad_csrf_token");
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_.substr(0, csrf_.size() - 1)}).code(),
            "bad_csrf_token");
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_, "Origin: https://evil.example"}).code(),
            "bad_csrf_token");
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_, "Sec-Fetch-Site: cross-site"}).code(),
            "bad_csrf_token");
  EXPECT_EQ(with("DELETE", std::string(kSession), "", {cookie_}).code(), "bad_csrf_token");
  open();
  EXPECT_EQ(change(sale("a"), {cookie_, old_csrf}).code(), "bad_csrf_token")
      << "the token of another session";
  EXPECT_EQ(admin("GET", "/api/v1/admin/items/a").code(), "unknown_item");
  EXPECT_EQ(change(sale("a"), {cookie_, csrf_, "Origin: http://test"}).status, 201);
}

TEST_F(ConsoleTest, ForeignCookiesAreNoSessions) {
  open();
  for (const std::string cookie : {"sluice_console=", "sluice_console=x",
                                   "sluice_console="
                                   "../../../etc/passwd",
                                   "sluice_consol=x; other=y", "sluice_session=x"}) {
    EXPECT_EQ(with("GET", "/api/v1/admin/sales", "", {"Cookie: " + cookie}).code(),
              "unauthenticated")
        << cookie;
  }
  EXPECT_EQ(with("GET", "/api/v1/orders", "", {cookie_}).code(), "unauthenticated")
      << "shoppers' routes know no cookie";
  EXPECT_EQ(ask(port(), Ask{"GET", "/api/v1/admin/sales", "", "bad.token.x", {cookie_}}).code(),
            "unauthenticated")
      << "a token that is shown is the one that counts";
}

TEST_F(ConsoleTest, ASessionEndsBySigningOutOrInTime) {
  open();
  EXPECT_EQ(with("DELETE", std::string(kSession), "", {cookie_, csrf_}).status, 204);
  EXPECT_EQ(with("GET", std::string(kSession), "", {cookie_}).code(), "unauthenticated");
  open();
  pass(Span{console::kIdleLimit.ms - 1000});
  EXPECT_EQ(with("GET", std::string(kSession), "", {cookie_, "Sluice-Background: 1"}).status, 200);
  pass(Span{2000});
  EXPECT_EQ(with("GET", std::string(kSession), "", {cookie_}).code(), "unauthenticated");
  EXPECT_EQ(admin("DELETE", std::string(kSession)).code(), "invalid_request");
}

TEST_F(ConsoleTest, WithoutADoorThereIsNoSigningIn) {
  open();
  start({});
  EXPECT_EQ(sign_in_by_password().code(), "method_not_allowed");
  EXPECT_EQ(with("GET", "/api/v1/admin/sales", "", {cookie_}).code(), "unauthenticated");
  EXPECT_EQ(admin("GET", std::string(kSession)).text("operator"), "boss");
}

TEST_F(ConsoleTest, TheStreamTellsLiveNumbersAndEndsWithTheSession) {
  open();
  ASSERT_EQ(open_sale("gem", 3).status, 201);
  ASSERT_EQ(grab("gem", "alice").status, 201);
  const std::string sales = admin("GET", "/api/v1/admin/sales").body;
  const std::string id(boost::json::parse(sales).at("sales").as_array()[0].at("id").as_string());
  const int stream =
      send_only(port(), Ask{"GET", "/api/v1/admin/live/events?sale=" + id, "", "", {cookie_}});
  const std::string head = read_until(stream, "event: sale\n");
  EXPECT_TRUE(head.contains("Content-Type: text/event-stream")) << head;
  EXPECT_TRUE(head.contains("\"units\":{\"stock\":3,\"available\":2,\"held\":1")) << head;
  ASSERT_EQ(with("DELETE", std::string(kSession), "", {cookie_, csrf_}).status, 204);
  read_until(stream, "");  // returns once the server has ended it
  close(stream);
  EXPECT_EQ(with("GET", "/api/v1/admin/live/events?sale=none", "", {cookie_}).code(),
            "unauthenticated");
  EXPECT_EQ(admin("GET", "/api/v1/admin/live/events?sale=none").code(), "unknown_sale");
  EXPECT_EQ(admin("GET", "/api/v1/admin/live/events?sal=x").code(), "invalid_request");
}

TEST_F(ConsoleTest, LiveNumbersAndHistoryCanBeAskedFor) {
  const auto live = admin("GET", "/api/v1/admin/live").json();
  EXPECT_TRUE(live.at("ready").as_bool());
  EXPECT_TRUE(live.at("conserved").as_bool());
  EXPECT_EQ(live.at("services").as_array()[0].at("name").as_string(), "admissions");
  for (const std::string window : {"15m", "24h"}) {
    const auto history = admin("GET", "/api/v1/admin/history?window=" + window).json();
    EXPECT_EQ(history.at("columns").as_object().size(), 6U);
  }
  EXPECT_EQ(admin("GET", "/api/v1/admin/history?window=1h").code(), "invalid_request");
  EXPECT_EQ(admin("GET", "/api/v1/admin/history?sale=none").code(), "unknown_sale");
}

std::string file_body(const std::string& name, const std::string& text, const std::string& more) {
  return "{\"name\":" + boost::json::serialize(boost::json::value(name)) +
         ",\"text\":" + boost::json::serialize(boost::json::value(text)) + more + "}";
}

constexpr std::string_view kGoods =
    "id,title,price,stock,starts_at,ends_at\r\n"
    "tea,Tea set,12.50,3,2030-01-01 10:00:00,2030-01-01 12:00:00\r\n"
    "cup,,1.00,1,2030-01-01 10:00:00,2030-01-01 12:00:00\r\n"
    "pot,Pot,30,2,2030-01-01 10:00:00,2030-01-01 12:00:00\r\n";

TEST_F(ConsoleTest, ADryRunTellsLineByLineAndChangesNothing) {
  const Answer answer = admin("POST", "/api/v1/admin/imports",
                              file_body("goods.csv", std::string(kGoods), ",\"dry_run\":true"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto report = answer.json();
  EXPECT_EQ(report.at("format").as_string(), "csv");
  EXPECT_EQ(report.at("rows").as_int64(), 3);
  EXPECT_EQ(report.at("left_out_count").as_int64(), 1);
  EXPECT_EQ(report.at("left_out").as_array()[0].at("line").as_int64(), 3);
  const auto& step = report.at("steps").as_array()[0];
  EXPECT_EQ(step.at("action").as_string(), "open");
  EXPECT_EQ(step.at("done_count").as_int64(), 0);
  EXPECT_EQ(step.at("items").as_array()[0].at("price").as_int64(), 1250);
  EXPECT_EQ(admin("GET", "/api/v1/admin/items/tea").code(), "unknown_item");
}

TEST_F(ConsoleTest, AnImportOpensAddsAndTellsWhatIsThere) {
  const std::string reason = R"(,"reason":"new goods","utc_offset":"Z")";
  const auto first =
      admin("POST", "/api/v1/admin/imports", file_body("g.csv", std::string(kGoods), reason))
          .json();
  EXPECT_TRUE(first.at("complete").as_bool());
  EXPECT_EQ(first.at("steps").as_array()[0].at("done_count").as_int64(), 2);
  EXPECT_EQ(admin("GET", "/api/v1/admin/items/tea").json().at("stock").as_int64(), 3);
  const std::string more =
      std::string(kGoods) + "jar,Jar,5,9,2030-01-01 10:00:00,2030-01-01 12:00:00\n";
  const auto second =
      admin("POST", "/api/v1/admin/imports", file_body("g.csv", more, reason)).json();
  EXPECT_EQ(second.at("already_there").as_array().size(), 2U);
  ASSERT_EQ(second.at("steps").as_array().size(), 1U);
  EXPECT_EQ(second.at("steps").as_array()[0].at("action").as_string(), "add");
  EXPECT_EQ(admin("GET", "/api/v1/admin/items/jar").json().at("stock").as_int64(), 9);
  const auto entries = admin("GET", "/api/v1/admin/audit").json();
  EXPECT_EQ(entries.at("entries").as_array()[0].at("reason").as_string(), "new goods");
}

TEST_F(ConsoleTest, ALargeFileIsTakenFromOperatorsAlone) {
  open();
  std::string goods = "id,title,price,stock,starts_at,ends_at\n";
  for (int row = 0; row < 900; ++row) {
    goods += fmt::format("i{},{},1.00,1,2030-01-01 10:00:00,2030-01-01 12:00:00\n", row,
                         std::string(100, 't'));
  }
  const std::string path = "/api/v1/admin/imports";
  const std::string body = file_body("g.csv", goods, R"(,"dry_run":true)");
  ASSERT_GT(body.size(), http::kMaxBodyBytes);
  EXPECT_EQ(admin("POST", path, body).json().at("rows").as_int64(), 900);
  EXPECT_EQ(with("POST", path, body, {cookie_, csrf_}).json().at("rows").as_int64(), 900);
  EXPECT_EQ(with("POST", path, body, {cookie_}).code(), "bad_csrf_token");
  EXPECT_EQ(with("POST", path, body, {}).status, 413);
  EXPECT_EQ(with("POST", path, body, {"Cookie: sluice_console=guess"}).status, 413);
  EXPECT_EQ(ask(port(), Ask{"POST", path, body, token("amy"), {}}).status, 413);
  EXPECT_EQ(admin("POST", "/api/v1/admin/sales", body).status, 413);
  const std::string most(1024UL * 1024, '"');
  EXPECT_EQ(admin("POST", path, file_body("g.csv", most, R"(,"dry_run":true)")).status, 200)
      << "escaped it is twice as long";
  EXPECT_EQ(admin("POST", path, file_body("g.csv", most + "x", R"(,"dry_run":true)")).detail(),
            "text has 1048577 bytes; at most 1048576 are allowed.");
  EXPECT_EQ(admin("POST", path, std::string(http::kMaxUploadBytes + 1, ' ')).status, 413);
}

TEST_F(ConsoleTest, HostileFilesAreRefusedWithTheReason) {
  const auto import = [&](const std::string& name, const std::string& text,
                          const std::string& more = R"(,"reason":"r")") {
    return admin("POST", "/api/v1/admin/imports", file_body(name, text, more));
  };
  EXPECT_EQ(import("x.csv", std::string(kGoods), "").detail(), "reason is missing.");
  EXPECT_EQ(import("x.json", "{\"sales\":[").code(), "invalid_request");
  EXPECT_EQ(import("x.csv", "").code(), "invalid_request");
  EXPECT_EQ(import("x.csv", std::string(1, '\0')).status / 100, 4);
  EXPECT_EQ(import("x.csv", "a,\"b\n").status / 100, 4);
  EXPECT_EQ(import("x.csv", "x", R"(,"reason":"r","format":"xls")").code(), "invalid_request");
  EXPECT_EQ(import("x.csv", "x", R"(,"reason":"r","utc_offset":"+99:00")").code(),
            "invalid_request");
  EXPECT_EQ(import("x.csv", "x", R"(,"reason":"r","hold_seconds":0)").code(), "invalid_request");
  EXPECT_EQ(import("x.csv", "x", R"(,"reason":"r","dry_run":1)").code(), "invalid_request");
  const auto script = import("x.csv",
                             "id,title,price,stock,starts_at,ends_at\n"
                             "a b,<script>alert(1)</script>,1,1,2030-01-01,2030-01-02\n");
  EXPECT_LT(script.status, 500) << script.body;
}

}  // namespace
}  // namespace sluice::api::testing

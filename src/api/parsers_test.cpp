// The small parsers: a grab's body, the idempotency key, Accept-Language, queries, JSON, CSV.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <string>
#include <vector>

#include "api/auth.h"
#include "api/csv.h"
#include "api/grab_body.h"
#include "api/idempotency.h"
#include "api/json_reader.h"
#include "api/language.h"
#include "api/lookup.h"
#include "api/problems.h"
#include "api/query.h"

namespace sluice::api {
namespace {

TEST(GrabBody, TakesNothingAnEmptyObjectOrAQuantity) {
  EXPECT_EQ(parse_grab_body(""), 1);
  EXPECT_EQ(parse_grab_body("{}"), 1);
  EXPECT_EQ(parse_grab_body(" \t\r\n{ } \n"), 1);
  EXPECT_EQ(parse_grab_body(R"({"quantity":2})"), 2);
  EXPECT_EQ(parse_grab_body("\n{ \"quantity\" :\t3 }\r\n"), 3);
  EXPECT_EQ(parse_grab_body(R"({"quantity":9223372036854775807})"), INT64_MAX);
  // Whether these are sensible is the core's to say.
  EXPECT_EQ(parse_grab_body(R"({"quantity":0})"), 0);
  EXPECT_EQ(parse_grab_body(R"({"quantity":-1})"), -1);
  EXPECT_EQ(parse_grab_body(R"({"quantity":-0})"), 0);
}

TEST(GrabBody, RefusesEverythingElseAndSaysWhich) {
  using F = GrabBodyFault;
  const std::vector<std::pair<std::string, F>> cases{
      {" ", F::not_an_object},
      {"null", F::not_an_object},
      {"[]", F::not_an_object},
      {"1", F::not_an_object},
      {R"("quantity")", F::not_an_object},
      {"\xef\xbb\xbf{}", F::not_an_object},
      {std::string(60'000, '['), F::not_an_object},
      {"{", F::bad_syntax},
      {R"({"quantity")", F::bad_syntax},
      {R"({"quantity":)", F::bad_syntax},
      {R"({"quantity":1)", F::bad_syntax},
      {R"({"quantity":1,})", F::bad_syntax},
      {R"({,"quantity":1})", F::bad_syntax},
      {R"({"quantity" 1})", F::bad_syntax},
      {R"({"quantity":01})", F::bad_syntax},
      {R"({"quantity":-01})", F::bad_syntax},
      {R"({"quantity":1 2})", F::bad_syntax},
      {R"({"quantity":0x1})", F::bad_syntax},
      {R"({quantity:1})", F::bad_syntax},
      {R"({'quantity':1})", F::bad_syntax},
      {R"({"quantity)", F::bad_syntax},
      {R"({"quantity":1,"quantity":1})", F::duplicate_key},
      {R"({"quantity":1,"quantity":"x"})", F::duplicate_key},
      {R"({"amount":1})", F::unknown_key},
      {R"({"Quantity":1})", F::unknown_key},
      {R"({"quantity ":1})", F::unknown_key},
      {R"({"":1})", F::unknown_key},
      {R"({"quan\u0074ity":1})", F::unknown_key},
      {R"({"quantity":1,"x":2})", F::unknown_key},
      {R"({"quantity":1.0})", F::not_an_integer},
      {R"({"quantity":1e3})", F::not_an_integer},
      {R"({"quantity":1E3})", F::not_an_integer},
      {R"({"quantity":-0.5})", F::not_an_integer},
      {R"({"quantity":"1"})", F::not_an_integer},
      {R"({"quantity":"1 "})", F::not_an_integer},
      {R"({"quantity":null})", F::not_an_integer},
      {R"({"quantity":true})", F::not_an_integer},
      {R"({"quantity":[1]})", F::not_an_integer},
      {R"({"quantity":{}})", F::not_an_integer},
      {R"({"quantity":+1})", F::not_an_integer},
      {R"({"quantity":-})", F::not_an_integer},
      {R"({"quantity":NaN})", F::not_an_integer},
      {R"({"quantity":9223372036854775808})", F::out_of_range},
      {R"({"quantity":18446744073709551616})", F::out_of_range},
      {R"({"quantity":-9223372036854775809})", F::out_of_range},
      {"{\"quantity\":" + std::string(10'000, '9') + "}", F::out_of_range},
      {R"({"quantity":1}x)", F::trailing_data},
      {R"({"quantity":1}{})", F::trailing_data},
      {std::string("{}\0", 3), F::trailing_data},
      {"{\"quantity\xff\":1}", F::bad_utf8},
      {"{\"quantity\xc0\xaf\":1}", F::bad_utf8},
      {"{}\xed\xa0\x80", F::bad_utf8},
  };
  for (const auto& [body, fault] : cases) {
    const auto parsed = parse_grab_body(body);
    ASSERT_FALSE(parsed.has_value()) << body.substr(0, 80);
    EXPECT_EQ(parsed.error(), fault) << body.substr(0, 80) << ": " << to_text(parsed.error()).en;
  }
}

TEST(IdempotencyKey, BareAndQuotedFormsAreTheSameKey) {
  EXPECT_EQ(parse_idempotency_key("abc-123"), "abc-123");
  EXPECT_EQ(parse_idempotency_key("\"abc-123\""), "abc-123");
  EXPECT_EQ(parse_idempotency_key(R"("a \"b\\ c")"), "a \"b\\ c");
  const std::string longest(64, 'k');
  EXPECT_EQ(parse_idempotency_key(longest), longest);
  EXPECT_EQ(parse_idempotency_key('"' + longest + '"'), longest);
}

TEST(IdempotencyKey, MalformedOnesAreRefused) {
  const std::string too_long(65, 'k');
  for (const std::string& value :
       {std::string(), std::string("\"\""), std::string("\""), std::string("\"abc"),
        std::string("abc\""), std::string("\"a\"b"), std::string("\"a\";x=1"), std::string("a b"),
        std::string(R"("a\n")"), std::string(R"("a\)"), std::string("caf\xc3\xa9"),
        std::string("a\tb"), std::string("a\0b", 3), too_long, '"' + too_long + '"',
        std::string(10'000, 'k')}) {
    EXPECT_FALSE(parse_idempotency_key(value)) << value.substr(0, 80);
  }
}

TEST(IdempotencyKey, StandsForUserAndKeyTogether) {
  EXPECT_EQ(request_key("alice", "k"), request_key("alice", "k"));
  EXPECT_NE(request_key("alice", "k"), request_key("bob", "k"));
  EXPECT_NE(request_key("alice", "k"), request_key("alice", "l"));
  EXPECT_NE(request_key("ab", "c"), request_key("a", "bc"));
  EXPECT_TRUE(request_key("", ""));
}

TEST(AcceptLanguage, ChoosesByQuality) {
  const auto chosen = [](std::string_view header) { return negotiate(header); };
  for (const std::string_view zh :
       {"zh-CN", "zh", "ZH-hans-CN", "zh-CN,zh;q=0.9,en;q=0.8", "fr, zh;q=0.2", "en;q=0.5,zh",
        "en;q=0, zh;q=0.001", "zh;q=1.0", "de;q=1, en;q=0.3, zh ; q=0.4"}) {
    EXPECT_EQ(chosen(zh), Language::zh) << zh;
  }
  for (const std::string_view en :
       {"", "en", "fr", "*", "en-GB,zh;q=0.9", "zh;q=0", "zh;q=bad", "zh;q=2", "zhx", "z", ",,,",
        ";;;", "*, zh;q=0.5", "zh;q=0.5, *"}) {
    EXPECT_EQ(chosen(en), Language::en) << en;
  }
  EXPECT_EQ(chosen(std::string(16'000, ',') + "zh"), Language::en);
}

TEST(LimitKey, WhoeverHasOneAddressOfANetworkHasThemAll) {
  const std::string network = limit_key("2001:db8:1:2::1");
  EXPECT_EQ(limit_key("2001:db8:1:2:ffff::9"), network);
  EXPECT_EQ(limit_key("[2001:db8:1:2::3]:443"), network);
  EXPECT_EQ(limit_key("[2001:DB8:1:2::3]"), network);
  EXPECT_NE(limit_key("2001:db8:1:3::1"), network);
  EXPECT_EQ(limit_key("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limit_key("192.0.2.7:50123"), "192.0.2.7") << "a port per connection is no escape";
  EXPECT_EQ(limit_key("::ffff:192.0.2.7"), "192.0.2.7") << "all of IPv4 is not one network";
  for (const char* odd : {"", "unknown", "fe80::1%eth0", ":::", "1::2::3"}) {
    EXPECT_EQ(limit_key(odd), odd);
  }
  for (const char* odd : {"[", "[]", "[:", ":"}) {
    EXPECT_LT(limit_key(odd).size(), 2U) << odd;
  }
}

TEST(Query, UnknownRepeatedAndMalformedParametersAreRefused) {
  const auto fault = [](std::string_view text) {
    QueryReader query(text, {"user", "status", "limit", "page_token", "from"});
    query.limit();
    query.page_token();
    query.instant("from");
    return query.fault() ? query.fault()->en : "";
  };
  EXPECT_EQ(fault(""), "");
  EXPECT_EQ(fault("user=a%20b&&limit=1000"), "");
  EXPECT_NE(fault("usr=a").find("did you mean \"user\""), std::string::npos);
  EXPECT_NE(fault("zzzzzzzz=a").find("not known"), std::string::npos);
  EXPECT_NE(fault("user=a&user=b").find("twice"), std::string::npos);
  EXPECT_NE(fault("user=%zz").find("percent"), std::string::npos);
  EXPECT_NE(fault("user=%ff").find("percent"), std::string::npos);
  for (const std::string_view limit : {"0", "1001", "-1", "x", "", "1e2", "99999999999999999999"}) {
    EXPECT_NE(fault("limit=" + std::string(limit)).find("1 to 1000"), std::string::npos) << limit;
  }
  EXPECT_NE(fault("page_token=***").find("page_token"), std::string::npos);
  EXPECT_NE(fault("page_token=" + std::string(4000, 'A')).find("page_token"), std::string::npos);
  EXPECT_NE(fault("from=yesterday").find("time"), std::string::npos);
  EXPECT_EQ(parse_page_token(page_token(INT64_MAX)), INT64_MAX);
}

TEST(Json, IsReadStrictly) {
  const auto error = [](std::string_view body) {
    const auto value = parse_json(body);
    return value ? "" : value.error().en;
  };
  EXPECT_EQ(error(R"({"a":[1,{"b":null}]})"), "");
  EXPECT_NE(error(R"({"a":1,"b":{"c":1,"c":2}})").find("\"c\" twice"), std::string::npos);
  EXPECT_NE(error(R"({"a":1,"\u0061":2})").find("twice"), std::string::npos);
  EXPECT_NE(error(R"({"":1,"":2})").find("twice"), std::string::npos);
  EXPECT_EQ(error(R"([{"a":1},{"a":2}])"), "");
  EXPECT_NE(error(std::string(60'000, '[')).find("deeper than 8"), std::string::npos);
  for (const std::string_view body :
       {"", "{", "{}{}", "{} x", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1,}", "// x\n{}",
        "{\"a\":\"\xff\"}", R"({"a":"\ud800"})", "\xef\xbb\xbf{}", "{\"a\":\"\n\"}"}) {
    EXPECT_NE(error(body).find("not well-formed"), std::string::npos) << body;
  }
}

TEST(Json, FaultsNameTheFieldAndTheRemedy) {
  const auto value = *parse_json(
      R"({"title":"","count":1.5,"when":"soon","id":"a/b","list":{},"extra":1,"big":"0123456789"})");
  const auto fault = [&](auto&& read) {
    JsonFaults faults;
    ObjectReader object(value, "items[2]", faults,
                        {"title", "count", "when", "id", "list", "extra", "big"});
    read(object);
    return faults.first() ? faults.first()->en : "";
  };
  using Need = ObjectReader::Need;
  EXPECT_EQ(fault([](ObjectReader& o) { o.text("title", 10, Need::required); }),
            "items[2].title is empty.");
  EXPECT_EQ(fault([](ObjectReader& o) { o.text("big", 9, Need::optional); }),
            "items[2].big has 10 bytes; at most 9 are allowed.");
  EXPECT_EQ(fault([](ObjectReader& o) { o.text("count", 9, Need::optional); }),
            "items[2].count is 1.5; it must be text.");
  EXPECT_EQ(fault([](ObjectReader& o) { o.integer("count", 1, 9, {}); }),
            "items[2].count is 1.5; it must be a whole number from 1 to 9.");
  EXPECT_EQ(fault([](ObjectReader& o) { o.integer("absent", 1, 9, {}); }),
            "items[2].absent is missing.");
  EXPECT_EQ(fault([](ObjectReader& o) { o.integer("absent", 1, 9, 4); }), "");
  EXPECT_NE(fault([](ObjectReader& o) { o.instant("when"); }).find("\"soon\""), std::string::npos);
  EXPECT_NE(fault([](ObjectReader& o) { o.id("id"); }).find("\"a/b\""), std::string::npos);
  EXPECT_EQ(fault([](ObjectReader& o) { o.array("list", 3); }),
            "items[2].list is {…}; it must be a list.");
  JsonFaults faults;
  const ObjectReader object(value, "", faults, {"title", "count", "when", "id", "list", "extras"});
  EXPECT_EQ(faults.first()->en,
            "The body has the key \"extra\", which is not known (did you mean "
            "\"extras\"?).");
}

TEST(Csv, QuotesAndDisarmsFormulas) {
  const auto cell = [](std::string_view text) {
    std::string row;
    append_cell(row, text);
    return row;
  };
  EXPECT_EQ(cell("plain 秒杀"), "plain 秒杀");
  EXPECT_EQ(cell(""), "");
  EXPECT_EQ(cell("a,b"), "\"a,b\"");
  EXPECT_EQ(cell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(cell("=1+1"), "'=1+1");
  EXPECT_EQ(cell("+1"), "'+1");
  EXPECT_EQ(cell("-1"), "'-1");
  EXPECT_EQ(cell("@x"), "'@x");
  EXPECT_EQ(cell("\tx"), "\"'\tx\"");
  EXPECT_EQ(cell("x;=1+1"), "\"x;=1+1\"") << "some part cells at a semicolon";
  EXPECT_EQ(cell("＝1+1"), "'＝1+1");
  EXPECT_EQ(cell("＠x"), "'＠x");
  EXPECT_EQ(cell("秒杀＝"), "秒杀＝");
  EXPECT_EQ(cell("\rx"), "\"'\rx\"");
  EXPECT_EQ(cell("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
}

TEST(Problems, AreCompleteInBothLanguages) {
  for (std::size_t i = 0; i < kCodes; ++i) {
    const Code code = static_cast<Code>(i);
    EXPECT_EQ(parse_code(wire_name(code)), code);
    EXPECT_GE(status_of(code), 400);
    for (const Language language : {Language::en, Language::zh}) {
      EXPECT_FALSE(title(code, language).empty());
      EXPECT_FALSE(usual_detail(code, language).empty());
      const auto body = boost::json::parse(problem(code, language).body).as_object();
      EXPECT_EQ(body.at("status").as_int64(), status_of(code));
      EXPECT_EQ(body.at("type").as_string(), "/problems/" + std::string(wire_name(code)));
    }
    EXPECT_NE(title(code, Language::en), title(code, Language::zh));
  }
  EXPECT_FALSE(parse_code("nonsense"));
  const auto body = boost::json::parse(
      problem(Code::already_queued, Language::en, "why", R"("legacy_code":100)").body);
  EXPECT_EQ(body.at("detail").as_string(), "why");
  EXPECT_EQ(body.at("legacy_code").as_int64(), 100);
  EXPECT_EQ(retry_after(Span{0}), "1");
  EXPECT_EQ(retry_after(Span{1000}), "1");
  EXPECT_EQ(retry_after(Span{1001}), "2");
}

}  // namespace
}  // namespace sluice::api

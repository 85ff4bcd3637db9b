// Money: exact decimals, both ways, and everything that is not one.
#include "base/money.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"

namespace sluice {
namespace {

Currency currency(std::string_view code) {
  return Currency::parse(code).value();
}

TEST(CurrencyCode, KnownOnesWithTheirDigits) {
  EXPECT_EQ(Currency{}.code(), "CNY");
  EXPECT_EQ(currency("CNY").exponent(), 2);
  EXPECT_EQ(currency("USD").exponent(), 2);
  EXPECT_EQ(currency("JPY").exponent(), 0);
  EXPECT_EQ(currency("KRW").exponent(), 0);
  EXPECT_EQ(currency("BHD").exponent(), 3);
  EXPECT_EQ(currency("TND").code(), "TND");
  EXPECT_NE(currency("CNY"), currency("USD"));
}

TEST(CurrencyCode, RefusesOthers) {
  for (const std::string_view code : {"", "C", "CN", "cny", "Cny", "CNYY", "CNY ", " CNY", "XXX",
                                      "XTS", "XAU", "ZZZ", "¥", "元", "C\nY"}) {
    EXPECT_EQ(Currency::parse(code), std::nullopt) << code;
  }
  EXPECT_EQ(Currency::parse(std::string_view("CN\0", 3)), std::nullopt);
}

TEST(ParseDecimal, Exactly) {
  struct Case {
    std::string_view text, code;
    std::int64_t minor;
  };
  for (const Case& c :
       {Case{"19.99", "CNY", 1999}, Case{"0.01", "CNY", 1}, Case{"0", "CNY", 0},
        Case{"0.1", "CNY", 10}, Case{"5", "CNY", 500}, Case{"1.10", "CNY", 110},
        Case{"1.1000000", "CNY", 110}, Case{"300", "JPY", 300}, Case{"300.00", "JPY", 300},
        Case{"1.234", "BHD", 1234}, Case{"1.2", "BHD", 1200},
        Case{"10000000000", "CNY", kMaxPrice.minor}, Case{"10000000000.00", "CNY", kMaxPrice.minor},
        Case{"1000000000000", "JPY", kMaxPrice.minor}}) {
    const auto parsed = parse_decimal(c.text, currency(c.code));
    ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->minor, c.minor) << c.text;
  }
}

TEST(ParseDecimal, Refuses) {
  for (const std::string_view text : {"",
                                      ".",
                                      "-1",
                                      "+1",
                                      "-0.01",
                                      "1.",
                                      ".5",
                                      "1e3",
                                      "1E3",
                                      "1,00",
                                      "1 000",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.2.3",
                                      "nan",
                                      "inf",
                                      "19.999",
                                      "0.001",
                                      "007",
                                      "00.5",
                                      "00",
                                      "１９",
                                      "10000000000.01",
                                      "10000000001",
                                      "9223372036854775808",
                                      "99999999999999999999999999",
                                      "NULL",
                                      "¥5",
                                      "5元"}) {
    const auto parsed = parse_decimal(text, Currency{});
    ASSERT_FALSE(parsed) << text << " = " << parsed->minor;
    EXPECT_NE(parsed.error().message.find(quote(text)), std::string::npos)
        << parsed.error().message;
  }
  EXPECT_FALSE(parse_decimal("0.5", currency("JPY")));
  EXPECT_FALSE(parse_decimal("1.2345", currency("BHD")));
  EXPECT_FALSE(parse_decimal(std::string_view("1\0", 2), Currency{}));
  EXPECT_FALSE(parse_decimal(std::string(1'000'000, '9'), Currency{}));
  EXPECT_FALSE(parse_decimal("1." + std::string(63, '0'), Currency{}));
}

TEST(ParseDecimal, ErrorNamesTheLimit) {
  const auto parsed = parse_decimal("10000000000.01", Currency{});
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("10000000000.00 CNY"), std::string::npos);
}

TEST(ToDecimal, ForAPerson) {
  EXPECT_EQ(to_decimal(Money{1999}, Currency{}), "19.99");
  EXPECT_EQ(to_decimal(Money{0}, Currency{}), "0.00");
  EXPECT_EQ(to_decimal(Money{5}, Currency{}), "0.05");
  EXPECT_EQ(to_decimal(Money{-5}, Currency{}), "-0.05");
  EXPECT_EQ(to_decimal(Money{1999}, currency("JPY")), "1999");
  EXPECT_EQ(to_decimal(Money{1}, currency("KWD")), "0.001");
  EXPECT_EQ(to_decimal(Money{std::numeric_limits<std::int64_t>::min()}, Currency{}),
            "-92233720368547758.08");
}

TEST(ToDecimal, RoundTrips) {
  for (const std::string_view code : {"CNY", "JPY", "BHD"}) {
    for (std::int64_t minor : {0LL, 1LL, 9LL, 10LL, 99LL, 100LL, 101LL, 999LL, 1000LL, 123456789LL,
                               1'000'000'000'000LL}) {
      EXPECT_EQ(parse_decimal(to_decimal(Money{minor}, currency(code)), currency(code))->minor,
                minor);
    }
  }
}

}  // namespace
}  // namespace sluice

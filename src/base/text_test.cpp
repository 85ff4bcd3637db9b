// Text helpers against hostile input.
#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>
#include <vector>

namespace sluice {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// An independent decoder to compare with: decodes the scalar value and checks it afterwards.
bool plain_valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 0;
    std::uint32_t value = 0;
    if (lead < 0x80) {
      length = 1, value = lead;
    } else if ((lead & 0xE0) == 0xC0) {
      length = 2, value = lead & 0x1FU;
    } else if ((lead & 0xF0) == 0xE0) {
      length = 3, value = lead & 0x0FU;
    } else if ((lead & 0xF8) == 0xF0) {
      length = 4, value = lead & 0x07U;
    } else {
      return false;
    }
    if (i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xC0) != 0x80) return false;
      value = (value << 6) | (byte & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return false;
    }
    i += length;
  }
  return true;
}

TEST(Utf8, KnownCases) {
  EXPECT_TRUE(valid_utf8(""));
  EXPECT_TRUE(valid_utf8("plain ascii that is longer than eight bytes"));
  EXPECT_TRUE(valid_utf8("秒杀 😀 é \u07ff \uffff \U0010ffff"));
  for (const std::string_view text : {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2 ",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xe2\x82",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "12345678\xff",
                                      "1234567\xe7",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xf0\x9f\x98"}) {
    EXPECT_FALSE(valid_utf8(text))
        << to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
}

TEST(Utf8, AgreesWithAPlainDecoderOnEveryPairOfBytesAndOnNoise) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(valid_utf8(text), plain_valid_utf8(text)) << a << " " << b;
    }
  }
  std::mt19937 random(20'261'122);
  const std::array<unsigned char, 12> pool = {0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf,
                                              0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4};
  for (int round = 0; round < 200'000; ++round) {
    std::string text(random() % 14, '\0');
    for (char& c : text)
      c = static_cast<char>(pool[random() % pool.size()]);
    ASSERT_EQ(valid_utf8(text), plain_valid_utf8(text))
        << to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
}

TEST(Control, BytesBelowSpaceAndDelete) {
  EXPECT_FALSE(has_control(""));
  EXPECT_FALSE(has_control(" ~é"));
  for (int c = 0; c < 0x20; ++c)
    EXPECT_TRUE(has_control(std::string(1, static_cast<char>(c))));
  EXPECT_TRUE(has_control("x\x7f"));
}

TEST(Quoted, IsSafeToShow) {
  EXPECT_EQ(quote("plain"), "\"plain\"");
  EXPECT_EQ(quote("秒杀"), "\"秒杀\"");
  EXPECT_EQ(quote("a\nb\x1b[31m\xff"), "\"a?b?[31m?\"");
  EXPECT_EQ(quote(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(quote(std::string(65, 'x')), "\"" + std::string(64, 'x') + "…\"");
  // A character is never cut in two.
  EXPECT_EQ(quote(std::string(63, 'x') + "é"), "\"" + std::string(63, 'x') + "…\"");
  EXPECT_TRUE(valid_utf8(quote(std::string(1000, '\xe7'))));
}

TEST(Nearest, FindsTypingErrors) {
  constexpr std::array<std::string_view, 5> known = {"listen", "data", "config", "roles", "demo"};
  EXPECT_EQ(nearest("lisen", known), "listen");
  EXPECT_EQ(nearest("confgi", known), "config");
  EXPECT_EQ(nearest("dat", known), "data");
  EXPECT_EQ(nearest("demo", known), "demo");
  EXPECT_EQ(nearest("role", known), "roles");
  EXPECT_EQ(nearest("weather", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

TEST(Nearest, LongWordsCostNothing) {
  const std::string candidate(65, 'a');
  const std::array<std::string_view, 2> known = {candidate, "data"};
  EXPECT_EQ(nearest(std::string(100'000, 'a'), known), std::nullopt);
  EXPECT_EQ(nearest(std::string(64, 'a'), known), std::nullopt);
  EXPECT_EQ(nearest("dtaa", known), "data");
}

TEST(Hex, LowerCase) {
  const std::array<std::uint8_t, 4> bytes = {0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

std::optional<std::string> decode(std::string_view text, std::size_t capacity = 256) {
  std::string out(capacity, '\0');
  const auto length = from_base64url(text, out.data(), capacity);
  if (!length) return std::nullopt;
  out.resize(*length);
  return out;
}

TEST(Base64Url, VectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xbe", "_---"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64url(bytes), text);
    EXPECT_EQ(decode(text), std::string{bytes}) << text;
  }
}

TEST(Base64Url, EveryByteRoundTrips) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) {
    bytes.push_back(static_cast<char>(c));
    EXPECT_EQ(decode(to_base64url(bytes)), bytes);
  }
}

TEST(Base64Url, RefusesEveryOtherSpelling) {
  for (const std::string_view text :
       {"Z", "Zg==", "Zg=", "Zm9vY", "Zh", "Zm9", "Zm8=", "+/+/", "Zm 9", "Zm9v\n", "Zm9v=", "Zé",
        "Z\x80", "*m9v", "Zm9*", "Z*", "Zm*"}) {
    EXPECT_EQ(decode(text), std::nullopt) << text;
  }
  EXPECT_EQ(decode(std::string_view("Zm\0v", 4)), std::nullopt);
}

TEST(Base64Url, StopsAtTheCapacity) {
  EXPECT_EQ(decode("Zm9v", 3), "foo");
  EXPECT_EQ(decode("Zm9v", 2), std::nullopt);
  EXPECT_EQ(decode("Zg", 0), std::nullopt);
  EXPECT_EQ(decode("", 0), "");
}

TEST(ParseUint, Range) {
  EXPECT_EQ(parse_uint("0", kMax), 0);
  EXPECT_EQ(parse_uint("9223372036854775807", kMax), kMax);
  EXPECT_EQ(parse_uint("9223372036854775808", kMax), std::nullopt);
  EXPECT_EQ(parse_uint("18446744073709551615", kMax), std::nullopt);
  EXPECT_EQ(parse_uint("9999999999999999999", kMax), std::nullopt);
  EXPECT_EQ(parse_uint("10", 10), 10);
  EXPECT_EQ(parse_uint("11", 10), std::nullopt);
  EXPECT_EQ(parse_uint("0", 0), 0);
  EXPECT_EQ(parse_uint("0", -1), std::nullopt);
}

TEST(ParseUint, RefusesEveryOtherSpelling) {
  for (const std::string_view text : {"", " 1", "1 ", "+1", "-1", "-0", "00", "01", "1e3", "1.0",
                                      "0x10", "1_000", "1,000", "١", "１", "1\n", "nan"}) {
    EXPECT_EQ(parse_uint(text, kMax), std::nullopt) << text;
  }
  EXPECT_EQ(parse_uint(std::string_view("1\0", 2), kMax), std::nullopt);
  EXPECT_EQ(parse_uint(std::string(1'000'000, '1'), kMax), std::nullopt);
}

TEST(Text, PercentSignsAreDecodedOrRefused) {
  EXPECT_EQ(percent_decoded("p%40ss%2Fw%3ard%25"), "p@ss/w:rd%");
  EXPECT_EQ(percent_decoded(""), "");
  for (const char* text : {"%", "%4", "a%zz", "%4g", "%%40"})
    EXPECT_FALSE(percent_decoded(text)) << text;
}

}  // namespace
}  // namespace sluice

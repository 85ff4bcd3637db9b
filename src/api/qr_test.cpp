// The drawings of QR codes: their frame, and that both forms show the same modules.
#include "api/qr.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace sluice::api {
namespace {

constexpr std::string_view kLink = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";

/// The modules of a terminal drawing, true where light.
std::vector<std::vector<bool>> modules(const std::string& drawn) {
  std::vector<std::vector<bool>> rows;
  std::istringstream lines(drawn);
  for (std::string line; std::getline(lines, line);) {
    std::vector<bool> upper;
    std::vector<bool> lower;
    for (std::size_t at = 0; at < line.size();) {
      const bool blank = line[at] == ' ';
      const std::string glyph = line.substr(at, blank ? 1 : 3);
      upper.push_back(glyph == "█" || glyph == "▀");
      lower.push_back(glyph == "█" || glyph == "▄");
      at += glyph.size();
    }
    rows.push_back(upper);
    rows.push_back(lower);
  }
  return rows;
}

TEST(Qr, TerminalShowsAQuietZoneAndTheFinder) {
  const auto drawn = qr_terminal(kLink);
  ASSERT_TRUE(drawn.has_value());
  const auto rows = modules(*drawn);
  const std::size_t width = rows.front().size();
  ASSERT_GE(width, 21U + 8U);
  for (const auto& row : rows)
    ASSERT_EQ(row.size(), width);
  for (std::size_t x = 0; x < width; ++x) {
    for (std::size_t y = 0; y < 4; ++y)
      EXPECT_TRUE(rows[y][x]) << x << "," << y;
  }
  // The upper left finder pattern: a dark frame of 7, a light one of 5, a dark core of 3.
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_FALSE(rows[4][4 + i]);
    EXPECT_FALSE(rows[4 + i][4]);
  }
  EXPECT_TRUE(rows[5][5]);
  EXPECT_FALSE(rows[6][6]);
  EXPECT_FALSE(rows[7][7]);
}

TEST(Qr, ImageDrawsEveryDarkModuleOfTheTerminal) {
  const auto rows = modules(*qr_terminal(kLink));
  const auto image = qr_svg(kLink);
  ASSERT_TRUE(image.has_value());
  const std::size_t width = rows.front().size();
  EXPECT_TRUE(image->starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
                                 std::to_string(width) + " " + std::to_string(width) + "\""));
  std::size_t drawn = 0;
  const std::string path = image->substr(image->rfind("d=\"M"));
  for (std::size_t at = path.find('h'); at != std::string::npos; at = path.find('h', at + 1))
    drawn += std::stoul(path.substr(at + 1));
  std::size_t dark = 0;
  for (std::size_t y = 0; y < width; ++y) {
    for (std::size_t x = 0; x < width; ++x)
      dark += rows[y][x] ? 0U : 1U;
  }
  EXPECT_EQ(drawn, dark);
}

TEST(Qr, RefusesWhatIsTooLongOrNothing) {
  EXPECT_FALSE(qr_svg("").has_value());
  EXPECT_TRUE(qr_svg(std::string(kMaxQrBytes, 'x')).has_value());
  const auto refused = qr_terminal(std::string(kMaxQrBytes + 1, 'x'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().message.contains("1024")) << refused.error().message;
}

}  // namespace
}  // namespace sluice::api

// What a stranger writes cannot leave its place in a page.
#include "base/html.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(EscapeHtml, LeavesPlainTextAlone) {
  EXPECT_EQ(escape_html(""), "");
  EXPECT_EQ(escape_html("秒杀 é 😀 two\nlines; a=b/c"), "秒杀 é 😀 two\nlines; a=b/c");
}

TEST(EscapeHtml, DisarmsMarkupAndQuotes) {
  EXPECT_EQ(escape_html("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(escape_html(R"(" onload='x)"), "&quot; onload=&#39;x");
  EXPECT_EQ(escape_html("&lt;"), "&amp;lt;") << "what looks escaped is text as well";
}

TEST(EscapeHtml, LeavesNoByteThatHtmlReads) {
  std::string every;
  for (int c = 0; c < 256; ++c)
    every += static_cast<char>(c);
  const std::string safe = escape_html(every + every);
  EXPECT_EQ(safe.find_first_of("<>\"'"), std::string::npos);
  std::size_t entities = 0;
  for (std::size_t at = 0; (at = safe.find('&', at)) != std::string::npos; ++at) {
    const std::string_view entity = std::string_view(safe).substr(at);
    EXPECT_TRUE(entity.starts_with("&amp;") || entity.starts_with("&lt;") ||
                entity.starts_with("&gt;") || entity.starts_with("&quot;") ||
                entity.starts_with("&#39;"));
    ++entities;
  }
  EXPECT_EQ(entities, 10U);
}

TEST(EscapeHtml, MakesBlanksOfControlCharacters) {
  EXPECT_EQ(escape_html(std::string_view("a\0b\x1b[2J\x7f\t", 9)), "a b [2J  ");
}

}  // namespace
}  // namespace sluice

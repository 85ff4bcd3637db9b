// Text stays text, whatever it holds and wherever it stands.
#include "web/html.h"

#include <gtest/gtest.h>

#include "web/assets.h"
#include "web/words.h"

namespace sluice::web {
namespace {

TEST(Html, EscapesTextAndValues) {
  Html html;
  html.open("p", {{"title", "\"><script>'&"}, {"hidden", true}, {"disabled", false}});
  html.text("<b>&\"'</b>").close();
  EXPECT_EQ(std::move(html).finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\" hidden>"
            "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;</p>");
}

TEST(Html, ClosesInOrderAndChecksThatAllIsClosed) {
  Html html;
  html.open("ul").in("li", {}, [&] { html.single("br"); }).leaf("li", {}, "x").close();
  EXPECT_EQ(std::move(html).finish(), "<ul><li><br></li><li>x</li></ul>");
  Html open;
  open.open("p");
  EXPECT_DEATH(static_cast<void>(std::move(open).finish()), "every element is closed");
  Html none;
  EXPECT_DEATH(none.close(), "an element to close");
}

TEST(Url, TakesNoScriptAndNoOtherHostForThisSite) {
  EXPECT_EQ(Url::image("https://img.example/a.png").text(), "https://img.example/a.png");
  EXPECT_EQ(Url::image("/pictures/a.png").text(), "/pictures/a.png");
  for (const std::string_view bad :
       {"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//host/x", "/\\host/x",
        "", "https://", "vbscript:x", "/a\nb", "image.png"}) {
    EXPECT_TRUE(Url::image(bad).empty()) << bad;
  }
  EXPECT_EQ(Url::payment("weixin://wxpay/bizpayurl?pr=x").text(), "weixin://wxpay/bizpayurl?pr=x");
  EXPECT_TRUE(Url::payment("javascript:alert(1)").empty());
  EXPECT_DEATH(Url::local("//host/x"), "an address of this site");
}

TEST(Words, AreFilledInInBothLanguages) {
  EXPECT_EQ(say(Word::left_of, Language::en, 3, 20), "3 of 20 left");
  EXPECT_EQ(say(Word::left_of, Language::zh, 3, 20), "剩余 3 / 20");
  EXPECT_NE(say(Word::grab, Language::en), say(Word::grab, Language::zh));
}

TEST(Assets, AreSentInTheSmallestFormThatIsUnderstood) {
  EXPECT_EQ(negotiate_coding("gzip, deflate, br"), Coding::brotli);
  EXPECT_EQ(negotiate_coding("gzip"), Coding::gzip);
  EXPECT_EQ(negotiate_coding("br;q=0, gzip;q=0.5"), Coding::gzip);
  EXPECT_EQ(negotiate_coding("GZIP ; q=0.001"), Coding::gzip);
  EXPECT_EQ(negotiate_coding("gzip;q=0, br;q=0.0"), Coding::identity);
  EXPECT_EQ(negotiate_coding(""), Coding::identity);
  for (const Asset& asset : assets()) {
    EXPECT_TRUE(asset.path.starts_with("/assets/"));
    EXPECT_LE(asset.brotli.size(), asset.identity.size()) << asset.path;
  }
}

}  // namespace
}  // namespace sluice::web

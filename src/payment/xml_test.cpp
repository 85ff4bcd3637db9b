// The XML of v2: what is taken, what is refused before the library sees it, what is written.
#include "payment/xml.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::payment {
namespace {

Fields parsed(std::string_view document) {
  const auto fields = parse_xml(document);
  EXPECT_TRUE(fields) << document << ": " << fields.error().message;
  return fields.value_or(Fields{});
}

std::string refusal(std::string_view document) {
  const auto fields = parse_xml(document);
  EXPECT_FALSE(fields) << document.substr(0, 200);
  return fields ? "" : fields.error().message;
}

TEST(Xml, FieldsComeInTheirOrder) {
  EXPECT_EQ(parsed("<xml><b>2</b><a><![CDATA[1]]></a><c></c><d/></xml>"),
            (Fields{{"b", "2"}, {"a", "1"}, {"c", ""}, {"d", ""}}));
}

TEST(Xml, DeclarationAndIndentationAreTaken) {
  EXPECT_EQ(parsed("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n  <a>1</a>\n  "
                   "<b>\n    <![CDATA[2]]>\n  </b>\n</xml>\n"),
            (Fields{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(parsed("\xef\xbb\xbf<xml><a>1</a></xml>"), (Fields{{"a", "1"}}));
}

TEST(Xml, AdjacentSectionsAreJoined) {
  EXPECT_EQ(parsed("<xml><a><![CDATA[x]]]]><![CDATA[>y]]></a></xml>"), (Fields{{"a", "x]]>y"}}));
  EXPECT_EQ(parsed("<xml><a>1<![CDATA[&amp;]]>3</a></xml>"), (Fields{{"a", "1&amp;3"}}));
}

TEST(Xml, TextKeepsItsSpaces) {
  EXPECT_EQ(parsed("<xml><a> 1 </a><b> </b></xml>"), (Fields{{"a", " 1 "}, {"b", " "}}));
}

TEST(Xml, PredefinedAndNumericEntities) {
  EXPECT_EQ(parsed("<xml><a>&lt;&gt;&amp;&quot;&apos;&#65;&#x6df1;</a></xml>"),
            (Fields{{"a", "<>&\"'A深"}}));
}

TEST(Xml, DoctypeIsRefusedWhereverItStands) {
  for (const std::string_view document :
       {"<!DOCTYPE xml><xml><a>1</a></xml>",
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE a []><xml><a>1</a></xml>",
        "<!doctype xml><xml><a>1</a></xml>", "<xml><!DOCTYPE xml><a>1</a></xml>",
        "<xml><!ENTITY x \"y\"><a>1</a></xml>", "<xml><!-- a --><a>1</a></xml>"}) {
    EXPECT_NE(refusal(document).find("DOCTYPE"), std::string::npos) << document;
  }
}

TEST(Xml, OtherEntitiesAreRefused) {
  for (const std::string_view entity :
       {"&x;", "&#13;", "&#127;", "&nbsp;", "&", "&amp", "&#0;", "&#8;", "&#x110000;", "&#xd800;",
        "&#;", "&#x;", "&#65", "&#-1;", "&AMP;", "&amplification;"}) {
    EXPECT_NE(refusal(fmt::format("<xml><a>{}</a></xml>", entity)).find("entit"), std::string::npos)
        << entity;
  }
}

TEST(Xml, DepthIsCheckedBeforeTheLibrary) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i)
    deep += "<a>";
  EXPECT_NE(refusal("<xml>" + deep).find("nested deeper than 2"), std::string::npos);
  EXPECT_NE(refusal("<xml><a><b>1</b></a></xml>").find("nested deeper"), std::string::npos);
}

TEST(Xml, SizeIsCheckedBeforeTheLibrary) {
  const std::string huge = "<xml><a>" + std::string(10 << 20, 'x') + "</a></xml>";
  EXPECT_NE(refusal(huge).find("over the limit of 65536"), std::string::npos);
  const std::string_view frame = "<xml><a></a></xml>";
  std::string most = "<xml><a>" + std::string(kMaxXmlBytes - frame.size(), 'x') + "</a></xml>";
  EXPECT_TRUE(parse_xml(most));
  most.insert(8, "x");
  EXPECT_FALSE(parse_xml(most));
}

TEST(Xml, FieldsAreCountedAndComeOnce) {
  std::string many = "<xml>";
  for (std::size_t i = 0; i < kMaxXmlFields; ++i)
    many += fmt::format("<f{}/>", i);
  EXPECT_TRUE(parse_xml(many + "</xml>"));
  EXPECT_NE(refusal(many + "<more/></xml>").find("more than 256 fields"), std::string::npos);
  EXPECT_NE(refusal("<xml><a>1</a><b/><a>1</a></xml>").find("twice"), std::string::npos);
}

TEST(Xml, OtherMarkupIsRefused) {
  for (const std::string_view document :
       {"",
        " ",
        "xml",
        "<xml>",
        "<xml></xml>",
        "<xml/>",
        "</xml>",
        "<xml><a>1</xml>",
        "<xml><a>1</b></xml>",
        "<xml><a>1</a>",
        "<xml><a>1</a></xml><xml><a>1</a></xml>",
        "<xml><a>1</a></xml>x",
        "<xml>x<a>1</a></xml>",
        "<xml a=\"1\"><a>1</a></xml>",
        "<xml><a b='1'>1</a></xml>",
        "<xml><?php x ?><a>1</a></xml>",
        "<xml><a>1</a></xml",
        "<xml><a>1</a ",
        "<xml><a><![CDATA[1</a></xml>",
        "<xml><![CDATA[1]]><a>1</a></xml>",
        "<xml><a>]]></a></xml>",
        "<xml><>1</></xml>",
        "<xml>< a>1</a></xml>",
        "<?xml version=\"1.0\" encoding=\"GBK\"?><xml><a>1</a></xml>",
        "<?xml <xml><a>1</a></xml>",
        "<html><body>502</body></html>",
        "{\"a\":1}"}) {
    refusal(document);
  }
}

TEST(Xml, BytesThatAreNotTextAreRefused) {
  using namespace std::literals;
  EXPECT_NE(refusal("<xml><a>\xc9\xee\xdb\xda</a></xml>").find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal("<xml><a>a\0b</a></xml>"sv).find("control"), std::string::npos);
  EXPECT_NE(refusal("<xml><a>\x1b[31m</a></xml>").find("control"), std::string::npos);
}

TEST(Xml, EveryCutOfAGoodDocumentIsRefused) {
  const std::string good =
      "<?xml version=\"1.0\"?><xml><a><![CDATA[1]]]]><![CDATA[>]]></a><b>&amp;</b></xml>";
  ASSERT_TRUE(parse_xml(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_xml(good.substr(0, size))) << size;
}

TEST(Xml, AnotherRootIsRefusedUnlessWanted) {
  EXPECT_FALSE(parse_xml("<root><a>1</a></root>"));
  EXPECT_TRUE(parse_xml("<root><a>1</a></root>", "root"));
}

TEST(Xml, AcknowledgementAsDocumented) {
  EXPECT_EQ(write_xml({{"return_code", "SUCCESS"}, {"return_msg", "OK"}}),
            "<xml><return_code><![CDATA[SUCCESS]]></return_code>"
            "<return_msg><![CDATA[OK]]></return_msg></xml>");
}

RC_GTEST_PROP(Xml, WhatIsWrittenIsReadAgain, ()) {
  Fields fields;
  const auto pieces = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
          "]", "]]>", "]]", ">", "<", "&", "&amp;", " ", "\n", "a", "深", "<![CDATA[", "-->"))));
  for (const auto& value : pieces) {
    std::string text;
    for (const std::string& piece : value)
      text += piece;
    fields.emplace_back("f" + std::to_string(fields.size()), text);
    if (fields.size() == kMaxXmlFields) break;
  }
  const auto read = parse_xml(write_xml(fields));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == fields);
}

}  // namespace
}  // namespace sluice::payment

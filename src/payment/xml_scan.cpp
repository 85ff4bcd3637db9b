// The one pass over a document that decides whether the XML library may see it.
#include "payment/xml_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "payment/xml.h"

namespace sluice::payment {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kCdata = "<![CDATA[";
constexpr std::size_t kMaxEntityBytes = 10;  // "&#x10FFFF;"
constexpr std::size_t kMaxNameBytes = 64;

bool is_space(char c) {
  return kSpace.find(c) != std::string_view::npos;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || c == '.' || c == '-';
}

bool is_xml_char(std::uint32_t code) {
  return code == '\t' || code == '\n' || (code >= 0x20 && code < 0xd800 && code != 0x7f) ||
         (code >= 0xe000 && code < 0xfffe) || (code >= 0x10000 && code <= 0x10ffff);
}

class Scanner {
 public:
  explicit Scanner(std::string_view document) : document_(document) {}

  Result<> run() {
    if (auto declared = declaration(); !declared) return declared;
    while (at_ < document_.size()) {
      Result<> step = document_[at_] == '<' ? markup() : text();
      if (!step) return step;
    }
    if (depth_ != 0 || fields_ == 0) return wrong("the document ends too early");
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return fail(fmt::format("not the XML of a payment at byte {}: {}", at_, what));
  }
  bool here(std::string_view text) const { return document_.substr(at_).starts_with(text); }

  /// `<?xml … ?>` may come first, and must not promise another encoding.
  Result<> declaration() {
    if (here("\xef\xbb\xbf")) at_ += 3;
    while (at_ < document_.size() && is_space(document_[at_]))
      ++at_;
    if (!here("<?xml") || at_ + 5 >= document_.size() || !is_space(document_[at_ + 5])) return {};
    const std::size_t end = document_.find("?>", at_);
    if (end == std::string_view::npos) return wrong("the XML declaration does not end");
    std::string declared(document_.substr(at_, end - at_));
    std::ranges::transform(declared, declared.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (declared.contains("encoding") && !declared.contains("\"utf-8\"") &&
        !declared.contains("'utf-8'")) {
      return wrong("an encoding other than UTF-8; send UTF-8");
    }
    at_ = end + 2;
    return {};
  }

  Result<> markup() {
    if (here(kCdata)) return cdata();
    if (here("<!")) return wrong("DOCTYPE, other declarations and comments are refused");
    if (here("<?")) return wrong("processing instructions are refused");
    return here("</") ? closing_tag() : opening_tag();
  }

  Result<> cdata() {
    if (depth_ != kMaxXmlDepth) return wrong("text outside of a field");
    const std::size_t end = document_.find("]]>", at_ + kCdata.size());
    if (end == std::string_view::npos) return wrong("a CDATA section does not end");
    at_ = end + 3;
    return {};
  }

  /// Names are passed over here; that closing ones match is the library's to check.
  Result<> name() {
    const std::size_t begin = at_;
    while (at_ < document_.size() && is_name_char(document_[at_]))
      ++at_;
    if (at_ == begin) return wrong("a tag without a name");
    if (at_ - begin > kMaxNameBytes) {
      return wrong(fmt::format("a name of more than {} bytes", kMaxNameBytes));
    }
    while (at_ < document_.size() && is_space(document_[at_]))
      ++at_;
    return {};
  }

  Result<> closing_tag() {
    at_ += 2;
    if (depth_ == 0) return wrong("a closing tag with nothing open");
    if (auto named = name(); !named) return named;
    if (!here(">")) return wrong("a closing tag does not end");
    ++at_;
    --depth_;
    return {};
  }

  Result<> opening_tag() {
    if (depth_ == kMaxXmlDepth) {
      return wrong(fmt::format("elements are nested deeper than {}", kMaxXmlDepth));
    }
    if (depth_ == 0 && roots_++ > 0) return wrong("a second root element");
    ++at_;
    if (auto named = name(); !named) return named;
    if (depth_ == 1 && ++fields_ > kMaxXmlFields) {
      return wrong(fmt::format("more than {} fields", kMaxXmlFields));
    }
    if (here("/>")) {
      at_ += 2;
      return {};
    }
    if (!here(">")) return wrong("a tag with attributes, or one that does not end");
    ++at_;
    ++depth_;
    return {};
  }

  Result<> text() {
    const char c = document_[at_];
    if (depth_ != kMaxXmlDepth && !is_space(c)) return wrong("text outside of a field");
    if (c == '&') return entity();
    if (here("]]>")) return wrong("\"]]>\" outside of a CDATA section");
    ++at_;
    return {};
  }

  Result<> entity() {
    const std::size_t end = document_.substr(at_, kMaxEntityBytes).find(';');
    if (end == std::string_view::npos) return wrong("an entity that does not end");
    const std::string_view body = document_.substr(at_ + 1, end - 1);
    static constexpr std::array<std::string_view, 5> kPredefined{"amp", "lt", "gt", "quot", "apos"};
    if (std::ranges::find(kPredefined, body) == kPredefined.end() && !numeric(body)) {
      return wrong("only the five predefined and numeric entities are taken");
    }
    at_ += end + 1;
    return {};
  }

  static bool numeric(std::string_view body) {
    if (!body.starts_with('#')) return false;
    body.remove_prefix(1);
    const bool hex = body.starts_with('x');
    if (hex) body.remove_prefix(1);
    std::uint32_t code = 0;
    const auto [rest, error] =
        std::from_chars(body.data(), body.data() + body.size(), code, hex ? 16 : 10);
    return error == std::errc{} && rest == body.data() + body.size() && is_xml_char(code);
  }

  std::string_view document_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t roots_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace

Result<> scan_xml(std::string_view document) {
  if (document.size() > kMaxXmlBytes) {
    return fail(
        fmt::format("XML of {} bytes is over the limit of {}", document.size(), kMaxXmlBytes));
  }
  if (!valid_utf8(document)) return fail("the XML is not UTF-8; send UTF-8");
  const auto forbidden = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !is_space(c)) || c == 0x7f;
  };
  if (std::ranges::any_of(document, forbidden)) {
    return fail("the XML holds a control character; only tab and line ends are taken");
  }
  return Scanner(document).run();
}

}  // namespace sluice::payment

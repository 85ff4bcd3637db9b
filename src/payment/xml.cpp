// Reading and writing the flat XML of WeChat Pay v2 with pugixml.
#include "payment/xml.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <unordered_set>

#include "base/text.h"
#include "payment/xml_scan.h"

namespace sluice::payment {

namespace {

constexpr unsigned kParseFlags =
    pugi::parse_cdata | pugi::parse_escapes | pugi::parse_ws_pcdata | pugi::parse_eol;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Beside CDATA, white space is layout: some clients put the section on a line of its own.
std::string text_of(const pugi::xml_node& field) {
  bool has_cdata = false;
  for (const pugi::xml_node& part : field)
    has_cdata = has_cdata || part.type() == pugi::node_cdata;
  std::string text;
  for (const pugi::xml_node& part : field) {
    const std::string_view piece = part.value();
    if (has_cdata && part.type() == pugi::node_pcdata && is_blank(piece)) continue;
    text += piece;
  }
  return text;
}

}  // namespace

Result<Fields> parse_xml(std::string_view document, std::string_view root) {
  if (auto scanned = scan_xml(document); !scanned) return std::unexpected(scanned.error());
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  pugi::xml_document parsed;
  const pugi::xml_parse_result read =
      parsed.load_buffer(document.data(), document.size(), kParseFlags, pugi::encoding_utf8);
  if (!read) {
    return fail(
        fmt::format("not the XML of a payment at byte {}: {}", read.offset, read.description()));
  }
  const pugi::xml_node top = parsed.document_element();
  if (root != top.name()) {
    return fail(
        fmt::format("the XML's root element is {} instead of \"{}\"", quote(top.name()), root));
  }
  Fields fields;
  std::unordered_set<std::string_view> seen;
  for (const pugi::xml_node& field : top) {
    if (field.type() != pugi::node_element) continue;  // the scan left nothing but white space
    if (!seen.insert(field.name()).second) {
      return fail(fmt::format("the XML has the field {} twice", quote(field.name())));
    }
    fields.emplace_back(field.name(), text_of(field));
  }
  return fields;
}

std::string write_xml(const Fields& fields, std::string_view root) {
  constexpr std::string_view kEnd = "]]>";
  std::string out = fmt::format("<{}>", root);
  for (const auto& [name, value] : fields) {
    out += fmt::format("<{}><![CDATA[", name);
    std::size_t from = 0;
    for (std::size_t end = value.find(kEnd); end != std::string::npos;
         end = value.find(kEnd, from)) {
      out.append(value, from, end + 2 - from);  // "]]" here, ">" in the next section
      out += "]]><![CDATA[";
      from = end + 2;
    }
    out.append(value, from);
    out += fmt::format("]]></{}>", name);
  }
  return out += fmt::format("</{}>", root);
}

std::optional<std::string_view> field_of(const Fields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return std::nullopt;
}

}  // namespace sluice::payment

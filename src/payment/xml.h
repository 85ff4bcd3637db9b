// The flat XML of WeChat Pay v2: one root element that holds named texts, and nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "payment/gateway.h"

namespace sluice::payment {

/// Bounds that are checked before the XML library sees a byte. A root and its fields are two deep.
inline constexpr std::size_t kMaxXmlBytes = 64 * 1024;
inline constexpr std::size_t kMaxXmlDepth = 2;
inline constexpr std::size_t kMaxXmlFields = 256;

/// The fields under the root element, in their order; adjacent CDATA sections and texts are joined.
/// Takes an XML declaration in UTF-8 and indentation. Refuses everything else that XML has:
/// DOCTYPE, entities beyond the five predefined and numeric ones, attributes, comments, processing
/// instructions, nested elements, fields that come twice. Any thread.
Result<Fields> parse_xml(std::string_view document, std::string_view root = "xml");

/// `<xml>` with every value in CDATA; a `]]>` inside is split over two sections. Names and values
/// must be what parse_xml takes: names of [A-Za-z0-9_$.-], values in UTF-8 without control
/// characters (tab and line feed are none).
std::string write_xml(const Fields& fields, std::string_view root = "xml");

/// The value of the first field of that name; empty where there is none.
std::optional<std::string_view> field_of(const Fields& fields, std::string_view name);

}  // namespace sluice::payment

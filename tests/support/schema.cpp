// A small validator: type, enum, const, required, properties, additionalProperties, items, ranges,
// lengths, $ref, allOf and oneOf.
#include "support/schema.h"

#include <algorithm>
#include <regex>
#include <set>

namespace sluice::test {

namespace {

using boost::json::value;

bool has_type(const value& subject, std::string_view type) {
  if (type == "object") return subject.is_object();
  if (type == "array") return subject.is_array();
  if (type == "string") return subject.is_string();
  if (type == "boolean") return subject.is_bool();
  if (type == "null") return subject.is_null();
  if (type == "integer") return subject.is_int64() || subject.is_uint64();
  if (type == "number") return subject.is_number();
  return false;
}

bool has_one_type(const value& subject, const value& types) {
  if (types.is_string()) return has_type(subject, types.as_string());
  return std::ranges::any_of(
      types.as_array(), [&](const value& type) { return has_type(subject, type.as_string()); });
}

bool is_annotation(std::string_view keyword) {
  static const std::set<std::string_view> known{"description", "title",    "example",  "examples",
                                                "default",     "format",   "readOnly", "deprecated",
                                                "$comment",    "writeOnly"};
  return known.contains(keyword);
}

}  // namespace

const value& resolve(const value& document, const value& schema) {
  if (!schema.is_object()) return schema;
  const value* reference = schema.as_object().if_contains("$ref");
  if (reference == nullptr) return schema;
  const std::string pointer(reference->as_string());
  return resolve(document, document.at_pointer(pointer.substr(1)));
}

std::vector<std::string> mismatches(const value& document, const value& given, const value& subject,
                                    const std::string& place) {
  std::vector<std::string> found;
  const auto report = [&](const std::string& what) { found.push_back(place + ": " + what); };
  const auto merge = [&](std::vector<std::string> more) {
    found.insert(found.end(), more.begin(), more.end());
  };
  const value& schema = resolve(document, given);
  if (schema.is_bool()) {
    if (!schema.as_bool()) report("nothing is allowed here");
    return found;
  }
  for (const auto& [keyword_text, rule] : schema.as_object()) {
    const std::string_view keyword = keyword_text;
    if (is_annotation(keyword)) continue;
    if (keyword == "type") {
      if (!has_one_type(subject, rule)) report("is not of type " + serialize(rule));
    } else if (keyword == "enum") {
      if (std::ranges::find(rule.as_array(), subject) == rule.as_array().end()) {
        report(serialize(subject) + " is not one of " + serialize(rule));
      }
    } else if (keyword == "const") {
      if (rule != subject) report(serialize(subject) + " is not " + serialize(rule));
    } else if (keyword == "required") {
      for (const value& name : rule.as_array()) {
        if (!subject.is_object() || !subject.as_object().contains(name.as_string())) {
          report("lacks " + serialize(name));
        }
      }
    } else if (keyword == "properties") {
      if (!subject.is_object()) continue;
      for (const auto& [name, inner] : rule.as_object()) {
        if (const value* member = subject.as_object().if_contains(name)) {
          merge(mismatches(document, inner, *member, place + "." + std::string(name)));
        }
      }
    } else if (keyword == "additionalProperties") {
      if (!subject.is_object()) continue;
      const value* properties = schema.as_object().if_contains("properties");
      for (const auto& [name, member] : subject.as_object()) {
        if (properties != nullptr && properties->as_object().contains(name)) continue;
        merge(mismatches(document, rule, member, place + "." + std::string(name)));
      }
    } else if (keyword == "items") {
      if (!subject.is_array()) continue;
      for (std::size_t i = 0; i < subject.as_array().size(); ++i) {
        merge(mismatches(document, rule, subject.as_array()[i],
                         place + "[" + std::to_string(i) + "]"));
      }
    } else if (keyword == "minimum") {
      if (subject.is_number() && subject.to_number<double>() < rule.to_number<double>()) {
        report("is below " + serialize(rule));
      }
    } else if (keyword == "maximum") {
      if (subject.is_number() && subject.to_number<double>() > rule.to_number<double>()) {
        report("is above " + serialize(rule));
      }
    } else if (keyword == "minLength" || keyword == "maxLength") {
      if (!subject.is_string()) continue;
      const auto length = static_cast<std::int64_t>(subject.as_string().size());
      const bool fits = keyword == "minLength" ? length >= rule.to_number<std::int64_t>()
                                               : length <= rule.to_number<std::int64_t>();
      if (!fits) report("has the wrong length");
    } else if (keyword == "minItems" || keyword == "maxItems") {
      if (!subject.is_array()) continue;
      const auto size = static_cast<std::int64_t>(subject.as_array().size());
      const bool fits = keyword == "minItems" ? size >= rule.to_number<std::int64_t>()
                                              : size <= rule.to_number<std::int64_t>();
      if (!fits) report("has the wrong number of entries");
    } else if (keyword == "pattern") {
      if (subject.is_string() && !std::regex_search(std::string(subject.as_string()),
                                                    std::regex(std::string(rule.as_string())))) {
        report(serialize(subject) + " does not match " + serialize(rule));
      }
    } else if (keyword == "allOf") {
      for (const value& part : rule.as_array())
        merge(mismatches(document, part, subject, place));
    } else if (keyword == "oneOf" || keyword == "anyOf") {
      const auto fits = std::ranges::count_if(rule.as_array(), [&](const value& part) {
        return mismatches(document, part, subject, place).empty();
      });
      if (fits == 0 || (keyword == "oneOf" && fits > 1)) {
        report("fits " + std::to_string(fits) + " of the alternatives");
      }
    } else {
      report("the schema uses '" + std::string(keyword) + "', which this check does not know");
    }
  }
  return found;
}

}  // namespace sluice::test

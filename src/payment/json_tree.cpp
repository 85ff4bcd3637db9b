// Reads members of the provider's JSON strictly.
#include "payment/json_tree.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sluice::payment {

namespace {

constexpr std::size_t kMaxJsonDepth = 16;

void append(const boost::json::object& tree, const std::string& prefix, Fields& fields) {
  for (const auto& member : tree) {
    const std::string name = prefix + std::string(member.key());
    if (const auto* inner = member.value().if_object()) {
      append(*inner, name + ".", fields);
    } else if (const auto* text = member.value().if_string()) {
      fields.emplace_back(name, std::string(*text));
    } else if (!member.value().is_null()) {
      fields.emplace_back(name, boost::json::serialize(member.value()));
    }
  }
}

}  // namespace

Result<boost::json::object> parse_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error, {}, options);
  if (error) return fail("not the JSON of a payment: " + error.message());
  if (!value.is_object()) return fail("not the JSON of a payment: no object");
  return std::move(value.as_object());
}

const boost::json::object* object_in(const boost::json::object& parent, std::string_view name) {
  const auto* member = parent.if_contains(name);
  return member == nullptr ? nullptr : member->if_object();
}

std::string text_in(const boost::json::object& parent, std::string_view name) {
  const auto* member = parent.if_contains(name);
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

std::optional<std::int64_t> whole_in(const boost::json::object& parent, std::string_view name) {
  const auto* member = parent.if_contains(name);
  const auto* number = member == nullptr ? nullptr : member->if_int64();
  return number == nullptr || *number < 0 ? std::nullopt : std::optional(*number);
}

Fields flatten(const boost::json::object& tree) {
  Fields fields;
  append(tree, "", fields);
  return fields;
}

}  // namespace sluice::payment

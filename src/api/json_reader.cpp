// Strict JSON over Boost.JSON.
#include "api/json_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "base/text.h"

namespace sluice::api {

namespace {

namespace json = boost::json;

/// Sees every key go by and stops at one that its object has already. Boost.JSON's own parser would
/// keep the last.
struct DuplicateFinder {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  using error_code = json::error_code;

  std::vector<std::unordered_set<std::string>> objects;
  std::string key;
  std::optional<std::string> duplicate;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    objects.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    objects.pop_back();
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& error) {
    key.append(part.data(), part.size());
    if (!objects.back().insert(key).second) {
      duplicate = key;
      error = json::error::syntax;
      return false;
    }
    key.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

bool has_foreign_control(std::string_view text, ObjectReader::Lines lines) {
  if (lines == ObjectReader::Lines::file) return false;
  if (lines == ObjectReader::Lines::one) return has_control(text);
  return std::ranges::any_of(text, [](const char& c) {
    return c != '\n' && c != '\t' && has_control({&c, 1});
  });
}

/// What stands where something else should, fit for an error message.
std::string shown(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return quote(view(value.get_string()));
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:
      return std::to_string(value.get_uint64());
    case json::kind::double_:
      return fmt::format("{}", value.get_double());
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::null:
      return "null";
    case json::kind::array:
      return "[…]";
    case json::kind::object:
      return "{…}";
  }
  return "?";
}

}  // namespace

std::expected<json::value, Text> parse_json(std::string_view body) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<DuplicateFinder> finder(options);
  json::error_code error;
  finder.write_some(false, body.data(), body.size(), error);
  if (const auto& twice = finder.handler().duplicate) {
    return std::unexpected(Text{fmt::format("The body names {} twice.", quote(*twice)),
                                fmt::format("请求体中 {} 重复。", quote(*twice))});
  }
  json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (!error) return value;
  if (error == json::error::too_deep) {
    return std::unexpected(
        Text{fmt::format("The body is nested deeper than {} levels.", kMaxJsonDepth),
             fmt::format("请求体嵌套超过 {} 层。", kMaxJsonDepth)});
  }
  return std::unexpected(Text{fmt::format("The body is not well-formed JSON: {}.", error.message()),
                              "请求体不是合法的 JSON。"});
}

void JsonFaults::refuse(const std::string& path, std::string_view en, std::string_view zh) {
  if (first_) return;
  const std::string_view where_en = path.empty() ? "The body" : std::string_view(path);
  const std::string_view where_zh = path.empty() ? "请求体" : std::string_view(path);
  first_ = Text{fmt::format("{} {}.", where_en, en), fmt::format("{} {}。", where_zh, zh)};
}

ObjectReader::ObjectReader(const json::value& value, std::string path, JsonFaults& faults,
                           std::initializer_list<std::string_view> known)
    : object_(value.if_object()), path_(std::move(path)), faults_(&faults) {
  if (object_ == nullptr) {
    faults.refuse(path_, fmt::format("is {}; it must be an object", shown(value)),
                  fmt::format("的值 {} 不正确，应为对象", shown(value)));
    return;
  }
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, std::span(known.begin(), known.size()));
    faults.refuse(path_,
                  fmt::format("has the key {}, which is not known{}", quote(name),
                              near ? fmt::format(" (did you mean {}?)", quote(*near)) : ""),
                  fmt::format("含有未知的键 {}{}", quote(name),
                              near ? fmt::format("（您是否想用 {}？）", quote(*near)) : ""));
  }
}

const json::value* ObjectReader::find(std::string_view name) const {
  return object_ == nullptr ? nullptr : object_->if_contains({name.data(), name.size()});
}

std::string ObjectReader::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void ObjectReader::missing(std::string_view name) {
  faults_->refuse(path(name), "is missing", "缺失");
}

std::string ObjectReader::text(std::string_view name, std::size_t max_bytes, Need need,
                               Lines lines) {
  const json::value* value = find(name);
  if (value == nullptr) {
    if (need == Need::required) missing(name);
    return {};
  }
  const json::string* text = value->if_string();
  if (text == nullptr) {
    faults_->refuse(path(name), fmt::format("is {}; it must be text", shown(*value)),
                    fmt::format("的值 {} 不正确，应为文本", shown(*value)));
    return {};
  }
  if (text->empty() && need == Need::required) {
    faults_->refuse(path(name), "is empty", "不能为空");
  } else if (text->size() > max_bytes) {
    faults_->refuse(path(name),
                    fmt::format("has {} bytes; at most {} are allowed", text->size(), max_bytes),
                    fmt::format("有 {} 字节，最多允许 {} 字节", text->size(), max_bytes));
  } else if (has_foreign_control(view(*text), lines)) {
    faults_->refuse(path(name), "contains a control character", "含有控制字符");
  }
  return std::string(view(*text));
}

std::int64_t ObjectReader::integer(std::string_view name, std::int64_t min, std::int64_t max,
                                   std::optional<std::int64_t> otherwise) {
  const json::value* value = find(name);
  if (value == nullptr) {
    if (!otherwise) missing(name);
    return otherwise.value_or(min);
  }
  const std::int64_t* number = value->if_int64();
  if (number == nullptr || *number < min || *number > max) {
    faults_->refuse(
        path(name),
        fmt::format("is {}; it must be a whole number from {} to {}", shown(*value), min, max),
        fmt::format("的值 {} 不正确，应为 {} 至 {} 的整数", shown(*value), min, max));
    return min;
  }
  return *number;
}

bool ObjectReader::truth(std::string_view name, bool otherwise) {
  const json::value* value = find(name);
  if (value == nullptr) return otherwise;
  if (const bool* is_true = value->if_bool()) return *is_true;
  faults_->refuse(path(name), fmt::format("is {}; it must be true or false", shown(*value)),
                  fmt::format("的值 {} 不正确，应为 true 或 false", shown(*value)));
  return otherwise;
}

Instant ObjectReader::instant(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) {
    missing(name);
    return {};
  }
  if (const json::string* text = value->if_string()) {
    if (const auto parsed = parse_rfc3339(view(*text))) return *parsed;
  }
  faults_->refuse(
      path(name),
      fmt::format("is {}; it must be a time such as \"2026-11-22T14:05:09Z\"", shown(*value)),
      fmt::format("的值 {} 不正确，应为 \"2026-11-22T14:05:09Z\" 这样的时间", shown(*value)));
  return {};
}

std::string ObjectReader::id(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  std::string id;
  if (const json::string* text = value->if_string()) id = std::string(view(*text));
  const std::int64_t* number = value->if_int64();
  if (number != nullptr && *number >= 0) id = std::to_string(*number);
  if (!valid_catalog_id(id)) {
    faults_->refuse(path(name),
                    fmt::format("is {}; an id has 1 to 64 letters, digits, dots, dashes and "
                                "underscores and does not start with a dot",
                                shown(*value)),
                    fmt::format("的值 {} 不正确；编号由 1 至 64 个字母、数字、点、短横线和下划线"
                                "组成，且不以点开头",
                                shown(*value)));
  }
  return id;
}

const json::array* ObjectReader::array(std::string_view name, std::size_t max_size) {
  const json::value* value = find(name);
  if (value == nullptr) return nullptr;
  const json::array* array = value->if_array();
  if (array == nullptr) {
    faults_->refuse(path(name), fmt::format("is {}; it must be a list", shown(*value)),
                    fmt::format("的值 {} 不正确，应为列表", shown(*value)));
  } else if (array->size() > max_size) {
    faults_->refuse(path(name),
                    fmt::format("has {} entries; at most {} are allowed", array->size(), max_size),
                    fmt::format("有 {} 项，最多允许 {} 项", array->size(), max_size));
    return nullptr;
  }
  return array;
}

}  // namespace sluice::api

// Builds the tree from Boost.JSON's parser events. The text is handed over line by line, which is
// how the events learn their line: the parser itself keeps no positions.
#include "import/json_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>

#include "base/text.h"

namespace sluice::importing {

namespace {

namespace json = boost::json;

/// The events of the parser; names and signatures are Boost.JSON's.
class TreeBuilder {
 public:
  static constexpr std::size_t max_object_size = kMaxJsonNodes;
  static constexpr std::size_t max_array_size = kMaxJsonNodes;
  static constexpr std::size_t max_key_size = kMaxCellBytes;
  static constexpr std::size_t max_string_size = kMaxCellBytes;

  Line line = 1;
  std::string refusal;  ///< why the builder stopped the parser

  JsonNode take() { return std::move(root_); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& error) { return open(JsonNode::Kind::object, error); }
  bool on_array_begin(json::error_code& error) { return open(JsonNode::Kind::array, error); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_object_end(std::size_t, json::error_code& error) {
    std::unordered_set<std::string_view> names;
    for (const JsonNode& child : open_.back()->children) {
      if (!names.insert(child.name).second) {
        return refuse(fmt::format("the member {} is there twice", quote(child.name)), error);
      }
    }
    return close();
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    name_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t size, json::error_code& error) {
    return on_key_part(part, size, error);
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t size, json::error_code& error) {
    return on_string_part(part, size, error) && leaf(JsonNode::Kind::string, error);
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& error) {
    return number(part, error);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) {
    return number(part, error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    return number(part, error);
  }
  bool on_bool(bool truth, json::error_code& error) {
    text_ = truth ? "true" : "false";
    return leaf(JsonNode::Kind::boolean, error);
  }
  bool on_null(json::error_code& error) { return leaf(JsonNode::Kind::null, error); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool refuse(std::string why, json::error_code& error) {
    refusal = std::move(why);
    error = json::error::exception;
    return false;
  }

  bool number(json::string_view part, json::error_code& error) {
    text_.append(part.data(), part.size());
    if (text_.size() > kMaxCellBytes) return refuse("a number is too long", error);
    return leaf(JsonNode::Kind::number, error);
  }

  JsonNode* add(JsonNode::Kind kind, json::error_code& error) {
    if (++count_ > kMaxJsonNodes) {
      refuse(fmt::format("there are more than {} values; split the file", kMaxJsonNodes), error);
      return nullptr;
    }
    JsonNode& node = open_.empty() ? root_ : open_.back()->children.emplace_back();
    node.kind = kind;
    node.line = line;
    node.name = std::move(name_);
    node.text = std::move(text_);
    name_.clear();
    text_.clear();
    return &node;
  }

  bool leaf(JsonNode::Kind kind, json::error_code& error) { return add(kind, error) != nullptr; }

  bool open(JsonNode::Kind kind, json::error_code& error) {
    JsonNode* node = add(kind, error);
    if (node == nullptr) return false;
    open_.push_back(node);  // stays where it is: only the innermost open node grows
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  JsonNode root_;
  std::vector<JsonNode*> open_;
  std::string name_;
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace

const JsonNode* JsonNode::member(std::string_view member_name) const {
  const auto found = std::ranges::find(children, member_name, &JsonNode::name);
  return found == children.end() ? nullptr : &*found;
}

Result<JsonNode> parse_json(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());

  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<TreeBuilder> parser(options);
  TreeBuilder& builder = parser.handler();
  json::error_code error;
  Line line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t newline = text.find('\n', at);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline + 1;
    builder.line = line;
    const std::size_t used = parser.write_some(true, text.data() + at, end - at, error);
    if (!error && used < end - at) error = json::error::extra_data;
    if (error) break;
    at = end;
  }
  if (!error) parser.write_some(false, "", 0, error);
  if (!builder.refusal.empty()) return fail(fmt::format("line {}: {}", line, builder.refusal));
  if (error) {
    return fail(
        fmt::format("line {} is not valid JSON: {}", std::max<Line>(line, 1), error.message()));
  }
  return builder.take();
}

}  // namespace sluice::importing

// Builds the fields from Boost.JSON's parser events, which tell a repeated member where a finished
// value would have swallowed it.
#include "settlement/json_fields.h"

#include <boost/json/basic_parser_impl.hpp>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sluice::settlement {

namespace {

namespace json = boost::json;

/// The events of the parser; names and signatures are Boost.JSON's.
class Flattener {
 public:
  static constexpr std::size_t max_object_size = 1024;
  static constexpr std::size_t max_array_size = 1024;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = 64 * 1024;

  std::map<std::string, std::string, std::less<>> fields;
  std::string refusal;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& error) {
    if (!bases_.empty() && !claim(error)) return false;
    bases_.push_back(path_.size());
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    path_.resize(bases_.back());
    bases_.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (bases_.empty()) return refuse("it is no object", error);
    if (!claim(error)) return false;
    ++arrays_;
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    --arrays_;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t size, json::error_code& error) {
    on_key_part(part, size, error);
    path_.resize(bases_.back());
    if (!path_.empty()) path_ += '.';
    path_ += std::exchange(key_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    value_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t size, json::error_code& error) {
    return on_string_part(part, size, error) && leaf(error);
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    value_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& error) {
    return on_number_part(part, error) && leaf(error);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) {
    return on_number_part(part, error) && leaf(error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    return on_number_part(part, error) && leaf(error);
  }
  bool on_bool(bool value, json::error_code& error) {
    value_ = value ? "true" : "false";
    return leaf(error);
  }
  bool on_null(json::error_code& error) { return leaf(error); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool refuse(std::string why, json::error_code& error) {
    refusal = std::move(why);
    error = json::error::exception;
    return false;
  }
  /// The path stands once: also where one spelling is nested and the other dotted.
  bool claim(json::error_code& error) {
    if (arrays_ > 0) return true;
    const auto [at, fresh] = fields.emplace(path_, std::string{});
    if (!fresh) return refuse("the member " + quote(path_) + " is there twice", error);
    return true;
  }
  bool leaf(json::error_code& error) {
    if (bases_.empty()) return refuse("it is no object", error);
    if (!claim(error)) return false;
    if (arrays_ == 0) fields[path_] = value_;
    value_.clear();
    return true;
  }

  std::string path_, key_, value_;
  std::vector<std::size_t> bases_;  ///< length of the path at each open object
  std::size_t arrays_ = 0;          ///< how many are open: what they hold is passed over
};

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> read_fields(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxFieldDepth;
  json::basic_parser<Flattener> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  const std::string& refusal = parser.handler().refusal;
  if (!refusal.empty()) return fail("not readable as fields: " + refusal);
  if (error) return fail("not JSON: " + error.message());
  if (used < text.size() || !parser.done()) return fail("not one JSON object");
  auto fields = std::move(parser.handler().fields);
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return fields;
}

}  // namespace sluice::settlement

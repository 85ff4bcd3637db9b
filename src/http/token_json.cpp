// A handler for Boost.JSON's streaming parser that keeps the members of a token.
#include "http/token_json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

namespace sluice::http {

namespace {

constexpr std::size_t kMaxDepth = 8;

struct Name {
  std::string_view text;
  TokenMembers::Bit bit;
};
constexpr Name kNames[] = {
    {"sub", TokenMembers::sub},   {"exp", TokenMembers::exp},   {"iat", TokenMembers::iat},
    {"role", TokenMembers::role}, {"alg", TokenMembers::alg},   {"typ", TokenMembers::typ},
    {"kid", TokenMembers::kid},   {"nbf", TokenMembers::nbf},   {"iss", TokenMembers::iss},
    {"aud", TokenMembers::aud},   {"crit", TokenMembers::crit},
};

/// Called back by the parser; returning false with an error set ends the parse.
class Handler {
 public:
  static constexpr std::size_t max_object_size = 1024;
  static constexpr std::size_t max_array_size = 1024;
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = 4096;
  using error_code = boost::json::error_code;

  void reset() {
    members.present = 0;
    members.wrong_type = false;
    members.audience_count = 0;
    depth_ = 0;
    current_ = 0;
    others_.clear();
  }

  TokenMembers members;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    if (depth_ == 1 || in_audience()) mistyped();
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    --depth_;
    return true;
  }
  bool on_array_begin(error_code& error) {
    if (depth_ == 0) return stop(error);  // the document must be an object
    if ((depth_ == 1 && current_ != TokenMembers::aud) || in_audience()) mistyped();
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    --depth_;
    return true;
  }

  bool on_key_part(boost::json::string_view part, std::size_t, error_code&) {
    if (depth_ == 1) key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, std::size_t, error_code& error) {
    if (depth_ != 1) return true;
    std::string_view key(part.data(), part.size());
    if (!key_.empty()) key = key_.append(part.data(), part.size());
    const auto* name = std::ranges::find(kNames, key, &Name::text);
    if (name != std::end(kNames)) {
      current_ = name->bit;
      if ((members.present & current_) != 0) return stop(error);
      members.present |= current_;
      begin_text();
    } else {
      // RFC 7519 section 4: names must be unique. The signature holds here, so this is rare.
      current_ = 0;
      if (std::ranges::find(others_, key) != others_.end()) return stop(error);
      others_.emplace_back(key);
    }
    key_.clear();
    return true;
  }

  bool on_string_part(boost::json::string_view part, std::size_t, error_code& error) {
    if (depth_ == 0) return stop(error);
    if (std::string* text = target()) text->append(part.data(), part.size());
    return true;
  }
  bool on_string(boost::json::string_view part, std::size_t, error_code& error) {
    if (depth_ == 0) return stop(error);
    if (std::string* text = target()) {
      text->append(part.data(), part.size());
      if (current_ == TokenMembers::aud) {
        ++members.audience_count;
        begin_text();
      }
    } else if (is_number()) {
      mistyped();
    }
    return true;
  }

  bool on_number_part(boost::json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, boost::json::string_view, error_code& error) {
    return number_value(static_cast<double>(number), error);
  }
  bool on_uint64(std::uint64_t number, boost::json::string_view, error_code& error) {
    return number_value(static_cast<double>(number), error);
  }
  bool on_double(double number, boost::json::string_view, error_code& error) {
    return number_value(number, error);
  }
  bool on_bool(bool, error_code& error) { return other_value(error); }
  bool on_null(error_code& error) { return other_value(error); }
  bool on_comment_part(boost::json::string_view, error_code&) { return true; }
  bool on_comment(boost::json::string_view, error_code&) { return true; }

 private:
  static bool stop(error_code& error) {
    error = boost::json::error::syntax;
    return false;
  }
  void mistyped() { members.wrong_type = members.wrong_type || current_ != 0; }
  bool is_number() const {
    return depth_ == 1 &&
           (current_ & (TokenMembers::exp | TokenMembers::nbf | TokenMembers::iat)) != 0;
  }

  bool in_audience() const { return depth_ == 2 && current_ == TokenMembers::aud; }

  bool number_value(double number, error_code& error) {
    if (depth_ == 0) return stop(error);
    if (!is_number()) return other_value(error);
    if (current_ == TokenMembers::exp) members.exp_seconds = number;
    if (current_ == TokenMembers::nbf) members.nbf_seconds = number;
    if (current_ == TokenMembers::iat) members.iat_seconds = number;
    return true;
  }
  bool other_value(error_code& error) {
    if (depth_ == 0) return stop(error);
    if (depth_ == 1 || in_audience()) mistyped();
    return true;
  }

  void begin_text() {
    if (current_ == TokenMembers::aud && members.audience_count == members.audiences.size()) {
      members.audiences.emplace_back();
    }
    if (std::string* text = text_of(current_)) text->clear();
  }
  /// Where the string in hand belongs; null where nobody wants it.
  std::string* target() { return depth_ == 1 || in_audience() ? text_of(current_) : nullptr; }
  std::string* text_of(std::uint32_t member) {
    switch (member) {
      case TokenMembers::alg:
        return &members.alg_text;
      case TokenMembers::kid:
        return &members.kid_text;
      case TokenMembers::typ:
        return &members.typ_text;
      case TokenMembers::sub:
        return &members.sub_text;
      case TokenMembers::iss:
        return &members.iss_text;
      case TokenMembers::role:
        return &members.role_text;
      case TokenMembers::aud:
        return &members.audiences[members.audience_count];
      default:
        return nullptr;
    }
  }

  std::size_t depth_ = 0;
  std::uint32_t current_ = 0;        ///< the member whose value comes next; 0: not of interest
  std::string key_;                  ///< the beginning of a key that came in parts
  std::vector<std::string> others_;  ///< names not in kNames, to find duplicates
};

boost::json::parse_options strict() {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  return options;
}

}  // namespace

struct TokenJson::Parts {
  boost::json::basic_parser<Handler> parser{strict()};
};

TokenJson::TokenJson() : parts_(std::make_unique<Parts>()) {}
TokenJson::~TokenJson() = default;

const TokenMembers* TokenJson::read(std::string_view json) {
  auto& parser = parts_->parser;
  parser.reset();
  parser.handler().reset();
  boost::json::error_code error;
  const std::size_t used = parser.write_some(false, json.data(), json.size(), error);
  if (error || used != json.size() || !parser.done()) return nullptr;
  return &parser.handler().members;
}

}  // namespace sluice::http

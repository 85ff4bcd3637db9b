// A parser for the one shape that a grab's body may have.
#include "api/grab_body.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace sluice::api {

namespace {

constexpr std::string_view kKey = "quantity";

class Parser {
 public:
  explicit Parser(std::string_view body) : rest_(body) {}

  std::expected<std::int64_t, GrabBodyFault> run() {
    skip_space();
    if (!eat('{')) return std::unexpected(GrabBodyFault::not_an_object);
    std::optional<std::int64_t> quantity;
    skip_space();
    if (!eat('}')) {
      if (const auto fault = members(quantity)) return std::unexpected(*fault);
    }
    skip_space();
    if (!rest_.empty()) return std::unexpected(GrabBodyFault::trailing_data);
    return quantity.value_or(1);
  }

 private:
  std::optional<GrabBodyFault> members(std::optional<std::int64_t>& quantity) {
    do {
      skip_space();
      if (const auto fault = key()) return fault;
      if (quantity) return GrabBodyFault::duplicate_key;
      skip_space();
      if (!eat(':')) return GrabBodyFault::bad_syntax;
      skip_space();
      if (const auto fault = integer(quantity)) return fault;
      skip_space();
    } while (eat(','));
    if (!eat('}')) return GrabBodyFault::bad_syntax;
    return std::nullopt;
  }

  /// The only known key, written plainly: one with escapes is not recognised as it.
  std::optional<GrabBodyFault> key() {
    if (!eat('"')) return GrabBodyFault::bad_syntax;
    const std::size_t end = rest_.find('"');
    if (end == std::string_view::npos) return GrabBodyFault::bad_syntax;
    if (rest_.substr(0, end) != kKey) return GrabBodyFault::unknown_key;
    rest_.remove_prefix(end + 1);
    return std::nullopt;
  }

  std::optional<GrabBodyFault> integer(std::optional<std::int64_t>& into) {
    if (rest_.empty()) return GrabBodyFault::bad_syntax;
    const bool negative = rest_.front() == '-';
    const std::size_t first = negative ? 1 : 0;
    std::size_t end = first;
    while (end < rest_.size() && rest_[end] >= '0' && rest_[end] <= '9')
      ++end;
    if (end == first) return GrabBodyFault::not_an_integer;
    if (rest_[first] == '0' && end > first + 1) return GrabBodyFault::bad_syntax;
    if (end < rest_.size() && (rest_[end] == '.' || rest_[end] == 'e' || rest_[end] == 'E')) {
      return GrabBodyFault::not_an_integer;
    }
    std::int64_t value = 0;
    const auto parsed = std::from_chars(rest_.begin(), rest_.begin() + end, value);
    if (parsed.ec != std::errc{}) return GrabBodyFault::out_of_range;
    rest_.remove_prefix(end);
    into = value;
    return std::nullopt;
  }

  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  bool eat(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

const Words& to_text(GrabBodyFault fault) {
  static constexpr std::array<Words, 8> texts{{
      {"The body must be empty or a JSON object such as {\"quantity\":1}.",
       "请求体必须为空，或为 {\"quantity\":1} 这样的 JSON 对象。"},
      {"The body is not well-formed JSON.", "请求体不是合法的 JSON。"},
      {"The body is not UTF-8.", "请求体不是 UTF-8 编码。"},
      {"The body has a key that is not known; the only one is \"quantity\".",
       "请求体含有未知的键；只允许 \"quantity\"。"},
      {"The body names \"quantity\" twice.", "请求体中 \"quantity\" 重复。"},
      {"\"quantity\" must be a whole number, without fraction, exponent or quotes.",
       "\"quantity\" 必须是整数，不得带小数、指数或引号。"},
      {"\"quantity\" does not fit 64 bits; at most 1000000000 units can be ordered.",
       "\"quantity\" 超出 64 位整数；最多可订购 1000000000 件。"},
      {"The body goes on after the JSON object.", "JSON 对象之后还有多余内容。"},
  }};
  return texts[static_cast<std::size_t>(fault)];
}

std::expected<std::int64_t, GrabBodyFault> parse_grab_body(std::string_view body) {
  if (body.empty()) return 1;
  if (!valid_utf8(body)) return std::unexpected(GrabBodyFault::bad_utf8);
  return Parser(body).run();
}

}  // namespace sluice::api

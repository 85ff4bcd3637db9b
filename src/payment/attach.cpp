// The text that travels through the provider and back, read strictly: it decides where money goes.
#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "payment/service.h"

namespace sluice::payment {

namespace {

namespace json = boost::json;

std::string encode(std::string_view queue, std::string_view exchange, std::string_view username) {
  return fmt::format(R"({{"queue":{},"exchange":{},"username":{}}})",
                     json::serialize(json::string_view(queue.data(), queue.size())),
                     json::serialize(json::string_view(exchange.data(), exchange.size())),
                     json::serialize(json::string_view(username.data(), username.size())));
}

/// Called back by the parser; a finished value would have swallowed a repeated key.
class AttachHandler {
 public:
  static constexpr std::size_t max_object_size = 3;
  static constexpr std::size_t max_array_size = 0;
  static constexpr std::size_t max_key_size = kMaxAttachBytes;
  static constexpr std::size_t max_string_size = kMaxAttachBytes;
  using Code = json::error_code;

  std::optional<std::string> queue, exchange, username;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& code) { return !std::exchange(inside_, true) || refuse(code); }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_array_begin(Code& code) { return refuse(code); }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, Code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Code& code) {
    text_.append(part.data(), part.size());
    const std::string key = std::exchange(text_, {});
    target_ = key == "queue"      ? &queue
              : key == "exchange" ? &exchange
              : key == "username" ? &username
                                  : nullptr;
    return (target_ != nullptr && !target_->has_value()) || refuse(code);
  }
  bool on_string_part(json::string_view part, std::size_t, Code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, Code& code) {
    text_.append(part.data(), part.size());
    if (target_ == nullptr || has_control(text_)) return refuse(code);
    *target_ = std::exchange(text_, {});
    return true;
  }
  bool on_number_part(json::string_view, Code& code) { return refuse(code); }
  bool on_int64(std::int64_t, json::string_view, Code& code) { return refuse(code); }
  bool on_uint64(std::uint64_t, json::string_view, Code& code) { return refuse(code); }
  bool on_double(double, json::string_view, Code& code) { return refuse(code); }
  bool on_bool(bool, Code& code) { return refuse(code); }
  bool on_null(Code& code) { return refuse(code); }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }

 private:
  static bool refuse(Code& code) {
    code = json::make_error_code(json::error::syntax);
    return false;
  }

  std::string text_;
  std::optional<std::string>* target_ = nullptr;
  bool inside_ = false;
};

}  // namespace

std::string to_json(const Attach& attach) {
  std::string whole = encode(attach.queue, attach.exchange, attach.username);
  if (whole.size() <= kMaxAttachBytes) return whole;
  return encode(attach.queue, attach.exchange, "");
}

Result<Attach> parse_attach(std::string_view text) {
  if (text.size() > kMaxAttachBytes) {
    return fail(
        fmt::format("attach has {} bytes, at most {} come back.", text.size(), kMaxAttachBytes));
  }
  json::basic_parser<AttachHandler> parser{json::parse_options{}};
  json::error_code code;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), code);
  AttachHandler& found = parser.handler();
  const bool whole =
      !code && read == text.size() && found.queue && found.exchange && found.username;
  if (!whole || found.queue->empty() || found.exchange->empty()) {
    return fail(fmt::format(
        "attach is {}, not a JSON object of exactly the texts queue, exchange and username.",
        quote(text)));
  }
  return Attach{std::move(*found.queue), std::move(*found.exchange), std::move(*found.username)};
}

}  // namespace sluice::payment

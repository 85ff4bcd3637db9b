// Writes HTML in which text cannot become markup: names are literals checked when compiled, values
// are escaped, and addresses are of a type that cannot run script.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::web {

/// An address for href, src and action.
class Url {
 public:
  /// An address of this site: begins with one slash. Anything else is a bug of ours and asserts.
  static Url local(std::string path);
  /// An element of the page itself; `id` is a literal.
  static Url here(const char* id) { return Url(std::string("#") + id); }
  /// What an operator gave as an image: http, https or a path of this site; empty for the rest.
  static Url image(std::string_view address);
  /// What the payment provider gave to be opened by its app or, in the sandbox, by a browser:
  /// http, https or weixin; empty for the rest.
  static Url payment(std::string_view address);

  bool empty() const { return text_.empty(); }
  std::string_view text() const { return text_; }

 private:
  explicit Url(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

namespace detail {
constexpr bool is_name(std::string_view text) {
  for (const char c : text) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!good) return false;
  }
  return !text.empty();
}
constexpr bool is_link(std::string_view name) {
  return name == "href" || name == "src" || name == "action";
}
/// Attributes that would run script, load something or bring style past the policy of the page.
constexpr bool is_active(std::string_view name) {
  return is_link(name) || name.starts_with("on") || name == "style" || name == "srcdoc" ||
         name == "srcset" || name == "formaction" || name == "ping" || name == "http-equiv" ||
         name == "data" || name == "background";
}
}  // namespace detail

/// The name of an element. Those whose text is no text are left out: see Html::script.
class TagName {
 public:
  consteval TagName(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
    if (!detail::is_name(text_) || text_ == "script" || text_ == "style") throw "not a tag";
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The name of an attribute whose value is text.
class TextName {
 public:
  consteval TextName(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
    if (!detail::is_name(text_) || detail::is_active(text_)) throw "not an attribute of text";
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The name of an attribute whose value is an address.
class LinkName {
 public:
  consteval LinkName(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
    if (!detail::is_link(text_)) throw "not an attribute of an address";
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// One attribute; views that live as long as the expression it is written in.
class Attribute {
 public:
  Attribute(TextName name, std::string_view value) : name_(name.text()), value_(value) {}
  Attribute(LinkName name, const Url& value) : name_(name.text()), value_(value.text()) {}
  /// Present without a value, or not at all.
  Attribute(TextName name, std::same_as<bool> auto present)
      : name_(name.text()), kind_(present ? Kind::bare : Kind::absent) {}

 private:
  friend class Html;
  enum class Kind : std::uint8_t { with_value, bare, absent };
  std::string_view name_;
  std::string_view value_;
  Kind kind_ = Kind::with_value;
};

using Attributes = std::initializer_list<Attribute>;

/// One document or a piece of it. Elements are closed by name in the order they were opened.
class Html {
 public:
  Html& document_type();
  Html& open(TagName tag, Attributes attributes = {});
  Html& close();
  /// An element that has neither content nor end tag.
  Html& single(TagName tag, Attributes attributes = {});
  Html& text(std::string_view words);
  Html& leaf(TagName tag, Attributes attributes, std::string_view words) {
    return open(tag, attributes).text(words).close();
  }
  template <std::invocable Body>
  Html& in(TagName tag, Attributes attributes, Body&& body) {
    open(tag, attributes);
    std::forward<Body>(body)();
    return close();
  }
  /// A module that is loaded, never one that is written here.
  Html& script(const Url& source);
  /// Asks a browser that runs no script to load the page again after so many seconds.
  Html& refresh_without_script(int seconds);

  /// Everything written; no element may be open.
  std::string finish() &&;

 private:
  void start(std::string_view tag, Attributes attributes);
  std::string out_;
  std::vector<std::string_view> open_;
};

}  // namespace sluice::web

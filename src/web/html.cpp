// Escaping, and the few forms of elements there are.
#include "web/html.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/html.h"
#include "base/text.h"

namespace sluice::web {

namespace {

constexpr std::size_t kUsualPage = 12 * 1024;

/// Browsers take "//host/x" and "/\host/x" for addresses of another host.
bool is_local(std::string_view path) {
  return path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\") &&
         !has_control(path);
}

bool has_scheme(std::string_view address, std::initializer_list<std::string_view> schemes) {
  return !has_control(address) && std::ranges::any_of(schemes, [&](std::string_view scheme) {
    return address.starts_with(scheme) && address.size() > scheme.size();
  });
}

}  // namespace

Url Url::local(std::string path) {
  SLUICE_ASSERT(is_local(path), "an address of this site");
  return Url(std::move(path));
}

Url Url::image(std::string_view address) {
  const bool good = is_local(address) || has_scheme(address, {"http://", "https://"});
  return Url(std::string(good ? address : std::string_view{}));
}

Url Url::payment(std::string_view address) {
  const bool good = has_scheme(address, {"http://", "https://", "weixin://"});
  return Url(std::string(good ? address : std::string_view{}));
}

Html& Html::document_type() {
  out_.reserve(kUsualPage);
  out_.append("<!doctype html>");
  return *this;
}

void Html::start(std::string_view tag, Attributes attributes) {
  out_.append(1, '<').append(tag);
  for (const Attribute& attribute : attributes) {
    if (attribute.kind_ == Attribute::Kind::absent) continue;
    out_.append(1, ' ').append(attribute.name_);
    if (attribute.kind_ == Attribute::Kind::bare) continue;
    out_.append("=\"");
    out_.append(escape_html(attribute.value_));
    out_.append(1, '"');
  }
  out_.append(1, '>');
}

Html& Html::open(TagName tag, Attributes attributes) {
  start(tag.text(), attributes);
  open_.push_back(tag.text());
  return *this;
}

Html& Html::close() {
  SLUICE_ASSERT(!open_.empty(), "an element to close");
  out_.append("</").append(open_.back()).append(1, '>');
  open_.pop_back();
  return *this;
}

Html& Html::single(TagName tag, Attributes attributes) {
  start(tag.text(), attributes);
  return *this;
}

Html& Html::text(std::string_view words) {
  out_.append(escape_html(words));
  return *this;
}

Html& Html::script(const Url& source) {
  out_.append(R"(<script type="module" src=")");
  out_.append(escape_html(source.text()));
  out_.append(R"("></script>)");
  return *this;
}

Html& Html::refresh_without_script(int seconds) {
  SLUICE_ASSERT(seconds > 0, "a refresh that leaves time to read");
  out_.append(R"(<noscript><meta http-equiv="refresh" content=")")
      .append(std::to_string(seconds))
      .append(R"("></noscript>)");
  return *this;
}

std::string Html::finish() && {
  SLUICE_ASSERT(open_.empty(), "every element is closed");
  return std::move(out_);
}

}  // namespace sluice::web

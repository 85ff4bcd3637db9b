// Sending of pages, with the headers that all of them carry.
#include "web/visit.h"

namespace sluice::web {

namespace {

/// No inline script or style anywhere, nothing from elsewhere but pictures of items.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

void add_common(http::Response& response, const Visitor& visitor) {
  response.content_type = "text/html; charset=utf-8";
  response.add("Content-Language", api::tag(visitor.language));
  response.add("Content-Security-Policy", kPolicy);
  // Not no-referrer: that makes browsers send "Origin: null" with our own forms.
  response.add("Referrer-Policy", "same-origin");
  response.add("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace

void send_page(Visit&& visit, std::string&& html, int status, Keep keep, std::string_view tag) {
  http::Response response;
  response.status = status;
  add_common(response, visit.visitor);
  switch (keep) {
    case Keep::never:
      response.add("Cache-Control", "no-store");
      break;
    case Keep::own:
      response.add("Cache-Control", "private, no-cache");
      break;
    case Keep::anyone:
      response.add("Cache-Control", "public, max-age=1");
      break;
  }
  response.add("Vary", "Cookie, Accept-Language");
  if (!tag.empty()) response.add("ETag", tag);
  if (status == 429 || status == 503) response.add("Retry-After", "1");
  if (status == 304) {
    response.content_type = "";
  } else {
    response.body = std::move(html);
  }
  visit.exchange.send(std::move(response));
}

void send_trouble(Visit&& visit, Trouble trouble) {
  std::string html = trouble_page(visit.visitor, trouble);
  send_page(std::move(visit), std::move(html), status_of(trouble));
}

void send_to(Visit&& visit, std::string_view path, std::string_view cookie) {
  http::Response response;
  response.status = 303;
  response.content_type = "";
  response.add("Location", path).add("Cache-Control", "no-store");
  if (!cookie.empty()) response.add("Set-Cookie", cookie);
  visit.exchange.send(std::move(response));
}

std::string field(const Request& request, std::string_view name) {
  return http::query_value(request.body, name).value_or("");
}

}  // namespace sluice::web

// The frame: the same on every page, so that people know where they are.
#include "web/frame.h"

#include <fmt/format.h>

#include "web/assets.h"
#include "web/parts.h"

namespace sluice::web {

namespace {

void write_head(Html& html, const Visitor& visitor, const Head& head) {
  html.open("head");
  html.single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.single("meta", {{"name", "color-scheme"},
                       {"content",
                        visitor.theme == Theme::system ? "light dark" : name_of(visitor.theme)}});
  html.leaf("title", {}, fmt::format("{} · Sluice", head.title));
  html.single("link", {{"rel", "stylesheet"}, {"href", Url::local(std::string(style_path()))}});
  html.single(
      "link",
      {{"rel", "icon"}, {"type", "image/svg+xml"}, {"href", Url::local(std::string(mark_path()))}});
  html.script(Url::local(std::string(script_path())));
  if (head.refresh_seconds > 0) html.refresh_without_script(head.refresh_seconds);
  html.close();
}

/// A gate over water: the mark of the shop.
void write_mark(Html& html) {
  html.open("svg", {{"class", "mark"},
                    {"viewBox", "0 0 32 32"},
                    {"aria-hidden", "true"},
                    {"focusable", "false"}});
  html.leaf("path", {{"class", "mark-gate"}, {"d", "M5 3h4v17H5zM23 3h4v17h-4zM9 6h14v9H9z"}}, "");
  html.leaf("path",
            {{"class", "mark-water"},
             {"d", "M2 22c3.5 0 3.5 2.5 7 2.5s3.5-2.5 7-2.5 3.5 2.5 7 2.5 3.5-2.5 7-2.5v8H2z"}},
            "");
  html.close();
}

void write_who(Html& html, const Visitor& visitor) {
  html.open("div", {{"class", "who"}});
  if (visitor.signed_in()) {
    const std::string told = say(Word::signed_in_as, visitor.language, visitor.user);
    html.leaf("span", {{"class", "who-name"}, {"title", told}}, visitor.user);
    html.open("form", {{"method", "post"}, {"action", Url::local("/session/end")}});
    write_seal(html, visitor);
    html.leaf("button", {{"class", "plain"}}, say(Word::sign_out, visitor.language)).close();
  } else if (visitor.path != "/signin") {
    html.leaf("a", {{"class", "plain"}, {"href", Url::local("/signin")}},
              say(Word::sign_in, visitor.language));
  }
  html.close();
}

void write_choice(Html& html, const Visitor& visitor, Theme theme, Word word) {
  html.leaf("button",
            {{"name", "theme"},
             {"value", name_of(theme)},
             {"aria-pressed", visitor.theme == theme ? "true" : "false"}},
            say(word, visitor.language));
}

}  // namespace

std::string_view name_of(Theme theme) {
  return theme == Theme::dark ? "dark" : theme == Theme::light ? "light" : "system";
}

void open_frame(Html& html, const Visitor& visitor, const Head& head) {
  const Language language = visitor.language;
  html.document_type();
  html.open("html", {{"lang", api::tag(language)}, {"data-theme", name_of(visitor.theme)}});
  write_head(html, visitor, head);
  html.open("body");
  html.leaf("a", {{"class", "skip"}, {"href", Url::here("main")}},
            say(Word::skip_to_content, language));
  html.open("header", {{"class", "top"}}).open("div", {{"class", "top-in"}});
  html.open("a", {{"class", "brand"}, {"href", Url::local("/")}});
  write_mark(html);
  html.leaf("span", {}, "Sluice").close();
  html.open("nav", {{"class", "ways"}, {"aria-label", "Sluice"}});
  const auto way = [&](std::string_view path, Word word) {
    const bool is_here = visitor.path == path && head.kind != "trouble";
    html.open("a", {{"href", Url::local(std::string(path))},
                    {"aria-current", is_here ? "page" : "false"}});
    html.text(say(word, language)).close();
  };
  way("/", Word::site_sales);
  way("/orders", Word::my_orders);
  html.close();
  write_who(html, visitor);
  html.close().close();
  if (visitor.demo) {
    html.open("aside", {{"class", "trial"}}).leaf("p", {}, say(Word::trial, language)).close();
  }
  const std::string poll = head.poll_seconds > 0 ? std::to_string(head.poll_seconds) : "";
  html.open("main", {{"id", "main"},
                     {"tabindex", "-1"},
                     {"class", head.kind},
                     {"data-state", head.state},
                     {"data-told", head.told},
                     {"data-came-back", head.came_back},
                     {"data-no-answer", say(Word::no_answer, language)},
                     {"data-live", head.live},
                     {"data-poll", poll}});
}

void close_frame(Html& html, const Visitor& visitor) {
  const Language language = visitor.language;
  html.close();
  html.leaf("div", {{"id", "status"}, {"class", "toast"}, {"role", "status"}}, "");
  html.open("footer", {{"class", "bottom"}}).open("div", {{"class", "bottom-in"}});
  html.leaf("p", {}, say(Word::footer, language));
  html.open("form", {{"class", "preferences"},
                     {"method", "post"},
                     {"action", Url::local("/preferences")},
                     {"aria-label", say(Word::preferences, language)}});
  html.single("input", {{"type", "hidden"}, {"name", "next"}, {"value", visitor.path}});
  html.open("div", {{"role", "group"}, {"aria-label", say(Word::theme, language)}});
  write_choice(html, visitor, Theme::system, Word::theme_system);
  write_choice(html, visitor, Theme::light, Word::theme_light);
  write_choice(html, visitor, Theme::dark, Word::theme_dark);
  html.close();
  const bool zh = language == Language::zh;
  html.leaf("button",
            {{"name", "language"}, {"value", zh ? "en" : "zh"}, {"lang", zh ? "en" : "zh-CN"}},
            say(Word::other_language, language));
  html.close().close().close().close().close();
}

}  // namespace sluice::web

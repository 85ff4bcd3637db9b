// The page that the operator console's script fills. It shows nothing by itself and so needs no
// session: the script asks the operator API, which does.
#include "web/assets.h"
#include "web/frame.h"
#include "web/visit.h"

namespace sluice::web {

void show_console(Desk&, const Request&, const Captures&, Visit&& visit) {
  const Visitor& visitor = visit.visitor;
  const auto asset = [](std::string_view path) { return Url::local(std::string(path)); };
  Html html;
  html.document_type();
  html.open("html", {{"lang", api::tag(visitor.language)},
                     {"data-theme", name_of(visitor.theme)},
                     {"data-trial", visitor.demo ? "yes" : "no"}});
  html.open("head");
  html.single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.leaf("title", {}, say(Word::console_title, visitor.language));
  html.single("link", {{"rel", "stylesheet"}, {"href", asset(console_style_path())}});
  html.single("link", {{"rel", "icon"}, {"type", "image/svg+xml"}, {"href", asset(mark_path())}});
  html.script(asset(console_script_path()));
  html.close();
  html.open("body").open("div", {{"id", "app"}});
  html.open("noscript").leaf("p", {}, say(Word::console_needs_script, visitor.language));
  html.close().close().close().close();
  send_page(std::move(visit), std::move(html).finish());
}

}  // namespace sluice::web

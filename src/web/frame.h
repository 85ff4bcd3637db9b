// What every page has around its content: head, header, footer.
#pragma once

#include <string>
#include <string_view>

#include "web/html.h"
#include "web/visitor.h"
#include "web/words.h"

namespace sluice::web {

/// What the frame must know of the page inside, and what the script goes by.
struct Head {
  std::string title;
  std::string kind = {};       ///< of page: a class of <main>
  std::string state = {};      ///< changes when something happened that people want to be told
  std::string told = {};       ///< what to tell them when it has come to this state
  std::string came_back = {};  ///< what to tell where the state before was "sold_out"
  std::string live = {};       ///< address of the order whose events this page follows
  int poll_seconds = 0;        ///< how often script looks for a change; 0: never
  int refresh_seconds = 0;     ///< how often a browser without script loads it again; 0: never
};

/// The value of data-theme.
std::string_view name_of(Theme theme);

void open_frame(Html& html, const Visitor& visitor, const Head& head);
void close_frame(Html& html, const Visitor& visitor);

template <class Body>
std::string page(const Visitor& visitor, const Head& head, Body&& body) {
  Html html;
  open_frame(html, visitor, head);
  std::forward<Body>(body)(html);
  close_frame(html, visitor);
  return std::move(html).finish();
}

}  // namespace sluice::web

// Signing in, and pages that say what went wrong.
#include "web/frame.h"
#include "web/pages.h"
#include "web/parts.h"

namespace sluice::web {

namespace {

void write_fault(Html& html, const SignIn& form, const Visitor& visitor) {
  const Language language = visitor.language;
  if (form.fault == SignInFault::none && !visitor.session_is_over) return;
  const Word word = form.fault == SignInFault::bad_token  ? Word::sign_in_refused
                    : form.fault == SignInFault::bad_name ? Word::sign_in_name_refused
                                                          : Word::sign_in_expired;
  html.open("section", {{"class", "verdict"}, {"id", "verdict"}});
  html.leaf("p", {}, say(word, language)).close();
}

void open_form(Html& html, const SignIn& form) {
  html.open("form", {{"class", "sign-in"}, {"method", "post"}, {"action", Url::local("/session")}});
  html.single("input", {{"type", "hidden"}, {"name", "next"}, {"value", form.next}});
}

void write_demo_form(Html& html, const SignIn& form, Language language) {
  html.open("section", {{"class", "panel"}, {"aria-labelledby", "demo"}});
  html.leaf("h2", {{"id", "demo"}}, say(Word::sign_in_demo, language));
  html.leaf("p", {}, say(Word::sign_in_demo_hint, language));
  open_form(html, form);
  html.open("p", {{"class", "field"}});
  html.leaf("label", {{"for", "name"}}, say(Word::sign_in_name, language));
  html.single("input", {{"id", "name"},
                        {"name", "name"},
                        {"maxlength", "40"},
                        {"autocomplete", "username"},
                        {"aria-describedby", "name-hint"}});
  html.leaf("span", {{"class", "hint"}, {"id", "name-hint"}},
            say(Word::sign_in_name_hint, language));
  html.close();
  html.leaf("button", {{"class", "button button-main"}}, say(Word::sign_in, language));
  html.close().close();
}

void write_token_form(Html& html, const SignIn& form, const Visitor& visitor) {
  const Language language = visitor.language;
  html.open("section", {{"class", "panel"}, {"aria-labelledby", "pass"}});
  html.leaf("h2", {{"id", "pass"}}, say(Word::sign_in_token, language));
  open_form(html, form);
  if (!form.offered_user.empty()) {
    html.single("input", {{"type", "hidden"}, {"name", "token"}, {"value", form.offered}});
    html.leaf("button", {{"class", "button button-main"}},
              say(Word::sign_in_as, language, form.offered_user));
    html.close().close();
    return;
  }
  html.leaf("p", {}, say(Word::sign_in_lead, language));
  html.open("p", {{"class", "field"}});
  html.leaf("label", {{"for", "token"}}, say(Word::sign_in_token, language));
  html.leaf("textarea",
            {{"id", "token"},
             {"name", "token"},
             {"rows", "4"},
             {"required", true},
             {"spellcheck", "false"},
             {"autocapitalize", "off"},
             {"aria-describedby", "token-hint"}},
            "");
  html.leaf("span", {{"class", "hint"}, {"id", "token-hint"}},
            say(Word::sign_in_token_hint, language));
  html.close();
  html.leaf("button", {{"class", "button button-quiet"}}, say(Word::sign_in, language));
  html.close().close();
}

struct TroubleWords {
  int status;
  Word title;
  Word hint;
};

TroubleWords words_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::not_found:
      return {404, Word::not_found, Word::not_found_hint};
    case Trouble::forbidden:
      return {403, Word::forbidden, Word::forbidden_hint};
    case Trouble::unreadable:
      return {503, Word::unreadable, Word::unreadable_hint};
    case Trouble::busy:
      break;
  }
  return {503, Word::busy, Word::busy_hint};
}

}  // namespace

std::string sign_in_page(const Visitor& visitor, const SignIn& form) {
  Head head;
  head.title = say(Word::sign_in_title, visitor.language);
  head.kind = "account";
  return page(visitor, head, [&](Html& html) {
    html.leaf("h1", {}, head.title);
    write_fault(html, form, visitor);
    if (visitor.demo && form.offered_user.empty()) {
      write_demo_form(html, form, visitor.language);
    }
    write_token_form(html, form, visitor);
  });
}

int status_of(Trouble trouble) {
  return words_of(trouble).status;
}

std::string trouble_page(const Visitor& visitor, Trouble trouble) {
  const TroubleWords words = words_of(trouble);
  Head head;
  head.title = say(words.title, visitor.language);
  head.kind = "trouble";
  return page(visitor, head, [&](Html& html) {
    html.open("section", {{"class", "empty"}});
    html.leaf("p", {{"class", "eyebrow"}}, std::to_string(words.status));
    html.leaf("h1", {}, head.title);
    html.leaf("p", {}, say(words.hint, visitor.language));
    html.leaf("a", {{"class", "button"}, {"href", Url::local("/")}},
              say(Word::go_home, visitor.language));
    html.close();
  });
}

}  // namespace sluice::web

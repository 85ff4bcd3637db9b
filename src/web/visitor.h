// Who looks at a page, and how they want to see it.
#pragma once

#include <cstdint>
#include <string>

#include "api/language.h"
#include "base/instant.h"

namespace sluice::web {

enum class Theme : std::uint8_t { system, light, dark };

/// Everything a page depends on besides what it shows. Owns its text: it outlives the request.
struct Visitor {
  api::Language language = api::Language::en;
  Theme theme = Theme::system;
  std::string user;        ///< empty: not signed in
  std::string seal;        ///< of this session, for its forms; see FormSeals
  std::string path = "/";  ///< of this page, to come back to
  Instant now;
  bool demo = false;             ///< a sign-in without account is offered
  bool payments = false;         ///< orders can be paid here
  bool session_is_over = false;  ///< there was one, and its token is no longer good

  bool signed_in() const { return !user.empty(); }
};

}  // namespace sluice::web

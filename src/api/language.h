// Which of the two languages of titles and details a client wants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::api {

enum class Language : std::uint8_t { en, zh };

/// Picks by the q-values of Accept-Language (RFC 9110 section 12.5.4); English where nothing fits.
Language negotiate(std::string_view accept_language);

/// The value of Content-Language.
std::string_view tag(Language language);

/// One sentence in both languages, kept by somebody else: mostly a literal.
struct Words {
  std::string_view en;
  std::string_view zh;

  std::string_view in(Language language) const { return language == Language::zh ? zh : en; }
};

/// One sentence in both languages, made for the occasion.
struct Text {
  std::string en;
  std::string zh;

  operator Words() const { return {en, zh}; }  // NOLINT(google-explicit-constructor): a view of it
};

}  // namespace sluice::api

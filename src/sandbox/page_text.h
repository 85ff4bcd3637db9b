// The words of the payment page in both languages, and which of them a visitor reads.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::sandbox {

enum class Language : std::uint8_t { en, zh };

/// `lang` of the query where it names one, else by the weights of Accept-Language; English where
/// nothing fits.
Language choose_language(std::string_view lang, std::string_view accept_language);
/// zh-CN or en, also the value of lang=.
std::string_view tag(Language language);

struct PageText {
  std::string_view title, test_only, merchant, item, order, expires, no_expiry, paid_at, number;
  std::string_view pay, decline, other_language;
  std::string_view waiting, paid, refunded, closed, failed, expired;
  std::string_view waiting_hint, paid_hint, refunded_hint, closed_hint, failed_hint, expired_hint;
  std::string_view unknown_title, unknown_hint;
  std::string_view front_title, front_hint, front_orders;
};
const PageText& page_text(Language language);

}  // namespace sluice::sandbox

// Content negotiation for two languages.
#include "api/language.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::api {

namespace {

/// More entries than this are no browser's; the rest is ignored.
constexpr int kMaxEntries = 16;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts `text` at `separator`; the rest stays in `text`.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(piece);
}

bool is_language(std::string_view range, std::string_view name) {
  if (range.size() < name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((range[i] | 0x20) != name[i]) return false;
  }
  return range.size() == name.size() || range[name.size()] == '-';
}

/// The q-value in thousandths; a malformed one counts as 0.
int quality(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take(parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    parameter.remove_prefix(2);
    double value = 0;
    const char* end = parameter.end();
    const auto parsed = std::from_chars(parameter.begin(), end, value, std::chars_format::fixed);
    if (parsed.ec != std::errc{} || parsed.ptr != end || value < 0 || value > 1) return 0;
    return static_cast<int>(value * 1000);
  }
  return 1000;
}

}  // namespace

Language negotiate(std::string_view accept_language) {
  int best = 0;
  Language chosen = Language::en;
  for (int i = 0; i < kMaxEntries && !accept_language.empty(); ++i) {
    std::string_view entry = take(accept_language, ',');
    const std::string_view range = take(entry, ';');
    std::optional<Language> named;
    if (is_language(range, "zh")) named = Language::zh;
    if (is_language(range, "en") || range == "*") named = Language::en;
    if (!named) continue;
    if (const int q = quality(entry); q > best) {
      best = q;
      chosen = *named;
    }
  }
  return chosen;
}

std::string_view tag(Language language) {
  return language == Language::zh ? "zh-CN" : "en";
}

}  // namespace sluice::api

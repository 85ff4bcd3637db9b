// Times, durations, money, ids and encodings: what is accepted survives the way there and back.
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/money.h"
#include "base/text.h"
#include "check.h"

namespace {

void times(std::string_view text) {
  for (const auto& parsed :
       {sluice::parse_rfc3339(text), sluice::parse_local(text, sluice::Span::seconds(8 * 3600))}) {
    if (!parsed) continue;
    FUZZ_CHECK(parsed->ms >= 0 && *parsed <= sluice::kLastInstant);
    const auto again = sluice::parse_rfc3339(sluice::to_rfc3339(*parsed));
    FUZZ_CHECK(again && *again == *parsed);
  }
  if (const auto span = sluice::parse_span(text)) {
    FUZZ_CHECK(span->ms >= 0 && *span <= sluice::Span::seconds(std::int64_t{3650} * 86400));
  }
}

void money(std::string_view text) {
  for (const char* code : {"CNY", "JPY", "BHD"}) {
    const auto currency = sluice::Currency::parse(code);
    FUZZ_CHECK(currency.has_value());
    const auto amount = sluice::parse_decimal(text, *currency);
    if (!amount) continue;
    FUZZ_CHECK(amount->minor >= 0 && *amount <= sluice::kMaxPrice);
    const auto again = sluice::parse_decimal(sluice::to_decimal(*amount, *currency), *currency);
    FUZZ_CHECK(again && *again == *amount);
  }
  (void)sluice::Currency::parse(text);
}

void ids(std::string_view text) {
  if (const auto id = sluice::parse_order_id(text)) FUZZ_CHECK(sluice::to_text(*id) == text);
  if (const auto number = sluice::parse_uint(text, 1'000'000)) {
    FUZZ_CHECK(*number <= 1'000'000 && std::to_string(*number) == text);
  }
  if (sluice::valid_catalog_id(text)) FUZZ_CHECK(text.size() <= 64 && !sluice::has_control(text));
  if (sluice::valid_user(text)) FUZZ_CHECK(sluice::valid_utf8(text));
}

void encodings(std::string_view text) {
  std::vector<char> decoded(text.size() + 1);
  if (const auto length = sluice::from_base64url(text, decoded.data(), decoded.size())) {
    FUZZ_CHECK(sluice::to_base64url({decoded.data(), *length}) == text);
  }
  const std::string encoded = sluice::to_base64url(text);
  decoded.resize(encoded.size() + 1);
  const auto length = sluice::from_base64url(encoded, decoded.data(), decoded.size());
  FUZZ_CHECK(length && std::string_view(decoded.data(), *length) == text);
  const std::string shown = sluice::quote(text);
  FUZZ_CHECK(sluice::valid_utf8(shown) && !sluice::has_control(shown));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = sluice::fuzz::text_of(data, size);
  times(text);
  money(text);
  ids(text);
  encodings(text);
  return 0;
}

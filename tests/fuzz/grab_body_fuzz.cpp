// The body of a grab, held against the general JSON reader: what the fast parser takes, the strict
// general one takes too, with the same number.
#include <boost/json/value.hpp>

#include "api/grab_body.h"
#include "api/json_reader.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = sluice::fuzz::text_of(data, size);
  const auto quick = sluice::api::parse_grab_body(body);
  if (!quick || body.empty()) return 0;

  const auto general = sluice::api::parse_json(body);
  FUZZ_CHECK(general.has_value() && general->is_object());
  const auto& object = general->get_object();
  FUZZ_CHECK(object.size() <= 1);
  if (object.empty()) {
    FUZZ_CHECK(*quick == 1);
    return 0;
  }
  const auto* quantity = object.if_contains("quantity");
  FUZZ_CHECK(quantity != nullptr && quantity->is_int64() && quantity->get_int64() == *quick);
  return 0;
}

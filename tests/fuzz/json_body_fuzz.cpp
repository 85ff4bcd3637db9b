// The JSON bodies of the operator API: parsing, and reading typed members out of what was parsed.
#include <boost/json/value.hpp>

#include "api/json_reader.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::api::JsonFaults;
  using sluice::api::ObjectReader;
  const auto document = sluice::api::parse_json(sluice::fuzz::text_of(data, size));
  if (!document) return 0;

  JsonFaults faults;
  ObjectReader reader(*document, "", faults, {"id", "title", "starts_at", "stock", "items"});
  const std::string title = reader.text("title", 200, ObjectReader::Need::required);
  const std::int64_t stock = reader.integer("stock", 0, 1'000'000, 1);
  (void)reader.id("id");
  (void)reader.instant("starts_at");
  if (const auto* items = reader.array("items", 100)) {
    FUZZ_CHECK(items->size() <= 100 || faults.first());
  }
  if (!faults.first()) {
    FUZZ_CHECK(!title.empty() && title.size() <= 200);
    FUZZ_CHECK(stock >= 0 && stock <= 1'000'000);
  }
  return 0;
}

// The import of CSV files: arbitrary text, down to the plan of what would be sold.
#include "import_check.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return sluice::fuzz::check_import(sluice::fuzz::text_of(data, size),
                                    sluice::importing::Format::csv);
}

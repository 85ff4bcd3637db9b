// What every fuzz target shares: the entry point's signature and a check that stops the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"

/// libFuzzer calls this with one input after the other; anything but returning 0 is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace sluice::fuzz

/// A property that holds for every input.
#define FUZZ_CHECK(expression) SLUICE_ASSERT(expression, "a property of the fuzz target")

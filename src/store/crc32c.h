// CRC-32C (Castagnoli), the checksum of the journal's batches.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::store {

/// The checksum of `bytes`, or of what `before` is the checksum of followed by `bytes`.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

/// The same without the processor's own instruction; what is used where there is none.
std::uint32_t crc32c_portable(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

}  // namespace sluice::store

// A growing array in fixed chunks: no element is ever moved, no growth copies what is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"

namespace sluice::sale {

/// Elements are only added. `ChunkLength` is a power of two; one chunk is one allocation.
template <class T, std::uint32_t ChunkLength>
class Chunked {
  static_assert((ChunkLength & (ChunkLength - 1)) == 0, "the position in a chunk is a mask");

 public:
  std::uint32_t size() const { return size_; }

  T& operator[](std::uint32_t index) {
    return (*chunks_[index / ChunkLength])[index % ChunkLength];
  }
  const T& operator[](std::uint32_t index) const {
    return (*chunks_[index / ChunkLength])[index % ChunkLength];
  }

  /// Returns the index of the new element.
  std::uint32_t push_back(const T& value) {
    SLUICE_ASSERT(size_ < kMaxSize, "room for another element under 2^32 - 1");
    if (size_ / ChunkLength == chunks_.size()) chunks_.push_back(std::make_unique<Chunk>());
    const std::uint32_t index = size_++;
    (*this)[index] = value;
    return index;
  }

  std::size_t bytes() const {
    return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t kMaxSize = 0xffff'fffe;  // 0xffff'ffff means "none" everywhere

  struct alignas(64) Chunk {
    T elements[ChunkLength];
    T& operator[](std::uint32_t index) { return elements[index]; }
    const T& operator[](std::uint32_t index) const { return elements[index]; }
  };

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace sluice::sale

// SipHash (Aumasson and Bernstein, 2012): a keyed hash, so that nobody can choose names that
// collide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::sale {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// A key from a seed of 64 bits, by two steps of the splitmix64 sequence.
constexpr SipKey sip_key(std::uint64_t seed) {
  const auto step = [&seed] {
    seed += 0x9e37'79b9'7f4a'7c15ULL;
    std::uint64_t word = seed;
    word = (word ^ (word >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
    word = (word ^ (word >> 27)) * 0x94d0'49bb'1331'11ebULL;
    return word ^ (word >> 31);
  };
  const std::uint64_t first = step();
  return {first, step()};
}

/// SipHash-c-d of `text`. 1-3 is enough for tables, 2-4 is the form with published vectors.
template <int CompressionRounds, int FinalRounds>
std::uint64_t siphash(const SipKey& key, std::string_view text) {
  static_assert(std::endian::native == std::endian::little, "words are read as they lie");
  std::uint64_t v0 = key.k0 ^ 0x736f'6d65'7073'6575ULL;
  std::uint64_t v1 = key.k1 ^ 0x646f'7261'6e64'6f6dULL;
  std::uint64_t v2 = key.k0 ^ 0x6c79'6765'6e65'7261ULL;
  std::uint64_t v3 = key.k1 ^ 0x7465'6462'7974'6573ULL;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1, v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1, v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto compress = [&](std::uint64_t word) {
    v3 ^= word;
    rounds(CompressionRounds);
    v0 ^= word;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    compress(word);
  }
  std::uint64_t last = std::uint64_t{text.size()} << 56;
  for (std::size_t i = 0; i < left; ++i) {
    last |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  }
  compress(last);
  v2 ^= 0xff;
  rounds(FinalRounds);
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace sluice::sale

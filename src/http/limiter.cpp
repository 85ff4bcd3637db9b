// The generic cell rate algorithm over a fixed table of sets, eight keys to a set.
#include "http/limiter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/assert.h"

namespace sluice::http {

namespace {

constexpr std::size_t kWays = 8;     // two cache lines per set
constexpr std::size_t kShards = 16;  // locks; a shard holds every 16th set
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

/// SipHash-1-3 (Aumasson, Bernstein): the keys are chosen by strangers, so that without a secret
/// they could be chosen to fall on one set, or on somebody else's entry.
class SipHash {
 public:
  explicit SipHash(std::uint64_t seed)
      : k0_(seed), k1_(std::rotl(seed, 32) ^ 0x9E3779B97F4A7C15U) {}

  std::uint64_t operator()(std::string_view text) const {
    std::uint64_t v0 = k0_ ^ 0x736f6d6570736575U;
    std::uint64_t v1 = k1_ ^ 0x646f72616e646f6dU;
    std::uint64_t v2 = k0_ ^ 0x6c7967656e657261U;
    std::uint64_t v3 = k1_ ^ 0x7465646279746573U;
    const auto round = [&] {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    };
    const std::uint64_t length = text.size();
    while (text.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), sizeof word);
      v3 ^= word;
      round();
      v0 ^= word;
      text.remove_prefix(8);
    }
    std::uint64_t last = length << 56U;
    std::memcpy(&last, text.data(), text.size());
    v3 ^= last;
    round();
    v0 ^= last;
    v2 ^= 0xff;
    round(), round(), round();
    return v0 ^ v1 ^ v2 ^ v3;
  }

 private:
  std::uint64_t k0_, k1_;
};

/// One key: its hash stands for it (two keys share an entry once in 2^64), and the theoretical
/// arrival time of its next request. A time in the past says the same as no entry at all.
struct Cell {
  std::uint64_t key = 0;  ///< 0: free
  std::int64_t arrival_us = 0;
};
using Set = std::array<Cell, kWays>;

struct Shard {
  std::mutex mutex;
  std::vector<Set> sets;
  std::size_t used = 0;
};

}  // namespace

struct RateLimiter::Parts {
  explicit Parts(std::uint64_t seed) : hash(seed) {}

  std::uint32_t per_second = 0;
  std::int64_t interval_us = 0;   ///< between requests at the permitted rate
  std::int64_t tolerance_us = 0;  ///< how far ahead of that rate a burst may run
  SipHash hash;
  std::size_t sets = 0;
  std::array<Shard, kShards> shards;
};

RateLimiter::RateLimiter(std::uint32_t per_second, std::uint32_t burst, std::size_t max_keys,
                         std::uint64_t seed)
    : parts_(std::make_unique<Parts>(seed)) {
  if (per_second == 0) return;
  SLUICE_ASSERT(max_keys > 0, "a limiter that limits remembers at least one key");
  Parts& parts = *parts_;
  parts.per_second = std::min<std::uint32_t>(per_second, kMicrosPerSecond);
  parts.interval_us = kMicrosPerSecond / parts.per_second;
  parts.tolerance_us = parts.interval_us * (std::max<std::int64_t>(burst, 1) - 1);
  parts.sets = std::max<std::size_t>(max_keys / kWays, 1);
  for (std::size_t i = 0; i < kShards; ++i) {
    parts.shards[i].sets.resize((parts.sets + kShards - 1 - i) / kShards);
  }
}

RateLimiter::~RateLimiter() = default;

bool RateLimiter::enabled() const {
  return parts_->per_second > 0;
}

LimitDecision RateLimiter::admit(std::string_view key, Instant now) {
  Parts& parts = *parts_;
  if (parts.per_second == 0) return {};
  const std::uint64_t hash = std::max<std::uint64_t>(parts.hash(key), 1);
  const std::size_t place = hash % parts.sets;
  Shard& shard = parts.shards[place % kShards];
  const std::int64_t now_us = now.ms * 1000;

  const std::lock_guard lock(shard.mutex);
  Set& set = shard.sets[place / kShards];
  auto* cell = std::ranges::find(set, hash, &Cell::key);
  if (cell == set.end()) {
    // The entry with the earliest arrival time has been idle longest and has the least to forget.
    cell = std::ranges::min_element(set, {}, &Cell::arrival_us);
    if (cell->key == 0) ++shard.used;
    *cell = Cell{hash, 0};
  }
  // A clock that went back must not lock anyone out: no honest entry lies further ahead than this.
  const std::int64_t latest = now_us + parts.tolerance_us + parts.interval_us;
  const std::int64_t arrival = std::clamp(cell->arrival_us, now_us, latest);
  LimitDecision decision;
  decision.limit = parts.per_second;
  const std::int64_t ahead = arrival - now_us;
  if (ahead > parts.tolerance_us) {
    decision.allowed = false;
    decision.retry_after = Span{(ahead - parts.tolerance_us + 999) / 1000};
    cell->arrival_us = arrival;
    return decision;
  }
  cell->arrival_us = arrival + parts.interval_us;
  decision.remaining = static_cast<std::uint32_t>((parts.tolerance_us - ahead) / parts.interval_us);
  return decision;
}

std::size_t RateLimiter::keys() const {
  std::size_t used = 0;
  for (Shard& shard : parts_->shards) {
    const std::lock_guard lock(shard.mutex);
    used += shard.used;
  }
  return used;
}

}  // namespace sluice::http

// Counting of attempts.
#include "console/attempts.h"

#include <algorithm>

namespace sluice::console {

std::optional<Span> Attempts::refuse(std::string_view address, Instant now) {
  const std::lock_guard lock(mutex_);
  const std::string key(address);
  if (!by_address_.contains(key) && by_address_.size() >= kMaxAddresses) {
    std::erase_if(by_address_,
                  [now](const auto& entry) { return now - entry.second.since >= kAttemptWindow; });
    if (by_address_.size() >= kMaxAddresses) {
      by_address_.erase(std::ranges::min_element(
          by_address_, {}, [](const auto& entry) { return entry.second.since; }));
    }
  }
  Count& count = by_address_.try_emplace(key, Count{now, 0}).first->second;
  if (now - count.since >= kAttemptWindow) count = {now, 0};
  if (count.attempts >= kMaxAttempts) return count.since + kAttemptWindow - now;
  ++count.attempts;
  return std::nullopt;
}

void Attempts::give_back(std::string_view address) {
  const std::lock_guard lock(mutex_);
  const auto at = by_address_.find(std::string(address));
  if (at != by_address_.end() && at->second.attempts > 0) --at->second.attempts;
}

void Attempts::forget(std::string_view address) {
  const std::lock_guard lock(mutex_);
  by_address_.erase(std::string(address));
}

}  // namespace sluice::console

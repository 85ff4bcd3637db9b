// The platform's public keys by serial.
#include "payment/key_ring.h"

#include <algorithm>

namespace sluice::payment {

namespace {

constexpr std::size_t kMaxSerialBytes = 40;  // of a certificate: 20 bytes in hexadecimal

std::string upper(std::string_view serial) {
  std::string text(serial);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

}  // namespace

void KeyRing::add_configured(std::string_view serial, PublicKey key) {
  const std::lock_guard lock(mutex_);
  keys_.insert_or_assign(upper(serial), Entry{std::move(key), std::nullopt});
}

void KeyRing::add_downloaded(std::string_view serial, PublicKey key, Instant valid_until) {
  const std::lock_guard lock(mutex_);
  missed_ = false;
  const std::string name = upper(serial);
  if (keys_.contains(name)) return;
  if (keys_.size() >= kMaxKeys) {
    auto oldest = keys_.end();
    for (auto entry = keys_.begin(); entry != keys_.end(); ++entry) {
      if (!entry->second.valid_until) continue;
      if (oldest == keys_.end() || entry->second.valid_until < oldest->second.valid_until) {
        oldest = entry;
      }
    }
    if (oldest == keys_.end()) return;
    keys_.erase(oldest);
  }
  keys_.emplace(name, Entry{std::move(key), valid_until});
}

std::optional<PublicKey> KeyRing::find(std::string_view serial) const {
  const std::lock_guard lock(mutex_);
  const auto entry = keys_.find(upper(serial));
  return entry == keys_.end() ? std::nullopt : std::optional(entry->second.key);
}

bool KeyRing::downloadable(std::string_view serial) {
  return !serial.empty() && serial.size() <= kMaxSerialBytes &&
         std::ranges::all_of(upper(serial), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
         });
}

void KeyRing::miss(std::string_view serial) {
  if (!downloadable(serial)) return;
  const std::lock_guard lock(mutex_);
  missed_ = true;
}

bool KeyRing::wants_download(Instant now) const {
  const std::lock_guard lock(mutex_);
  if (!missed_ && !keys_.empty()) return false;
  if (!last_download_ || now < *last_download_) return true;  // or the clock was set back
  return now - *last_download_ >= (keys_.empty() ? kFirstPause : kPause);
}

void KeyRing::download_begins(Instant now) {
  const std::lock_guard lock(mutex_);
  last_download_ = now;
  missed_ = false;
}

}  // namespace sluice::payment

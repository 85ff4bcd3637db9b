// Opening, finding and ending of sessions.
#include "console/sessions.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::console {

namespace {

constexpr std::size_t kSecretBytes = 32;

std::string random_secret() {
  std::array<unsigned char, kSecretBytes> bytes{};
  SLUICE_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
                "the system has random numbers");
  return to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string digest_of(std::string_view secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return {digest.begin(), digest.end()};
}

bool is_over(const Session& session, Instant now) {
  return now >= session.expires_at || now - session.last_seen_at >= kIdleLimit;
}

}  // namespace

Sessions::Opened Sessions::open(std::string_view name, Instant now,
                                std::optional<Instant> not_after) {
  Opened opened;
  opened.secret = random_secret();
  const Instant latest = now + kSessionLimit;
  opened.session = {std::string(name), random_secret(),
                    std::min(not_after.value_or(latest), latest), now};
  const std::lock_guard lock(mutex_);
  std::erase_if(by_digest_, [now](const auto& entry) { return is_over(entry.second, now); });
  if (by_digest_.size() >= kMaxSessions) {
    by_digest_.erase(std::ranges::min_element(
        by_digest_, {}, [](const auto& entry) { return entry.second.last_seen_at; }));
  }
  by_digest_.emplace(digest_of(opened.secret), opened.session);
  return opened;
}

std::optional<Session> Sessions::find(std::string_view secret, Instant now, bool touch) {
  const std::string digest = digest_of(secret);
  const std::lock_guard lock(mutex_);
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) return std::nullopt;
  if (is_over(found->second, now)) {
    by_digest_.erase(found);
    return std::nullopt;
  }
  if (touch) found->second.last_seen_at = now;
  return found->second;
}

bool Sessions::close(std::string_view secret) {
  const std::string digest = digest_of(secret);
  const std::lock_guard lock(mutex_);
  return by_digest_.erase(digest) > 0;
}

std::size_t Sessions::size() const {
  const std::lock_guard lock(mutex_);
  return by_digest_.size();
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sluice::console

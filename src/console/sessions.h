// Who is signed in to the console: sessions in memory, gone with the process.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/instant.h"

namespace sluice::console {

inline constexpr std::size_t kMaxSessions = 256;
inline constexpr Span kIdleLimit = Span::seconds(30 * 60);
inline constexpr Span kSessionLimit = Span::seconds(12 * 3600);

/// What is known of one session.
struct Session {
  std::string name;    ///< of the operator, as the audit log tells it
  std::string csrf;    ///< what every change must bring along
  Instant expires_at;  ///< however busy it is
  Instant last_seen_at;
};

/// Thread-safe. Of a session's secret only the SHA-256 is kept.
class Sessions {
 public:
  struct Opened {
    std::string secret;  ///< 256 random bits in base64url, for the cookie
    Session session;
  };
  /// Ends after kSessionLimit, or with `not_after` if that is sooner. Above kMaxSessions the one
  /// that was idle longest makes room.
  Opened open(std::string_view name, Instant now, std::optional<Instant> not_after = {});

  /// The session of that secret, unless it is over. With `touch` it counts as used now.
  std::optional<Session> find(std::string_view secret, Instant now, bool touch);

  /// False where there is none.
  bool close(std::string_view secret);

  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Session> by_digest_;
};

/// Compares in constant time.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace sluice::console

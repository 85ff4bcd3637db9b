// The platform's public keys by serial. During a migration several are valid at once; unknown ones
// are asked for, but not more often than the pause allows.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "payment/crypto.h"

namespace sluice::payment {

/// Any thread.
class KeyRing {
 public:
  /// More than any provider has in use; the oldest downloads give way.
  static constexpr std::size_t kMaxKeys = 16;
  /// Between two downloads: forged serials cost nothing, a rotation is seen soon.
  static constexpr Span kPause = Span::seconds(60);
  /// While no key is known and so nothing can be verified.
  static constexpr Span kFirstPause = Span::seconds(5);

  /// A configured key is never dropped.
  void add_configured(std::string_view serial, PublicKey key);
  void add_downloaded(std::string_view serial, PublicKey key, Instant valid_until);
  /// Serials are compared without regard to case.
  std::optional<PublicKey> find(std::string_view serial) const;

  /// Whether `serial` could be a certificate's: what has another form cannot be downloaded.
  static bool downloadable(std::string_view serial);
  /// Something came that `serial` has signed, and it is not known.
  void miss(std::string_view serial);
  bool wants_download(Instant now) const;
  void download_begins(Instant now);

 private:
  struct Entry {
    PublicKey key;
    std::optional<Instant> valid_until;  ///< of downloaded ones
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> keys_;  ///< by upper-case serial
  bool missed_ = false;
  std::optional<Instant> last_download_;
};

}  // namespace sluice::payment

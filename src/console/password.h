// The console's password: made, hashed with Argon2id (RFC 9106), checked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::console {

/// Fewer bytes are refused as a password, more are not looked at.
inline constexpr std::size_t kMinPasswordBytes = 12;
inline constexpr std::size_t kMaxPasswordBytes = 256;

/// Memory and passes of one check: about a tenth of a second and 64 MiB, above what RFC 9106 asks
/// of machines that are short of memory.
inline constexpr unsigned kHashMemoryKib = 64 * 1024;
inline constexpr unsigned kHashPasses = 3;

/// 20 letters and digits that are hard to confuse, in groups of five: about 99 bits.
std::string generate_password();

/// The encoded hash with a salt of its own: "$argon2id$v=19$m=65536,t=3,p=1$…". Errors: the
/// password is too short, too long or no UTF-8 text without control characters; there is no memory.
Result<std::string> hash_password(std::string_view password);

/// Whether `encoded` is a hash that verify_password can check.
bool is_password_hash(std::string_view encoded);

/// Whether the hash is of this password. Takes as long for a wrong one as for the right one.
bool verify_password(const std::string& encoded, std::string_view password);

/// A hash that no password is known of, for a check that must take as long as any other.
const std::string& hash_of_nothing();

}  // namespace sluice::console

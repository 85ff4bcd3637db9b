// Argon2id by the reference library.
#include "console/password.h"

#include <argon2.h>
#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <span>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::console {

namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr unsigned kLanes = 1;
/// No 0, 1, i, l, o and u: 30 characters.
constexpr std::string_view kLetters = "23456789abcdefghjkmnpqrstvwxyz";
constexpr int kGroups = 4;
constexpr int kGroupLetters = 5;

void fill_random(std::span<unsigned char> bytes) {
  SLUICE_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
                "the system has random numbers");
}

/// A number below the count of letters, each as likely as the others.
std::size_t random_letter() {
  constexpr std::size_t kFair = 256 - 256 % kLetters.size();
  std::array<unsigned char, 1> byte{};
  do {
    fill_random(byte);
  } while (byte[0] >= kFair);
  return byte[0] % kLetters.size();
}

std::string encode(std::string_view password) {
  std::array<unsigned char, kSaltBytes> salt{};
  fill_random(salt);
  std::string encoded(
      argon2_encodedlen(kHashPasses, kHashMemoryKib, kLanes, kSaltBytes, kHashBytes, Argon2_id),
      '\0');
  const int status =
      argon2id_hash_encoded(kHashPasses, kHashMemoryKib, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (status != ARGON2_OK) return {};
  encoded.resize(encoded.find('\0'));
  return encoded;
}

}  // namespace

std::string generate_password() {
  std::string password;
  for (int group = 0; group < kGroups; ++group) {
    if (group > 0) password += '-';
    for (int i = 0; i < kGroupLetters; ++i)
      password += kLetters[random_letter()];
  }
  return password;
}

Result<std::string> hash_password(std::string_view password) {
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return fail(fmt::format("the console's password has {} bytes; it must have {} to {}",
                            password.size(), kMinPasswordBytes, kMaxPasswordBytes));
  }
  if (!valid_utf8(password) || has_control(password)) {
    return fail("the console's password must be UTF-8 text without control characters");
  }
  std::string encoded = encode(password);
  if (encoded.empty()) {
    return fail(fmt::format("there are no {} KiB of memory to hash the console's password",
                            kHashMemoryKib));
  }
  return encoded;
}

bool is_password_hash(std::string_view encoded) {
  // What this version makes; more memory or passes in a damaged file would stop the server.
  const std::string head =
      fmt::format("$argon2id$v=19$m={},t={},p={}$", kHashMemoryKib, kHashPasses, kLanes);
  return encoded.starts_with(head) && encoded.size() > head.size() && encoded.size() < 256;
}

bool verify_password(const std::string& encoded, std::string_view password) {
  // A password of no possible length costs as much as any other.
  const bool possible = password.size() <= kMaxPasswordBytes;
  const std::string_view tried = possible ? password : std::string_view("x");
  const bool same = argon2id_verify(encoded.c_str(), tried.data(), tried.size()) == ARGON2_OK;
  return possible && same;
}

const std::string& hash_of_nothing() {
  static const std::string hash = encode(generate_password());
  return hash;
}

}  // namespace sluice::console

// HMAC-SHA-256 over OpenSSL's block functions.
#include "http/hmac_sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace sluice::http {

// SHA256_Init and its kin are deprecated since OpenSSL 3.0 in favour of EVP, whose contexts cannot
// be copied without allocating and taking reference counts. A token is verified for every request,
// so this is the one place that uses them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct HmacSha256::States {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

HmacSha256::HmacSha256(std::string_view key) : states_(std::make_unique<States>()) {
  std::array<std::uint8_t, SHA256_CBLOCK> block{};
  if (key.size() > block.size()) {
    SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), block.data());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (std::uint8_t& byte : block)
    byte ^= 0x36;
  SHA256_Init(&states_->inner);
  SHA256_Update(&states_->inner, block.data(), block.size());
  for (std::uint8_t& byte : block)
    byte ^= 0x36 ^ 0x5c;
  SHA256_Init(&states_->outer);
  SHA256_Update(&states_->outer, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::~HmacSha256() {
  if (states_ != nullptr) OPENSSL_cleanse(states_.get(), sizeof(States));
}
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Sha256Digest HmacSha256::operator()(std::string_view message) const {
  Sha256Digest digest;
  SHA256_CTX hash = states_->inner;
  SHA256_Update(&hash, message.data(), message.size());
  SHA256_Final(digest.data(), &hash);
  hash = states_->outer;
  SHA256_Update(&hash, digest.data(), digest.size());
  SHA256_Final(digest.data(), &hash);
  return digest;
}

#pragma GCC diagnostic pop

}  // namespace sluice::http

// The cryptography of payment protocols over OpenSSL: digests, AES, RSA and base64. How WeChat Pay
// puts them together is in signature.h.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace sluice::payment {

/// Compares secrets and signatures in a time that depends on their length alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Lower-case hexadecimal of the MD5 digest: WeChat Pay v2 asks for MD5.
std::string md5_hex(std::string_view text);
/// Lower-case hexadecimal of HMAC-SHA256.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

/// Base64 (RFC 4648 section 4), padded, without line breaks.
std::string to_base64(std::string_view bytes);
/// Strict inverse of to_base64; empty where `text` is not exactly that.
std::optional<std::string> from_base64(std::string_view text);

/// `count` of [0-9A-Za-z] from the operating system's random source.
std::string random_nonce(std::size_t count = 32);

inline constexpr std::size_t kAesKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

/// AES-256-ECB with PKCS#7 padding. `key` has kAesKeyBytes. Empty: not a whole, well-padded text.
std::string aes_256_ecb_encrypt(std::string_view plain, std::string_view key);
std::optional<std::string> aes_256_ecb_decrypt(std::string_view cipher, std::string_view key);

/// AES-256-GCM; the result ends with the tag. `key` has kAesKeyBytes, `nonce` kGcmNonceBytes.
std::string aes_256_gcm_encrypt(std::string_view plain, std::string_view key,
                                std::string_view nonce, std::string_view associated_data);
/// Empty where the tag does not match, or key, nonce or text have a wrong length: one byte that
/// somebody changed is enough.
std::optional<std::string> aes_256_gcm_decrypt(std::string_view cipher_and_tag,
                                               std::string_view key, std::string_view nonce,
                                               std::string_view associated_data);

using KeyHandle = std::shared_ptr<evp_pkey_st>;

/// An RSA key that verifies RSASSA-PKCS1-v1_5 with SHA-256. Copies share the key; any thread.
class PublicKey {
 public:
  /// From PEM: a public key or a certificate. Errors: neither, not RSA, fewer than 2048 bits.
  static Result<PublicKey> from_pem(std::string_view pem);
  /// `signature` in raw bytes, not base64.
  bool verifies(std::string_view message, std::string_view signature) const;

 private:
  explicit PublicKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

/// An RSA key that signs with RSASSA-PKCS1-v1_5 and SHA-256. Copies share the key; any thread.
class PrivateKey {
 public:
  /// From PEM without a passphrase. Errors: no such key, not RSA, fewer than 2048 bits.
  static Result<PrivateKey> from_pem(std::string_view pem);
  /// The signature in raw bytes, not base64.
  std::string sign(std::string_view message) const;

 private:
  explicit PrivateKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

struct CertificateFacts {
  std::string serial;  ///< upper-case hexadecimal
  Instant valid_from;
  Instant valid_until;
};
/// What a PEM certificate says of itself; nothing of it is verified. Errors: not a certificate.
Result<CertificateFacts> read_certificate(std::string_view pem);

}  // namespace sluice::payment

// Digests, AES, base64 and nonces over OpenSSL.
#include "payment/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <span>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::payment {

namespace {

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

/// OpenSSL counts in int; no text of a payment comes near that.
int size_of(std::string_view text) {
  SLUICE_ASSERT(text.size() < 64U << 20U, "a text of a payment is far below the range of int");
  return static_cast<int>(text.size());
}

std::string hex_of(const Digest& digest, unsigned size) {
  return to_hex(std::span(digest.data(), size));
}

Cipher new_cipher() {
  Cipher context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  SLUICE_ASSERT(context != nullptr, "memory for a cipher");
  return context;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string md5_hex(std::string_view text) {
  Digest digest{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  SLUICE_ASSERT(done == 1, "MD5 is there; a FIPS-only OpenSSL cannot serve WeChat Pay v2");
  return hex_of(digest, size);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  Digest digest{};
  unsigned size = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), size_of(key), bytes_of(text), text.size(),
                          digest.data(), &size);
  SLUICE_ASSERT(done != nullptr, "HMAC-SHA256 cannot fail but for memory");
  return hex_of(digest, size);
}

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // one more: OpenSSL ends it with NUL
  const int size = EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), size_of(bytes));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(bytes_of(bytes), bytes_of(text), size_of(text)) < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
    ++padding;
  bytes.resize(bytes.size() - padding);
  // OpenSSL skips white space and stray bits; writing it again tells whether it was this form.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

std::string random_nonce(std::size_t count) {
  constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string nonce;
  std::array<unsigned char, 64> pool{};
  while (nonce.size() < count) {
    const int filled = RAND_bytes(pool.data(), static_cast<int>(pool.size()));
    SLUICE_ASSERT(filled == 1, "the operating system gives random bytes");
    for (const unsigned char byte : pool) {
      // What is beyond the last multiple of 62 would favour the first letters.
      if (byte < 248 && nonce.size() < count) nonce += kLetters[byte % kLetters.size()];
    }
  }
  return nonce;
}

std::string aes_256_ecb_encrypt(std::string_view plain, std::string_view key) {
  SLUICE_ASSERT(key.size() == kAesKeyBytes, "an AES-256 key has 32 bytes");
  const Cipher context = new_cipher();
  std::string out(plain.size() + 16, '\0');
  int size = 0;
  int last = 0;
  const bool done =
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_ecb(), nullptr, bytes_of(key), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), bytes_of(out), &size, bytes_of(plain), size_of(plain)) ==
          1 &&
      EVP_EncryptFinal_ex(context.get(), bytes_of(out) + size, &last) == 1;
  SLUICE_ASSERT(done, "encryption with a good key cannot fail");
  out.resize(static_cast<std::size_t>(size + last));
  return out;
}

std::optional<std::string> aes_256_ecb_decrypt(std::string_view cipher, std::string_view key) {
  if (key.size() != kAesKeyBytes || cipher.empty() || cipher.size() % 16 != 0) return std::nullopt;
  const Cipher context = new_cipher();
  std::string out(cipher.size() + 16, '\0');
  int size = 0;
  int last = 0;
  const bool done =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_ecb(), nullptr, bytes_of(key), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes_of(out), &size, bytes_of(cipher), size_of(cipher)) ==
          1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(out) + size, &last) == 1;
  if (!done) return std::nullopt;
  out.resize(static_cast<std::size_t>(size + last));
  return out;
}

std::string aes_256_gcm_encrypt(std::string_view plain, std::string_view key,
                                std::string_view nonce, std::string_view associated_data) {
  SLUICE_ASSERT(key.size() == kAesKeyBytes, "an AES-256 key has 32 bytes");
  SLUICE_ASSERT(nonce.size() == kGcmNonceBytes, "a GCM nonce has 12 bytes");
  const Cipher context = new_cipher();
  std::string out(plain.size() + kGcmTagBytes, '\0');
  int size = 0;
  int last = 0;
  const bool done = EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key),
                                       bytes_of(nonce)) == 1 &&
                    EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(associated_data),
                                      size_of(associated_data)) == 1 &&
                    EVP_EncryptUpdate(context.get(), bytes_of(out), &size, bytes_of(plain),
                                      size_of(plain)) == 1 &&
                    EVP_EncryptFinal_ex(context.get(), bytes_of(out) + size, &last) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kGcmTagBytes,
                                        bytes_of(out) + plain.size()) == 1;
  SLUICE_ASSERT(done, "encryption with a good key cannot fail");
  return out;
}

std::optional<std::string> aes_256_gcm_decrypt(std::string_view cipher_and_tag,
                                               std::string_view key, std::string_view nonce,
                                               std::string_view associated_data) {
  if (key.size() != kAesKeyBytes || nonce.size() != kGcmNonceBytes ||
      cipher_and_tag.size() < kGcmTagBytes) {
    return std::nullopt;
  }
  const std::string_view cipher = cipher_and_tag.substr(0, cipher_and_tag.size() - kGcmTagBytes);
  std::string tag(cipher_and_tag.substr(cipher.size()));
  const Cipher context = new_cipher();
  std::string out(cipher.size() + 1, '\0');  // never empty, so that it has an address
  int size = 0;
  int last = 0;
  const bool done =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key),
                         bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(associated_data),
                        size_of(associated_data)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes_of(out), &size, bytes_of(cipher), size_of(cipher)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kGcmTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(out) + size, &last) == 1;
  if (!done) return std::nullopt;
  out.resize(cipher.size());
  return out;
}

}  // namespace sluice::payment

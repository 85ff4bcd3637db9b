// RSA signatures and what certificates say of themselves, over OpenSSL.
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>

#include "base/assert.h"
#include "payment/crypto.h"

namespace sluice::payment {

namespace {

constexpr int kMinRsaBits = 2048;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Bio reader(std::string_view pem) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  SLUICE_ASSERT(bio != nullptr, "memory for reading a key");
  return bio;
}

/// No key here has a passphrase; without this, OpenSSL would ask on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

/// Failures leave entries in the thread's error queue, which libcurl's TLS would find there.
template <class T>
T tidy(T value) {
  ERR_clear_error();
  return value;
}

Certificate parse_certificate(std::string_view pem) {
  return tidy(Certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, &no_passphrase, nullptr),
                          &X509_free));
}

Result<KeyHandle> checked(EVP_PKEY* raw, std::string_view what) {
  KeyHandle key(raw, &EVP_PKEY_free);
  ERR_clear_error();
  if (raw == nullptr) return fail(std::string(what) + " is not PEM of one, without a passphrase");
  if (EVP_PKEY_get_base_id(raw) != EVP_PKEY_RSA) {
    return fail(std::string(what) + " is no RSA key; WeChat Pay v3 signs with RSA");
  }
  if (EVP_PKEY_get_bits(raw) < kMinRsaBits) {
    return fail(std::string(what) + " has " + std::to_string(EVP_PKEY_get_bits(raw)) +
                " bits; at least " + std::to_string(kMinRsaBits) + " are needed");
  }
  return key;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<Instant> instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return fail("the certificate's times cannot be read");
  }
  return Instant{static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  EVP_PKEY* raw = nullptr;
  if (const Certificate certificate = parse_certificate(pem)) {
    raw = X509_get_pubkey(certificate.get());
  } else {
    raw = PEM_read_bio_PUBKEY(reader(pem).get(), nullptr, &no_passphrase, nullptr);
  }
  auto key = checked(raw, "the public key or certificate");
  if (!key) return std::unexpected(key.error());
  return PublicKey(std::move(*key));
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  SLUICE_ASSERT(context != nullptr, "memory for a signature");
  return tidy(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) ==
                  1 &&
              EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                               bytes_of(message), message.size()) == 1);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  auto key = checked(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, &no_passphrase, nullptr),
                     "the private key");
  if (!key) return std::unexpected(key.error());
  return PrivateKey(std::move(*key));
}

std::string PrivateKey::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  SLUICE_ASSERT(context != nullptr, "memory for a signature");
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = signature.size();
  const bool done =
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes_of(message), message.size()) == 1;
  SLUICE_ASSERT(done, "signing with a good key cannot fail");
  signature.resize(size);
  return signature;
}

Result<CertificateFacts> read_certificate(std::string_view pem) {
  const Certificate certificate = parse_certificate(pem);
  if (!certificate) return fail("not a PEM certificate");
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr), &BN_free);
  const std::unique_ptr<char, void (*)(char*)> hex(number ? BN_bn2hex(number.get()) : nullptr,
                                                   [](char* text) { OPENSSL_free(text); });
  if (!hex) return fail("the certificate's serial number cannot be read");
  const auto from = instant_of(X509_get0_notBefore(certificate.get()));
  if (!from) return std::unexpected(from.error());
  const auto until = instant_of(X509_get0_notAfter(certificate.get()));
  if (!until) return std::unexpected(until.error());
  return CertificateFacts{hex.get(), *from, *until};
}

}  // namespace sluice::payment

// Key and certificate by OpenSSL.
#include "sandbox/certificate.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

namespace sluice::sandbox {

namespace {

constexpr int kBits = 2048;
constexpr int kSerialBits = 159;  // twenty bytes, positive
constexpr long kDay = 24L * 3600;
constexpr long kTenYears = 3650 * kDay;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// Twenty random bytes with the highest bit set, so that it prints as forty digits.
bool set_serial(X509* certificate) {
  const Number serial(BN_new(), &BN_free);
  return serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool fill(X509* certificate, EVP_PKEY* key, std::string_view common_name, Instant now) {
  const time_t start = static_cast<time_t>(now.ms / 1000) - kDay;
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [name](const char* field, std::string_view value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), start) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), start + kTenYears) != nullptr &&
         add("O", "Sluice sandbox") && add("CN", common_name) &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<KeyPair> make_key_pair(std::string_view common_name, Instant now) {
  const Key key(EVP_RSA_gen(kBits), &EVP_PKEY_free);
  const Certificate certificate(X509_new(), &X509_free);
  const Bio key_out(BIO_new(BIO_s_mem()), &BIO_free);
  const Bio certificate_out(BIO_new(BIO_s_mem()), &BIO_free);
  if (!key || !certificate || !key_out || !certificate_out ||
      !fill(certificate.get(), key.get(), common_name, now) ||
      PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(certificate_out.get(), certificate.get()) != 1) {
    return fail("OpenSSL could not make an RSA key and a certificate of 2048 bits");
  }
  return KeyPair{text_of(key_out), text_of(certificate_out)};
}

}  // namespace sluice::sandbox

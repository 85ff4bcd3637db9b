// For tests: fresh RSA keys with certificates, and what a platform signs and seals with them.
#include "payment/test_keys.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/assert.h"

namespace sluice::payment {

namespace {

template <class Write>
std::string pem_of(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  const int written = write(bio.get());
  SLUICE_ASSERT(written == 1, "a fresh key can be written");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string certificate_of(EVP_PKEY* key, std::string_view serial, Instant from, Instant until) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, std::string(serial).c_str());
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from.ms / 1000);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until.ms / 1000);
  X509_set_pubkey(certificate.get(), key);
  const int signed_bytes = X509_sign(certificate.get(), key, EVP_sha256());
  SLUICE_ASSERT(signed_bytes > 0, "a fresh key can sign");
  return pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

constexpr Instant kFrom = kTestNow - Span::seconds(86'400);
constexpr Instant kUntil = kTestNow + Span::seconds(86'400);

}  // namespace

TestKey make_test_key(std::string_view serial, Instant from, Instant until) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  std::string pem = pem_of([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  std::string public_pem = pem_of([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); });
  PrivateKey signer = PrivateKey::from_pem(pem).value();
  return {std::string(serial), std::move(pem), std::move(public_pem),
          certificate_of(key.get(), serial, from, until), std::move(signer)};
}

const TestKey& merchant_key() {
  static const TestKey key = make_test_key("11AA22BB", kFrom, kUntil);
  return key;
}
const TestKey& platform_key() {
  static const TestKey key = make_test_key("5157F09EFDC096DE", kFrom, kUntil);
  return key;
}
const TestKey& next_platform_key() {
  static const TestKey key = make_test_key("6257F09EFDC096DE", kFrom, kUntil);
  return key;
}

Headers stamped(const TestKey& key, std::string_view serial, std::string_view body, Instant at) {
  const std::string timestamp = fmt::to_string(at.ms / 1000);
  const std::string nonce = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz";
  return {
      {"Content-Type", "application/json"},
      {"Wechatpay-Timestamp", timestamp},
      {"Wechatpay-Nonce", nonce},
      {"Wechatpay-Serial", std::string(serial)},
      {"Wechatpay-Signature", to_base64(key.key.sign(v3_answer_message(timestamp, nonce, body)))}};
}

HttpAnswer signed_answer(const TestKey& key, int status, std::string body, Instant at) {
  HttpAnswer answer{status, stamped(key, key.serial, body, at), {}};
  answer.body = std::move(body);
  return answer;
}

Fields fields_from(std::string_view pairs) {
  Fields fields;
  while (!pairs.empty()) {
    const std::string_view pair = pairs.substr(0, pairs.find('&'));
    const std::size_t equals = pair.find('=');
    fields.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    pairs.remove_prefix(std::min(pair.size() + 1, pairs.size()));
  }
  return fields;
}

Fields with_sign(Fields fields, std::string_view api_key, SignType type) {
  fields.emplace_back("sign", v2_sign(fields, api_key, type));
  return fields;
}

}  // namespace sluice::payment

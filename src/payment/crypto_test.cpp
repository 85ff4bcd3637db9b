// Cryptography against published vectors, and every changed byte refused.
#include "payment/crypto.h"

#include <gtest/gtest.h>

#include "payment/test_keys.h"

namespace sluice::payment {
namespace {

constexpr std::string_view kGcmKey = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
constexpr std::string_view kGcmNonce = "uluk4a9R25RW";
constexpr std::string_view kGcmText = "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=";

TEST(Crypto, Digests) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hmac_sha256_hex("key", "The quick brown fox jumps over the lazy dog"),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

TEST(Crypto, ConstantTimeComparison) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(Crypto, Base64IsStrict) {
  for (const std::string_view plain : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    EXPECT_EQ(from_base64(to_base64(plain)), plain);
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9v\n", " Zm9v", "Zm9v====", "Z===", "====", "Zm-_", "Zm9vYmE"})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Crypto, NoncesAreWhatTheProviderTakes) {
  const std::string nonce = random_nonce();
  EXPECT_EQ(nonce.size(), 32U);
  EXPECT_EQ(
      nonce.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
      std::string::npos);
  EXPECT_NE(nonce, random_nonce());
}

TEST(Crypto, EcbVector) {
  constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
  EXPECT_EQ(to_base64(aes_256_ecb_encrypt("hello", kKey)), "pZwJZBLuy3mDACEQT4YTBw==");
  EXPECT_EQ(aes_256_ecb_decrypt(*from_base64("pZwJZBLuy3mDACEQT4YTBw=="), kKey), "hello");
  const std::string cipher = aes_256_ecb_encrypt("0123456789abcdef!", kKey);
  EXPECT_EQ(cipher.size(), 32U);
  EXPECT_FALSE(aes_256_ecb_decrypt(cipher.substr(0, 31), kKey));
  EXPECT_FALSE(aes_256_ecb_decrypt(cipher, kKey.substr(1)));
  EXPECT_FALSE(aes_256_ecb_decrypt("", kKey));
  EXPECT_FALSE(aes_256_ecb_decrypt(cipher.substr(0, 16), kKey)) << "no padding";
}

TEST(Crypto, GcmVector) {
  EXPECT_EQ(to_base64(aes_256_gcm_encrypt("message", kGcmKey, kGcmNonce, "associatedData")),
            kGcmText);
  EXPECT_EQ(aes_256_gcm_decrypt(*from_base64(kGcmText), kGcmKey, kGcmNonce, "associatedData"),
            "message");
}

TEST(Crypto, GcmRefusesEveryChange) {
  const std::string sealed = *from_base64(kGcmText);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(aes_256_gcm_decrypt(changed, kGcmKey, kGcmNonce, "associatedData")) << at;
    EXPECT_FALSE(aes_256_gcm_decrypt(sealed.substr(0, at), kGcmKey, kGcmNonce, "associatedData"))
        << at;
  }
  EXPECT_FALSE(aes_256_gcm_decrypt(sealed, kGcmKey, kGcmNonce, "associatedDatA"));
  EXPECT_FALSE(aes_256_gcm_decrypt(sealed, kGcmKey, kGcmNonce, ""));
  EXPECT_FALSE(aes_256_gcm_decrypt(sealed, kGcmKey, "uluk4a9R25RX", "associatedData"));
  EXPECT_FALSE(aes_256_gcm_decrypt(sealed, kGcmKey, "short", "associatedData"));
  EXPECT_FALSE(aes_256_gcm_decrypt(sealed, "testMchAPIv3Key0", kGcmNonce, "associatedData"))
      << "a key of 16 bytes is not AES-256";
}

TEST(Crypto, GcmOfNothing) {
  const std::string sealed = aes_256_gcm_encrypt("", kGcmKey, kGcmNonce, "");
  EXPECT_EQ(sealed.size(), kGcmTagBytes);
  EXPECT_EQ(aes_256_gcm_decrypt(sealed, kGcmKey, kGcmNonce, ""), "");
}

/// The signature of "source" under the key of the official Go SDK's tests.
TEST(Crypto, RsaVector) {
  const std::string body =
      "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDZUJN33V+dSfvd\n"
      "fL0Mu+39XrZNXFFMQSy1V15FpncHeV47SmV0TzTqZc7hHB0ddqAdDi8Z5k3TKqb7\n"
      "6sOwYr5TcAfuR6PIPaleyE0/0KrljBum2Isa2Nyq7Dgc3ElBQ6YN4l/a+DpvKaz1\n"
      "FSKmKrhLNskqokWVSlu4g8OlKlbPXQ9ibII14MZRQrrkTmHYHzfi7GXXM0thAKuR\n"
      "0HNvyhTHBh4/lrYM3GaMvmWwkwvsMavnOex6+eioZHBOb1/EIZ/LzC6zuHArPpyW\n"
      "3daGaZ1rtQB1vVzTyERAVVFsXXgBHvfFud3w3ShsJYk8JvMwK2RpJ5/gV0QSARcm\n"
      "LDRUAlPzAgMBAAECggEBAMc7rDeUaXiWv6bMGbZ3BTXpg1FhdddnWUnYE8HfX/km\n"
      "OFI7XtBHXcgYFpcjYz4D5787pcsk7ezPidAj58zqenuclmjKnUmT3pfbI5eCA2v4\n"
      "C9HnbYDrmUPK1ZcADtka4D6ScDccpNYNa1g2TFHzkIrEa6H+q7S3O2fqxY/DRVtN\n"
      "0JIXalBb8daaqL5QVzSmM2BMVnHy+YITJWIkP2a3pKs9C0W65JGDsnG0wVrHinHF\n"
      "+cnhFZIbaPEI//DAFMc9NkrWOKVRTEgcCUxCFaHOZVNxDWZD7A2ZfJB2rK6eg//y\n"
      "gEiFDR2h6mTaDowMB4YF2n2dsIO4/dCG8vPHI20jn4ECgYEA/ZGu6lEMlO0XZnam\n"
      "AZGtiNgLcCfM/C2ZERZE7QTRPZH1WdK92Al9ndldsswFw4baJrJLCmghjF/iG4zi\n"
      "hhBvLnOLksnZUfjdumxoHDWXo2QBWbI5QsWIE7AuTiWgWj1I7X4fCXSQf6i+M/y2\n"
      "6TogQ7d0ANpZFyOkTNMn/tiJvLECgYEA22XqlamG/yfAGWery5KNH2DGlTIyd6xJ\n"
      "WtJ9j3jU99lZ0bCQ5xhiBbU9ImxCi3zgTsoqLWgA/p00HhNFNoUcTl9ofc0G3zwT\n"
      "D1y0ZzcnVKxGJdZ6ohW52V0hJStAigtjYAsUgjm7//FH7PiQDBDP1Wa6xSRkDQU/\n"
      "aSbQxvEE8+MCgYEA3bb8krW7opyM0XL9RHH0oqsFlVO30Oit5lrqebS0oHl3Zsr2\n"
      "ZGgoBlWBsEzk3UqUhTFwm/DhJLTSJ/TQPRkxnhQ5/mewNhS9C7yua7wQkzVmWN+V\n"
      "YeUGTvDGDF6qDz12/vJAgSwDDRym8x4NcXD5tTw7mmNRcwIfL22SkysThIECgYAV\n"
      "BgccoEoXWS/HP2/u6fQr9ZIR6eV8Ij5FPbZacTG3LlS1Cz5XZra95UgebFFUHHtC\n"
      "EY1JHJY7z8SWvTH8r3Su7eWNaIAoFBGffzqqSVazfm6aYZsOvRY6BfqPHT3p/H1h\n"
      "Tq6AbBffxrcltgvXnCTORjHPglU0CjSxVs7awW3AEQKBgB5WtaC8VLROM7rkfVIq\n"
      "+RXqE5vtJfa3e3N7W3RqxKp4zHFAPfr82FK5CX2bppEaxY7SEZVvVInKDc5gKdG/\n"
      "jWNRBmvvftZhY59PILHO2X5vO4FXh7suEjy6VIh0gsnK36mmRboYIBGsNuDHjXLe\n"
      "BDa+8mDLkWu5nHEhOxy2JJZl\n";
  const std::string frame = "PRIVATE KEY-----\n";  // apart, so that no scanner takes it for ours
  const auto key = PrivateKey::from_pem("-----BEGIN " + frame + body + "-----END " + frame);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(to_base64(key->sign("source")),
            "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4"
            "hAm6pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLw"
            "vpUHlCqIMzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FE"
            "A70G4hvMwe51qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+"
            "8m1rLg==");
}

TEST(Crypto, RsaVerifiesAndRefuses) {
  const TestKey& key = platform_key();
  for (const std::string& pem : {key.public_pem, key.certificate_pem}) {
    const auto verifier = PublicKey::from_pem(pem);
    ASSERT_TRUE(verifier) << verifier.error().message;
    std::string signature = key.key.sign("text");
    EXPECT_TRUE(verifier->verifies("text", signature));
    EXPECT_FALSE(verifier->verifies("text ", signature));
    EXPECT_FALSE(verifier->verifies("text", signature.substr(1)));
    EXPECT_FALSE(verifier->verifies("text", ""));
    signature[100] = static_cast<char>(signature[100] ^ 1);
    EXPECT_FALSE(verifier->verifies("text", signature));
    EXPECT_FALSE(verifier->verifies("text", merchant_key().key.sign("text")));
  }
}

TEST(Crypto, WhatIsNoKeyIsRefused) {
  EXPECT_FALSE(PublicKey::from_pem(""));
  EXPECT_FALSE(PublicKey::from_pem("no key"));
  EXPECT_FALSE(PublicKey::from_pem(platform_key().private_pem));
  EXPECT_FALSE(PrivateKey::from_pem(platform_key().public_pem));
  EXPECT_FALSE(
      PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"));
}

TEST(Crypto, CertificatesTellSerialAndTime) {
  const auto facts = read_certificate(platform_key().certificate_pem);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->serial, platform_key().serial);
  EXPECT_EQ(facts->valid_from, kTestNow - Span::seconds(86'400));
  EXPECT_EQ(facts->valid_until, kTestNow + Span::seconds(86'400));
  EXPECT_FALSE(read_certificate(platform_key().public_pem));
}

}  // namespace
}  // namespace sluice::payment

// Tokens: what is accepted, and every forgery that must not be.
#include "http/token.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "http/hmac_sha256.h"

namespace sluice::http {
namespace {

constexpr Instant kNow{1'790'000'000'000};
constexpr std::string_view kSecret = "a secret of more than 16 bytes";

std::string hs256(std::string_view header, std::string_view payload,
                  std::string_view secret = kSecret) {
  const std::string token = to_base64url(header) + "." + to_base64url(payload);
  const Sha256Digest signature = HmacSha256(secret)(token);
  return token + "." +
         to_base64url({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";
constexpr std::string_view kPayload = R"({"sub":"alice","exp":1790000060})";

/// An Ed25519 key pair made for one test.
class Ed25519 {
 public:
  Ed25519() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {}

  std::string public_pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PUBKEY(out.get(), key_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  std::string token(std::string_view header, std::string_view payload) const {
    const std::string text = to_base64url(header) + "." + to_base64url(payload);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return text + "." + to_base64url(signature);
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

/// "ok <user>" or the name of the refusal, so that a failing test shows both.
std::string outcome(TokenVerifier& verifier, std::string_view token, Instant now = kNow) {
  Claims claims;
  const auto verified = verifier.verify("Bearer " + std::string(token), now, claims);
  return verified ? "ok " + claims.user : to_text(verified.error());
}
std::string refused(TokenError error) {
  return to_text(error);
}

class TokenTest : public ::testing::Test {
 protected:
  static std::unique_ptr<TokenVerifier> make(const TokenOptions& options) {
    auto verifier = TokenVerifier::create(options);
    EXPECT_TRUE(verifier) << verifier.error().message;
    return std::move(*verifier);
  }
  static TokenOptions plain() {
    TokenOptions options;
    options.hs256_secret = kSecret;
    return options;
  }
  std::string check(std::string_view token) { return outcome(*verifier_, token); }
  std::string check_claims(std::string_view payload) { return check(hs256(kHeader, payload)); }

  std::unique_ptr<TokenVerifier> verifier_ = make(plain());
};

TEST(HmacSha256, AgreesWithRfc4231AndWithOpenSsl) {
  const Sha256Digest digest = HmacSha256("Jefe")("what do ya want for nothing?");
  EXPECT_EQ(to_hex(digest), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 200U}) {
    const std::string key(size, 'k');
    for (const std::size_t length : {0U, 55U, 56U, 64U, 1000U}) {
      const std::string message(length, 'm');
      Sha256Digest expected;
      HMAC(EVP_sha256(), key.data(), static_cast<int>(size),
           reinterpret_cast<const unsigned char*>(message.data()), length, expected.data(),
           nullptr);
      EXPECT_EQ(HmacSha256(key)(message), expected) << size << " " << length;
    }
  }
}

TEST_F(TokenTest, AcceptsWhatItSigned) {
  TokenRequest request;
  request.user = "张三 \"quoted\"";
  request.role = Role::admin;
  request.issued_at = kNow;
  request.lifetime = Span::seconds(60);
  Claims claims;
  const std::string token = sign_hs256(request, kSecret);
  ASSERT_TRUE(verifier_->verify("Bearer " + token, kNow, claims));
  EXPECT_EQ(claims.user, request.user);
  EXPECT_EQ(claims.role, Role::admin);
  EXPECT_EQ(claims.expires_at, kNow + Span::seconds(60));
  // The scheme's name is case-insensitive; a second token of the same header takes the short way.
  EXPECT_TRUE(verifier_->verify("bEARER  " + token, kNow, claims));
  request.user = "bob";
  request.role = Role::shopper;
  ASSERT_TRUE(verifier_->verify("Bearer " + sign_hs256(request, kSecret), kNow, claims));
  EXPECT_EQ(claims.user, "bob");
  EXPECT_EQ(claims.role, Role::shopper);
}

TEST_F(TokenTest, WithoutABearerTokenItIsMissing) {
  Claims claims;
  for (const std::string_view header : {"", "Bearer", "Bearer ", "Bearer   ", "Basic YTpi", "x"}) {
    const auto verified = verifier_->verify(header, kNow, claims);
    ASSERT_FALSE(verified) << header;
    EXPECT_EQ(verified.error(), TokenError::missing) << header;
  }
}

TEST_F(TokenTest, OnlyTheServersAlgorithmCounts) {
  const std::string bad = refused(TokenError::wrong_algorithm);
  for (const std::string_view alg : {"none", "None", "nOnE", "HS512", "HS384", "RS256", "ES256",
                                     "hs256", "EdDSA", "", "HS256 "}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","typ":"JWT"})";
    EXPECT_EQ(check(hs256(header, kPayload)), bad) << alg;
    EXPECT_EQ(check(to_base64url(header) + "." + to_base64url(kPayload) + "."), bad) << alg;
  }
  EXPECT_EQ(check(to_base64url(kHeader) + "." + to_base64url(kPayload) + "."),
            refused(TokenError::bad_signature));
}

TEST_F(TokenTest, APublicKeyIsNoHmacKey) {
  const Ed25519 pair;
  TokenOptions options;
  options.ed25519_public_pem = pair.public_pem();
  auto verifier = make(options);
  const std::string pem = options.ed25519_public_pem;
  for (const std::string_view alg : {"HS256", "RS256"}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"("})";
    EXPECT_EQ(outcome(*verifier, hs256(header, kPayload, pem)),
              refused(TokenError::wrong_algorithm));
  }
  EXPECT_EQ(outcome(*verifier, hs256(R"({"alg":"EdDSA"})", kPayload, pem)),
            refused(TokenError::bad_signature));
}

TEST_F(TokenTest, VerifiesEd25519) {
  const Ed25519 pair;
  const Ed25519 other;
  TokenOptions options = plain();
  options.ed25519_public_pem = pair.public_pem();
  auto verifier = make(options);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(outcome(*verifier, pair.token(R"({"alg":"EdDSA"})", kPayload)), "ok alice");
    EXPECT_EQ(outcome(*verifier, hs256(kHeader, kPayload)), "ok alice");
    EXPECT_EQ(outcome(*verifier, other.token(R"({"alg":"EdDSA"})", kPayload)),
              refused(TokenError::bad_signature));
    EXPECT_EQ(outcome(*verifier, pair.token(kHeader, kPayload)),
              refused(TokenError::bad_signature));
  }
}

TEST_F(TokenTest, AChangedBitAnywhereIsRefused) {
  const std::string good = hs256(kHeader, kPayload);
  ASSERT_EQ(check(good), "ok alice");
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char to : {'A', '_', '.', '=', '\0', '\xff'}) {
      std::string bad = good;
      if (bad[i] == to) continue;
      bad[i] = to;
      EXPECT_NE(check(bad), "ok alice") << "byte " << i << " changed to " << int{to};
    }
    EXPECT_NE(check(good.substr(0, i)), "ok alice") << "cut at " << i;
  }
  EXPECT_EQ(check(hs256(kHeader, kPayload, "another secret, long enough")),
            refused(TokenError::bad_signature));
}

TEST_F(TokenTest, TheShapeIsThreeStrictSegments) {
  const std::string good = hs256(kHeader, kPayload);
  const std::string bad = refused(TokenError::malformed);
  for (const std::string& token :
       {good + ".", good + ".x.y", "." + good, std::string("a"), std::string("."),
        std::string(".."), std::string("a.b"), good.substr(0, good.rfind('.')),
        to_base64url(kHeader) + "=." + to_base64url(kPayload) + ".AA",
        std::string(kMaxTokenBytes + 1, 'a'), std::string(100'000, '.')}) {
    EXPECT_EQ(check(token), bad) << token.substr(0, 100);
  }
  // The last character of 32 bytes in base64url has two bits to spare: they must be zero.
  std::string loose = good;
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  loose.back() = alphabet[alphabet.find(loose.back()) + 1];
  EXPECT_EQ(check(loose), refused(TokenError::bad_signature));
}

TEST_F(TokenTest, TheHeaderIsParsedStrictly) {
  const std::string bad = refused(TokenError::malformed);
  for (const std::string_view header :
       {R"({"alg":"HS256","crit":["exp"],"exp":1})", R"({"alg":"HS256","alg":"HS256"})",
        R"({"alg":1})", R"({"alg":["HS256"]})", R"({"typ":"JWT"})", R"({})", R"([])", R"("HS256")",
        R"({"alg":"HS256","kid":7})",
        R"({"alg":"HS256"} )"
        "x",
        "", "{\"alg\":\"HS256\xff\"}", R"({"alg":"HS256","x":[[[[[[[[[[[[1]]]]]]]]]]]]})",
        R"({"alg":"HS256",})", R"({'alg':'HS256'})"}) {
    EXPECT_EQ(check(hs256(header, kPayload)), bad) << header;
  }
  EXPECT_EQ(check(hs256(R"({"alg":"HS256","jwk":{"k":"AAAA"},"jku":"http://x"})", kPayload)),
            "ok alice");
}

TEST_F(TokenTest, TimesAreCheckedWithLeeway) {
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1789999995})"), refused(TokenError::expired));
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1789999996})"), "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1789999995.5})"), "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1.790000060e9})"), "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":0})"), refused(TokenError::expired));
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"nbf":1790000005})"), "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"nbf":1790000006})"),
            refused(TokenError::not_yet_valid));
}

TEST_F(TokenTest, ClaimsOfTheWrongTypeOrRangeAreRefused) {
  const std::string bad = refused(TokenError::bad_claim);
  for (const std::string_view payload : {R"({"sub":"a"})",
                                         R"({"sub":"a","exp":"1790000060"})",
                                         R"({"sub":"a","exp":null})",
                                         R"({"sub":"a","exp":1e300})",
                                         R"({"sub":"a","exp":-1})",
                                         R"({"sub":"a","exp":true})",
                                         R"({"sub":"a","exp":[1790000060]})",
                                         R"({"sub":"a","exp":{"n":1}})",
                                         R"({"sub":"a","exp":1790000060,"nbf":"0"})",
                                         R"({"sub":"a","exp":1790000060,"iat":null})",
                                         R"({"sub":"a","exp":1790000060,"nbf":1e300})",
                                         R"({"sub":5,"exp":1790000060})",
                                         R"({"sub":null,"exp":1790000060})",
                                         R"({"sub":["a"],"exp":1790000060})",
                                         R"({"sub":"a","exp":1790000060,"role":1})",
                                         R"({"sub":"a","exp":1790000060,"iss":{}})",
                                         R"({"sub":"a","exp":1790000060,"aud":1})",
                                         R"({"sub":"a","exp":1790000060,"aud":[["x"]]})",
                                         R"({"sub":"a","exp":1790000060,"aud":["x",null]})",
                                         R"({"sub":"a","exp":1790000060,"aud":{"x":"y"}})"}) {
    EXPECT_EQ(check_claims(payload), bad) << payload;
  }
}

TEST_F(TokenTest, ThePayloadIsParsedStrictly) {
  const std::string bad = refused(TokenError::malformed);
  const std::string deep =
      R"({"sub":"a","exp":1790000060,"x":)" + std::string(500, '[') + std::string(500, ']') + "}";
  for (const std::string& payload : std::vector<std::string>{
           R"({"sub":"a","exp":NaN})", R"({"sub":"a","exp":1790000060,"sub":"admin"})",
           R"({"sub":"a","exp":1790000060,"exp":1790000061})",
           R"({"sub":"a","exp":1790000060,"x":1,"x":2})",
           R"({"sub":"a","\u0073ub":"b","exp":1790000060})", R"({"sub":"a","exp":1790000060}{})",
           R"({"sub":"a","exp":01790000060})", "{\"sub\":\"\xc3\x28\",\"exp\":1790000060}",
           "{\"sub\":\"\xed\xa0\x80\",\"exp\":1790000060}", deep, "", "null", "[]", "1",
           R"({"sub":"a","exp":1790000060)", "\xef\xbb\xbf{}"}) {
    EXPECT_EQ(check_claims(payload), bad) << payload.substr(0, 80);
  }
}

TEST_F(TokenTest, TheSubjectMustNameAUser) {
  const std::string bad = refused(TokenError::bad_subject);
  EXPECT_EQ(check_claims(R"({"exp":1790000060})"), bad);
  EXPECT_EQ(check_claims(R"({"sub":"","exp":1790000060})"), bad);
  EXPECT_EQ(check_claims(R"({"sub":"a\u0000b","exp":1790000060})"), bad);
  EXPECT_EQ(check_claims(R"({"sub":"a\r\nb","exp":1790000060})"), bad);
  const auto of_length = [&](std::size_t length) {
    return check_claims(R"({"sub":")" + std::string(length, 'u') + R"(","exp":1790000060})");
  };
  EXPECT_EQ(of_length(128), "ok " + std::string(128, 'u'));
  EXPECT_EQ(of_length(129), bad);
  EXPECT_EQ(of_length(2500), bad);
  EXPECT_EQ(of_length(8192), refused(TokenError::malformed));
}

TEST_F(TokenTest, IssuerAndAudienceAreCheckedWhenConfigured) {
  TokenOptions options = plain();
  options.issuer = "shop";
  options.audience = "sluice";
  verifier_ = make(options);
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"iss":"shop","aud":"sluice"})"), "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"iss":"shop","aud":["x","sluice"]})"),
            "ok a");
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"aud":"sluice"})"),
            refused(TokenError::wrong_issuer));
  EXPECT_EQ(check_claims(R"({"sub":"a","exp":1790000060,"iss":"shop2","aud":"sluice"})"),
            refused(TokenError::wrong_issuer));
  // The audiences of earlier tokens must not linger.
  for (const std::string_view audience : {R"("aud":"other")", R"("aud":[])", R"("aud":"")",
                                          R"("x":"sluice")", R"("aud":["other","sluic"])"}) {
    const std::string payload =
        R"({"sub":"a","exp":1790000060,"iss":"shop",)" + std::string(audience) + "}";
    EXPECT_EQ(check_claims(payload), refused(TokenError::wrong_audience)) << audience;
  }
}

TEST_F(TokenTest, KeysRotateByKid) {
  TokenOptions options = plain();
  options.hs256_by_kid = {{"2026", "the key of the year 2026"}, {"2027", "the key of year 2027"}};
  verifier_ = make(options);
  const std::string old_header = R"({"alg":"HS256","kid":"2026"})";
  const std::string new_header = R"({"alg":"HS256","kid":"2027"})";
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(check(hs256(old_header, kPayload, "the key of the year 2026")), "ok alice");
    EXPECT_EQ(check(hs256(new_header, kPayload, "the key of year 2027")), "ok alice");
    EXPECT_EQ(check(hs256(kHeader, kPayload)), "ok alice");
    EXPECT_EQ(check(hs256(new_header, kPayload, "the key of the year 2026")),
              refused(TokenError::bad_signature));
    EXPECT_EQ(check(hs256(new_header, kPayload)), refused(TokenError::bad_signature));
  }
  EXPECT_EQ(check(hs256(R"({"alg":"EdDSA","kid":"2027"})", kPayload, "the key of year 2027")),
            refused(TokenError::wrong_algorithm));
  // More headers than are remembered: each is still judged by its own key.
  for (int i = 0; i < 50; ++i) {
    const std::string header = R"({"alg":"HS256","kid":"2026","n":)" + std::to_string(i % 20) + "}";
    EXPECT_EQ(check(hs256(header, kPayload, "the key of the year 2026")), "ok alice");
    EXPECT_NE(check(hs256(header, kPayload)), "ok alice");
  }
}

TEST_F(TokenTest, KeysAreCheckedAtStart) {
  const auto error = [](const TokenOptions& options) {
    auto verifier = TokenVerifier::create(options);
    return verifier ? std::string("accepted") : verifier.error().message;
  };
  TokenOptions options;
  EXPECT_NE(error(options).find("no key"), std::string::npos);
  options.hs256_secret = "short";
  EXPECT_NE(error(options).find("5 bytes, at least 16"), std::string::npos);
  options.hs256_secret = kSecret;
  options.hs256_by_kid = {{"a", "short"}};
  EXPECT_NE(error(options).find("\"a\""), std::string::npos);
  options.hs256_by_kid = {{"a", std::string(kSecret)}, {"a", std::string(kSecret)}};
  EXPECT_NE(error(options).find("two HS256"), std::string::npos);
  options.hs256_by_kid.clear();
  options.ed25519_public_pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
  EXPECT_NE(error(options).find("Ed25519"), std::string::npos);
}

}  // namespace
}  // namespace sluice::http

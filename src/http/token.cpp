// Verifying and signing tokens.
#include "http/token.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "base/text.h"
#include "http/hmac_sha256.h"
#include "http/json_writer.h"
#include "http/token_json.h"

namespace sluice::http {

namespace {

constexpr std::size_t kMinSecretBytes = 16;
constexpr std::size_t kEd25519Signature = 64;
constexpr std::size_t kRememberedHeaders = 8;

template <auto Free>
struct Deleter {
  void operator()(auto* what) const { Free(what); }
};
using PublicKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free>>;

/// What checks a signature: exactly one of the two.
struct Key {
  const HmacSha256* secret = nullptr;
  EVP_PKEY* ed25519 = nullptr;
};

struct Segments {
  std::string_view header, payload, signature;
  std::string_view signed_part;
};

std::optional<Segments> split(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Segments{token.substr(0, first), token.substr(first + 1, second - first - 1),
                  token.substr(second + 1), token.substr(0, second)};
}

/// The token of "Bearer <token>"; the scheme's name is case-insensitive (RFC 9110 section 11.1).
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != scheme[i]) return {};
  }
  authorization.remove_prefix(scheme.size());
  return authorization.substr(std::min(authorization.find_first_not_of(' '), authorization.size()));
}

/// A NumericDate in milliseconds; empty where it is not within 1970 to 9999.
std::optional<Instant> to_instant(double seconds) {
  if (!(seconds >= 0) || seconds > static_cast<double>(kLastInstant.ms) / 1000) return std::nullopt;
  return Instant{static_cast<std::int64_t>(std::floor(seconds * 1000))};
}

}  // namespace

const char* to_text(TokenError error) {
  switch (error) {
    case TokenError::missing:
      return "the request carries no bearer token";
    case TokenError::malformed:
      return "the token is not a well-formed JSON Web Token of at most 4096 bytes";
    case TokenError::wrong_algorithm:
      return "the token's algorithm is not the one that its key is for";
    case TokenError::bad_signature:
      return "the token's signature does not match";
    case TokenError::expired:
      return "the token has expired";
    case TokenError::not_yet_valid:
      return "the token is not valid yet";
    case TokenError::wrong_issuer:
      return "the token comes from another issuer";
    case TokenError::wrong_audience:
      return "the token is meant for another audience";
    case TokenError::bad_subject:
      return "the token names no user: sub must be text of 1 to 128 bytes without control "
             "characters";
    case TokenError::bad_claim:
      return "the token has no exp, or a claim that is not of its type or range";
  }
  return "the token was refused";
}

struct TokenVerifier::Parts {
  TokenOptions options;
  std::optional<HmacSha256> secret;
  std::map<std::string, HmacSha256, std::less<>> by_kid;
  PublicKey ed25519;
  DigestContext digest{EVP_MD_CTX_new()};
  TokenJson json;
  std::array<char, kMaxTokenBytes> scratch{};

  /// Headers of tokens that were accepted: nearly every token carries the same one, so it is
  /// compared instead of parsed. Only a valid signature gets a header in here.
  struct Remembered {
    std::string header;
    Key key;
  };
  std::vector<Remembered> remembered;
  std::size_t next_to_forget = 0;

  std::expected<Key, TokenError> key_of(std::string_view header);
  bool signature_holds(const Key& key, const Segments& token) const;
  void remember(std::string_view header, const Key& key);
  std::expected<void, TokenError> check_claims(const TokenMembers& members, Instant now,
                                               Claims& claims) const;
};

std::expected<Key, TokenError> TokenVerifier::Parts::key_of(std::string_view header) {
  for (const Remembered& known : remembered) {
    if (known.header == header) return known.key;
  }
  const auto length = from_base64url(header, scratch.data(), scratch.size());
  if (!length) return std::unexpected(TokenError::malformed);
  const TokenMembers* members = json.read({scratch.data(), *length});
  if (members == nullptr || members->wrong_type || members->has(TokenMembers::crit) ||
      !members->has(TokenMembers::alg)) {
    return std::unexpected(TokenError::malformed);
  }
  const bool hs256 = members->alg_text == "HS256";
  if (members->has(TokenMembers::kid)) {
    const auto named = by_kid.find(members->kid_text);
    if (named != by_kid.end()) {
      if (!hs256) return std::unexpected(TokenError::wrong_algorithm);
      return Key{&named->second, nullptr};
    }
  }
  if (hs256 && secret) return Key{&*secret, nullptr};
  if (members->alg_text == "EdDSA" && ed25519 != nullptr) return Key{nullptr, ed25519.get()};
  return std::unexpected(TokenError::wrong_algorithm);
}

bool TokenVerifier::Parts::signature_holds(const Key& key, const Segments& token) const {
  std::array<char, kEd25519Signature> signature;
  const auto length = from_base64url(token.signature, signature.data(), signature.size());
  if (!length) return false;
  if (key.secret != nullptr) {
    const Sha256Digest expected = (*key.secret)(token.signed_part);
    return *length == expected.size() &&
           CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
  }
  EVP_MD_CTX_reset(digest.get());
  return *length == kEd25519Signature &&
         EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.ed25519) == 1 &&
         EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          *length, reinterpret_cast<const unsigned char*>(token.signed_part.data()),
                          token.signed_part.size()) == 1;
}

void TokenVerifier::Parts::remember(std::string_view header, const Key& key) {
  if (std::ranges::find(remembered, header, &Remembered::header) != remembered.end()) return;
  if (remembered.size() < kRememberedHeaders) {
    remembered.push_back({std::string(header), key});
    return;
  }
  remembered[next_to_forget] = {std::string(header), key};
  next_to_forget = (next_to_forget + 1) % kRememberedHeaders;
}

std::expected<void, TokenError> TokenVerifier::Parts::check_claims(const TokenMembers& members,
                                                                   Instant now,
                                                                   Claims& claims) const {
  if (!members.has(TokenMembers::sub)) return std::unexpected(TokenError::bad_subject);
  if (members.wrong_type || !members.has(TokenMembers::exp)) {
    return std::unexpected(TokenError::bad_claim);
  }
  if (!valid_user(members.sub_text)) return std::unexpected(TokenError::bad_subject);
  const auto exp = to_instant(members.exp_seconds);
  const auto nbf = members.has(TokenMembers::nbf) ? to_instant(members.nbf_seconds) : Instant{0};
  const auto iat = members.has(TokenMembers::iat) ? to_instant(members.iat_seconds) : Instant{0};
  if (!exp || !nbf || !iat) return std::unexpected(TokenError::bad_claim);
  if (now >= *exp + options.leeway) return std::unexpected(TokenError::expired);
  if (now + options.leeway < *nbf) return std::unexpected(TokenError::not_yet_valid);
  if (!options.issuer.empty() &&
      (!members.has(TokenMembers::iss) || members.iss_text != options.issuer)) {
    return std::unexpected(TokenError::wrong_issuer);
  }
  if (!options.audience.empty()) {
    const auto* first = members.audiences.data();
    const auto* last = first + (members.has(TokenMembers::aud) ? members.audience_count : 0);
    if (std::find(first, last, options.audience) == last) {
      return std::unexpected(TokenError::wrong_audience);
    }
  }
  claims.user.assign(members.sub_text);
  claims.role = Role::shopper;
  if (members.has(TokenMembers::role)) {
    if (members.role_text == "admin") claims.role = Role::admin;
    if (members.role_text == "service") claims.role = Role::service;
  }
  claims.expires_at = *exp;
  return {};
}

TokenVerifier::TokenVerifier(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TokenVerifier::~TokenVerifier() = default;

Result<std::unique_ptr<TokenVerifier>> TokenVerifier::create(const TokenOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  const auto check_secret = [](std::string_view name, std::string_view secret) -> Result<> {
    if (secret.size() >= kMinSecretBytes) return {};
    return fail(std::string(name) + " has " + std::to_string(secret.size()) +
                " bytes, at least 16 are needed; use 32 random bytes");
  };
  if (!options.hs256_secret.empty()) {
    if (auto good = check_secret("the HS256 secret", options.hs256_secret); !good) {
      return std::unexpected(good.error());
    }
    parts->secret.emplace(options.hs256_secret);
  }
  for (const auto& [kid, secret] : options.hs256_by_kid) {
    if (auto good = check_secret("the HS256 secret of kid " + quote(kid), secret); !good) {
      return std::unexpected(good.error());
    }
    if (!parts->by_kid.emplace(kid, HmacSha256(secret)).second) {
      return fail("two HS256 secrets have the kid " + quote(kid) + "; give each its own");
    }
  }
  if (!options.ed25519_public_pem.empty()) {
    const Memory pem(BIO_new_mem_buf(options.ed25519_public_pem.data(),
                                     static_cast<int>(options.ed25519_public_pem.size())));
    parts->ed25519.reset(PEM_read_bio_PUBKEY(pem.get(), nullptr, nullptr, nullptr));
    if (parts->ed25519 == nullptr || EVP_PKEY_id(parts->ed25519.get()) != EVP_PKEY_ED25519) {
      return fail(
          "the EdDSA key is not an Ed25519 public key in PEM form; "
          "make one with: openssl pkey -in key.pem -pubout");
    }
  }
  if (!parts->secret && parts->by_kid.empty() && parts->ed25519 == nullptr) {
    return fail("no key to verify tokens with; set auth.hs256_secret or an Ed25519 public key");
  }
  return std::unique_ptr<TokenVerifier>(new TokenVerifier(std::move(parts)));
}

std::expected<void, TokenError> TokenVerifier::verify(std::string_view authorization, Instant now,
                                                      Claims& claims) {
  const std::string_view token = bearer(authorization);
  if (token.empty()) return std::unexpected(TokenError::missing);
  if (token.size() > kMaxTokenBytes) return std::unexpected(TokenError::malformed);
  const auto segments = split(token);
  if (!segments) return std::unexpected(TokenError::malformed);
  const auto key = parts_->key_of(segments->header);
  if (!key) return std::unexpected(key.error());
  if (!parts_->signature_holds(*key, *segments)) {
    return std::unexpected(TokenError::bad_signature);
  }
  parts_->remember(segments->header, *key);
  auto& scratch = parts_->scratch;
  const auto length = from_base64url(segments->payload, scratch.data(), scratch.size());
  if (!length) return std::unexpected(TokenError::malformed);
  const TokenMembers* members = parts_->json.read({scratch.data(), *length});
  if (members == nullptr) return std::unexpected(TokenError::malformed);
  return parts_->check_claims(*members, now, claims);
}

std::string sign_hs256(const TokenRequest& request, std::string_view secret) {
  static const std::string header = to_base64url(R"({"alg":"HS256","typ":"JWT"})");
  std::string payload;
  JsonWriter writer(payload);
  writer.begin_object().member("sub", request.user);
  if (request.role == Role::admin) writer.member("role", "admin");
  if (request.role == Role::service) writer.member("role", "service");
  if (!request.issuer.empty()) writer.member("iss", request.issuer);
  if (!request.audience.empty()) writer.member("aud", request.audience);
  writer.member("iat", request.issued_at.ms / 1000);
  writer.member("exp", (request.issued_at + request.lifetime).ms / 1000).end_object();
  std::string token = header + '.' + to_base64url(payload);
  const Sha256Digest signature = HmacSha256(secret)(token);
  token += '.';
  token += to_base64url({reinterpret_cast<const char*>(signature.data()), signature.size()});
  return token;
}

}  // namespace sluice::http

// JSON Web Tokens: signing and verifying HS256 and EdDSA (Ed25519). The algorithm is fixed by the
// server's keys, never by the token (RFC 8725).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/result.h"

namespace sluice::http {

enum class Role : std::uint8_t { shopper, service, admin };

struct Claims {
  std::string user;  ///< `sub`, valid_user
  Role role = Role::shopper;
  Instant expires_at;
};

enum class TokenError : std::uint8_t {
  missing,          ///< no Authorization, or not Bearer
  malformed,        ///< not three base64url parts of JSON, or above kMaxTokenBytes
  wrong_algorithm,  ///< `alg` is not what the key of that `kid` is for
  bad_signature,
  expired,
  not_yet_valid,  ///< `nbf` in the future
  wrong_issuer,
  wrong_audience,
  bad_subject,  ///< no `sub`, or not valid_user
  bad_claim,    ///< no `exp`, or a claim that is not of its type or out of range
};
const char* to_text(TokenError error);  ///< a sentence for `detail`

inline constexpr std::size_t kMaxTokenBytes = 4096;

struct TokenOptions {
  std::string hs256_secret;        ///< empty: HS256 tokens are refused; else at least 16 bytes
  std::string ed25519_public_pem;  ///< empty: EdDSA tokens are refused
  std::string issuer;              ///< empty: not checked
  std::string audience;            ///< empty: not checked
  Span leeway = Span::seconds(5);
  /// More HS256 keys by `kid`, for rotation: tokens with that kid are checked with that key.
  std::vector<std::pair<std::string, std::string>> hs256_by_kid;
};

/// Verifies tokens. Not thread-safe: one per I/O thread (it keeps scratch space).
class TokenVerifier {
 public:
  static Result<std::unique_ptr<TokenVerifier>> create(const TokenOptions& options);
  ~TokenVerifier();

  /// `authorization` is the header's value, "Bearer <token>". On success `claims` is filled; its
  /// capacity is reused from call to call.
  std::expected<void, TokenError> verify(std::string_view authorization, Instant now,
                                         Claims& claims);

 private:
  struct Parts;
  explicit TokenVerifier(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

struct TokenRequest {
  std::string user;
  Role role = Role::shopper;
  Instant issued_at;
  Span lifetime = Span::seconds(3600);
  std::string issuer;
  std::string audience;
};

/// A signed HS256 token.
std::string sign_hs256(const TokenRequest& request, std::string_view secret);

}  // namespace sluice::http

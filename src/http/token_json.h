// Reads the two JSON objects of a token, strictly and without building a tree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// The members of a token's header or payload that anybody here looks at. A member that is present
/// but not of its type sets `wrong_type`.
struct TokenMembers {
  using Bit = std::uint32_t;
  static constexpr Bit alg = 1U << 0U;
  static constexpr Bit kid = 1U << 1U;
  static constexpr Bit typ = 1U << 2U;
  static constexpr Bit crit = 1U << 3U;
  static constexpr Bit sub = 1U << 4U;
  static constexpr Bit exp = 1U << 5U;
  static constexpr Bit nbf = 1U << 6U;
  static constexpr Bit iat = 1U << 7U;
  static constexpr Bit iss = 1U << 8U;
  static constexpr Bit aud = 1U << 9U;
  static constexpr Bit role = 1U << 10U;

  Bit present = 0;
  bool wrong_type = false;
  std::string alg_text, kid_text, typ_text, sub_text, iss_text, role_text;
  std::vector<std::string> audiences;
  std::size_t audience_count = 0;  ///< of `audiences`, whose strings are reused
  double exp_seconds = 0, nbf_seconds = 0, iat_seconds = 0;

  bool has(Bit bit) const { return (present & bit) != 0; }
};

/// One parser with its buffers; reused from token to token. Not thread-safe.
class TokenJson {
 public:
  TokenJson();
  ~TokenJson();

  /// The members of the object in `json`, valid until the next call; null where `json` is not one
  /// JSON object, nests deeper than 8, is not UTF-8 or names a member twice.
  const TokenMembers* read(std::string_view json);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::http

// Parsing and hashing of idempotency keys.
#include "api/idempotency.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace sluice::api {

namespace {

bool printable(char c) {
  return c >= 0x20 && c <= 0x7e;
}

std::optional<std::string> unquote(std::string_view value) {
  std::string key;
  for (std::size_t i = 1; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '"') {
      if (i + 1 != value.size()) return std::nullopt;
      return key;
    }
    if (c == '\\') {
      ++i;
      if (i == value.size() || (value[i] != '"' && value[i] != '\\')) return std::nullopt;
    }
    if (!printable(value[i])) return std::nullopt;
    key += value[i];
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> parse_idempotency_key(std::string_view value) {
  // Every character may be escaped, and there are two quotes.
  if (value.empty() || value.size() > 2 * kMaxIdempotencyKey + 2) return std::nullopt;
  std::optional<std::string> key;
  if (value.front() == '"') {
    key = unquote(value);
  } else if (std::ranges::all_of(value, [](char c) { return printable(c) && c != ' '; }) &&
             !value.contains('"')) {
    key = std::string(value);
  }
  if (!key || key->empty() || key->size() > kMaxIdempotencyKey) return std::nullopt;
  return key;
}

sale::RequestKey request_key(std::string_view user, std::string_view key) {
  std::string text;
  const std::uint64_t length = user.size();
  text.resize(sizeof length);
  std::memcpy(text.data(), &length, sizeof length);
  text.append(user).append(key);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  sale::RequestKey result;
  std::memcpy(&result.high, digest.data(), sizeof result.high);
  std::memcpy(&result.low, digest.data() + sizeof result.high, sizeof result.low);
  if (!result) result.low = 1;
  return result;
}

}  // namespace sluice::api

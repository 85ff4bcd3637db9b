// Checks, signatures and pauses.
#include "webhook/protocol.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/assert.h"
#include "base/text.h"
#include "http/hmac_sha256.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

namespace {

template <std::size_t Size>
std::array<unsigned char, Size> random_bytes() {
  std::array<unsigned char, Size> bytes{};
  SLUICE_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
                "random bytes of the operating system");
  return bytes;
}

template <std::size_t Size>
std::string random_text() {
  const auto bytes = random_bytes<Size>();
  const std::string raw(bytes.begin(), bytes.end());
  return to_base64url(raw);
}

Span less_jitter(Span pause, double jitter) {
  return Span{pause.ms - static_cast<std::int64_t>(static_cast<double>(pause.ms) / 2 * jitter)};
}

Span doubled(Span first, Span last, std::int64_t times) {
  const std::int64_t most = std::min<std::int64_t>(times, 30);
  return Span{std::min(first.ms << most, last.ms)};
}

}  // namespace

Result<> check_url(const std::string& url) {
  const auto wrong = [&url](std::string_view why) {
    return fail(fmt::format("The URL {} {}; give one such as https://shop.example/hooks.",
                            quote(url), why));
  };
  if (url.size() > kMaxUrlBytes) {
    return wrong(fmt::format("is longer than {} bytes", kMaxUrlBytes));
  }
  if (has_control(url) || url.contains(' ')) return wrong("has blanks or control characters");
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), &curl_url_cleanup);
  SLUICE_ASSERT(parsed != nullptr, "memory for a URL");
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    return wrong("is not a URL");
  }
  const auto part = [&parsed](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return wrong("must begin with http:// or https://");
  if (part(CURLUPART_HOST).empty()) return wrong("has no host");
  if (url.contains('@') && !(part(CURLUPART_USER).empty() && part(CURLUPART_PASSWORD).empty())) {
    return wrong("must not carry a user or password (requests are signed instead)");
  }
  if (url.contains('#')) return wrong("must not have a fragment (#)");
  return {};
}

Result<> check_secret(std::string_view secret) {
  const bool visible =
      std::ranges::all_of(secret, [](char letter) { return letter > 0x20 && letter < 0x7F; });
  if (visible && secret.size() >= kLeastSecretBytes && secret.size() <= kMaxSecretBytes) return {};
  return fail(
      fmt::format("The secret has {} characters; give {} to {} visible ASCII characters, or "
                  "none and one is made.",
                  secret.size(), kLeastSecretBytes, kMaxSecretBytes));
}

std::string new_secret() {
  return "whsec_" + random_text<32>();
}

std::string new_endpoint_id() {
  std::string id = "we_";
  for (const unsigned char byte : random_bytes<12>())
    id += "abcdefghijkmnpqrstuvwxyz23456789"[byte & 31U];
  return id;
}

std::string signature(std::string_view secret, Instant at, std::string_view body) {
  const std::string seconds = std::to_string(at.ms / 1000);
  std::string signed_text = seconds;
  signed_text.append(".").append(body);
  const http::Sha256Digest digest = http::HmacSha256(secret)(signed_text);
  return fmt::format("t={},v1={}", seconds, to_hex(digest));
}

std::string status_error(int status) {
  if (status >= 200 && status < 300) return {};
  if (status >= 300 && status < 400) {
    return fmt::format("answered {}: redirects are not followed, register where it leads", status);
  }
  return fmt::format("answered {}", status);
}

Span retry_pause(std::int64_t attempts, double jitter) {
  return less_jitter(doubled(kFirstRetry, kLastRetry, std::max<std::int64_t>(attempts, 1) - 1),
                     jitter);
}

Span endpoint_hold(std::uint32_t failures, double jitter) {
  if (failures < kDoubtAfter) return Span{0};
  return less_jitter(doubled(kFirstHold, kLastHold, failures - kDoubtAfter), jitter);
}

}  // namespace sluice::webhook

// Names and tokens of the crowd.
#include "rush/shoppers.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "http/token.h"

namespace sluice::rush {

Shoppers::Shoppers(std::string prefix, std::uint32_t first, std::uint32_t count)
    : prefix_(std::move(prefix)), first_(first), states_(count) {}

std::string Shoppers::user(std::uint32_t index) const {
  return fmt::format("{}{:08}", prefix_, first_ + index);
}

void Shoppers::sign(const SigningKey& key, Instant issued_at, Span lifetime,
                    std::atomic<std::uint64_t>& progress, const std::atomic<bool>& stop) {
  http::TokenRequest request;
  request.issued_at = issued_at;
  request.lifetime = lifetime;
  request.issuer = key.issuer;
  request.audience = key.audience;
  tokens_.clear();
  for (std::uint32_t i = 0; i < size() && !stop.load(std::memory_order_relaxed); ++i) {
    request.user = user(i);
    const std::string token = http::sign_hs256(request, key.secret);
    if (i == 0) {
      stride_ = token.size();
      tokens_.reserve(stride_ * size());
    }
    SLUICE_ASSERT(token.size() == stride_, "names of one width give tokens of one length");
    tokens_ += token;
    progress.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace sluice::rush

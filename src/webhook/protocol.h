// The protocol of a webhook without sockets: which URLs may be told, how a body is signed, when
// a failed delivery is tried again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::webhook {

/// Errors unless `url` is http:// or https:// with a host, at most kMaxUrlBytes, without user,
/// password, fragment and control characters.
Result<> check_url(const std::string& url);

/// Errors unless `secret` has kLeastSecretBytes to kMaxSecretBytes visible ASCII characters.
Result<> check_secret(std::string_view secret);

/// "whsec_" and 32 random bytes in base64url.
std::string new_secret();
/// "we_" and random letters and digits.
std::string new_endpoint_id();

/// "t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">", the value of Sluice-Signature.
std::string signature(std::string_view secret, Instant at, std::string_view body);

/// Why an answer of this status is no delivery; empty for 2xx.
std::string status_error(int status);

inline constexpr Span kFirstRetry = Span::seconds(5);
inline constexpr Span kLastRetry = Span::seconds(3600);
/// Pause after the `attempts`-th failure of one delivery: doubles from kFirstRetry to kLastRetry,
/// less up to half of it as `jitter` (in [0, 1)) says.
Span retry_pause(std::int64_t attempts, double jitter);

/// Failures in a row after which an endpoint is asked only now and then.
inline constexpr std::uint32_t kDoubtAfter = 5;
inline constexpr Span kFirstHold = Span::seconds(1);
inline constexpr Span kLastHold = Span::seconds(60);
/// How long nothing at all is sent to an endpoint after so many failures in a row; zero below
/// kDoubtAfter.
Span endpoint_hold(std::uint32_t failures, double jitter);

}  // namespace sluice::webhook

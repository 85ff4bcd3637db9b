// The HTTP request of one notification, genuine or forged. No socket.
#pragma once

#include <string>
#include <vector>

#include "sandbox/emulator.h"
#include "sandbox/keys.h"

namespace sluice::sandbox {

struct Payload {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body;
};

/// Signed at `now`; its form is that of the API that created the order.
Payload notification(const Emulator::Subject& subject, const Account& account, Instant now);

inline constexpr std::size_t kForgeries = 5;
/// One that a merchant must refuse. `variety` turns through kForgeries kinds of each API: an amount
/// that was changed after signing, the signature of a stranger, none at all, …
Payload forgery(const Emulator::Subject& subject, const Account& account, Instant now,
                std::size_t variety);

/// Whether the merchant's answer says that the notification was taken.
bool acknowledges(Api api, int status, std::string_view body);

}  // namespace sluice::sandbox

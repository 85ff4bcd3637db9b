// The way out: takes one delivery at a time and tells later how it went.
#pragma once

#include <cstdint>
#include <string>

#include "base/instant.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

/// One attempt, with everything that it needs.
struct Parcel {
  Delivery delivery;
  std::string url;
  std::string secret;
};

/// How an attempt went.
struct Verdict {
  Delivery delivery;
  Attempt attempt;
};

class Sender {
 public:
  virtual ~Sender() = default;
  /// Exactly one Verdict of it reaches Desk::finished() later, never from inside this call.
  virtual void send(Parcel&& parcel) = 0;
};

}  // namespace sluice::webhook

// What can be made to go wrong on purpose, and how it is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "http/json_writer.h"

namespace sluice::sandbox {

/// The next `times` calls of a kind answer with this code of the provider.
struct CallFault {
  std::string code;
  std::int64_t times = 0;
};

struct NotifyFaults {
  std::int64_t drop = 0;        ///< the next so many attempts are lost on their way
  std::int64_t duplicate = 0;   ///< every attempt comes with so many copies
  Span delay;                   ///< every notification starts so much later
  bool reorder = false;         ///< notifications are gathered and sent newest first
  std::int64_t forge = 0;       ///< the next so many attempts come after a forged one
  bool omit_sign_type = false;  ///< v2: sign_type is left out of notifications
};

struct Faults {
  NotifyFaults notify;
  CallFault create;
  CallFault query;
  CallFault close;
  bool pay_before_close = false;  ///< the payer pays just before an unpaid order is closed
};

inline constexpr std::int64_t kMaxFaultTimes = 1'000'000'000;
inline constexpr std::int64_t kMaxDuplicates = 100'000;
inline constexpr Span kMaxDelay = Span::seconds(7 * 24 * 3600);

/// Reads the body of PUT /_sandbox/faults; what it leaves out is off. Errors name the key: unknown,
/// twice, of a wrong type, out of bounds.
Result<Faults> parse_faults(std::string_view json);

/// The same shape, with what is left of each count.
void write_faults(http::JsonWriter& json, const Faults& faults);

/// Takes one use of the fault; empty where there is none (left).
std::optional<std::string> take(CallFault& fault);

/// Counts one down; false where it was 0.
bool take(std::int64_t& count);

}  // namespace sluice::sandbox

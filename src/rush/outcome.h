// What an answer to a grab means, told from its status and the stable `code` of its body.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "rush/response_parser.h"

namespace sluice::rush {

/// In the order in which reports list them.
enum class Outcome : std::uint8_t {
  granted,
  queued,
  replayed,  ///< the order an Idempotency-Key already made
  already_queued,
  limit_reached,
  sold_out,
  not_started,
  ended,
  paused,
  rate_limited,
  overloaded,
  ok,            ///< any 2xx or 3xx of a plain HTTP server (raw mode)
  refused,       ///< any other 4xx
  server_error,  ///< any other 5xx
  connection_error,
  timed_out,
};
inline constexpr std::size_t kOutcomes = 16;

/// Wire name: the contract's code where there is one.
const char* to_text(Outcome outcome);
/// For a person: "already queued".
const char* to_label(Outcome outcome);

/// A grab's answer, understood.
struct Reading {
  Outcome outcome = Outcome::refused;
  OrderId order{};               ///< granted, queued, replayed, already_queued; zero where absent
  bool legacy_code_100 = false;  ///< of already_queued
};

/// Reads a grab's answer. Never fails: what makes no sense is `refused` or `server_error`, and a
/// grant without a readable order id has order zero.
Reading read_grab(const Answer& answer);

/// Any answer of a server that knows nothing of sales.
Outcome read_raw(const Answer& answer);

/// The value of string member `name` in a JSON text, found by looking for `"name":"`; escapes are
/// not decoded. Empty where absent. Good for codes and ids, which need no escapes.
std::string_view find_json_string(std::string_view json, std::string_view name);

}  // namespace sluice::rush

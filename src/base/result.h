// Expected failures as values: what failed, the value, the limit, and the remedy.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sluice {

/// A failure that the caller can act on. `message` is one sentence for a person: what failed, the
/// offending value, the limit, and what to do about it.
struct Error {
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// Builds the error side of a Result: `return fail("...")`.
[[nodiscard]] inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{std::move(message)});
}

}  // namespace sluice

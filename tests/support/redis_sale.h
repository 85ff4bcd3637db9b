// A sale in a real Redis, as tests load and buy from it: one call each, answers read.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "redis/admission.h"
#include "redis/client.h"

namespace sluice::test {

inline const redis::Window kOpenWindow{Instant{0}, kLastInstant, Span::seconds(1800),
                                       false,      false,        1};
inline constexpr ItemNo kItem{3};

/// Waits for replies; not on a connection's thread. Not for several threads at once.
class RedisSale {
 public:
  RedisSale(redis::Client& client, std::string id) : client_(client), calls(std::move(id)) {}

  /// Loads and opens it: one item (kItem, 1999 each) and what the record knows of orders.
  void load(std::int64_t stock, std::uint64_t epoch = 1, std::int64_t limit = 1,
            const redis::Window& window = kOpenWindow,
            const std::vector<redis::Reservation>& orders = {});
  redis::Answer<redis::Change> begin(std::int64_t stock, std::uint64_t epoch,
                                     std::int64_t limit = 1,
                                     const redis::Window& window = kOpenWindow);

  redis::Outcome ask(const redis::Command& command) { return client_.ask(calls.key(), command); }
  /// The reply; a failure of the test where there is none.
  redis::Value reply(const redis::Command& command);

  redis::Answer<redis::GrabReply> grabs(const std::vector<redis::Grab>& grabs);
  /// One grab of one kItem; a failure of the test where the whole call was refused.
  redis::GrabAnswer grab(std::int64_t order, const std::string& user, std::int64_t quantity = 1,
                         sale::RequestKey request = {});
  /// Why one grab was refused as a whole; empty: it was not.
  std::optional<redis::Refusal::Kind> refusal(std::int64_t order = 1'000'000);
  redis::MoveCode move(redis::Verb verb, std::int64_t order);
  redis::Stats stats();
  /// Counters of kItem: available, held, sold, refunded.
  std::vector<std::int64_t> counters();
  std::vector<redis::OutboxEntry> outbox();
  std::optional<redis::Reservation> find(std::int64_t order);

 private:
  redis::Client& client_;

 public:
  const redis::SaleCalls calls;
  redis::Stamp stamp{1};
};

}  // namespace sluice::test

// The messages in bus.db: the statements of a batch, and what a start reads back. The format is
// described in docs/formats/bus.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bus/bus.h"
#include "sqlite/database.h"

namespace sluice::bus {

/// What a message costs in memory and on disk beside its texts; counts towards the bound on bytes.
inline constexpr std::uint64_t kMessageOverheadBytes = 128;
std::uint64_t cost_of(const Message& message);

/// One thread at a time. Statements answer SQLITE_OK or an extended code; after any other than
/// SQLITE_OK the batch must be ended with database().abandon().
class MessageStore {
 public:
  static Result<std::unique_ptr<MessageStore>> open(const std::string& directory);

  /// The names of all queues there ever were; the index is the queue's number.
  Result<std::vector<std::string>> queues();
  /// Adds a queue as number `number`; durable when it returns.
  Result<> add_queue(std::size_t number, std::string_view name);

  struct Row {
    std::int64_t sequence = 0;
    std::size_t queue = 0;
    std::uint32_t attempts = 0;
    bool parked = false;
    std::uint64_t cost = 0;
  };
  /// Every message in the order of its sequence, without its body.
  Result<> load(const std::function<void(const Row&)>& each);

  sqlite::Database& database() { return *database_; }

  int insert(std::int64_t sequence, std::size_t queue, std::uint32_t attempts,
             std::string_view exchange, std::string_view routing_key, const Message& message);
  /// Counts a delivery and reads the message.
  int begin_attempt(std::int64_t sequence, std::uint32_t attempts, Message& out);
  int set_attempts(std::int64_t sequence, std::uint32_t attempts);
  int park(std::int64_t sequence);
  int remove(std::int64_t sequence);

 private:
  MessageStore() = default;
  Result<> prepare();

  std::unique_ptr<sqlite::Database> database_;
  sqlite::Statement insert_, begin_attempt_, set_attempts_, park_, remove_;
};

}  // namespace sluice::bus

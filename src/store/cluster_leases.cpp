// One row a lease, taken by one statement, so that of two who try one has it.
#include "store/cluster_leases.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "store/cluster_session.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Outcome;
using mariadb::ResetGuard;

/// Another node took the number that was free a moment ago: so often in a row is no accident.
constexpr int kRaces = 64;
constexpr std::string_view kNumberPrefix = "node.";

/// The time at which the row is looked at, not at which the wait for it began: {0} in these.
constexpr const char* kNow = "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)";
// The holder is set before `until` looks at it.
constexpr const char* kTake =
    "INSERT INTO lease VALUES(?, ?, {0} + ?) ON DUPLICATE KEY UPDATE "
    "holder = IF(until <= {0}, VALUES(holder), holder), "
    "until = IF(holder = VALUES(holder), {0} + ?, until)";
constexpr const char* kHeld =
    "SELECT COUNT(*) FROM lease WHERE name = ? AND holder = ? AND until > {0}";
constexpr const char* kNumbers =
    "SELECT name, holder, until, until <= {0} FROM lease WHERE name LIKE 'node.%'";
constexpr const char* kGiveBack = "UPDATE lease SET until = 0 WHERE name = ? AND holder = ?";

struct NumberRow {
  std::uint16_t number = 0;
  std::string holder;
  std::int64_t until = 0;
  bool free = false;
};

Outcome<std::vector<NumberRow>> read_numbers(Connection& connection) {
  auto statement = connection.prepare(fmt::format(kNumbers, kNow));
  if (!statement) return std::unexpected(statement.error());
  if (auto asked = statement->query(); !asked) return std::unexpected(asked.error());
  const ResetGuard guard(*statement);
  std::vector<NumberRow> rows;
  for (;;) {
    const auto found = statement->next();
    if (!found) return std::unexpected(found.error());
    if (!*found) return rows;
    NumberRow row;
    const std::string_view name = statement->text(0);
    std::from_chars(name.data() + kNumberPrefix.size(), name.data() + name.size(), row.number);
    row.holder = statement->text(1);
    row.until = statement->integer(2);
    row.free = statement->integer(3) != 0;
    rows.push_back(std::move(row));
  }
}

/// Which one to try; empty: all are held.
std::optional<std::uint16_t> candidate(const std::vector<NumberRow>& rows,
                                       std::string_view holder) {
  std::vector<bool> known(kNodeNumbers, false);
  const NumberRow* longest_free = nullptr;
  for (const NumberRow& row : rows) {
    if (row.number >= kNodeNumbers) continue;
    if (row.holder == holder) return row.number;
    known[row.number] = true;
    if (row.free && (longest_free == nullptr || row.until < longest_free->until)) {
      longest_free = &row;
    }
  }
  for (std::uint16_t number = 0; number < kNodeNumbers; ++number) {
    if (!known[number]) return number;
  }
  if (longest_free == nullptr) return std::nullopt;
  return longest_free->number;
}

}  // namespace

struct ClusterLeases::Parts {
  ClusterSession session;  ///< a lease that was taken by a lost question is renewed by the next
};

ClusterLeases::ClusterLeases(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClusterLeases::~ClusterLeases() = default;

Outcome<std::unique_ptr<ClusterLeases>> ClusterLeases::open(const mariadb::Address& address) {
  auto session = ClusterSession::open(address);
  if (!session) return std::unexpected(session.error());
  return std::unique_ptr<ClusterLeases>(
      new ClusterLeases(std::make_unique<Parts>(Parts{std::move(*session)})));
}

Outcome<bool> ClusterLeases::take(std::string_view name, std::string_view holder, Span length) {
  SLUICE_ASSERT(!name.empty() && !holder.empty() && length.ms > 0, "a lease has all its parts");
  return parts_->session.ask<bool>([&](Connection& on) -> Outcome<bool> {
    auto take = on.prepare(fmt::format(kTake, kNow));
    if (!take) return std::unexpected(take.error());
    take->bind(1, name);
    take->bind(2, holder);
    take->bind(3, length.ms);
    take->bind(4, length.ms);
    if (auto done = take->run(); !done) return std::unexpected(done.error());
    auto held = on.prepare(fmt::format(kHeld, kNow));
    if (!held) return std::unexpected(held.error());
    held->bind(1, name);
    held->bind(2, holder);
    if (auto asked = held->query(); !asked) return std::unexpected(asked.error());
    const ResetGuard guard(*held);
    const auto row = held->next();
    if (!row) return std::unexpected(row.error());
    return *row && held->integer(0) == 1;
  });
}

Outcome<> ClusterLeases::give_back(std::string_view name, std::string_view holder) {
  return parts_->session.ask<void>([&](Connection& on) -> Outcome<> {
    auto give = on.prepare(kGiveBack);
    if (!give) return std::unexpected(give.error());
    give->bind(1, name);
    give->bind(2, holder);
    if (auto done = give->run(); !done) return std::unexpected(done.error());
    return {};
  });
}

Outcome<std::optional<std::uint16_t>> ClusterLeases::take_number(std::string_view holder,
                                                                 Span length) {
  for (int race = 0; race < kRaces; ++race) {
    const auto rows = parts_->session.ask<std::vector<NumberRow>>(read_numbers);
    if (!rows) return std::unexpected(rows.error());
    const auto number = candidate(*rows, holder);
    if (!number) return std::nullopt;
    const auto taken = take(fmt::format("{}{}", kNumberPrefix, *number), holder, length);
    if (!taken) return std::unexpected(taken.error());
    if (*taken) return number;
  }
  return std::nullopt;
}

}  // namespace sluice::store

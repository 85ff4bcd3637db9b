// The schema of bus.db and its statements.
#include "bus/message_store.h"

#include <fmt/format.h>

#include <array>
#include <utility>
namespace sluice::bus {

using sqlite::Database;
using sqlite::Migration;
using sqlite::ResetGuard;
using sqlite::Statement;

namespace {

// Format 1. A message that goes to several queues has a row in each. The key only grows while a row
// is there, so that a publish appends.
constexpr const char* kInitial = R"sql(
CREATE TABLE migration(
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE queue(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE message(
  seq INTEGER PRIMARY KEY, queue_no INTEGER NOT NULL REFERENCES queue(no),
  attempts INTEGER NOT NULL, parked INTEGER NOT NULL, cost INTEGER NOT NULL,
  exchange TEXT NOT NULL, routing_key TEXT NOT NULL,
  id TEXT NOT NULL, content_type TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;

CREATE VIEW messages_readable AS
  SELECT m.seq, q.name AS queue, m.attempts, m.parked, m.exchange, m.routing_key, m.id,
    m.content_type, strftime('%Y-%m-%dT%H:%M:%fZ', m.at / 1000.0, 'unixepoch') AS at, m.body
  FROM message m LEFT JOIN queue q ON q.no = m.queue_no;
)sql";

constexpr std::array<Migration, 1> kMigrations{{{"initial", kInitial}}};

/// "Slub" in ASCII.
constexpr sqlite::Format kFormat{"bus", "bus.db", "bus.lock", 0x536c'7562, kMigrations};

}  // namespace

std::uint64_t cost_of(const Message& message) {
  return kMessageOverheadBytes + message.id.size() + message.content_type.size() +
         message.body.size();
}

Result<std::unique_ptr<MessageStore>> MessageStore::open(const std::string& directory) {
  std::unique_ptr<MessageStore> store(new MessageStore);
  auto opened = Database::open(directory, kFormat);
  if (!opened) return std::unexpected(opened.error());
  store->database_ = std::move(*opened);
  if (auto prepared = store->prepare(); !prepared) return std::unexpected(prepared.error());
  return store;
}

Result<> MessageStore::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&insert_, "INSERT INTO message VALUES(?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
      {&begin_attempt_,
       "UPDATE message SET attempts = ?2 WHERE seq = ?1 RETURNING id, content_type, at, body"},
      {&set_attempts_, "UPDATE message SET attempts = ?2 WHERE seq = ?1"},
      {&park_, "UPDATE message SET parked = 1 WHERE seq = ?1"},
      {&remove_, "DELETE FROM message WHERE seq = ?1"},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = database_->connection().prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<std::vector<std::string>> MessageStore::queues() {
  auto rows = database_->connection().prepare("SELECT no, name FROM queue ORDER BY no");
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::string> names;
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step()) {
    if (rows->integer(0) != static_cast<std::int64_t>(names.size())) {
      return fail(fmt::format("bus.db was changed by hand: its queue {} is missing. Restore it.",
                              names.size()));
    }
    names.emplace_back(rows->text(1));
  }
  if (code != SQLITE_DONE) return std::unexpected(database_->connection().error("reading queues"));
  return names;
}

Result<> MessageStore::add_queue(std::size_t number, std::string_view name) {
  auto insert = database_->connection().prepare("INSERT INTO queue VALUES(?1, ?2)");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, static_cast<std::int64_t>(number));
  insert->bind(2, name);
  if (insert->run() != SQLITE_OK) {
    return std::unexpected(database_->connection().error("adding a queue"));
  }
  return {};
}

Result<> MessageStore::load(const std::function<void(const Row&)>& each) {
  auto rows = database_->connection().prepare(
      "SELECT seq, queue_no, attempts, parked, cost FROM message ORDER BY seq");
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step()) {
    each({rows->integer(0), static_cast<std::size_t>(rows->integer(1)),
          static_cast<std::uint32_t>(rows->integer(2)), rows->integer(3) != 0,
          static_cast<std::uint64_t>(rows->integer(4))});
  }
  if (code == SQLITE_DONE) return {};
  return std::unexpected(database_->connection().error("reading messages"));
}

int MessageStore::insert(std::int64_t sequence, std::size_t queue, std::uint32_t attempts,
                         std::string_view exchange, std::string_view routing_key,
                         const Message& message) {
  insert_.bind(1, sequence);
  insert_.bind(2, static_cast<std::int64_t>(queue));
  insert_.bind(3, static_cast<std::int64_t>(attempts));
  insert_.bind(4, static_cast<std::int64_t>(cost_of(message)));
  insert_.bind(5, exchange);
  insert_.bind(6, routing_key);
  insert_.bind(7, message.id);
  insert_.bind(8, message.content_type);
  insert_.bind(9, message.timestamp.ms);
  insert_.bind(10, message.body);
  return insert_.run();
}

int MessageStore::begin_attempt(std::int64_t sequence, std::uint32_t attempts, Message& out) {
  begin_attempt_.bind(1, sequence);
  begin_attempt_.bind(2, static_cast<std::int64_t>(attempts));
  const ResetGuard guard(begin_attempt_);
  const int code = begin_attempt_.step();
  if (code == SQLITE_DONE) return SQLITE_CORRUPT;  // it was there when the bus was opened
  if (code != SQLITE_ROW) return code;
  out.id = begin_attempt_.text(0);
  out.content_type = begin_attempt_.text(1);
  out.timestamp = Instant{begin_attempt_.integer(2)};
  out.body = begin_attempt_.text(3);
  const int end = begin_attempt_.step();
  return end == SQLITE_DONE ? SQLITE_OK : end;
}

int MessageStore::set_attempts(std::int64_t sequence, std::uint32_t attempts) {
  set_attempts_.bind(1, sequence);
  set_attempts_.bind(2, static_cast<std::int64_t>(attempts));
  return set_attempts_.run();
}

int MessageStore::park(std::int64_t sequence) {
  park_.bind(1, sequence);
  return park_.run();
}

int MessageStore::remove(std::int64_t sequence) {
  remove_.bind(1, sequence);
  return remove_.run();
}

}  // namespace sluice::bus

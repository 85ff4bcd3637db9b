// The statements of webhooks.db, and rows to and from them.
#include "webhook/book.h"

#include <utility>

#include "webhook/format.h"

namespace sluice::webhook {

using sqlite::Database;
using sqlite::ResetGuard;
using sqlite::Statement;

enum class Book::Sql : std::uint8_t {
  endpoints,
  insert_endpoint,
  update_endpoint,
  remove_endpoint,
  position,
  set_position,
  told,
  tell,
  untell,
  has_event,
  insert_delivery,
  arrange,
  due,
  next_due,
  finish,
  log_attempt,
  give_up,
  arrange_all,
  arrange_finished,
  extend,
  pull_ahead,
  redeliver,
  list,
  find,
  attempts,
  pending,
  failed,
  prune,
  prune_orphans,
  prune_attempts,
  sql_count,
};

namespace {

#define SLUICE_DELIVERY                                                                        \
  "SELECT no, endpoint_no, event_id, type, subject, state, body, created_at, next_at, until, " \
  "finished_at, attempts, last_status, last_error FROM delivery "

/// Of the pending deliveries of one order or item only the first may be sent.
#define SLUICE_FIRST                                                               \
  "CASE WHEN no = (SELECT min(e.no) FROM delivery e WHERE e.endpoint_no = ?1 AND " \
  "e.subject = delivery.subject AND e.state IN (1, 2)) THEN 1 ELSE 2 END "

constexpr std::array kStatements{
    "SELECT no, id, url, secret, events, description, paused, created_at FROM endpoint ORDER BY no",
    "INSERT INTO endpoint(id, url, secret, events, description, paused, created_at) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "UPDATE endpoint SET url = ?2, secret = ?3, events = ?4, description = ?5, paused = ?6 "
    "WHERE no = ?1",
    "DELETE FROM endpoint WHERE no = ?1",
    "SELECT history FROM position",
    "UPDATE position SET history = ?1",
    "SELECT item_no FROM sold_out",
    "INSERT OR IGNORE INTO sold_out VALUES(?1)",
    "DELETE FROM sold_out WHERE item_no = ?1",
    "SELECT count(*) FROM delivery WHERE endpoint_no = ?1 AND event_id = ?2",
    "INSERT INTO delivery(endpoint_no, event_id, type, subject, state, body, created_at, next_at, "
    "until, finished_at, attempts, last_status, last_error) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?11)",
    "UPDATE delivery SET state = " SLUICE_FIRST
    "WHERE endpoint_no = ?1 AND subject = ?2 AND state IN (1, 2)",
    SLUICE_DELIVERY
    "WHERE endpoint_no = ?1 AND state = 1 AND next_at <= ?2 "
    "ORDER BY next_at, no LIMIT ?3",
    "SELECT min(next_at) FROM delivery WHERE endpoint_no = ?1 AND state = 1",
    "UPDATE delivery SET state = coalesce(?2, state), next_at = ?3, finished_at = ?4, "
    "attempts = attempts + 1, last_status = ?5, last_error = ?6 WHERE no = ?1",
    "INSERT INTO attempt(delivery_no, at, status, took_ms, error) VALUES(?1, ?2, ?3, ?4, ?5)",
    "UPDATE delivery SET state = 4, finished_at = ?2, last_error = ?3 WHERE no IN (SELECT no FROM "
    "delivery WHERE endpoint_no = ?1 AND state IN (1, 2) AND until <= ?2 LIMIT 5000)",
    "UPDATE delivery SET state = " SLUICE_FIRST "WHERE endpoint_no = ?1 AND state IN (1, 2)",
    "UPDATE delivery SET state = " SLUICE_FIRST
    "WHERE endpoint_no = ?1 AND state IN (1, 2) AND subject IN "
    "(SELECT subject FROM delivery WHERE finished_at = ?2 AND endpoint_no = ?1)",
    "UPDATE delivery SET until = ?3 WHERE endpoint_no = ?1 AND state IN (1, 2) AND until < ?2",
    "UPDATE delivery SET next_at = ?2 WHERE endpoint_no = ?1 AND state = 1 AND next_at > ?2",
    "UPDATE delivery SET state = 2, next_at = ?3, until = ?4, finished_at = NULL WHERE no IN "
    "(SELECT no FROM delivery WHERE endpoint_no = ?1 AND state = 4 AND ?2 IS NULL UNION ALL "
    "SELECT no FROM delivery WHERE no = ?2 AND endpoint_no = ?1 AND state IN (3, 4) "
    "ORDER BY 1 LIMIT ?5)",
    SLUICE_DELIVERY
    "WHERE endpoint_no = ?1 AND no < ?2 AND (?3 IS NULL OR state = ?3 OR "
    "(?3 = 1 AND state = 2)) AND (?4 IS NULL OR subject = ?4) "
    "ORDER BY no DESC LIMIT ?5",
    SLUICE_DELIVERY "WHERE endpoint_no = ?1 AND no = ?2",
    "SELECT at, status, took_ms, error FROM attempt WHERE delivery_no = ?1 ORDER BY no LIMIT 200",
    "SELECT count(*) FROM delivery WHERE endpoint_no = ?1 AND state IN (1, 2)",
    "SELECT count(*) FROM delivery WHERE endpoint_no = ?1 AND state = 4",
    "DELETE FROM delivery WHERE no IN (SELECT no FROM delivery WHERE finished_at < ?1 LIMIT 2000)",
    "DELETE FROM delivery WHERE no IN (SELECT no FROM delivery WHERE endpoint_no NOT IN "
    "(SELECT no FROM endpoint) LIMIT 2000)",
    "DELETE FROM attempt WHERE no IN (SELECT a.no FROM attempt a WHERE NOT EXISTS "
    "(SELECT 1 FROM delivery d WHERE d.no = a.delivery_no) LIMIT 10000)",
};

#undef SLUICE_DELIVERY
#undef SLUICE_FIRST

void read_delivery(const Statement& row, Delivery& out) {
  out.no = row.integer(0);
  out.endpoint_no = row.integer(1);
  out.event_id = row.text(2);
  out.type = static_cast<EventType>(row.integer(3));
  out.subject = row.text(4);
  out.state = static_cast<DeliveryState>(row.integer(5));
  out.body = row.text(6);
  out.created_at = Instant{row.integer(7)};
  out.next_at = Instant{row.integer(8)};
  out.until = Instant{row.integer(9)};
  if (!row.is_null(10)) out.finished_at = Instant{row.integer(10)};
  out.attempts = row.integer(11);
  out.last_status = static_cast<int>(row.integer(12));
  out.last_error = row.text(13);
}

}  // namespace

Result<std::unique_ptr<Book>> Book::open(const std::string& directory) {
  std::unique_ptr<Book> book(new Book);
  auto opened = Database::open(directory, kFormat);
  if (!opened) return std::unexpected(opened.error());
  book->database_ = std::move(*opened);
  if (auto prepared = book->prepare(); !prepared) return std::unexpected(prepared.error());
  return book;
}

Result<> Book::prepare() {
  static_assert(kStatements.size() == static_cast<std::size_t>(Sql::sql_count));
  for (const char* sql : kStatements) {
    auto prepared = database_->connection().prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    statements_.push_back(std::move(*prepared));
  }
  return {};
}

Statement& Book::at(Sql which) {
  return statements_[static_cast<std::size_t>(which)];
}

Error Book::error(std::string_view doing) {
  return database_->connection().error(doing);
}

Result<> Book::run(Statement& statement) {
  if (statement.run() == SQLITE_OK) return {};
  return std::unexpected(error("writing the webhook log"));
}

Result<std::int64_t> Book::number(Statement& statement) {
  const ResetGuard guard(statement);
  if (statement.step() == SQLITE_ROW) return statement.integer(0);
  return std::unexpected(error("reading the webhook log"));
}

Result<std::vector<Delivery>> Book::read(Statement& statement) {
  const ResetGuard guard(statement);
  std::vector<Delivery> found;
  int code = statement.step();
  for (; code == SQLITE_ROW; code = statement.step())
    read_delivery(statement, found.emplace_back());
  if (code != SQLITE_DONE) return std::unexpected(error("reading the webhook log"));
  return found;
}

// ---- endpoints ---------------------------------------------------------------------------------

Result<std::vector<Endpoint>> Book::endpoints() {
  Statement& rows = at(Sql::endpoints);
  const ResetGuard guard(rows);
  std::vector<Endpoint> found;
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step()) {
    Endpoint& endpoint = found.emplace_back();
    endpoint.no = rows.integer(0);
    endpoint.id = rows.text(1);
    endpoint.url = rows.text(2);
    endpoint.secret = rows.text(3);
    endpoint.events = EventSet{static_cast<std::uint32_t>(rows.integer(4))};
    endpoint.description = rows.text(5);
    endpoint.paused = rows.integer(6) != 0;
    endpoint.created_at = Instant{rows.integer(7)};
  }
  if (code != SQLITE_DONE) return std::unexpected(error("reading the webhook endpoints"));
  return found;
}

Result<> Book::insert(Endpoint& endpoint) {
  Statement& statement = at(Sql::insert_endpoint);
  statement.bind(1, std::string_view(endpoint.id));
  statement.bind(2, std::string_view(endpoint.url));
  statement.bind(3, std::string_view(endpoint.secret));
  statement.bind(4, std::int64_t{endpoint.events.bits});
  statement.bind(5, std::string_view(endpoint.description));
  statement.bind(6, std::int64_t{endpoint.paused ? 1 : 0});
  statement.bind(7, endpoint.created_at.ms);
  auto done = run(statement);
  if (done) endpoint.no = sqlite3_last_insert_rowid(database_->connection().raw());
  return done;
}

Result<> Book::update(const Endpoint& endpoint) {
  Statement& statement = at(Sql::update_endpoint);
  statement.bind(1, endpoint.no);
  statement.bind(2, std::string_view(endpoint.url));
  statement.bind(3, std::string_view(endpoint.secret));
  statement.bind(4, std::int64_t{endpoint.events.bits});
  statement.bind(5, std::string_view(endpoint.description));
  statement.bind(6, std::int64_t{endpoint.paused ? 1 : 0});
  return run(statement);
}

Result<> Book::remove(std::int64_t endpoint) {
  at(Sql::remove_endpoint).bind(1, endpoint);
  return run(at(Sql::remove_endpoint));
}

// ---- the position in the history ---------------------------------------------------------------

Result<std::int64_t> Book::position() {
  return number(at(Sql::position));
}

Result<> Book::set_position(std::int64_t history) {
  at(Sql::set_position).bind(1, history);
  return run(at(Sql::set_position));
}

Result<std::set<ItemNo>> Book::told() {
  Statement& rows = at(Sql::told);
  const ResetGuard guard(rows);
  std::set<ItemNo> items;
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step())
    items.insert(ItemNo{static_cast<std::uint32_t>(rows.integer(0))});
  if (code != SQLITE_DONE) return std::unexpected(error("reading the webhook log"));
  return items;
}

Result<> Book::tell(ItemNo item, bool sold_out) {
  Statement& statement = at(sold_out ? Sql::tell : Sql::untell);
  statement.bind(1, std::int64_t{item.value});
  return run(statement);
}

// ---- deliveries --------------------------------------------------------------------------------

Result<> Book::insert_delivery(std::int64_t endpoint, const Event& event, DeliveryState state,
                               Instant now, Instant next_at, std::string_view why) {
  Statement& statement = at(Sql::insert_delivery);
  statement.bind(1, endpoint);
  statement.bind(2, std::string_view(event.id));
  statement.bind(3, static_cast<std::int64_t>(event.type));
  statement.bind(4, std::string_view(event.subject));
  statement.bind(5, static_cast<std::int64_t>(state));
  statement.bind(6, std::string_view(event.body));
  statement.bind(7, event.at.ms);
  statement.bind(8, next_at.ms);
  statement.bind(9, (now + kKeepTrying).ms);
  if (state == DeliveryState::failed) {
    statement.bind(10, now.ms);
  } else {
    statement.bind_null(10);
  }
  statement.bind(11, why);
  return run(statement);
}

Result<bool> Book::enqueue(std::int64_t endpoint, const Event& event, Instant now,
                           std::optional<Instant> next_at) {
  const auto known = has(endpoint, event);
  if (!known) return std::unexpected(known.error());
  if (*known) return false;
  if (auto inserted =
          insert_delivery(endpoint, event, DeliveryState::waiting, now, next_at.value_or(now), {});
      !inserted) {
    return std::unexpected(inserted.error());
  }
  if (auto arranged = arrange(endpoint, event.subject); !arranged) {
    return std::unexpected(arranged.error());
  }
  return true;
}

Result<bool> Book::log_refused(std::int64_t endpoint, const Event& event, Instant now,
                               std::string_view why) {
  const auto known = has(endpoint, event);
  if (!known) return std::unexpected(known.error());
  if (*known) return false;
  if (auto inserted = insert_delivery(endpoint, event, DeliveryState::failed, now, now, why);
      !inserted) {
    return std::unexpected(inserted.error());
  }
  return true;
}

Result<bool> Book::has(std::int64_t endpoint, const Event& event) {
  Statement& statement = at(Sql::has_event);
  statement.bind(1, endpoint);
  statement.bind(2, std::string_view(event.id));
  const auto count = number(statement);
  if (!count) return std::unexpected(count.error());
  return *count > 0;
}

Result<> Book::arrange(std::int64_t endpoint, std::string_view subject) {
  at(Sql::arrange).bind(1, endpoint);
  at(Sql::arrange).bind(2, subject);
  return run(at(Sql::arrange));
}

Result<std::vector<Delivery>> Book::due(std::int64_t endpoint, Instant now, std::size_t limit) {
  Statement& statement = at(Sql::due);
  statement.bind(1, endpoint);
  statement.bind(2, now.ms);
  statement.bind(3, static_cast<std::int64_t>(limit));
  return read(statement);
}

Result<std::optional<Instant>> Book::next_due(std::int64_t endpoint) {
  Statement& statement = at(Sql::next_due);
  const ResetGuard guard(statement);
  statement.bind(1, endpoint);
  if (statement.step() != SQLITE_ROW) return std::unexpected(error("reading the webhook log"));
  if (statement.is_null(0)) return std::optional<Instant>{};
  return std::optional<Instant>(Instant{statement.integer(0)});
}

Result<> Book::finish(const Delivery& delivery, const Attempt& attempt, Fate fate,
                      Instant next_at) {
  Statement& log = at(Sql::log_attempt);
  log.bind(1, delivery.no);
  log.bind(2, attempt.at.ms);
  log.bind(3, std::int64_t{attempt.status});
  log.bind(4, attempt.took.ms);
  log.bind(5, std::string_view(attempt.error));
  if (auto logged = run(log); !logged) return logged;
  Statement& statement = at(Sql::finish);
  statement.bind(1, delivery.no);
  statement.bind_null(2);
  statement.bind_null(4);
  if (fate != Fate::retry) {
    const auto state = fate == Fate::delivered ? DeliveryState::delivered : DeliveryState::failed;
    statement.bind(2, static_cast<std::int64_t>(state));
    statement.bind(4, (attempt.at + attempt.took).ms);
  }
  statement.bind(3, next_at.ms);
  statement.bind(5, std::int64_t{attempt.status});
  statement.bind(6, std::string_view(attempt.error));
  if (auto done = run(statement); !done) return done;
  return arrange(delivery.endpoint_no, delivery.subject);
}

Result<std::int64_t> Book::give_up_overdue(std::int64_t endpoint, Instant now,
                                           std::string_view why) {
  Statement& statement = at(Sql::give_up);
  statement.bind(1, endpoint);
  statement.bind(2, now.ms);
  statement.bind(3, why);
  if (auto done = run(statement); !done) return std::unexpected(done.error());
  const std::int64_t count = sqlite3_changes(database_->connection().raw());
  if (count == 0) return count;
  at(Sql::arrange_finished).bind(1, endpoint);
  at(Sql::arrange_finished).bind(2, now.ms);
  if (auto done = run(at(Sql::arrange_finished)); !done) return std::unexpected(done.error());
  return count;
}

Result<> Book::extend(std::int64_t endpoint, Instant before, Instant until) {
  at(Sql::extend).bind(1, endpoint);
  at(Sql::extend).bind(2, before.ms);
  at(Sql::extend).bind(3, until.ms);
  return run(at(Sql::extend));
}

Result<> Book::pull_ahead(std::int64_t endpoint, Instant now) {
  at(Sql::pull_ahead).bind(1, endpoint);
  at(Sql::pull_ahead).bind(2, now.ms);
  return run(at(Sql::pull_ahead));
}

Result<std::int64_t> Book::redeliver(std::int64_t endpoint, std::optional<std::int64_t> delivery,
                                     Instant now) {
  Statement& statement = at(Sql::redeliver);
  statement.bind(1, endpoint);
  if (delivery) {
    statement.bind(2, *delivery);
  } else {
    statement.bind_null(2);
  }
  statement.bind(3, now.ms);
  statement.bind(4, (now + kKeepTrying).ms);
  statement.bind(5, kMaxRedelivered);
  if (auto done = run(statement); !done) return std::unexpected(done.error());
  const std::int64_t count = sqlite3_changes(database_->connection().raw());
  at(Sql::arrange_all).bind(1, endpoint);
  if (auto done = run(at(Sql::arrange_all)); !done) return std::unexpected(done.error());
  return count;
}

// ---- reading -----------------------------------------------------------------------------------

Result<std::vector<Delivery>> Book::list(std::int64_t endpoint, const DeliveryFilter& filter) {
  Statement& statement = at(Sql::list);
  statement.bind(1, endpoint);
  statement.bind(2, filter.before.value_or(INT64_MAX));
  statement.bind_null(3);
  statement.bind_null(4);
  if (filter.state) statement.bind(3, static_cast<std::int64_t>(*filter.state));
  if (filter.subject) statement.bind(4, std::string_view(*filter.subject));
  statement.bind(5, std::int64_t{filter.limit});
  return read(statement);
}

Result<std::optional<Delivery>> Book::find(std::int64_t endpoint, std::int64_t delivery) {
  Statement& statement = at(Sql::find);
  statement.bind(1, endpoint);
  statement.bind(2, delivery);
  auto found = read(statement);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::optional<Delivery>{};
  Delivery& one = found->front();
  Statement& rows = at(Sql::attempts);
  const ResetGuard guard(rows);
  rows.bind(1, delivery);
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step()) {
    one.log.push_back(Attempt{Instant{rows.integer(0)}, static_cast<int>(rows.integer(1)),
                              Span{rows.integer(2)}, std::string(rows.text(3))});
  }
  if (code != SQLITE_DONE) return std::unexpected(error("reading the webhook log"));
  return std::optional<Delivery>(std::move(one));
}

Result<std::int64_t> Book::pending(std::int64_t endpoint) {
  at(Sql::pending).bind(1, endpoint);
  return number(at(Sql::pending));
}

Result<std::int64_t> Book::failed(std::int64_t endpoint) {
  at(Sql::failed).bind(1, endpoint);
  return number(at(Sql::failed));
}

Result<bool> Book::prune(Instant before) {
  bool more = false;
  at(Sql::prune).bind(1, before.ms);
  for (const Sql which : {Sql::prune, Sql::prune_orphans, Sql::prune_attempts}) {
    if (auto done = run(at(which)); !done) return std::unexpected(done.error());
    more = more || sqlite3_changes(database_->connection().raw()) >= 2000;
  }
  return more;
}

}  // namespace sluice::webhook

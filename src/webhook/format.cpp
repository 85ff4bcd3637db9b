// The migrations of webhooks.db. A migration that was released is never changed: add the next one.
#include "webhook/format.h"

#include <array>

namespace sluice::webhook {

namespace {

// Format 1. What is finished has no place in the indexes that deliveries are picked by.
constexpr const char* kInitial = R"sql(
CREATE TABLE migration(
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE endpoint(
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, url TEXT NOT NULL,
  secret TEXT NOT NULL, events INTEGER NOT NULL, description TEXT NOT NULL,
  paused INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;

CREATE TABLE position(one INTEGER PRIMARY KEY CHECK (one = 1), history INTEGER NOT NULL) STRICT;
INSERT INTO position VALUES (1, 0);
CREATE TABLE sold_out(item_no INTEGER PRIMARY KEY) STRICT;

CREATE TABLE event_type(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO event_type VALUES
  (1,'order.paid'),(2,'order.expired'),(3,'order.cancelled'),(4,'order.refunded'),
  (5,'item.sold_out'),(6,'ping');
CREATE TABLE delivery_state(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO delivery_state VALUES (1,'ready'),(2,'waiting'),(3,'delivered'),(4,'failed');

CREATE TABLE delivery(
  no INTEGER PRIMARY KEY AUTOINCREMENT, endpoint_no INTEGER NOT NULL,
  event_id TEXT NOT NULL, type INTEGER NOT NULL REFERENCES event_type(code),
  subject TEXT NOT NULL, state INTEGER NOT NULL REFERENCES delivery_state(code),
  body TEXT NOT NULL, created_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  until INTEGER NOT NULL, finished_at INTEGER, attempts INTEGER NOT NULL,
  last_status INTEGER NOT NULL, last_error TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX delivery_event ON delivery(endpoint_no, event_id);
CREATE INDEX delivery_due ON delivery(endpoint_no, next_at, no) WHERE state = 1;
CREATE INDEX delivery_open ON delivery(endpoint_no, subject, no) WHERE state IN (1, 2);
CREATE INDEX delivery_failed ON delivery(endpoint_no, no) WHERE state = 4;
CREATE INDEX delivery_finished ON delivery(finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE attempt(
  no INTEGER PRIMARY KEY, delivery_no INTEGER NOT NULL, at INTEGER NOT NULL,
  status INTEGER NOT NULL, took_ms INTEGER NOT NULL, error TEXT NOT NULL) STRICT;
CREATE INDEX attempt_of ON attempt(delivery_no, no);

CREATE VIEW deliveries_readable AS
  SELECT d.no, e.id AS endpoint, d.event_id, t.name AS type, d.subject, s.name AS state,
    strftime('%Y-%m-%dT%H:%M:%fZ', d.created_at / 1000.0, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', d.next_at / 1000.0, 'unixepoch') AS next_at,
    d.attempts, d.last_status, d.last_error, d.body
  FROM delivery d LEFT JOIN endpoint e ON e.no = d.endpoint_no
    LEFT JOIN event_type t ON t.code = d.type LEFT JOIN delivery_state s ON s.code = d.state;
)sql";

constexpr std::array<sqlite::Migration, 1> kMigrations{{{"initial", kInitial}}};

}  // namespace

/// "Sluw" in ASCII. What power loss takes back is read from the record once more, so that commits
/// need no sync of their own.
constinit const sqlite::Format kFormat{.what = "webhook log",
                                       .file = "webhooks.db",
                                       .lock = "webhooks.lock",
                                       .application_id = 0x536c'7577,
                                       .migrations = kMigrations,
                                       .syncs_commits = false};

}  // namespace sluice::webhook

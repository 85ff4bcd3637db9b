// The migrations of payments.db. A migration that was released is never changed: add the next one.
#include "payment/ledger_format.h"

#include <array>

namespace sluice::payment {

namespace {

// Format 1. The index of open payments holds only those that the reconciler has to look at; a
// verified event has one row, however often it comes.
constexpr const char* kInitial = R"sql(
CREATE TABLE migration(
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE standing(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO standing VALUES
  (1,'creating'),(2,'refused'),(3,'open'),(4,'closed'),(5,'failed'),(6,'paid'),(7,'refunded');

CREATE TABLE verdict(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO verdict VALUES (1,'routed'),(2,'refused'),(3,'not_stored');

CREATE TABLE payment(
  seq INTEGER PRIMARY KEY, out_trade_no TEXT NOT NULL UNIQUE,
  standing INTEGER NOT NULL REFERENCES standing(code),
  amount INTEGER NOT NULL, currency TEXT NOT NULL,
  exchange TEXT NOT NULL, routing_key TEXT NOT NULL, username TEXT NOT NULL,
  subject TEXT NOT NULL, client_address TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  asked INTEGER NOT NULL, code_url TEXT NOT NULL, code_at INTEGER NOT NULL, fields TEXT NOT NULL,
  transaction_id TEXT NOT NULL) STRICT;
CREATE INDEX payment_open ON payment(seq) WHERE standing IN (1, 3);

CREATE TABLE notification(
  seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL,
  verdict INTEGER NOT NULL REFERENCES verdict(code),
  out_trade_no TEXT NOT NULL, transaction_id TEXT NOT NULL, event_id TEXT NOT NULL,
  detail TEXT NOT NULL, repetitions INTEGER NOT NULL,
  exchange TEXT NOT NULL, routing_key TEXT NOT NULL, message TEXT NOT NULL,
  headers BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX notification_event ON notification(event_id) WHERE event_id <> '';
CREATE INDEX notification_unverified ON notification(seq) WHERE event_id = '';
CREATE INDEX notification_order ON notification(out_trade_no, seq) WHERE out_trade_no <> '';

CREATE VIEW payments_readable AS
  SELECT p.out_trade_no, s.name AS standing, p.amount AS amount_minor, p.currency, p.exchange,
    p.routing_key, p.username, p.subject,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.created_at / 1000.0, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.expires_at / 1000.0, 'unixepoch') AS expires_at,
    p.asked, p.code_url, p.transaction_id
  FROM payment p LEFT JOIN standing s ON s.code = p.standing;

CREATE VIEW notifications_readable AS
  SELECT n.seq, strftime('%Y-%m-%dT%H:%M:%fZ', n.received_at / 1000.0, 'unixepoch') AS received_at,
    v.name AS verdict, n.out_trade_no, n.transaction_id, n.event_id, n.detail, n.repetitions,
    n.exchange, n.routing_key, n.message
  FROM notification n LEFT JOIN verdict v ON v.code = n.verdict;
)sql";

constexpr std::array<sqlite::Migration, 1> kMigrations{{{"initial", kInitial}}};

}  // namespace

/// "Slup" in ASCII.
constinit const sqlite::Format kLedgerFormat{"payment ledger", "payments.db", "payments.lock",
                                             0x536c'7570, kMigrations};

}  // namespace sluice::payment

// The migrations of the record. A migration that was released is never changed: add the next one.
#include "store/schema.h"

#include <array>

namespace sluice::store {
namespace {

// Format 1. The hot tables (orders, history, seal) have no index but their rowid, which grows: rows
// are appended, never inserted in between. Uniqueness is decided in memory and audited by verify.
constexpr const char* kInitial = R"sql(
CREATE TABLE migration(
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;

CREATE TABLE order_status(
  code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, holds_unit INTEGER NOT NULL) STRICT;
INSERT INTO order_status VALUES
  (1,'queued',0),(2,'awaiting_payment',1),(3,'closing',1),(4,'needs_person',1),(5,'paid',0),
  (6,'refunding',0),(7,'refunded',0),(8,'expired',0),(9,'cancelled',0),(10,'failed',0);

CREATE TABLE end_reason(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO end_reason VALUES
  (0,'none'),(1,'deadline'),(2,'user'),(3,'sale_cancelled'),(4,'payment_failed'),
  (5,'operator_release'),(6,'late_money'),(7,'operator_refund');

CREATE TABLE history_event(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO history_event VALUES
  (1,'granted'),(2,'payment_begun'),(3,'closing'),(4,'close_retried'),(5,'needs_person'),
  (6,'expired'),(7,'cancelled'),(8,'paid'),(9,'paid_late'),(10,'refund_begun'),(11,'refunded'),
  (12,'refund_failed'),(13,'amount_mismatch'),(14,'currency_mismatch'),(15,'second_transaction'),
  (16,'payment_refused');

CREATE TABLE sale(
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, hold_ms INTEGER NOT NULL,
  paused INTEGER NOT NULL, cancelled INTEGER NOT NULL) STRICT;

CREATE TABLE item(
  no INTEGER PRIMARY KEY, sale_no INTEGER NOT NULL REFERENCES sale(no), id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL, image_url TEXT NOT NULL, description TEXT NOT NULL,
  price INTEGER NOT NULL, list_price INTEGER NOT NULL, currency TEXT NOT NULL,
  per_user_limit INTEGER NOT NULL) STRICT;

CREATE TABLE item_stock(
  item_no INTEGER PRIMARY KEY REFERENCES item(no), stock INTEGER NOT NULL,
  available INTEGER NOT NULL, held INTEGER NOT NULL, sold INTEGER NOT NULL,
  refunded INTEGER NOT NULL, frozen INTEGER NOT NULL) STRICT;

CREATE TABLE orders(
  id INTEGER PRIMARY KEY, user TEXT NOT NULL, item_no INTEGER NOT NULL REFERENCES item(no),
  quantity INTEGER NOT NULL, amount INTEGER NOT NULL,
  status INTEGER NOT NULL REFERENCES order_status(code),
  reason INTEGER NOT NULL REFERENCES end_reason(code),
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  paid_at INTEGER, paid_amount INTEGER, transaction_id TEXT,
  request_key BLOB, close_attempts INTEGER NOT NULL, unit_sold INTEGER NOT NULL,
  user_previous INTEGER REFERENCES orders(id),
  last_event INTEGER NOT NULL REFERENCES history(seq)) STRICT;

CREATE TABLE history(
  seq INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), at INTEGER NOT NULL,
  event INTEGER NOT NULL REFERENCES history_event(code),
  previous INTEGER REFERENCES history(seq), actor TEXT, detail TEXT) STRICT;

CREATE TABLE audit(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, reason TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL) STRICT;

CREATE TABLE seal(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, last_history INTEGER NOT NULL,
  last_audit INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;

CREATE VIEW orders_readable AS
  SELECT 'No' || o.id AS id, o.user, i.id AS item, s.id AS sale, i.title, o.quantity,
    o.amount AS amount_minor, i.currency, st.name AS status, r.name AS reason,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.created_at / 1000.0, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.expires_at / 1000.0, 'unixepoch') AS expires_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.paid_at / 1000.0, 'unixepoch') AS paid_at,
    o.paid_amount AS paid_minor, o.transaction_id, o.close_attempts,
    lower(hex(o.request_key)) AS request_key
  FROM orders o LEFT JOIN item i ON i.no = o.item_no LEFT JOIN sale s ON s.no = i.sale_no
    LEFT JOIN order_status st ON st.code = o.status LEFT JOIN end_reason r ON r.code = o.reason;

CREATE VIEW history_readable AS
  SELECT h.seq, 'No' || h.order_id AS order_id,
    strftime('%Y-%m-%dT%H:%M:%fZ', h.at / 1000.0, 'unixepoch') AS at, e.name AS event, h.actor,
    h.detail
  FROM history h LEFT JOIN history_event e ON e.code = h.event;

CREATE VIEW items_readable AS
  SELECT i.id, s.id AS sale, i.title, i.price AS price_minor, i.currency, i.per_user_limit,
    c.stock, c.available, c.held, c.sold, c.refunded, c.frozen
  FROM item i LEFT JOIN sale s ON s.no = i.sale_no LEFT JOIN item_stock c ON c.item_no = i.no;

CREATE VIEW audit_readable AS
  SELECT seq, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at, actor, action,
    subject, reason, before, after
  FROM audit;
)sql";

constexpr std::array<sqlite::Migration, 1> kMigrations{{{"initial", kInitial}}};

/// The log is moved to the database when it holds this many pages (16 MiB).
constexpr int kLogPages = 4096;

}  // namespace

/// "Slui" in ASCII, in the header of every record, so that `file` and we can tell it is one.
/// Commits are not synced: the journal is what makes a batch durable.
constinit const sqlite::Format kRecordFormat{"record",    kRecordFile, "lock", 0x536c'7569,
                                             kMigrations, kLogPages,   false};

}  // namespace sluice::store

// The statements of payments.db, and rows to and from them.
#include "payment/ledger.h"

#include <algorithm>
#include <span>
#include <utility>

#include "payment/fields_json.h"
#include "payment/ledger_format.h"

namespace sluice::payment {

using sqlite::Database;
using sqlite::ResetGuard;
using sqlite::Statement;

namespace {

constexpr const char* kPaymentColumns =
    "SELECT seq, out_trade_no, standing, amount, currency, exchange, routing_key, username, "
    "subject, client_address, created_at, expires_at, asked, code_url, code_at, fields, "
    "transaction_id FROM payment ";
constexpr const char* kNotificationColumns =
    "SELECT seq, received_at, verdict, out_trade_no, transaction_id, event_id, detail, "
    "repetitions, exchange, routing_key, message, headers, body FROM notification ";
constexpr const char* kInsertNotification =
    "INSERT INTO notification(received_at, verdict, out_trade_no, transaction_id, event_id, "
    "detail, repetitions, exchange, routing_key, message, headers, body) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "Name: value" lines, as they stood in the request; names and values have no line ends.
std::string join_headers(const RawNotification& raw) {
  std::string lines;
  for (const auto& [name, value] : raw.headers) {
    lines.append(name).append(": ").append(value).append("\n");
  }
  return lines;
}

void split_headers(std::string_view lines, RawNotification& out) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;  // cut off
    out.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
}

int read_payment(const Statement& row, PaymentRow& out) {
  Payment& payment = out.payment;
  payment.sequence = row.integer(0);
  payment.out_trade_no = row.text(1);
  payment.standing = static_cast<Payment::Standing>(row.integer(2));
  payment.amount = Money{row.integer(3)};
  const auto currency = Currency::parse(row.text(4));
  payment.attach.exchange = row.text(5);
  payment.attach.queue = row.text(6);
  payment.attach.username = row.text(7);
  payment.subject = row.text(8);
  out.client_address = row.text(9);
  payment.created_at = Instant{row.integer(10)};
  payment.expires_at = Instant{row.integer(11)};
  out.asked = static_cast<std::uint32_t>(row.integer(12));
  payment.code_url = row.text(13);
  out.payment.code_at = Instant{row.integer(14)};
  payment.fields = fields_from_json(row.text(15)).value_or(Fields{});
  payment.transaction_id = row.text(16);
  if (!currency) return SQLITE_CORRUPT;  // changed by hand
  payment.currency = *currency;
  return SQLITE_OK;
}

void read_entry(const Statement& row, NotificationEntry& out) {
  out.sequence = row.integer(0);
  out.received_at = Instant{row.integer(1)};
  out.verdict = static_cast<NotificationEntry::Verdict>(row.integer(2));
  out.out_trade_no = row.text(3);
  out.transaction_id = row.text(4);
  out.event_id = row.text(5);
  out.detail = row.text(6);
  out.repetitions = static_cast<std::uint64_t>(row.integer(7));
  split_headers(text_of(row.blob(11)), out.raw);
  out.raw.body = text_of(row.blob(12));
}

int done(int code) {
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& directory) {
  std::unique_ptr<Ledger> ledger(new Ledger);
  auto opened = Database::open(directory, kLedgerFormat);
  if (!opened) return std::unexpected(opened.error());
  ledger->database_ = std::move(*opened);
  if (auto prepared = ledger->prepare(); !prepared) return std::unexpected(prepared.error());
  return ledger;
}

Result<> Ledger::prepare() {
  const std::string payments = kPaymentColumns;
  const std::string notifications = kNotificationColumns;
  const std::string insert = kInsertNotification;
  const std::pair<Statement*, std::string> all[] = {
      {&find_, payments + "WHERE out_trade_no = ?1"},
      {&open_payments_, payments + "WHERE standing IN (1, 3) AND seq > ?1 ORDER BY seq LIMIT ?2"},
      {&insert_,
       "INSERT INTO payment(out_trade_no, standing, amount, currency, exchange, routing_key, "
       "username, subject, client_address, created_at, expires_at, asked, code_url, code_at, "
       "fields, transaction_id) "
       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, '', 0, '{}', '') RETURNING seq"},
      {&ask_again_,
       "UPDATE payment SET asked = asked + 1, standing = iif(standing = 2, 1, standing) "
       "WHERE out_trade_no = ?1"},
      {&set_code_,
       "UPDATE payment SET code_url = ?2, fields = ?3, code_at = ?4, standing = max(standing, 3) "
       "WHERE out_trade_no = ?1"},
      {&settle_,
       "UPDATE payment SET standing = ?2, "
       "transaction_id = iif(?3 = '', transaction_id, ?3) WHERE out_trade_no = ?1 AND standing < "
       "?2"},
      {&settle_missing_,
       "UPDATE payment SET standing = 4 WHERE out_trade_no = ?1 AND standing IN (1, 3) AND "
       "expires_at <= ?2"},
      {&find_event_, notifications + "WHERE event_id = ?1 AND event_id <> ''"},
      {&find_notification_, notifications + "WHERE seq = ?1"},
      {&list_, notifications + "WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"},
      {&list_of_order_, notifications +
                            "WHERE out_trade_no = ?3 AND out_trade_no <> '' AND seq < ?1 "
                            "ORDER BY seq DESC LIMIT ?2"},
      {&log_event_, insert + "ON CONFLICT(event_id) WHERE event_id <> '' DO UPDATE SET "
                             "verdict = ?2, detail = ?6, repetitions = repetitions + 1 + ?7, "
                             "exchange = ?8, routing_key = ?9, message = ?10"},
      {&mark_routed_, "UPDATE notification SET verdict = 1 WHERE seq = ?1"},
      {&add_repetitions_,
       "UPDATE notification SET repetitions = repetitions + ?2 "
       "WHERE event_id = ?1 AND event_id <> ''"},
      {&log_refused_, insert},
      {&drop_oldest_,
       "DELETE FROM notification WHERE event_id = '' AND seq <= (SELECT seq FROM notification "
       "WHERE event_id = '' ORDER BY seq DESC LIMIT 1 OFFSET ?1)"},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = database_->connection().prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

int Ledger::one_payment(Statement& rows, std::optional<PaymentRow>& out) {
  const ResetGuard guard(rows);
  out.reset();
  const int code = rows.step();
  if (code != SQLITE_ROW) return done(code);
  return read_payment(rows, out.emplace());
}

int Ledger::find(std::string_view out_trade_no, std::optional<PaymentRow>& out) {
  find_.bind(1, out_trade_no);
  return one_payment(find_, out);
}

int Ledger::open_payments(std::int64_t after, std::uint32_t limit, std::vector<Payment>& out) {
  open_payments_.bind(1, after);
  open_payments_.bind(2, static_cast<std::int64_t>(limit));
  const ResetGuard guard(open_payments_);
  int code = open_payments_.step();
  for (; code == SQLITE_ROW; code = open_payments_.step()) {
    PaymentRow row;
    if (const int read = read_payment(open_payments_, row); read != SQLITE_OK) return read;
    out.push_back(std::move(row.payment));
  }
  return done(code);
}

int Ledger::insert(PaymentRow& row) {
  const Payment& payment = row.payment;
  insert_.bind(1, payment.out_trade_no);
  insert_.bind(2, static_cast<std::int64_t>(payment.standing));
  insert_.bind(3, payment.amount.minor);
  insert_.bind(4, payment.currency.code());
  insert_.bind(5, payment.attach.exchange);
  insert_.bind(6, payment.attach.queue);
  insert_.bind(7, payment.attach.username);
  insert_.bind(8, payment.subject);
  insert_.bind(9, row.client_address);
  insert_.bind(10, payment.created_at.ms);
  insert_.bind(11, payment.expires_at.ms);
  const ResetGuard guard(insert_);
  if (const int code = insert_.step(); code != SQLITE_ROW) return code;
  row.payment.sequence = insert_.integer(0);
  return done(insert_.step());
}

int Ledger::ask_again(std::string_view out_trade_no) {
  ask_again_.bind(1, out_trade_no);
  return ask_again_.run();
}

int Ledger::set_code(std::string_view out_trade_no, const CreatedPayment& created, Instant now) {
  // The fields are for people to look at; one that is not text is left out with the others.
  const std::string fields = fields_to_json(created.fields).value_or("{}");
  set_code_.bind(1, out_trade_no);
  set_code_.bind(2, created.code_url);
  set_code_.bind(3, fields);
  set_code_.bind(4, now.ms);
  return set_code_.run();
}

int Ledger::settle(std::string_view out_trade_no, Payment::Standing standing,
                   std::string_view transaction_id) {
  settle_.bind(1, out_trade_no);
  settle_.bind(2, static_cast<std::int64_t>(standing));
  settle_.bind(3, transaction_id);
  return settle_.run();
}

int Ledger::settle_missing(std::string_view out_trade_no, Instant latest_end) {
  settle_missing_.bind(1, out_trade_no);
  settle_missing_.bind(2, latest_end.ms);
  return settle_missing_.run();
}

int Ledger::one_notification(Statement& rows, std::optional<NotificationRow>& out) {
  const ResetGuard guard(rows);
  out.reset();
  const int code = rows.step();
  if (code != SQLITE_ROW) return done(code);
  NotificationRow& row = out.emplace();
  read_entry(rows, row.entry);
  row.exchange = rows.text(8);
  row.routing_key = rows.text(9);
  row.message = rows.text(10);
  return SQLITE_OK;
}

int Ledger::find_event(std::string_view event_id, std::optional<NotificationRow>& out) {
  find_event_.bind(1, event_id);
  return one_notification(find_event_, out);
}

int Ledger::find_notification(std::int64_t sequence, std::optional<NotificationRow>& out) {
  find_notification_.bind(1, sequence);
  return one_notification(find_notification_, out);
}

int Ledger::notifications(std::optional<std::int64_t> before, std::uint32_t limit,
                          const std::optional<std::string>& out_trade_no,
                          std::vector<NotificationEntry>& out) {
  Statement& rows = out_trade_no ? list_of_order_ : list_;
  rows.bind(1, before.value_or(INT64_MAX));
  rows.bind(2, static_cast<std::int64_t>(limit));
  if (out_trade_no) rows.bind(3, *out_trade_no);
  const ResetGuard guard(rows);
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step())
    read_entry(rows, out.emplace_back());
  return done(code);
}

void Ledger::bind_notification(Statement& to, const NotificationRow& row) {
  const NotificationEntry& entry = row.entry;
  headers_ = join_headers(entry.raw);
  to.bind(1, entry.received_at.ms);
  to.bind(2, static_cast<std::int64_t>(entry.verdict));
  to.bind(3, entry.out_trade_no);
  to.bind(4, entry.transaction_id);
  to.bind(5, entry.event_id);
  to.bind(6, entry.detail);
  to.bind(7, static_cast<std::int64_t>(entry.repetitions));
  to.bind(8, row.exchange);
  to.bind(9, row.routing_key);
  to.bind(10, row.message);
  to.bind(11, bytes_of(headers_));
  to.bind(12, bytes_of(entry.raw.body));
}

int Ledger::log_event(const NotificationRow& row) {
  bind_notification(log_event_, row);
  return log_event_.run();
}

int Ledger::mark_routed(std::int64_t sequence) {
  mark_routed_.bind(1, sequence);
  return mark_routed_.run();
}

int Ledger::add_repetitions(std::string_view event_id, std::uint64_t count) {
  add_repetitions_.bind(1, event_id);
  add_repetitions_.bind(2, static_cast<std::int64_t>(count));
  return add_repetitions_.run();
}

int Ledger::log_refused(const NotificationEntry& entry, std::uint32_t kept) {
  NotificationRow row;
  row.entry = entry;
  bind_notification(log_refused_, row);
  headers_.resize(std::min(headers_.size(), kMaxRefusedBytes / 2));
  const auto headers = bytes_of(headers_);
  log_refused_.bind(11, headers);
  log_refused_.bind(12,
                    bytes_of(std::string_view(row.entry.raw.body).substr(0, kMaxRefusedBytes / 2)));
  if (const int code = log_refused_.run(); code != SQLITE_OK) return code;
  drop_oldest_.bind(1, static_cast<std::int64_t>(kept));
  return drop_oldest_.run();
}

}  // namespace sluice::payment

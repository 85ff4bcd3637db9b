// Statements of the writing side. Text is bound in place: it lives in the state until the commit.
#include "store/batch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace sluice::store {
namespace {

// A new order is awaiting payment and nothing else; whatever happened to it later in the same batch
// follows as an update.
constexpr const char* kInsertOrder =
    "INSERT INTO orders VALUES(?1,?2,?3,?4,?5,2,0,?6,?7,NULL,NULL,NULL,?8,0,0,?9,?10)";
constexpr const char* kInsertHistory = "INSERT INTO history VALUES(?1,?2,?3,?4,?5,?6,?7)";
constexpr const char* kLastEvent = "SELECT last_event FROM orders WHERE id=?1";
constexpr const char* kUpdateOrder =
    "UPDATE orders SET status=?2, reason=?3, paid_at=?4, paid_amount=?5, transaction_id=?6, "
    "close_attempts=?7, unit_sold=?8, last_event=?9 WHERE id=?1";
constexpr const char* kUpsertStock =
    "INSERT INTO item_stock VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(item_no) DO UPDATE SET "
    "stock=?2, available=?3, held=?4, sold=?5, refunded=?6, frozen=?7";
constexpr const char* kUpsertItem =
    "INSERT INTO item VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT(no) DO UPDATE SET "
    "title=?4, image_url=?5, description=?6, price=?7, list_price=?8, currency=?9, "
    "per_user_limit=?10";
constexpr const char* kUpsertSale =
    "INSERT INTO sale VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(no) DO UPDATE SET title=?3, "
    "starts_at=?4, ends_at=?5, hold_ms=?6, paused=?7, cancelled=?8";
constexpr const char* kInsertAudit = "INSERT INTO audit VALUES(?1,?2,?3,?4,?5,?6,?7,?8)";
constexpr const char* kInsertSeal = "INSERT INTO seal VALUES(?1,?2,?3,?4,?5)";

std::array<std::uint8_t, 16> key_bytes(const sale::RequestKey& key) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(key.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(key.low >> (56 - 8 * i));
  }
  return bytes;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json_field(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

void close_json_object(std::string& out) {
  out += out.empty() ? "{}" : "}";
}

}  // namespace

Result<std::unique_ptr<BatchWriter>> BatchWriter::create(Connection& connection) {
  std::unique_ptr<BatchWriter> writer(new BatchWriter(connection));
  if (auto prepared = writer->prepare(); !prepared) return std::unexpected(prepared.error());
  if (auto found = writer->find_heads(); !found) return std::unexpected(found.error());
  return writer;
}

Result<> BatchWriter::prepare() {
  const std::array<std::pair<Statement*, const char*>, 9> all{{
      {&insert_order_, kInsertOrder},
      {&insert_history_, kInsertHistory},
      {&last_event_, kLastEvent},
      {&update_order_, kUpdateOrder},
      {&upsert_stock_, kUpsertStock},
      {&upsert_item_, kUpsertItem},
      {&upsert_sale_, kUpsertSale},
      {&insert_audit_, kInsertAudit},
      {&insert_seal_, kInsertSeal},
  }};
  for (const auto& [statement, sql] : all) {
    auto prepared = connection_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<> BatchWriter::find_heads() {
  const auto history = connection_.integer("SELECT ifnull(max(seq),0) FROM history");
  if (!history) return std::unexpected(history.error());
  const auto audit = connection_.integer("SELECT ifnull(max(seq),0) FROM audit");
  if (!audit) return std::unexpected(audit.error());
  auto last = connection_.prepare("SELECT seq, hash FROM seal ORDER BY seq DESC LIMIT 1");
  if (!last) return std::unexpected(last.error());
  heads_.history = *history;
  heads_.audit = *audit;
  const int code = last->step();
  if (code == SQLITE_DONE) return {};
  if (code != SQLITE_ROW) return std::unexpected(connection_.error("reading the last seal"));
  heads_.seal = last->integer(0);
  const auto hash = last->blob(1);
  if (hash.size() != heads_.hash.size()) {
    return fail("The last seal of the record is damaged: run `sluice verify`.");
  }
  std::copy(hash.begin(), hash.end(), heads_.hash.begin());
  return {};
}

int BatchWriter::write(const sale::Effects& effects, const sale::State& state, Instant now) {
  next_ = heads_;
  bytes_.clear();
  return write_rows(effects, state, now);
}

int BatchWriter::write_rows(const sale::Effects& effects, const sale::State& state, Instant now) {
  if (const int code = write_catalog(effects, state); code != SQLITE_OK) return code;
  for (const sale::OrderChange& change : effects.orders) {
    if (const int code = write_change(change, state); code != SQLITE_OK) return code;
  }
  for (const sale::Audit& audit : effects.audits) {
    if (const int code = write_audit(audit); code != SQLITE_OK) return code;
  }
  return write_seal(now);
}

int BatchWriter::write_catalog(const sale::Effects& effects, const sale::State& state) {
  const auto distinct = [this] {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  };
  numbers_.clear();
  for (const SaleNo sale : effects.sales)
    numbers_.push_back(sale.value);
  distinct();
  for (const std::uint32_t number : numbers_) {
    if (const int code = write_sale(state.sales()[number]); code != SQLITE_OK) return code;
  }
  // Text and prices of an item change by operators' commands only, and each of those is audited; a
  // batch without audit rows touches the counters alone.
  const bool definitions = !effects.audits.empty();
  numbers_.clear();
  for (const ItemNo item : effects.items)
    numbers_.push_back(item.value);
  distinct();
  for (const std::uint32_t number : numbers_) {
    const sale::Item& item = state.items()[number];
    if (definitions) {
      if (const int code = write_definition(item); code != SQLITE_OK) return code;
    }
    if (const int code = write_stock(item); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int BatchWriter::write_sale(const sale::Sale& sale) {
  upsert_sale_.bind(1, std::int64_t{sale.no.value});
  upsert_sale_.bind(2, sale.id);
  upsert_sale_.bind(3, sale.title);
  upsert_sale_.bind(4, sale.starts_at.ms);
  upsert_sale_.bind(5, sale.ends_at.ms);
  upsert_sale_.bind(6, sale.hold.ms);
  upsert_sale_.bind(7, std::int64_t{sale.paused});
  upsert_sale_.bind(8, std::int64_t{sale.cancelled});
  return upsert_sale_.run();
}

int BatchWriter::write_definition(const sale::Item& item) {
  upsert_item_.bind(1, std::int64_t{item.no.value});
  upsert_item_.bind(2, std::int64_t{item.sale.value});
  upsert_item_.bind(3, item.id);
  upsert_item_.bind(4, item.title);
  upsert_item_.bind(5, item.image_url);
  upsert_item_.bind(6, item.description);
  upsert_item_.bind(7, item.price.minor);
  upsert_item_.bind(8, item.list_price.minor);
  const std::string_view currency = item.currency.code();
  upsert_item_.bind(9, currency);
  upsert_item_.bind(10, item.per_user_limit.units);
  return upsert_item_.run();
}

int BatchWriter::write_stock(const sale::Item& item) {
  const sale::Counters& counters = item.counters;
  upsert_stock_.bind(1, std::int64_t{item.no.value});
  upsert_stock_.bind(2, counters.stock.units);
  upsert_stock_.bind(3, counters.available.units);
  upsert_stock_.bind(4, counters.held.units);
  upsert_stock_.bind(5, counters.sold.units);
  upsert_stock_.bind(6, counters.refunded.units);
  upsert_stock_.bind(7, std::int64_t{item.frozen});
  return upsert_stock_.run();
}

int BatchWriter::write_change(const sale::OrderChange& change, const sale::State& state) {
  ++next_.history;
  return change.event == sale::HistoryEvent::granted ? insert_order(change, state)
                                                     : update_order(change, state);
}

int BatchWriter::insert_order(const sale::OrderChange& change, const sale::State& state) {
  const sale::Order& order = state.order(change.slot);
  const sale::RequestKey request = state.request_key(change.slot);
  const auto key = key_bytes(request);
  GrantFacts facts;
  facts.user = state.user_name(order.user);
  facts.item_no = order.item.value;
  facts.quantity = order.quantity;
  facts.amount = order.amount.minor;
  facts.created_at = order.created_at.ms;
  facts.expires_at = order.expires_at.ms;
  if (order.previous_of_user != sale::kNoOrder) {
    facts.user_previous = state.order(order.previous_of_user).id.value;
  }
  if (request) facts.request_key = key;

  const HistoryFacts row{
      next_.history, order.id.value, change.at.ms, static_cast<std::int64_t>(change.event), 0,
      change.actor,  change.detail};
  if (const int code = insert_history(row); code != SQLITE_OK) return code;
  bytes_.add(facts);

  Statement& insert = insert_order_;
  insert.bind(1, order.id.value);
  insert.bind(2, facts.user);
  insert.bind(3, facts.item_no);
  insert.bind(4, facts.quantity);
  insert.bind(5, facts.amount);
  insert.bind(6, facts.created_at);
  insert.bind(7, facts.expires_at);
  if (request) {
    insert.bind(8, std::span<const std::uint8_t>(key));
  } else {
    insert.bind_null(8);
  }
  if (facts.user_previous != 0) {
    insert.bind(9, facts.user_previous);
  } else {
    insert.bind_null(9);
  }
  insert.bind(10, next_.history);
  return insert.run();
}

int BatchWriter::update_order(const sale::OrderChange& change, const sale::State& state) {
  const sale::Order& order = state.order(change.slot);
  const sale::Settlement* money = state.settlement(change.slot);
  last_event_.bind(1, order.id.value);
  const int found = last_event_.step();
  const std::int64_t previous = found == SQLITE_ROW ? last_event_.integer(0) : 0;
  last_event_.reset();
  if (found != SQLITE_ROW) return found == SQLITE_DONE ? SQLITE_CORRUPT : found;

  const HistoryFacts row{
      next_.history, order.id.value, change.at.ms, static_cast<std::int64_t>(change.event),
      previous,      change.actor,   change.detail};
  if (const int code = insert_history(row); code != SQLITE_OK) return code;
  if (money != nullptr && carries_payment(row.event)) {
    bytes_.add(PaymentFacts{money->transaction_id, money->paid_at.ms, money->amount.minor});
  }

  Statement& update = update_order_;
  update.bind(1, order.id.value);
  update.bind(2, static_cast<std::int64_t>(order.status));
  update.bind(3, static_cast<std::int64_t>(order.reason));
  if (money != nullptr) {
    update.bind(4, money->paid_at.ms);
    update.bind(5, money->amount.minor);
    update.bind(6, std::string_view(money->transaction_id));
  } else {
    for (const int column : {4, 5, 6})
      update.bind_null(column);
  }
  update.bind(7, std::int64_t{order.close_attempts});
  update.bind(8, std::int64_t{order.unit_sold});
  update.bind(9, next_.history);
  return update.run();
}

int BatchWriter::insert_history(const HistoryFacts& row) {
  bytes_.add(row);
  Statement& insert = insert_history_;
  insert.bind(1, row.sequence);
  insert.bind(2, row.order_id);
  insert.bind(3, row.at);
  insert.bind(4, row.event);
  if (row.previous != 0) {
    insert.bind(5, row.previous);
  } else {
    insert.bind_null(5);
  }
  const auto bind_text = [&insert](int index, std::string_view text) {
    if (text.empty()) {
      insert.bind_null(index);
    } else {
      insert.bind(index, text);
    }
  };
  bind_text(6, row.actor);
  bind_text(7, row.detail);
  return insert.run();
}

int BatchWriter::write_audit(const sale::Audit& audit) {
  before_.clear();
  after_.clear();
  for (const sale::FieldChange& change : audit.changes) {
    append_json_field(before_, change.field, change.before);
    append_json_field(after_, change.field, change.after);
  }
  close_json_object(before_);
  close_json_object(after_);
  const AuditFacts row{++next_.audit, audit.at.ms,  audit.actor, audit.action,
                       audit.subject, audit.reason, before_,     after_};
  bytes_.add(row);
  insert_audit_.bind(1, row.sequence);
  insert_audit_.bind(2, row.at);
  insert_audit_.bind(3, row.actor);
  insert_audit_.bind(4, row.action);
  insert_audit_.bind(5, row.subject);
  insert_audit_.bind(6, row.reason);
  insert_audit_.bind(7, row.before);
  insert_audit_.bind(8, row.after);
  return insert_audit_.run();
}

int BatchWriter::write_seal(Instant now) {
  next_.hash = chain_.seal(heads_.hash, ++next_.seal, now.ms, bytes_.view());
  insert_seal_.bind(1, next_.seal);
  insert_seal_.bind(2, now.ms);
  insert_seal_.bind(3, next_.history);
  insert_seal_.bind(4, next_.audit);
  insert_seal_.bind(5, std::span<const std::uint8_t>(next_.hash));
  return insert_seal_.run();
}

}  // namespace sluice::store

// The queries of a follower, inside one read transaction each.
#include "store/tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "store/order_row.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace sluice::store {
namespace {

// The numbers of history_event: expired, cancelled, paid, paid_late, refunded.
constexpr const char* kRows =
    "SELECT h.seq, h.at, h.event, h.order_id, o.item_no FROM history h "
    "JOIN orders o ON o.id = h.order_id "
    "WHERE h.seq > ?1 AND h.seq <= ?2 AND h.event IN (6, 7, 8, 9, 11) ORDER BY h.seq LIMIT ?3";
constexpr const char* kHead = "SELECT coalesce(max(seq), 0) FROM history";
constexpr const char* kSoldOut = "SELECT item_no FROM item_stock WHERE available = 0 AND stock > 0";
constexpr const char* kItem =
    "SELECT i.id, s.id, i.title, i.image_url, i.description, i.price, i.list_price, i.currency, "
    "k.stock, i.per_user_limit, s.starts_at, s.ends_at FROM item i JOIN sale s ON s.no = i.sale_no "
    "JOIN item_stock k ON k.item_no = i.no WHERE i.no = ?1";

bool gives_back(sale::HistoryEvent event) {
  return event == sale::HistoryEvent::expired || event == sale::HistoryEvent::cancelled ||
         event == sale::HistoryEvent::refunded;
}

}  // namespace

struct Tail::Parts {
  Connection connection;
  Statement head, rows, order, sold_out, item;

  Result<> prepare();
  Result<> read_rows(std::int64_t after, Changes& into, std::set<ItemNo>& released);
  Result<> read_items(const std::set<ItemNo>& told, Changes& into);
  Result<SoldOutItem> read_item(ItemNo no);
};

Result<> Tail::Parts::prepare() {
  const std::array<std::pair<Statement*, const char*>, 5> all{{{&head, kHead},
                                                               {&rows, kRows},
                                                               {&order, kOrderQuery},
                                                               {&sold_out, kSoldOut},
                                                               {&item, kItem}}};
  for (const auto& [statement, sql] : all) {
    auto prepared = connection.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Tail::Tail(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tail::~Tail() = default;

Result<std::unique_ptr<Tail>> Tail::open(const std::string& directory) {
  auto parts = std::make_unique<Parts>();
  auto opened = Connection::open(directory + "/" + kRecordFile, Connection::Mode::read_only);
  if (!opened) return std::unexpected(opened.error());
  parts->connection = std::move(*opened);
  if (auto current = sqlite::require_current(parts->connection, kRecordFormat); !current) {
    return std::unexpected(current.error());
  }
  if (auto prepared = parts->prepare(); !prepared) return std::unexpected(prepared.error());
  return std::unique_ptr<Tail>(new Tail(std::move(parts)));
}

Result<Changes> Tail::read(std::int64_t after, const std::set<ItemNo>& told) {
  Parts& parts = *parts_;
  auto moment = ReadTransaction::begin(parts.connection);
  if (!moment) return std::unexpected(moment.error());
  Changes found;
  {
    const ResetGuard guard(parts.head);
    if (parts.head.step() != SQLITE_ROW) {
      return std::unexpected(parts.connection.error("reading the history"));
    }
    found.head = parts.head.integer(0);
  }
  std::set<ItemNo> released;
  if (auto read = parts.read_rows(after, found, released); !read) {
    return std::unexpected(read.error());
  }
  std::set<ItemNo> still_told;
  for (const ItemNo no : told) {
    if (released.contains(no)) {
      found.back.push_back(no);
    } else {
      still_told.insert(no);
    }
  }
  if (found.next == found.head) {
    if (auto read = parts.read_items(still_told, found); !read) {
      return std::unexpected(read.error());
    }
  }
  return found;
}

Result<> Tail::Parts::read_rows(std::int64_t after, Changes& into, std::set<ItemNo>& released) {
  const ResetGuard guard(rows);
  const std::int64_t until = std::min(into.head, after + kMaxRows);
  rows.bind(1, after);
  rows.bind(2, until);
  rows.bind(3, kMaxChanges);
  into.next = std::max(after, until);
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step()) {
    const ResetGuard order_guard(order);
    order.bind(1, rows.integer(3));
    if (order.step() != SQLITE_ROW) return fail(connection.error("reading an order").message);
    Change& change = into.changes.emplace_back();
    change.sequence = rows.integer(0);
    change.at = Instant{rows.integer(1)};
    change.event = static_cast<sale::HistoryEvent>(rows.integer(2));
    change.order = order_view(order);
    if (gives_back(change.event)) {
      released.insert(ItemNo{static_cast<std::uint32_t>(rows.integer(4))});
    }
  }
  if (code != SQLITE_DONE) return fail(connection.error("reading the history").message);
  if (std::ssize(into.changes) == kMaxChanges) into.next = into.changes.back().sequence;
  return {};
}

Result<> Tail::Parts::read_items(const std::set<ItemNo>& told, Changes& into) {
  const ResetGuard guard(sold_out);
  std::set<ItemNo> empty;
  int code = sold_out.step();
  for (; code == SQLITE_ROW; code = sold_out.step()) {
    empty.insert(ItemNo{static_cast<std::uint32_t>(sold_out.integer(0))});
  }
  if (code != SQLITE_DONE) return fail(connection.error("reading the stock").message);
  for (const ItemNo no : told) {
    if (!empty.contains(no)) into.back.push_back(no);
  }
  for (const ItemNo no : empty) {
    if (told.contains(no)) continue;
    if (into.sold_out.size() == kMaxSoldOut) break;
    auto read = read_item(no);
    if (!read) return std::unexpected(read.error());
    into.sold_out.push_back(std::move(*read));
  }
  return {};
}

Result<SoldOutItem> Tail::Parts::read_item(ItemNo no) {
  const ResetGuard guard(item);
  item.bind(1, std::int64_t{no.value});
  if (item.step() != SQLITE_ROW) return std::unexpected(connection.error("reading an item"));
  SoldOutItem found;
  found.no = no;
  found.id = item.text(0);
  found.sale_id = item.text(1);
  found.title = item.text(2);
  found.image_url = item.text(3);
  found.description = item.text(4);
  found.price = Money{item.integer(5)};
  found.list_price = Money{item.integer(6)};
  found.currency = Currency::parse(item.text(7)).value_or(Currency{});
  found.stock = item.integer(8);
  found.per_user_limit = item.integer(9);
  found.starts_at = Instant{item.integer(10)};
  found.ends_at = Instant{item.integer(11)};
  return found;
}

}  // namespace sluice::store

// The reading side: committed data, one short read transaction per question.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sale/effects.h"
#include "store/order_row.h"
#include "store/record.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/timeline.h"

namespace sluice::store {
namespace {

/// Rows that one search() looks at before it hands back what it has, so that a rare match cannot
/// keep a reader busy for seconds.
constexpr std::uint32_t kMaxScannedRows = 20'000;
/// Entries of one order's timeline that are shown; a closing that is retried for years stays below.
constexpr std::size_t kMaxTimeline = 10'000;

constexpr const char* kScan =
    "SELECT id, user, item_no, status, created_at, transaction_id, last_event FROM orders "
    "WHERE id < ?1 ORDER BY id DESC";
constexpr const char* kItemsOf =
    "SELECT i.no FROM item i JOIN sale s ON s.no = i.sale_no WHERE (?1 IS NULL OR i.id = ?1) AND "
    "(?2 IS NULL OR s.id = ?2)";
constexpr const char* kNewestEvent = "SELECT last_event, reason FROM orders WHERE id = ?1";
constexpr const char* kEvent =
    "SELECT order_id, at, event, previous, actor, detail FROM history WHERE seq = ?1";
constexpr const char* kAudit =
    "SELECT seq, at, actor, action, subject, reason, before, after FROM audit WHERE seq < ?1 "
    "ORDER BY seq DESC LIMIT ?2";

constexpr std::int64_t kFromNewest = std::numeric_limits<std::int64_t>::max();

bool page_limit_ok(std::uint32_t limit) {
  return limit >= 1 && limit <= sale::kMaxPage;
}

std::unexpected<Error> bad_limit(std::uint32_t limit) {
  return fail(
      fmt::format("A page of {} entries was asked for: ask for 1 to {}.", limit, sale::kMaxPage));
}

}  // namespace

struct Reader::Parts {
  Connection connection;
  Statement order, scan, items_of, newest_event, event, audit;

  Result<> prepare();
  Result<std::optional<sale::OrderView>> read_order(OrderId id, std::int64_t* previous);
  Result<std::vector<std::uint32_t>> items_matching(const sale::OrderFilter& filter);
  Result<sale::Page<sale::OrderView>> scan_orders(const sale::OrderFilter& filter,
                                                  const sale::PageRequest& page);
  bool awaits_person(sale::OrderStatus status, std::int64_t last_event);
};

Result<> Reader::Parts::prepare() {
  const std::array<std::pair<Statement*, const char*>, 6> all{{{&order, kOrderQuery},
                                                               {&scan, kScan},
                                                               {&items_of, kItemsOf},
                                                               {&newest_event, kNewestEvent},
                                                               {&event, kEvent},
                                                               {&audit, kAudit}}};
  for (const auto& [statement, sql] : all) {
    auto prepared = connection.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Reader::Reader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>> Reader::open(const std::string& directory) {
  auto parts = std::make_unique<Parts>();
  auto opened = Connection::open(directory + "/" + kRecordFile, Connection::Mode::read_only);
  if (!opened) return std::unexpected(opened.error());
  parts->connection = std::move(*opened);
  if (auto set = parts->connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -4096;");
      !set) {
    return std::unexpected(set.error());
  }
  if (auto current = sqlite::require_current(parts->connection, kRecordFormat); !current) {
    return std::unexpected(current.error());
  }
  if (auto prepared = parts->prepare(); !prepared) return std::unexpected(prepared.error());
  return std::unique_ptr<Reader>(new Reader(std::move(parts)));
}

Result<std::optional<sale::OrderView>> Reader::Parts::read_order(OrderId id,
                                                                 std::int64_t* previous) {
  const ResetGuard guard(order);
  order.bind(1, id.value);
  const int code = order.step();
  if (code == SQLITE_DONE) return std::nullopt;
  if (code != SQLITE_ROW) return std::unexpected(connection.error("reading an order"));
  if (previous != nullptr) *previous = order.integer(15);
  return order_view(order);
}

Result<std::optional<sale::OrderView>> Reader::order(OrderId id) {
  return parts_->read_order(id, nullptr);
}

Result<sale::Page<sale::OrderView>> Reader::orders_from(OrderId newest, std::uint32_t limit) {
  if (!page_limit_ok(limit)) return bad_limit(limit);
  auto moment = ReadTransaction::begin(parts_->connection);
  if (!moment) return std::unexpected(moment.error());
  sale::Page<sale::OrderView> page;
  std::int64_t next = newest.value;
  while (next != 0 && page.entries.size() < limit) {
    std::int64_t previous = 0;
    auto found = parts_->read_order(OrderId{next}, &previous);
    if (!found) return std::unexpected(found.error());
    if (!found->has_value()) break;
    const bool foreign = !page.entries.empty() && (*found)->user != page.entries.front().user;
    if (foreign || (previous != 0 && previous >= next)) {
      return fail(fmt::format(
          "The links between the orders of one shopper are damaged at order No{}: run `sluice "
          "verify`.",
          next));
    }
    page.entries.push_back(std::move(**found));
    next = previous;
  }
  if (next != 0 && page.entries.size() == limit) page.next = next;
  return page;
}

Result<std::vector<std::uint32_t>> Reader::Parts::items_matching(const sale::OrderFilter& filter) {
  const ResetGuard guard(items_of);
  const auto bind = [this](int index, const std::optional<std::string>& text) {
    if (text) {
      items_of.bind(index, std::string_view(*text));
    } else {
      items_of.bind_null(index);
    }
  };
  bind(1, filter.item_id);
  bind(2, filter.sale_id);
  std::vector<std::uint32_t> items;
  int code = items_of.step();
  for (; code == SQLITE_ROW; code = items_of.step()) {
    items.push_back(static_cast<std::uint32_t>(items_of.integer(0)));
  }
  if (code != SQLITE_DONE) return std::unexpected(connection.error("reading the items"));
  std::sort(items.begin(), items.end());
  return items;
}

/// A last event that is not there is damage; the order's timeline says so.
bool Reader::Parts::awaits_person(sale::OrderStatus status, std::int64_t last_event) {
  const ResetGuard guard(event);
  event.bind(1, last_event);
  if (event.step() != SQLITE_ROW) return status == sale::OrderStatus::needs_person;
  return sale::awaits_person(status, static_cast<sale::HistoryEvent>(event.integer(2)));
}

Result<sale::Page<sale::OrderView>> Reader::Parts::scan_orders(const sale::OrderFilter& filter,
                                                               const sale::PageRequest& page) {
  const bool by_item = filter.item_id.has_value() || filter.sale_id.has_value();
  std::vector<std::uint32_t> items;
  if (by_item) {
    auto matching = items_matching(filter);
    if (!matching) return std::unexpected(matching.error());
    if (matching->empty()) return sale::Page<sale::OrderView>{};
    items = std::move(*matching);
  }
  const auto wanted = [&](const Statement& row) {
    if (filter.user && row.text(1) != *filter.user) return false;
    if (by_item && !std::binary_search(items.begin(), items.end(),
                                       static_cast<std::uint32_t>(row.integer(2)))) {
      return false;
    }
    if (filter.status && row.integer(3) != static_cast<std::int64_t>(*filter.status)) return false;
    if (filter.created_from && row.integer(4) < filter.created_from->ms) return false;
    if (filter.created_before && row.integer(4) >= filter.created_before->ms) return false;
    if (filter.transaction_id && row.text(5) != *filter.transaction_id) return false;
    if (!filter.needs_attention) return true;
    return awaits_person(static_cast<sale::OrderStatus>(row.integer(3)), row.integer(6));
  };

  const ResetGuard guard(scan);
  scan.bind(1, page.before.value_or(kFromNewest));
  sale::Page<sale::OrderView> found;
  std::int64_t last = 0;
  for (std::uint32_t scanned = 0;; ++scanned) {
    const int code = scan.step();
    if (code == SQLITE_DONE) return found;
    if (code != SQLITE_ROW) return std::unexpected(connection.error("searching the orders"));
    if (scanned == kMaxScannedRows || found.entries.size() == page.limit) break;
    last = scan.integer(0);
    if (!wanted(scan)) continue;
    auto view = read_order(OrderId{last}, nullptr);
    if (!view) return std::unexpected(view.error());
    if (view->has_value()) found.entries.push_back(std::move(**view));
  }
  found.next = last;
  return found;
}

Result<sale::Page<sale::OrderView>> Reader::search(const sale::OrderFilter& filter,
                                                   const sale::PageRequest& page) {
  if (!page_limit_ok(page.limit)) return bad_limit(page.limit);
  auto moment = ReadTransaction::begin(parts_->connection);
  if (!moment) return std::unexpected(moment.error());
  if (!filter.order) return parts_->scan_orders(filter, page);
  // One order: the scan would find nothing else, so it looks at that row alone.
  const std::int64_t wanted = filter.order->value;
  sale::Page<sale::OrderView> none;
  if (wanted == kFromNewest || (page.before && *page.before <= wanted)) return none;
  sale::PageRequest just_one = page;
  just_one.before = wanted + 1;
  just_one.limit = 1;
  auto found = parts_->scan_orders(filter, just_one);
  if (!found) return found;
  if (found->entries.empty() || found->entries.front().id != *filter.order) return none;
  found->next.reset();
  return found;
}

Result<std::vector<sale::TimelineEntry>> Reader::timeline(OrderId id) {
  Parts& parts = *parts_;
  auto moment = ReadTransaction::begin(parts.connection);
  if (!moment) return std::unexpected(moment.error());
  const ResetGuard order_guard(parts.newest_event);
  parts.newest_event.bind(1, id.value);
  const int code = parts.newest_event.step();
  std::vector<sale::TimelineEntry> entries;
  if (code == SQLITE_DONE) return entries;
  if (code != SQLITE_ROW) return std::unexpected(parts.connection.error("reading an order"));
  const auto reason = static_cast<sale::EndReason>(parts.newest_event.integer(1));
  std::int64_t next = parts.newest_event.integer(0);
  while (next != 0 && entries.size() < kMaxTimeline) {
    const ResetGuard guard(parts.event);
    parts.event.bind(1, next);
    const int step = parts.event.step();
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
      return std::unexpected(parts.connection.error("reading the history"));
    }
    const std::int64_t previous = step == SQLITE_ROW ? parts.event.integer(3) : 0;
    if (step == SQLITE_DONE || parts.event.integer(0) != id.value || previous >= next) {
      return fail(
          fmt::format("The history of order No{} is damaged at entry {}: run `sluice verify`.",
                      id.value, next));
    }
    const auto event = static_cast<sale::HistoryEvent>(parts.event.integer(2));
    sale::TimelineEntry entry;
    entry.sequence = next;
    entry.at = Instant{parts.event.integer(1)};
    entry.event = to_text(event);
    entry.actor =
        parts.event.is_null(4) ? std::string_view(usual_actor(event, reason)) : parts.event.text(4);
    entry.detail = parts.event.text(5);
    entries.push_back(std::move(entry));
    next = previous;
  }
  std::reverse(entries.begin(), entries.end());
  return entries;
}

Result<sale::Page<sale::AuditEntry>> Reader::audit(const sale::PageRequest& page) {
  if (!page_limit_ok(page.limit)) return bad_limit(page.limit);
  Statement& rows = parts_->audit;
  const ResetGuard guard(rows);
  rows.bind(1, page.before.value_or(kFromNewest));
  rows.bind(2, std::int64_t{page.limit} + 1);
  sale::Page<sale::AuditEntry> found;
  int code = rows.step();
  for (; code == SQLITE_ROW; code = rows.step()) {
    if (found.entries.size() == page.limit) {
      found.next = found.entries.back().sequence;
      return found;
    }
    found.entries.push_back({rows.integer(0), Instant{rows.integer(1)}, std::string(rows.text(2)),
                             std::string(rows.text(3)), std::string(rows.text(4)),
                             std::string(rows.text(5)), std::string(rows.text(6)),
                             std::string(rows.text(7))});
  }
  if (code != SQLITE_DONE) return std::unexpected(parts_->connection.error("reading the audit"));
  return found;
}

}  // namespace sluice::store

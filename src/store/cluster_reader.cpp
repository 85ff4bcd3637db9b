// Questions as SQL: what the record in SQLite looks for row by row, indexes find here.
#include "store/cluster_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include "sale/effects.h"
#include "store/cluster_rows.h"
#include "store/cluster_session.h"
#include "store/timeline.h"

namespace sluice::store {
namespace {

using mariadb::Connection;
using mariadb::Failure;
using mariadb::Outcome;
using mariadb::ResetGuard;
using mariadb::Statement;

constexpr std::size_t kMaxTimeline = 10'000;
constexpr std::int64_t kFromNewest = std::numeric_limits<std::int64_t>::max();

constexpr const char* kOrder =
    "SELECT o.id, o.`user`, i.id, s.id, i.title, o.quantity, o.amount, i.currency, o.status, "
    "o.reason, o.created_at, o.expires_at, o.paid_at, o.transaction_id, o.close_attempts, h.event "
    "FROM orders o JOIN item i ON i.no = o.item_no JOIN sale s ON s.no = o.sale_no "
    "JOIN history h ON h.seq = o.last_event";

using Value = std::variant<std::int64_t, std::string>;

sale::OrderView view_of(const Statement& row) {
  sale::OrderView view;
  view.id = OrderId{row.integer(0)};
  view.user = row.text(1);
  view.item_id = row.text(2);
  view.sale_id = row.text(3);
  view.title = row.text(4);
  view.quantity = row.integer(5);
  view.amount = Money{row.integer(6)};
  view.currency = Currency::parse(row.text(7)).value_or(Currency{});
  view.status = static_cast<sale::OrderStatus>(row.integer(8));
  view.reason = static_cast<sale::EndReason>(row.integer(9));
  view.created_at = Instant{row.integer(10)};
  view.expires_at = Instant{row.integer(11)};
  if (!row.is_null(12)) view.paid_at = Instant{row.integer(12)};
  view.transaction_id = row.text(13);
  view.close_attempts = static_cast<std::uint8_t>(row.integer(14));
  view.last_event = static_cast<sale::HistoryEvent>(row.integer(15));
  return view;
}

/// Runs `sql` with `values` and calls `row` for each row until it says false.
Outcome<> each(Connection& connection, const std::string& sql, const std::vector<Value>& values,
               const std::function<bool(const Statement&)>& row) {
  auto statement = connection.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
      statement->bind(index, *number);
    } else {
      statement->bind(index, std::string_view(std::get<std::string>(values[i])));
    }
  }
  if (auto asked = statement->query(); !asked) return asked;
  const ResetGuard guard(*statement);
  for (;;) {
    const auto found = statement->next();
    if (!found) return std::unexpected(found.error());
    if (!*found || !row(*statement)) return {};
  }
}

/// The conditions of a filter, and the values of their question marks.
struct Conditions {
  std::string sql = "o.id < ?";
  std::vector<Value> values;

  void add(const char* condition, Value value) {
    sql += " AND ";
    sql += condition;
    values.push_back(std::move(value));
  }
};

Conditions conditions_of(const sale::OrderFilter& filter, const sale::PageRequest& page) {
  using sale::HistoryEvent;
  Conditions found;
  found.values.emplace_back(page.before.value_or(kFromNewest));
  if (filter.user) found.add("o.`user` = ?", *filter.user);
  if (filter.item_id) found.add("i.id = ?", *filter.item_id);
  if (filter.sale_id) found.add("s.id = ?", *filter.sale_id);
  if (filter.status) found.add("o.status = ?", static_cast<std::int64_t>(*filter.status));
  if (filter.order) found.add("o.id = ?", filter.order->value);
  if (filter.transaction_id) found.add("o.transaction_id = ?", *filter.transaction_id);
  if (filter.created_from) found.add("o.created_at >= ?", filter.created_from->ms);
  if (filter.created_before) found.add("o.created_at < ?", filter.created_before->ms);
  if (!filter.needs_attention) return found;
  // awaits_person() in SQL: of an order in any status its last event may call for one.
  found.sql += " AND (o.status = 4 OR h.event IN (";
  const char* separator = "";
  for (int code = 1; code <= static_cast<int>(HistoryEvent::refused); ++code) {
    if (!sale::awaits_person(sale::OrderStatus::paid, static_cast<HistoryEvent>(code))) continue;
    found.sql += fmt::format("{}{}", std::exchange(separator, ","), code);
  }
  found.sql += "))";
  return found;
}

Failure bad_limit(std::uint32_t limit) {
  Failure failure;
  failure.message =
      fmt::format("A page of {} entries was asked for: ask for 1 to {}.", limit, sale::kMaxPage);
  return failure;
}

bool page_limit_ok(std::uint32_t limit) {
  return limit >= 1 && limit <= sale::kMaxPage;
}

}  // namespace

struct ClusterReader::Parts {
  ClusterSession session;

  Outcome<sale::Page<sale::OrderView>> page_of(const Conditions& conditions, std::uint32_t limit);
};

ClusterReader::ClusterReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClusterReader::~ClusterReader() = default;

Outcome<std::unique_ptr<ClusterReader>> ClusterReader::open(const mariadb::Address& address) {
  auto session = ClusterSession::open(address);
  if (!session) return std::unexpected(session.error());
  return std::unique_ptr<ClusterReader>(
      new ClusterReader(std::make_unique<Parts>(Parts{std::move(*session)})));
}

Outcome<sale::Page<sale::OrderView>> ClusterReader::Parts::page_of(const Conditions& conditions,
                                                                   std::uint32_t limit) {
  if (!page_limit_ok(limit)) return std::unexpected(bad_limit(limit));
  return session.ask<sale::Page<sale::OrderView>>([&](Connection& on) {
    sale::Page<sale::OrderView> page;
    // One more than asked for shows whether the list goes on.
    const std::string sql =
        fmt::format("{} WHERE {} ORDER BY o.id DESC LIMIT {}", kOrder, conditions.sql, limit + 1);
    auto read = each(on, sql, conditions.values, [&page, limit](const Statement& row) {
      if (page.entries.size() == limit) {
        page.next = page.entries.back().id.value;
        return true;
      }
      page.entries.push_back(view_of(row));
      return true;
    });
    return read ? Outcome<sale::Page<sale::OrderView>>(std::move(page))
                : Outcome<sale::Page<sale::OrderView>>(std::unexpected(read.error()));
  });
}

Outcome<std::optional<sale::OrderView>> ClusterReader::order(OrderId id) {
  sale::OrderFilter filter;
  filter.order = id;
  auto page = parts_->page_of(conditions_of(filter, {}), 1);
  if (!page) return std::unexpected(page.error());
  if (page->entries.empty()) return std::nullopt;
  return std::move(page->entries.front());
}

Outcome<sale::Page<sale::OrderView>> ClusterReader::orders_of(std::string_view user,
                                                              const sale::PageRequest& page) {
  sale::OrderFilter filter;
  filter.user = std::string(user);
  return search(filter, page);
}

Outcome<sale::Page<sale::OrderView>> ClusterReader::search(const sale::OrderFilter& filter,
                                                           const sale::PageRequest& page) {
  return parts_->page_of(conditions_of(filter, page), page.limit);
}

Outcome<std::vector<sale::TimelineEntry>> ClusterReader::timeline(OrderId id) {
  return parts_->session.ask<std::vector<sale::TimelineEntry>>([&](Connection& on) {
    std::vector<sale::TimelineEntry> entries;
    // Newest first, so that the bound cuts off the oldest, as in a single server's record.
    auto read = each(
        on,
        fmt::format("SELECT h.seq, h.at, h.event, h.actor, h.detail, o.reason FROM history h JOIN "
                    "orders o ON o.id = h.order_id WHERE h.order_id = ? ORDER BY h.seq DESC LIMIT "
                    "{}",
                    kMaxTimeline),
        {id.value}, [&entries](const Statement& row) {
          const auto event = static_cast<sale::HistoryEvent>(row.integer(2));
          const auto reason = static_cast<sale::EndReason>(row.integer(5));
          sale::TimelineEntry entry;
          entry.sequence = row.integer(0);
          entry.at = Instant{row.integer(1)};
          entry.event = to_text(event);
          entry.actor = row.is_null(3) ? std::string_view(usual_actor(event, reason)) : row.text(3);
          entry.detail = row.text(4);
          entries.push_back(std::move(entry));
          return true;
        });
    std::ranges::reverse(entries);
    return read ? Outcome<std::vector<sale::TimelineEntry>>(std::move(entries))
                : Outcome<std::vector<sale::TimelineEntry>>(std::unexpected(read.error()));
  });
}

Outcome<sale::Page<sale::AuditEntry>> ClusterReader::audit(const sale::PageRequest& page) {
  if (!page_limit_ok(page.limit)) return std::unexpected(bad_limit(page.limit));
  return parts_->session.ask<sale::Page<sale::AuditEntry>>([&](Connection& on) {
    sale::Page<sale::AuditEntry> found;
    const std::string sql = fmt::format(
        "SELECT seq, at, actor, action, subject, reason, `before`, `after` FROM audit WHERE seq < "
        "? ORDER BY seq DESC LIMIT {}",
        page.limit + 1);
    auto read = each(on, sql, {page.before.value_or(kFromNewest)}, [&](const Statement& row) {
      if (found.entries.size() == page.limit) {
        found.next = found.entries.back().sequence;
        return true;
      }
      found.entries.push_back({row.integer(0), Instant{row.integer(1)}, std::string(row.text(2)),
                               std::string(row.text(3)), std::string(row.text(4)),
                               std::string(row.text(5)), std::string(row.text(6)),
                               std::string(row.text(7))});
      return true;
    });
    return read ? Outcome<sale::Page<sale::AuditEntry>>(std::move(found))
                : Outcome<sale::Page<sale::AuditEntry>>(std::unexpected(read.error()));
  });
}

}  // namespace sluice::store

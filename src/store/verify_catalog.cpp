// Sales and items. The audit log is sealed by the hash chain and the definitions are not: what they
// say is held against the newest audited word on each field.
#include "store/verify_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/instant.h"
#include "sale/order.h"

namespace sluice::store {
namespace {

constexpr const char* kWords =
    "SELECT substr(a.action, 1, 4), a.subject, j.key, j.value FROM audit a, json_each(CASE WHEN "
    "json_valid(a.after) THEN a.after ELSE '{}' END) j WHERE a.action GLOB 'item.*' OR a.action "
    "GLOB 'sale.*' ORDER BY a.seq";
constexpr const char* kFormerLimits =
    "SELECT subject, max(CAST(json_extract(before, '$.per_user_limit') AS INTEGER)) FROM audit "
    "WHERE action = 'item.change' AND json_valid(before) GROUP BY subject";
constexpr const char* kSales =
    "SELECT id, title, starts_at, ends_at, hold_ms, paused, cancelled FROM sale ORDER BY no";
constexpr const char* kItems =
    "SELECT i.no, i.id, i.title, i.sale_no, s.no, i.per_user_limit, c.stock, c.available, c.held, "
    "c.sold, c.refunded, c.frozen, i.price, i.list_price, i.currency, i.image_url, i.description "
    "FROM item i LEFT JOIN sale s ON s.no = i.sale_no LEFT JOIN item_stock c ON c.item_no = i.no "
    "ORDER BY i.no";

template <class Row>
Result<> scan(Connection& connection, const char* sql, Row&& row) {
  auto rows = connection.prepare(sql);
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step())
    row(*rows);
  if (code != SQLITE_DONE) return std::unexpected(connection.error(sql));
  return {};
}

std::string key_of(std::string_view kind, std::string_view subject, std::string_view field) {
  return fmt::format("{}/{}/{}", kind, subject, field);
}

}  // namespace

Result<> CatalogAudit::read() {
  if (auto done = read_words(); !done) return done;
  auto sales = scan(connection_, kSales, [this](const Statement& row) { read_sale(row); });
  if (!sales) return sales;
  auto items = scan(connection_, kItems, [this](const Statement& row) { read_item(row); });
  if (!items) return items;
  report_.items = report_.lines.size();
  return raise_limits();
}

Result<> CatalogAudit::read_words() {
  return scan(connection_, kWords, [this](const Statement& row) {
    words_[key_of(row.text(0), row.text(1), row.text(2))] = row.text(3);
  });
}

Result<> CatalogAudit::raise_limits() {
  std::unordered_map<std::string, std::int64_t> former;
  auto read = scan(connection_, kFormerLimits, [&former](const Statement& row) {
    former.emplace(row.text(0), row.integer(1));
  });
  if (!read) return read;
  for (auto& [number, tally] : tallies_) {
    const auto limit = former.find(tally.id);
    // What was granted under a limit that was lowered later stays right.
    if (limit != former.end()) tally.limit = std::max(tally.limit, limit->second);
  }
  return {};
}

void CatalogAudit::check_word(std::string_view kind, std::string_view subject,
                              std::string_view field, std::string_view value) {
  const auto word = words_.find(key_of(kind, subject, field));
  if (word == words_.end() || word->second == value) return;
  findings_.add("definition", fmt::format("{} {}: {} is '{}', by the audit log it was set to '{}'",
                                          kind, subject, field, value, word->second));
}

void CatalogAudit::read_sale(const Statement& row) {
  ++report_.sales;
  const std::string id(row.text(0));
  check_word("sale", id, "title", row.text(1));
  for (const auto& [field, column] : {std::pair{"starts_at", 2}, std::pair{"ends_at", 3}}) {
    const Instant at{row.integer(column)};
    const bool in_range = at >= Instant{} && at <= kLastInstant;
    check_word("sale", id, field, in_range ? to_rfc3339(at) : std::to_string(at.ms));
  }
  check_word("sale", id, "hold_ms", row.text(4));
  for (const auto& [field, column] : {std::pair{"paused", 5}, std::pair{"cancelled", 6}}) {
    words_.try_emplace(key_of("sale", id, field), "false");  // until an operator says otherwise
    check_word("sale", id, field, row.integer(column) != 0 ? "true" : "false");
  }
}

void CatalogAudit::read_item(const Statement& row) {
  ItemTally tally;
  tally.id = row.text(1);
  tally.sale_no = static_cast<std::uint32_t>(row.integer(3));
  tally.limit = row.integer(5);
  VerifyReport::ItemLine line;
  line.id = tally.id;
  line.title = row.text(2);
  line.stock = row.integer(6);
  line.available = row.integer(7);
  line.held = row.integer(8);
  line.sold = row.integer(9);
  line.refunded = row.integer(10);
  if (row.is_null(4)) {
    findings_.add("links", fmt::format("item {} is of sale {}, which does not exist", tally.id,
                                       row.integer(3)));
  }
  if (row.is_null(6)) {
    findings_.add("links", fmt::format("item {} has no row in item_stock", tally.id));
  } else {
    check_stock(row, line);
  }
  for (const auto& [field, column] :
       {std::pair{"title", 2}, std::pair{"per_user_limit", 5}, std::pair{"price", 12},
        std::pair{"list_price", 13}, std::pair{"currency", 14}, std::pair{"image_url", 15},
        std::pair{"description", 16}}) {
    check_word("item", tally.id, field, row.text(column));
  }
  numbers_.push_back(static_cast<std::uint32_t>(row.integer(0)));
  tallies_.emplace(numbers_.back(), std::move(tally));
  report_.lines.push_back(std::move(line));
}

void CatalogAudit::check_stock(const Statement& row, const VerifyReport::ItemLine& line) {
  const bool negative =
      line.stock < 0 || line.available < 0 || line.held < 0 || line.sold < 0 || line.refunded < 0;
  if (negative || line.available + line.held + line.sold != line.stock) {
    findings_.add("conservation",
                  fmt::format("item {}: available {} + held {} + sold {} is not stock {}", line.id,
                              line.available, line.held, line.sold, line.stock));
  }
  if (row.integer(11) != 0) {
    findings_.add("frozen",
                  fmt::format("item {} was frozen because its counters did not add up", line.id));
  }
  check_word("item", line.id, "stock", row.text(6));
}

void CatalogAudit::check_counters(const std::vector<OrderTrace>& traces) {
  for (const OrderTrace& trace : traces) {
    const bool refunded =
        trace.walked_status == static_cast<std::uint8_t>(sale::OrderStatus::refunded);
    const auto item = tallies_.find(trace.item_no);
    if (refunded && trace.was_paid && item != tallies_.end()) {
      item->second.refunded += trace.quantity;
    }
  }
  for (std::size_t i = 0; i < report_.lines.size(); ++i) {
    const VerifyReport::ItemLine& line = report_.lines[i];
    const ItemTally& tally = tallies_.at(numbers_[i]);
    for (const auto& [what, counter, sum] :
         {std::tuple{"held", line.held, tally.held}, std::tuple{"sold", line.sold, tally.sold},
          std::tuple{"refunded", line.refunded, tally.refunded}}) {
      if (counter == sum) continue;
      findings_.add("counters", fmt::format("item {}: {} is {}, its orders add up to {}", line.id,
                                            what, counter, sum));
    }
  }
}

}  // namespace sluice::store

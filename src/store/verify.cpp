// The stages of the offline audit, and what concerns sales and items.
#include "store/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sale/order.h"
#include "store/findings.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/verify_history.h"
#include "store/verify_orders.h"

namespace sluice::store {
namespace {

constexpr const char* kItems =
    "SELECT i.no, i.id, i.title, i.sale_no, s.no, i.per_user_limit, c.stock, c.available, c.held, "
    "c.sold, c.refunded, c.frozen FROM item i LEFT JOIN sale s ON s.no = i.sale_no LEFT JOIN "
    "item_stock c ON c.item_no = i.no ORDER BY i.no";

/// Limits that were lowered later: what was granted under them stays right. Numbers are stored as
/// text there; what is not JSON counts as no limit.
constexpr const char* kFormerLimits =
    "SELECT ifnull(max(CAST(json_extract(before, '$.per_user_limit') AS INTEGER)), 0) FROM audit "
    "WHERE action = 'item.change' AND subject = ?1 AND json_valid(before)";
/// The newest word of an operator on the stock of an item.
constexpr const char* kAuditedStock =
    "SELECT CAST(json_extract(after, '$.stock') AS INTEGER) FROM audit WHERE subject = ?1 AND "
    "json_valid(after) AND json_extract(after, '$.stock') IS NOT NULL ORDER BY seq DESC LIMIT 1";

class Audit {
 public:
  Audit(Connection& connection, std::size_t most)
      : connection_(connection),
        findings_(report_, most),
        orders_(connection, tallies_, findings_),
        history_(connection, orders_.traces(), report_, findings_) {}

  Result<VerifyReport> run(const std::function<void(std::string_view)>& progress);

 private:
  Result<> check_file();
  Result<> read_items();
  Result<> raise_limits();
  void read_item(const Statement& row);
  Result<> check_history();
  Result<> check_counters();

  Connection& connection_;
  VerifyReport report_;
  Findings findings_;
  Tallies tallies_;
  std::vector<std::uint32_t> numbers_;  ///< item numbers, in the order of report_.lines
  OrderAudit orders_;
  HistoryAudit history_;
};

Result<VerifyReport> Audit::run(const std::function<void(std::string_view)>& progress) {
  const auto stage = [&](std::string_view name, auto&& work) -> Result<> {
    if (progress) progress(name);
    return work();
  };
  auto moment = ReadTransaction::begin(connection_);
  if (!moment) return std::unexpected(moment.error());
  Result<> done = stage("the file", [this] { return check_file(); });
  if (done) done = stage("sales and items", [this] { return read_items(); });
  if (done) done = stage("orders", [this] { return orders_.scan(); });
  if (done) done = stage("limits, keys and payments", [this] { return orders_.check_sets(); });
  if (done) done = stage("history and hash chain", [this] { return check_history(); });
  if (done) done = stage("stock", [this] { return check_counters(); });
  if (!done) return std::unexpected(done.error());
  report_.orders = orders_.traces().size();
  return std::move(report_);
}

Result<> Audit::check_file() {
  auto rows = connection_.prepare("PRAGMA quick_check(20)");
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step()) {
    if (rows->text(0) != "ok") findings_.add("file", std::string(rows->text(0)));
  }
  if (code != SQLITE_DONE) return std::unexpected(connection_.error("checking the file"));
  return {};
}

Result<> Audit::read_items() {
  const auto sales = connection_.integer("SELECT count(*) FROM sale");
  if (!sales) return std::unexpected(sales.error());
  report_.sales = static_cast<std::uint64_t>(*sales);
  auto rows = connection_.prepare(kItems);
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step())
    read_item(*rows);
  if (code != SQLITE_DONE) return std::unexpected(connection_.error("reading the items"));
  report_.items = report_.lines.size();
  return raise_limits();
}

void Audit::read_item(const Statement& row) {
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
  }
  const bool negative =
      line.stock < 0 || line.available < 0 || line.held < 0 || line.sold < 0 || line.refunded < 0;
  if (negative || line.available + line.held + line.sold != line.stock) {
    findings_.add("conservation",
                  fmt::format("item {}: available {} + held {} + sold {} is not stock {}", tally.id,
                              line.available, line.held, line.sold, line.stock));
  }
  if (row.integer(11) != 0) {
    findings_.add("frozen",
                  fmt::format("item {} was frozen because its counters did not add up", tally.id));
  }
  numbers_.push_back(static_cast<std::uint32_t>(row.integer(0)));
  tallies_.emplace(numbers_.back(), std::move(tally));
  report_.lines.push_back(std::move(line));
}

Result<> Audit::raise_limits() {
  auto rows = connection_.prepare(kFormerLimits);
  if (!rows) return std::unexpected(rows.error());
  for (auto& [number, tally] : tallies_) {
    rows->bind(1, std::string_view(tally.id));
    const int code = rows->step();
    if (code != SQLITE_ROW) return std::unexpected(connection_.error("reading the audit"));
    tally.limit = std::max(tally.limit, rows->integer(0));
    rows->reset();
  }
  return {};
}

Result<> Audit::check_history() {
  if (auto walked = history_.walk(); !walked) return walked;
  history_.check_rows();
  return {};
}

Result<> Audit::check_counters() {
  for (const OrderTrace& trace : orders_.traces()) {
    const bool refunded =
        trace.walked_status == static_cast<std::uint8_t>(sale::OrderStatus::refunded);
    const auto item = tallies_.find(trace.item_no);
    if (refunded && trace.was_paid && item != tallies_.end()) {
      item->second.refunded += trace.quantity;
    }
  }
  auto stock = connection_.prepare(kAuditedStock);
  if (!stock) return std::unexpected(stock.error());
  std::size_t number = 0;
  for (const VerifyReport::ItemLine& line : report_.lines) {
    const ItemTally& tally = tallies_.at(numbers_[number++]);
    const auto compare = [&](const char* what, std::int64_t counter, std::int64_t orders) {
      if (counter == orders) return;
      findings_.add("counters", fmt::format("item {}: {} is {}, its orders add up to {}", line.id,
                                            what, counter, orders));
    };
    compare("held", line.held, tally.held);
    compare("sold", line.sold, tally.sold);
    compare("refunded", line.refunded, tally.refunded);
    const ResetGuard guard(*stock);
    stock->bind(1, std::string_view(line.id));
    const int code = stock->step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      return std::unexpected(connection_.error("reading the audit"));
    }
    if (code == SQLITE_ROW && stock->integer(0) != line.stock) {
      findings_.add("stock", fmt::format("item {}: stock is {}, the operators set it to {}",
                                         line.id, line.stock, stock->integer(0)));
    }
  }
  return {};
}

Result<Connection> open_for_audit(const std::string& directory) {
  auto opened = Connection::open(directory + "/" + kRecordFile, Connection::Mode::read_only);
  if (!opened) return opened;
  if (auto set = opened->execute("PRAGMA query_only = ON; PRAGMA cache_size = -16384;"); !set) {
    return std::unexpected(set.error());
  }
  if (auto current = require_current(*opened); !current) return std::unexpected(current.error());
  return opened;
}

}  // namespace

Result<VerifyReport> verify(const std::string& directory,
                            const std::function<void(std::string_view)>& progress,
                            std::size_t most_findings) {
  auto connection = open_for_audit(directory);
  if (!connection) return std::unexpected(connection.error());
  return Audit(*connection, most_findings).run(progress);
}

}  // namespace sluice::store

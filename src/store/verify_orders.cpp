// Order rows against their items, their shoppers and each other.
#include "store/verify_orders.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "sale/order.h"

namespace sluice::store {
namespace {

using sale::EndReason;
using sale::OrderStatus;

// Columns of kOrders, in its order.
constexpr int kId = 0;
constexpr int kUser = 1;
constexpr int kItem = 2;
constexpr int kQuantity = 3;
constexpr int kAmount = 4;
constexpr int kStatus = 5;
constexpr int kReason = 6;
constexpr int kPaidAt = 7;
constexpr int kPaidAmount = 8;
constexpr int kTransaction = 9;
constexpr int kRequestKey = 10;
constexpr int kUnitSold = 11;
constexpr int kUserPrevious = 12;
constexpr int kLastEvent = 13;

constexpr const char* kOrders =
    "SELECT id, user, item_no, quantity, amount, status, reason, paid_at, paid_amount, "
    "transaction_id, request_key, unit_sold, user_previous, last_event FROM orders ORDER BY id";
constexpr const char* kSharedTransactions =
    "SELECT transaction_id, count(*), min(id), max(id) FROM orders WHERE transaction_id IS NOT "
    "NULL GROUP BY transaction_id HAVING count(*) > 1";

bool known_status(std::int64_t status) {
  return status >= static_cast<std::int64_t>(OrderStatus::queued) &&
         status <= static_cast<std::int64_t>(OrderStatus::failed);
}

bool money_arrived(OrderStatus status) {
  return status == OrderStatus::paid || status == OrderStatus::refunding ||
         status == OrderStatus::refunded;
}

constexpr unsigned bit(EndReason reason) {
  return 1U << static_cast<unsigned>(reason);
}
constexpr std::int64_t kReasonCount = static_cast<std::int64_t>(EndReason::operator_refund) + 1;

/// Which reasons may stand beside a status.
unsigned reasons_of(OrderStatus status) {
  constexpr unsigned kGivenUp =
      bit(EndReason::user) | bit(EndReason::sale_cancelled) | bit(EndReason::payment_failed);
  switch (status) {
    case OrderStatus::closing:
    case OrderStatus::needs_person:
      return kGivenUp | bit(EndReason::deadline);
    case OrderStatus::expired:
      return bit(EndReason::deadline);
    case OrderStatus::cancelled:
      return kGivenUp | bit(EndReason::operator_release);
    case OrderStatus::refunding:
    case OrderStatus::refunded:
      return bit(EndReason::late_money) | bit(EndReason::operator_refund);
    default:
      return bit(EndReason::none);
  }
}

}  // namespace

Result<> OrderAudit::scan() {
  auto rows = connection_.prepare(kOrders);
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step())
    check_row(*rows);
  if (code != SQLITE_DONE) return std::unexpected(connection_.error("reading the orders"));
  return {};
}

void OrderAudit::check_row(const Statement& row) {
  OrderTrace trace;
  trace.id = row.integer(kId);
  trace.last_event = row.integer(kLastEvent);
  trace.quantity = row.integer(kQuantity);
  trace.item_no = static_cast<std::uint32_t>(row.integer(kItem));
  const std::int64_t code = row.integer(kStatus);
  trace.status = known_status(code) ? static_cast<std::uint8_t>(code) : std::uint8_t{0};
  traces_.push_back(trace);

  const std::uint32_t user = check_user(row);
  check_request_key(row);
  if (trace.quantity < 1 || trace.quantity > kMaxStock.units) {
    findings_.add("value", fmt::format("order No{} is of {} units", trace.id, trace.quantity));
    return;
  }
  if (!known_status(code)) {
    findings_.add("value", fmt::format("order No{} has the unknown status {}", trace.id, code));
    return;
  }
  const auto status = static_cast<OrderStatus>(code);
  check_payment(row, code);
  check_reason(row, status);
  const auto item = tallies_.find(trace.item_no);
  if (item == tallies_.end()) {
    findings_.add("links", fmt::format("order No{} is of item {}, which does not exist", trace.id,
                                       row.integer(kItem)));
    return;
  }
  const bool sold = row.integer(kUnitSold) != 0;
  if (sale::holds_unit(status)) item->second.held += trace.quantity;
  if (sold) item->second.sold += trace.quantity;
  if (sale::holds_unit(status) || sold) {
    units_.push_back({user, trace.item_no, trace.quantity});
  }
  if (sale::blocks_queueing(status)) waiting_.push_back({user, item->second.sale_no, trace.id});
}

void OrderAudit::check_payment(const Statement& row, std::int64_t code) {
  const auto status = static_cast<OrderStatus>(code);
  const std::int64_t id = row.integer(kId);
  const bool has_transaction = !row.is_null(kTransaction);
  const bool sold = row.integer(kUnitSold) != 0;
  if (has_transaction == row.is_null(kPaidAt) || has_transaction == row.is_null(kPaidAmount)) {
    findings_.add("payment",
                  fmt::format("order No{} has only a part of transaction_id, paid_at and "
                              "paid_amount",
                              id));
  } else if (has_transaction != money_arrived(status)) {
    findings_.add("payment",
                  fmt::format("order No{} is {} and has {} payment", id,
                              sale::to_operator_text(status), has_transaction ? "a" : "no"));
  } else if (has_transaction && row.integer(kPaidAmount) != row.integer(kAmount)) {
    findings_.add("payment", fmt::format("order No{} costs {} and was paid with {}", id,
                                         row.integer(kAmount), row.integer(kPaidAmount)));
  }
  if ((status == OrderStatus::paid && !sold) || (sold && !money_arrived(status))) {
    findings_.add("status", fmt::format("order No{} is {} and its units are {}marked as sold", id,
                                        sale::to_operator_text(status), sold ? "" : "not "));
  }
}

void OrderAudit::check_reason(const Statement& row, OrderStatus status) {
  const std::int64_t code = row.integer(kReason);
  if (code >= 0 && code < kReasonCount && (reasons_of(status) & (1U << code)) != 0) return;
  findings_.add("status", fmt::format("order No{} is {}, which does not go with reason {}",
                                      row.integer(kId), sale::to_operator_text(status), code));
}

std::uint32_t OrderAudit::check_user(const Statement& row) {
  const std::int64_t id = row.integer(kId);
  const std::int64_t previous = row.integer(kUserPrevious);
  const std::string_view name = row.text(kUser);
  auto found = users_.find(name);
  if (found == users_.end()) {
    found = users_.emplace(name, static_cast<std::uint32_t>(newest_of_user_.size())).first;
    newest_of_user_.push_back(0);
  }
  std::int64_t& newest = newest_of_user_[found->second];
  if (linked_ && previous != newest) {
    findings_.add("links", fmt::format("order No{} names No{} as the shopper's order before it, "
                                       "which is No{}",
                                       id, previous, newest));
  }
  newest = id;
  return found->second;
}

void OrderAudit::check_request_key(const Statement& row) {
  constexpr std::size_t kKeyBytes = 16;
  if (row.is_null(kRequestKey)) return;
  const auto key = row.blob(kRequestKey);
  if (key.size() != kKeyBytes) {
    findings_.add("value", fmt::format("order No{} has a request key of {} bytes instead of {}",
                                       row.integer(kId), key.size(), kKeyBytes));
    return;
  }
  Key copy{};
  std::copy(key.begin(), key.end(), copy.begin());
  request_keys_.emplace_back(copy, row.integer(kId));
}

Result<> OrderAudit::check_sets() {
  check_limits();
  check_waiting();
  check_request_keys();
  return check_transactions();
}

void OrderAudit::check_limits() {
  std::sort(units_.begin(), units_.end());
  for (std::size_t from = 0; from < units_.size();) {
    std::int64_t sum = 0;
    std::size_t to = from;
    while (to < units_.size() && units_[to].user == units_[from].user &&
           units_[to].item_no == units_[from].item_no) {
      sum += units_[to++].quantity;
    }
    const ItemTally& item = tallies_.at(units_[from].item_no);
    if (sum > item.limit) {
      findings_.add("limit", fmt::format("shopper '{}' holds and owns {} units of item {}, the "
                                         "limit is {}",
                                         name_of(units_[from].user), sum, item.id, item.limit));
    }
    from = to;
  }
}

void OrderAudit::check_waiting() {
  std::sort(waiting_.begin(), waiting_.end());
  for (std::size_t i = 1; i < waiting_.size(); ++i) {
    const Waiting& one = waiting_[i - 1];
    const Waiting& two = waiting_[i];
    if (one.user != two.user || one.sale_no != two.sale_no) continue;
    findings_.add("waiting", fmt::format("shopper '{}' has two unpaid orders in sale {}: No{} and "
                                         "No{}",
                                         name_of(one.user), one.sale_no, one.order, two.order));
  }
}

void OrderAudit::check_request_keys() {
  std::sort(request_keys_.begin(), request_keys_.end());
  for (std::size_t i = 1; i < request_keys_.size(); ++i) {
    if (request_keys_[i - 1].first != request_keys_[i].first) continue;
    findings_.add("request", fmt::format("orders No{} and No{} were made by the same request {}",
                                         request_keys_[i - 1].second, request_keys_[i].second,
                                         to_hex(request_keys_[i].first)));
  }
}

Result<> OrderAudit::check_transactions() {
  auto rows = connection_.prepare(kSharedTransactions);
  if (!rows) return std::unexpected(rows.error());
  int code = rows->step();
  for (; code == SQLITE_ROW; code = rows->step()) {
    findings_.add("transaction",
                  fmt::format("transaction '{}' pays {} orders, from No{} to No{}", rows->text(0),
                              rows->integer(1), rows->integer(2), rows->integer(3)));
  }
  if (code != SQLITE_DONE) return std::unexpected(connection_.error("reading the transactions"));
  return {};
}

std::string OrderAudit::name_of(std::uint32_t user) const {
  for (const auto& [name, number] : users_) {
    if (number == user) return name;
  }
  return "?";
}

}  // namespace sluice::store

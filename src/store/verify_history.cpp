// The chain recomputed, and the life of every order replayed from its rows.
#include "store/verify_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "sale/effects.h"
#include "sale/order.h"

namespace sluice::store {
namespace {

using sale::HistoryEvent;
using sale::OrderStatus;

constexpr const char* kSeals =
    "SELECT seq, at, last_history, last_audit, hash FROM seal ORDER BY seq";
constexpr const char* kHistory =
    "SELECT h.seq, h.order_id, h.at, h.event, h.previous, h.actor, h.detail, o.user, o.item_no, "
    "o.quantity, o.amount, o.created_at, o.expires_at, o.user_previous, o.request_key, "
    "o.transaction_id, o.paid_at, o.paid_amount FROM history h LEFT JOIN orders o ON o.id = "
    "h.order_id ORDER BY h.seq";
constexpr const char* kAudit =
    "SELECT seq, at, actor, action, subject, reason, before, after FROM audit ORDER BY seq";

constexpr unsigned bit(OrderStatus status) {
  return 1U << static_cast<unsigned>(status);
}

/// From which statuses an event may happen, and to which it leads (none: the status stays).
struct Step {
  HistoryEvent event;
  unsigned from;
  std::optional<OrderStatus> to;
};
constexpr unsigned kNotGranted = 1U;
constexpr unsigned kAwaiting = bit(OrderStatus::awaiting_payment);
constexpr unsigned kClosing = bit(OrderStatus::closing);
constexpr unsigned kNeedsPerson = bit(OrderStatus::needs_person);
constexpr unsigned kHeld = kAwaiting | kClosing | kNeedsPerson;
constexpr unsigned kGivenUp = bit(OrderStatus::expired) | bit(OrderStatus::cancelled);
constexpr unsigned kPaid = bit(OrderStatus::paid);
constexpr unsigned kRefunding = bit(OrderStatus::refunding);
constexpr unsigned kAny = ~kNotGranted;
constexpr std::nullopt_t kStays = std::nullopt;

constexpr std::array<Step, 17> kSteps{{
    {HistoryEvent::granted, kNotGranted, OrderStatus::awaiting_payment},
    {HistoryEvent::payment_begun, kAwaiting, kStays},
    {HistoryEvent::closing, kHeld, OrderStatus::closing},
    {HistoryEvent::close_retried, kClosing, kStays},
    {HistoryEvent::needs_person, kClosing, OrderStatus::needs_person},
    {HistoryEvent::expired, kHeld, OrderStatus::expired},
    {HistoryEvent::cancelled, kHeld, OrderStatus::cancelled},
    {HistoryEvent::paid, kHeld, OrderStatus::paid},
    {HistoryEvent::paid_late, kGivenUp, OrderStatus::paid},
    {HistoryEvent::refund_begun, kGivenUp | kPaid, OrderStatus::refunding},
    {HistoryEvent::refunded, kRefunding, OrderStatus::refunded},
    {HistoryEvent::refund_failed, kRefunding, kStays},
    {HistoryEvent::amount_mismatch, kAny, kStays},
    {HistoryEvent::currency_mismatch, kAny, kStays},
    {HistoryEvent::second_transaction, kAny, kStays},
    {HistoryEvent::payment_refused, kClosing | kNeedsPerson, kStays},
    {HistoryEvent::refused, kNotGranted, OrderStatus::failed},
}};

const char* name_of(std::uint8_t status) {
  return status == 0 ? "not granted" : sale::to_operator_text(static_cast<OrderStatus>(status));
}

}  // namespace

Result<> HistoryAudit::advance(Statement& rows, bool& more) {
  const int code = rows.step();
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return std::unexpected(connection_.error("reading the history"));
  }
  more = code == SQLITE_ROW;
  return {};
}

Result<> HistoryAudit::walk() {
  auto seals = connection_.prepare(kSeals);
  if (!seals) return std::unexpected(seals.error());
  for (const auto& [statement, sql] :
       {std::pair{&history_, kHistory}, std::pair{&audit_, kAudit}}) {
    auto prepared = connection_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  if (auto moved = advance(history_, more_history_); !moved) return moved;
  if (auto moved = advance(audit_, more_audit_); !moved) return moved;

  Hash previous{};
  int code = seals->step();
  for (; code == SQLITE_ROW; code = seals->step()) {
    const std::int64_t sequence = seals->integer(0);
    const std::int64_t from_history = last_history_ + 1;
    const std::int64_t from_audit = last_audit_ + 1;
    if (sequence != static_cast<std::int64_t>(++report_.seals)) {
      findings_.add("chain", fmt::format("seal {} is missing", report_.seals));
      report_.seals = static_cast<std::uint64_t>(sequence);
    }
    bytes_.clear();
    if (auto taken = take_history(seals->integer(2)); !taken) return taken;
    if (auto taken = take_audit(seals->integer(3)); !taken) return taken;
    const Hash hash = chain_.seal(previous, sequence, seals->integer(1), bytes_.view());
    const auto stored = seals->blob(4);
    if (!std::equal(stored.begin(), stored.end(), hash.begin(), hash.end())) {
      findings_.add("chain", fmt::format("seal {} does not match its rows: history {} to {}, audit "
                                         "{} to {}",
                                         sequence, from_history, seals->integer(2), from_audit,
                                         seals->integer(3)));
    }
    // On with the stored hash: one changed batch is one finding, not one per batch after it.
    previous = {};
    std::copy_n(stored.begin(), std::min(stored.size(), previous.size()), previous.begin());
  }
  if (code != SQLITE_DONE) return std::unexpected(connection_.error("reading the seals"));
  report_.head = to_hex(previous);
  return count_unsealed();
}

Result<> HistoryAudit::count_unsealed() {
  std::uint64_t rows = 0;
  while (more_history_) {
    take_history_row();
    ++rows;
    if (auto moved = advance(history_, more_history_); !moved) return moved;
  }
  while (more_audit_) {
    ++rows;
    if (auto moved = advance(audit_, more_audit_); !moved) return moved;
  }
  if (rows != 0) {
    findings_.add("chain", fmt::format("{} rows of history and audit are not sealed", rows));
  }
  return {};
}

Result<> HistoryAudit::take_history(std::int64_t last) {
  while (more_history_ && history_.integer(0) <= last) {
    take_history_row();
    if (auto moved = advance(history_, more_history_); !moved) return moved;
  }
  if (last_history_ < last) {
    findings_.add("chain",
                  fmt::format("history rows {} to {} are missing", last_history_ + 1, last));
    last_history_ = last;
  }
  return {};
}

void HistoryAudit::take_history_row() {
  ++report_.history_rows;
  const HistoryFacts row{history_.integer(0), history_.integer(1), history_.integer(2),
                         history_.integer(3), history_.integer(4), history_.text(5),
                         history_.text(6)};
  if (row.sequence != last_history_ + 1) {
    findings_.add("chain", fmt::format("history rows {} to {} are missing", last_history_ + 1,
                                       row.sequence - 1));
  }
  last_history_ = row.sequence;
  bytes_.add(row);
  if (carries_grant(row.event)) {
    bytes_.add(GrantFacts{history_.text(7), history_.integer(8), history_.integer(9),
                          history_.integer(10), history_.integer(11), history_.integer(12),
                          history_.integer(13), history_.blob(14)});
  } else if (carries_payment(row.event) && !history_.is_null(15)) {
    bytes_.add(PaymentFacts{history_.text(15), history_.integer(16), history_.integer(17)});
  }
  check_step(row);
}

OrderTrace* HistoryAudit::find(std::int64_t order) {
  if (next_grant_ < traces_.size() && traces_[next_grant_].id == order) {
    return &traces_[next_grant_++];
  }
  const auto found =
      std::lower_bound(traces_.begin(), traces_.end(), order,
                       [](const OrderTrace& trace, std::int64_t id) { return trace.id < id; });
  return found != traces_.end() && found->id == order ? &*found : nullptr;
}

void HistoryAudit::check_step(const HistoryFacts& row) {
  OrderTrace* trace = find(row.order_id);
  if (trace == nullptr) {
    findings_.add("links", fmt::format("history row {} is of order No{}, which does not exist",
                                       row.sequence, row.order_id));
    return;
  }
  if (row.previous != trace->walked_to) {
    findings_.add("links", fmt::format("history row {} of order No{} names {} as the row before "
                                       "it, which is {}",
                                       row.sequence, row.order_id, row.previous, trace->walked_to));
  }
  trace->walked_to = row.sequence;
  if (row.event < 1 || row.event > static_cast<std::int64_t>(kSteps.size())) {
    findings_.add("value",
                  fmt::format("history row {} has the unknown event {}", row.sequence, row.event));
    return;
  }
  const Step& step = kSteps[static_cast<std::size_t>(row.event - 1)];
  if ((step.from & (1U << trace->walked_status)) == 0) {
    findings_.add("status", fmt::format("history row {}: order No{} is {}, which does not allow {}",
                                        row.sequence, row.order_id, name_of(trace->walked_status),
                                        sale::to_text(step.event)));
  }
  if (step.to) trace->walked_status = static_cast<std::uint8_t>(*step.to);
  if (step.to == OrderStatus::paid) trace->was_paid = true;
}

Result<> HistoryAudit::take_audit(std::int64_t last) {
  while (more_audit_ && audit_.integer(0) <= last) {
    const AuditFacts row{audit_.integer(0), audit_.integer(1), audit_.text(2), audit_.text(3),
                         audit_.text(4),    audit_.text(5),    audit_.text(6), audit_.text(7)};
    if (row.sequence != last_audit_ + 1) {
      findings_.add("chain", fmt::format("audit rows {} to {} are missing", last_audit_ + 1,
                                         row.sequence - 1));
    }
    last_audit_ = row.sequence;
    bytes_.add(row);
    if (auto moved = advance(audit_, more_audit_); !moved) return moved;
  }
  if (last_audit_ < last) {
    findings_.add("chain", fmt::format("audit rows {} to {} are missing", last_audit_ + 1, last));
    last_audit_ = last;
  }
  return {};
}

void HistoryAudit::check_rows() {
  for (const OrderTrace& trace : traces_) {
    if (trace.walked_to == 0) {
      findings_.add("status", fmt::format("order No{} has no history", trace.id));
      continue;
    }
    if (trace.walked_to != trace.last_event) {
      findings_.add("links",
                    fmt::format("order No{} names {} as its newest history row, which is {}",
                                trace.id, trace.last_event, trace.walked_to));
    }
    if (trace.status != 0 && trace.status != trace.walked_status) {
      findings_.add("status", fmt::format("order No{} is {}, its history ends with {}", trace.id,
                                          name_of(trace.status), name_of(trace.walked_status)));
    }
  }
}

}  // namespace sluice::store

// Names of states, events and attempts, and what two requests have in common.
#include "sandbox/trade.h"

#include <array>

namespace sluice::sandbox {

namespace {

constexpr std::array<std::string_view, 5> kStates{"NOTPAY", "SUCCESS", "REFUND", "CLOSED",
                                                  "PAYERROR"};
constexpr std::array<std::string_view, 16> kEvents{
    "created",        "create_repeated", "create_refused",      "queried",
    "close_asked",    "closed",          "close_refused",       "paid",
    "pay_refused",    "declined",        "refund_asked",        "refunded",
    "refund_refused", "refund_queried",  "notify_acknowledged", "notify_given_up"};
constexpr std::array<std::string_view, 13> kWhys{
    "injected", "unknown_order", "unknown_refund", "paid",      "closed", "failed",
    "expired",  "not_paid",      "different",      "other_api", "amount", "too_many_refunds",
    "full"};
constexpr std::array<std::string_view, 4> kKinds{"sent", "copy", "forged", "dropped"};

}  // namespace

std::string_view name(TradeState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::string_view name(Why why) {
  return kWhys[static_cast<std::size_t>(why)];
}

std::string_view name(What what) {
  return kEvents[static_cast<std::size_t>(what)];
}

std::string_view name(Attempt::Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

bool same_parameters(const OrderRequest& a, const OrderRequest& b) {
  return a.description == b.description && a.detail == b.detail && a.attach == b.attach &&
         a.product_id == b.product_id && a.notify_url == b.notify_url && a.total == b.total &&
         a.currency == b.currency && a.time_start == b.time_start && a.time_expire == b.time_expire;
}

Money Trade::refunded() const {
  Money sum;
  for (const Refund& refund : refunds)
    sum.minor += refund.amount.minor;
  return sum;
}

}  // namespace sluice::sandbox

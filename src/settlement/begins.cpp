// The steps of begin: what is known already, else the core's word, then the provider's.
#include "settlement/begins.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sluice::settlement {

namespace {

ShopperPayment to_shopper(const payment::Payment& payment) {
  return {payment.code_url, payment.amount, payment.currency, payment.expires_at};
}

BeginError read_fault(const payment::ServiceError& error) {
  using Kind = payment::ServiceError::Kind;
  switch (error.kind) {
    case Kind::storage:
      return BeginError::storage;
    case Kind::invalid:
    case Kind::forbidden:
    case Kind::conflict:
      return BeginError::refused;
    case Kind::gateway:
      break;
  }
  const bool refused = error.fault && error.fault->kind == payment::Fault::Kind::refused;
  return refused ? BeginError::refused : BeginError::unavailable;
}

/// What a provider says of an end that is too near, and the ledger of such a refusal later.
constexpr std::array<std::string_view, 4> kTimeRefused{"PARAM_ERROR", "INVALID_REQUEST",
                                                       "ORDERCLOSED", "ORDER_CLOSED"};

bool is_too_late(const payment::ServiceError& error, Span left) {
  return left <= kNearEnd && error.fault && error.fault->kind == payment::Fault::Kind::refused &&
         std::ranges::find(kTimeRefused, error.fault->code) != kTimeRefused.end();
}

/// Why the order of this shopper cannot be paid now; empty: it can.
std::optional<BeginError> obstacle(const std::optional<sale::OrderView>& order,
                                   const std::string& user, Instant now) {
  if (!order || order->user != user) return BeginError::unknown_order;
  if (order->status != sale::OrderStatus::awaiting_payment) return BeginError::not_awaiting;
  if (now >= order->expires_at) return BeginError::past_deadline;
  return {};
}

}  // namespace

void Begins::begin(std::string user, OrderId order, std::string client_address, Then then) {
  if (office_.stopping()) return then(std::unexpected(BeginError::unavailable));
  const auto at = entries_.find(order);
  if (at != entries_.end()) {
    if (at->second.waiters.size() >= kMaxWaitersPerOrder) {
      return then(std::unexpected(BeginError::overloaded));
    }
    at->second.waiters.push_back({std::move(user), std::move(client_address), std::move(then)});
    return;
  }
  if (entries_.size() >= kMaxBegins) return then(std::unexpected(BeginError::overloaded));
  Entry entry{user, client_address, {}};
  entry.waiters.push_back({std::move(user), std::move(client_address), std::move(then)});
  entries_.emplace(order, std::move(entry));
  find(order);
}

void Begins::find(OrderId order) {
  using Found = std::expected<std::optional<payment::Payment>, payment::ServiceError>;
  office_.service.find(to_text(order), office_.here<Found>([this, order](Found found) {
    if (!found) return finish(order, std::unexpected(read_fault(found.error())));
    const auto& known = *found;
    const bool has_code = known && !known->code_url.empty();
    // An older code is dead at the provider: the service asks for another under the same number.
    if (has_code && office_.loop.now() < known->code_at + payment::kCodeLife) {
      return tell_again(order, std::move(**found));
    }
    enter(order);
  }));
}

/// The payment is there: whether it may still be paid is read, which leaves no trace in the record.
void Begins::tell_again(OrderId order, payment::Payment known) {
  using Read = Result<std::optional<sale::OrderView>>;
  auto then = [this, order, known = std::move(known)](Read read) {
    if (!read) return finish(order, std::unexpected(BeginError::storage));
    const auto why_not = obstacle(*read, entries_.at(order).user, office_.loop.now());
    if (why_not) return finish(order, std::unexpected(*why_not));
    finish(order, to_shopper(known));
  };
  // The engine answers on the loop's thread itself.
  if (!office_.engine.order(order, office_.loop, std::move(then))) {
    finish(order, std::unexpected(BeginError::overloaded));
  }
}

void Begins::enter(OrderId order) {
  const std::string& user = entries_.at(order).user;
  office_.submit_once(sale::BeginPayment{user, order},
                      [this, order](std::optional<engine::Reply> reply) {
                        using Outcome = sale::BeginPaymentOutcome;
                        if (!reply) return finish(order, std::unexpected(BeginError::overloaded));
                        switch (std::get<Outcome>(reply->outcome)) {
                          case Outcome::unknown_order:
                            return finish(order, std::unexpected(BeginError::unknown_order));
                          case Outcome::not_awaiting:
                            return finish(order, std::unexpected(BeginError::not_awaiting));
                          case Outcome::past_deadline:
                            return finish(order, std::unexpected(BeginError::past_deadline));
                          case Outcome::begun:
                            break;
                        }
                        // The order may have been given up right after, in the same commit even.
                        if (events_.is_to_close(order)) {
                          return finish(order, std::unexpected(BeginError::not_awaiting));
                        }
                        create(order, reply->order);
                      });
}

void Begins::create(OrderId order, const sale::Order& details) {
  const Entry& entry = entries_.at(order);
  const auto catalog = office_.engine.catalogs().current();
  const sale::Item& item = catalog->items.at(details.item.value)->item;
  payment::PaymentRequest request;
  request.out_trade_no = to_text(order);
  request.amount = details.amount;
  request.currency = item.currency;
  request.attach = {office_.options.queue, office_.options.exchange, entry.user};
  request.subject = item.title;
  request.expires_at = details.expires_at;
  request.client_address = entry.client_address;
  using Created = std::expected<payment::Payment, payment::ServiceError>;
  auto then = [this, order, ends = details.expires_at](Created created) {
    // Also after a failure: the provider may have it all the same.
    events_.created(order);
    if (created && !created->code_url.empty()) return finish(order, to_shopper(*created));
    if (created) return finish(order, std::unexpected(BeginError::unavailable));
    const payment::ServiceError& error = created.error();
    spdlog::warn("order {}: creating its payment: {}", to_text(order), error.message);
    const bool too_late = is_too_late(error, ends - office_.loop.now());
    finish(order, std::unexpected(too_late ? BeginError::past_deadline : read_fault(error)));
    if (error.fault && error.fault->code == "ORDERPAID") events_.paid_already(order);
  };
  office_.service.create(std::move(request), office_.here<Created>(std::move(then)));
}

/// Answers those who are the same shopper. The others learn whether the order is theirs by asking
/// on their own.
void Begins::finish(OrderId order, const Answer& answer) {
  auto entry = entries_.extract(order);
  events_.released(order);
  for (Waiter& waiter : entry.mapped().waiters) {
    if (waiter.user == entry.mapped().user) {
      waiter.then(answer);
    } else {
      begin(std::move(waiter.user), order, std::move(waiter.client_address),
            std::move(waiter.then));
    }
  }
}

void Begins::abandon() {
  for (auto& [order, entry] : entries_) {
    for (Waiter& waiter : std::exchange(entry.waiters, {}))
      waiter.then(std::unexpected(BeginError::unavailable));
  }
}

}  // namespace sluice::settlement

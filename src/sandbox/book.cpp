// Transitions of an order, and the bounds of what is remembered.
#include "sandbox/book.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::sandbox {

namespace {

/// Distinct answers that are shared between attempts; beyond it sharing starts afresh.
constexpr std::size_t kMaxSharedAnswers = 1'024;

template <class Map>
auto find_in(Map& map, std::string_view key) -> decltype(&map.begin()->second) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? nullptr : &found->second;
}

Order* order_in(const std::unordered_map<std::string, Order*>& map, std::string_view key) {
  Order* const* found = find_in(map, key);
  return found == nullptr ? nullptr : *found;
}

std::unexpected<Why> refuse(Why why) {
  return std::unexpected(why);
}

/// Twenty-eight digits, as the provider's numbers have.
std::string long_number(std::string_view prefix, Instant now, std::uint64_t number) {
  return fmt::format("{}{:013}{:011}", prefix, now.ms, number % 100'000'000'000ULL);
}

/// The beginning of what a merchant answered, as valid UTF-8.
std::string readable(std::string_view answer) {
  std::string text(answer.substr(0, kMaxAnswerBytes));
  for (int cut = 0; cut < 3 && answer.size() > text.size() && !valid_utf8(text); ++cut)
    text.pop_back();
  if (!valid_utf8(text)) {
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) > 0x7f; }, '?');
  }
  return text;
}

/// Cut at a character.
std::string shortened(std::string_view number) {
  std::string text(number.substr(0, kMaxStrangerBytes));
  while (!valid_utf8(text))
    text.pop_back();
  return text;
}

std::string amount_text(Money amount, Currency currency) {
  return fmt::format("{} {}", amount.minor, currency.code());
}

}  // namespace

Book::Found Book::create(const OrderRequest& request, Instant now) {
  if (Order* known = find(request.out_trade_no)) {
    const Trade& trade = known->trade;
    Why why = Why::different;
    if (trade.asked.api != request.api) {
      why = Why::other_api;
    } else if (trade.was_paid()) {
      why = Why::paid;
    } else if (trade.state == TradeState::closed) {
      why = Why::closed;
    } else if (same_parameters(trade.asked, request)) {
      note(*known, What::create_repeated, "", now);
      return known;
    }
    return refuse(why);
  }
  if (!make_room()) return refuse(Why::full);
  auto order = std::make_unique<Order>();
  Trade& trade = order->trade;
  trade.sequence = ++last_sequence_;
  trade.asked = request;
  trade.code = token_();
  trade.prepay_id = fmt::format("wx{:013}{}", now.ms, token_());
  trade.created_at = now;
  Order* added = order.get();
  orders_.emplace(trade.sequence, std::move(order));
  by_number_.emplace(request.out_trade_no, added);
  by_code_.emplace(added->trade.code, added);
  note(*added, What::created, amount_text(request.total, request.currency), now);
  return added;
}

Book::Found Book::close(std::string_view out_trade_no, Instant now) {
  Order* order = find(out_trade_no);
  if (order == nullptr) return refuse(Why::unknown_order);
  Trade& trade = order->trade;
  if (trade.was_paid()) return refuse(Why::paid);
  if (trade.state == TradeState::closed) return refuse(Why::closed);
  trade.state = TradeState::closed;
  trade.closed_at = now;
  note(*order, What::closed, "", now);
  set_finished(*order);
  return order;
}

Book::Found Book::pay(std::string_view out_trade_no, Money amount, bool force, Instant now) {
  Order* order = find(out_trade_no);
  if (order == nullptr) return refuse(Why::unknown_order);
  Trade& trade = order->trade;
  if (trade.was_paid()) return refuse(Why::paid);
  if (!force) {
    if (trade.state == TradeState::closed) return refuse(Why::closed);
    if (trade.state == TradeState::failed) return refuse(Why::failed);
    if (trade.expired(now)) return refuse(Why::expired);
  }
  trade.state = TradeState::paid;
  trade.paid = amount;
  trade.paid_at = now;
  trade.transaction_id = long_number("4200", now, ++last_number_);
  by_transaction_.emplace(trade.transaction_id, order);
  note(*order, What::paid, amount_text(amount, trade.asked.currency), now);
  set_finished(*order);
  return order;
}

Book::Found Book::decline(std::string_view out_trade_no, Instant now) {
  Order* order = find(out_trade_no);
  if (order == nullptr) return refuse(Why::unknown_order);
  Trade& trade = order->trade;
  if (trade.was_paid()) return refuse(Why::paid);
  if (trade.state == TradeState::closed) return refuse(Why::closed);
  if (trade.state == TradeState::failed) return refuse(Why::failed);
  trade.state = TradeState::failed;
  note(*order, What::declined, "", now);
  set_finished(*order);
  return order;
}

std::expected<Book::RefundPlace, Why> Book::refund(const RefundRequest& request, Instant now) {
  Order* order = request.transaction_id.empty() ? find(request.out_trade_no)
                                                : find_transaction(request.transaction_id);
  if (order == nullptr) return refuse(Why::unknown_order);
  Trade& trade = order->trade;
  note(*order, What::refund_asked,
       fmt::format("{} {}", request.out_refund_no, amount_text(request.amount, request.currency)),
       now);
  if (const RefundPlace known = find_refund(request.out_refund_no); known.order != nullptr) {
    const Refund& earlier = known.order->trade.refunds[known.index];
    const bool same =
        known.order == order && earlier.amount == request.amount && request.total == trade.paid;
    if (!same) return refuse(Why::different);
    return known;
  }
  if (!trade.was_paid()) return refuse(Why::not_paid);
  const std::int64_t left = trade.paid.minor - trade.refunded().minor;
  if (request.total != trade.paid || request.currency != trade.asked.currency ||
      request.amount.minor <= 0 || request.amount.minor > left) {
    return refuse(Why::amount);
  }
  if (trade.refunds.size() >= kMaxRefunds) return refuse(Why::too_many_refunds);
  trade.state = TradeState::refunded;
  trade.refunds.push_back({long_number("5030", now, ++last_number_), request.out_refund_no,
                           request.amount, request.reason, request.notify_url, request.sign_type,
                           now});
  const std::size_t index = trade.refunds.size() - 1;
  by_refund_.emplace(request.out_refund_no, std::pair{order, index});
  note(*order, What::refunded, amount_text(request.amount, request.currency), now);
  return RefundPlace{order, index, true};
}

Order* Book::find(std::string_view out_trade_no) {
  return order_in(by_number_, out_trade_no);
}

const Order* Book::find(std::string_view out_trade_no) const {
  return order_in(by_number_, out_trade_no);
}

const Order* Book::find_code(std::string_view code) const {
  return order_in(by_code_, code);
}

Order* Book::find_transaction(std::string_view transaction_id) {
  return order_in(by_transaction_, transaction_id);
}

Book::RefundPlace Book::find_refund(std::string_view out_refund_no) {
  const auto* found = find_in(by_refund_, out_refund_no);
  return found == nullptr ? RefundPlace{} : RefundPlace{found->first, found->second, false};
}

void Book::note(std::string_view out_trade_no, What what, std::string detail, Instant now) {
  if (Order* order = find(out_trade_no)) return note(*order, what, std::move(detail), now);
  SLUICE_ASSERT(valid_utf8(out_trade_no), "callers have checked what a stranger sent");
  if (!strangers_.empty() && strangers_.back().out_trade_no == out_trade_no &&
      strangers_.back().event.what == what && strangers_.back().event.detail == detail) {
    ++strangers_.back().event.times;
    strangers_.back().event.last = now;
    return;
  }
  if (strangers_.size() >= kMaxStrangers) strangers_.pop_front();
  strangers_.push_back({shortened(out_trade_no), {now, now, 1, what, std::move(detail)}});
}

void Book::note(Order& order, What what, std::string detail, Instant now) {
  add_event(order.history, what, std::move(detail), now);
}

void Book::add_event(History& history, What what, std::string&& detail, Instant now) {
  auto& events = history.events;
  if (!events.empty() && events.back().what == what && events.back().detail == detail) {
    ++events.back().times;
    events.back().last = now;
  } else if (events.size() < kMaxEvents) {
    events.push_back({now, now, 1, what, std::move(detail)});
  } else {
    ++history.events_not_listed;
  }
}

void Book::attempted(Order& order, Attempt attempt, std::string_view answer) {
  History& history = order.history;
  if (attempt.acknowledged) ++history.acknowledged;
  if (history.attempts.size() >= kMaxAttempts || listed_attempts_ >= kMaxListedAttempts) {
    ++history.attempts_not_listed;
    return;
  }
  const std::string kept = readable(answer);
  auto shared = answers_.find(kept);
  if (shared == answers_.end()) {
    if (answers_.size() >= kMaxSharedAnswers) answers_.clear();
    shared = answers_.emplace(kept, std::make_shared<const std::string>(kept)).first;
  }
  attempt.answer = shared->second;
  history.attempts.push_back(std::move(attempt));
  ++listed_attempts_;
}

void Book::notice_opened(Order& order) {
  ++order.open_notices;
  set_finished(order);
}

void Book::notice_ended(Order& order) {
  SLUICE_ASSERT(order.open_notices > 0, "a notice that ends was opened");
  --order.open_notices;
  set_finished(order);
}

std::vector<const Order*> Book::list(std::uint64_t before, std::size_t limit) const {
  std::vector<const Order*> listed;
  auto at = before == 0 ? orders_.end() : orders_.lower_bound(before);
  while (at != orders_.begin() && listed.size() < limit) {
    --at;
    listed.push_back(at->second.get());
  }
  return listed;
}

void Book::set_finished(Order& order) {
  const bool finished = order.trade.state != TradeState::not_paid && order.open_notices == 0;
  if (finished) {
    finished_.insert(order.trade.sequence);
  } else {
    finished_.erase(order.trade.sequence);
  }
}

bool Book::make_room() {
  if (orders_.size() < most_orders_) return true;
  if (finished_.empty()) return false;
  forget(*orders_.at(*finished_.begin()));
  return true;
}

void Book::forget(Order& order) {
  listed_attempts_ -= order.history.attempts.size();
  ++dropped_;
  for (const Refund& refund : order.trade.refunds)
    by_refund_.erase(refund.out_refund_no);
  by_transaction_.erase(order.trade.transaction_id);
  by_code_.erase(order.trade.code);
  by_number_.erase(order.trade.asked.out_trade_no);
  const std::uint64_t sequence = order.trade.sequence;
  finished_.erase(sequence);
  orders_.erase(sequence);
}

}  // namespace sluice::sandbox

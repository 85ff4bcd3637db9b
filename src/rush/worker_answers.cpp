// What a worker makes of answers: the books, the invariants seen on the way, and what the shopper
// does next.
#include <fmt/format.h>

#include <algorithm>

#include "rush/worker.h"

namespace sluice::rush {
namespace {

constexpr std::uint8_t kMaxAttempts = 20;  // of one wish that the server was too busy or early for
constexpr std::uint32_t kFirstBackoffMs = 100;
constexpr unsigned kMaxBackoffDoublings = 4;

bool is_refusal(Outcome outcome) {
  return outcome >= Outcome::already_queued && outcome <= Outcome::overloaded;
}

/// An answer that says nothing about whether duplicates are refused.
bool excuses(Outcome outcome) {
  return outcome == Outcome::rate_limited || outcome == Outcome::overloaded ||
         outcome == Outcome::paused || outcome == Outcome::ended;
}

}  // namespace

void Worker::on_answer(const Errand& errand, const Answer& answer, std::uint64_t sent_ns,
                       std::uint64_t now_ns) {
  const Reading reading = raw_ ? Reading{read_raw(answer)} : read_grab(answer);
  count(reading.outcome, now_ns);
  const std::uint64_t latency = now_ns - std::min(now_ns, errand.intended_ns);
  tally_.latency.record(latency);
  tally_.service.record(now_ns - std::min(now_ns, sent_ns));
  second_.latency.record(latency);
  if (reading.outcome == Outcome::granted || reading.outcome == Outcome::queued) {
    tally_.granted.record(latency);
  } else if (is_refusal(reading.outcome)) {
    tally_.refused.record(latency);
  }
  if (!raw_) settle(errand, reading, answer, sent_ns, now_ns);
  if (options_.mode == Mode::closed) {
    if (!arrivals_over(now_ns)) dispatch_next_closed(now_ns);
  } else {
    follow_up(errand, reading.outcome, now_ns);
  }
}

void Worker::on_loss(const Errand& errand, Loss loss, std::uint64_t, std::uint64_t now_ns) {
  const Outcome outcome = loss == Loss::timed_out ? Outcome::timed_out : Outcome::connection_error;
  count(outcome, now_ns);
  if (loss == Loss::malformed) {
    ++tally_.unexpected;
    tally_.sample(
        fmt::format("an answer that is not HTTP as expected: {}", wire_.counts().last_problem));
  }
  if (raw_) return;
  shoppers_[errand.shopper].unknown = true;
  if ((errand.attempt & kSentAfterGrant) != 0) ++tally_.duplicates.excused;
  if (options_.mode == Mode::open) follow_up(errand, outcome, now_ns);
}

void Worker::settle(const Errand& errand, const Reading& reading, const Answer& answer,
                    std::uint64_t sent_ns, std::uint64_t now_ns) {
  if ((errand.attempt & kSentAfterGrant) != 0) settle_duplicate(errand, reading, answer);
  Shopper& shopper = shoppers_[errand.shopper];
  ItemTally& item = tally_.items[errand.item];
  switch (reading.outcome) {
    case Outcome::granted:
    case Outcome::queued:
      return settle_grant(errand, reading, sent_ns);
    case Outcome::replayed:
      return settle_replay(errand, reading);
    case Outcome::already_queued:
      shopper.told_queued = true;
      if ((errand.attempt & kSentAfterGrant) == 0 && reading.legacy_code_100) {
        ++tally_.duplicates.raced_refused_100;
      }
      return;
    case Outcome::sold_out:
      ++item.sold_out;
      if (item.first_sold_out_ns == 0) {
        item.first_sold_out_ns = now_ns;
        ++sold_out_items_;
      }
      return;
    case Outcome::refused:
    case Outcome::server_error:
      ++tally_.unexpected;
      tally_.sample(fmt::format("{} for item {}: status {}, {}", shoppers_.user(errand.shopper),
                                plan_.goods[errand.item].id, answer.status,
                                answer.body.substr(0, 300)));
      return;
    default:
      return;
  }
}

void Worker::settle_grant(const Errand& errand, const Reading& reading, std::uint64_t sent_ns) {
  Shopper& shopper = shoppers_[errand.shopper];
  ItemTally& item = tally_.items[errand.item];
  if (reading.order == OrderId{}) {
    ++tally_.unreadable_grants;
    tally_.sample(fmt::format("{} was granted item {} without a readable order id",
                              shoppers_.user(errand.shopper), plan_.goods[errand.item].id));
  }
  if (item.first_sold_out_ns != 0 && sent_ns > item.first_sold_out_ns) {
    ++item.granted_after_sold_out;
  }
  if (shopper.grants > 0 && shopper.by_replay && reading.order == shopper.order) {
    shopper.by_replay = false;  // the replay of this very grant overtook it
    return;
  }
  ++item.granted;
  if (shopper.grants > 0) return add_extra_grant(errand, reading.order);
  shopper.grants = 1;
  shopper.order = reading.order;
  shopper.item = errand.item;
  shopper.queued = reading.outcome == Outcome::queued;
}

void Worker::add_extra_grant(const Errand& errand, OrderId order) {
  Shopper& shopper = shoppers_[errand.shopper];
  shopper.grants = static_cast<std::uint8_t>(std::min(shopper.grants + 1, 255));
  ++tally_.extra_grants_total;
  if (tally_.extra_grants.size() < kMaxExtraGrants) {
    tally_.extra_grants.push_back({shoppers_.first() + errand.shopper, errand.item, order});
  }
  tally_.sample(fmt::format("{} was granted a second order, {} after {}",
                            shoppers_.user(errand.shopper), to_text(order),
                            to_text(shopper.order)));
}

/// A replay tells of an order that was made before: either it is known, or the answer that told of
/// it was lost on the way.
void Worker::settle_replay(const Errand& errand, const Reading& reading) {
  Shopper& shopper = shoppers_[errand.shopper];
  if (shopper.grants > 0) {
    if (reading.order != shopper.order) {
      ++tally_.items[errand.item].granted;
      add_extra_grant(errand, reading.order);
    }
    return;
  }
  shopper.grants = 1;
  shopper.by_replay = true;
  shopper.order = reading.order;
  shopper.item = errand.item;
  ++tally_.items[errand.item].granted;
}

void Worker::settle_duplicate(const Errand& errand, const Reading& reading, const Answer& answer) {
  const Shopper& shopper = shoppers_[errand.shopper];
  Duplicates& books = tally_.duplicates;
  const bool right_order = reading.order == shopper.order;
  if (reading.outcome == Outcome::already_queued && reading.legacy_code_100 && right_order) {
    ++books.refused_100;
  } else if (reading.outcome == Outcome::replayed && right_order) {
    ++books.replayed;
  } else if (reading.outcome == Outcome::limit_reached) {
    ++books.limit_reached;
  } else if (excuses(reading.outcome)) {
    ++books.excused;
  } else {
    ++books.wrong;
    if (reading.outcome == Outcome::granted || reading.outcome == Outcome::queued) {
      ++books.granted_again;
    }
    tally_.sample(fmt::format("{} holds {} and asked again; the answer was {} {}",
                              shoppers_.user(errand.shopper), to_text(shopper.order), answer.status,
                              answer.body.substr(0, 300)));
  }
}

/// Open model only: what this answer makes the shopper do.
void Worker::follow_up(const Errand& errand, Outcome outcome, std::uint64_t now_ns) {
  if (raw_) return;
  Shopper& shopper = shoppers_[errand.shopper];
  const auto attempt = static_cast<std::uint8_t>(errand.attempt & ~kSentAfterGrant);
  const bool second_request = errand.purpose == static_cast<std::uint8_t>(Purpose::second_click) ||
                              errand.purpose == static_cast<std::uint8_t>(Purpose::second_tab);
  if (second_request) return;  // the other request of the same shopper carries the wish on
  switch (outcome) {
    case Outcome::not_started:
    case Outcome::rate_limited:
    case Outcome::overloaded:
    case Outcome::connection_error:
    case Outcome::timed_out: {
      if (attempt >= kMaxAttempts) return;
      Errand retry = errand;
      retry.attempt = static_cast<std::uint8_t>(attempt + 1);
      const std::uint32_t base = kFirstBackoffMs
                                 << std::min<unsigned>(attempt, kMaxBackoffDoublings);
      return later(retry, Purpose::retry, errand.item, now_ns + think_ns(base / 2, base * 3 / 2));
    }
    case Outcome::sold_out: {
      const std::uint16_t other =
          options_.loyal || shopper.grants > 0
              ? errand.item
              : other_item(errand.item, shoppers_.first() + errand.shopper, false);
      if (other != errand.item) {
        return later(errand, Purpose::next_item, other, now_ns + think_ns(20, 200));
      }
      break;
    }
    case Outcome::ended:
    case Outcome::paused:
    case Outcome::refused:
    case Outcome::server_error:
      return;
    default:
      break;
  }
  if (shopper.again_left == 0) return;
  --shopper.again_left;
  later(errand, Purpose::again, errand.item, now_ns + think_ns(50, 500));
}

}  // namespace sluice::rush

// The loops of a worker: the open model by schedule, the closed one by answers.
#include "rush/worker.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace sluice::rush {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;
constexpr std::uint64_t kPublishEveryNs = 100 * kMs;
constexpr std::uint64_t kLongestNapNs = 50 * kMs;

double thread_cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

}  // namespace

Worker::Worker(const Plan& plan, const Share& share, Shoppers& shoppers)
    : plan_(plan),
      options_(*plan.options),
      share_(share),
      shoppers_(shoppers),
      wire_(plan.target, share.connections, options_.timeout),
      schedule_(share.rate, options_.ramp, options_.arrivals, share.seed),
      dice_(share.seed ^ 0x5eed'0f'd1ceULL),
      raw_(!options_.raw_method.empty()) {
  SLUICE_ASSERT(!plan.goods.empty() && plan.goods.size() <= kMaxGoods, "1 to 10000 items");
  double total = 0;
  for (const Goods& one : plan.goods) {
    const std::string path =
        raw_ ? options_.raw_path : fmt::format("/api/v1/items/{}/orders", one.id);
    const bool token = !raw_ || options_.raw_method == "POST";
    heads_.push_back(fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}{}",
                                 raw_ ? options_.raw_method : "POST", path, plan.target.host,
                                 token ? "Content-Length: 0\r\n" : "",
                                 token ? "Authorization: Bearer " : ""));
    total += static_cast<double>(std::max<std::int64_t>(one.available, 0));
    cumulative_.push_back(total);
  }
  tally_.items.resize(plan.goods.size());
}

void Worker::run(std::uint64_t start_ns) {
  start_ns_ = start_ns;
  second_end_ns_ = start_ns + kSecond;
  if (options_.duration) {
    deadline_ns_ = start_ns + static_cast<std::uint64_t>(options_.duration->ms) * kMs;
  }
  const double cpu_before = thread_cpu_seconds();
  while (monotonic_ns() < start_ns && !plan_.stop->load(std::memory_order_relaxed)) {
    wire_.poll(start_ns, *this);
  }
  options_.mode == Mode::open ? run_open() : run_closed();
  finished_ns_ = monotonic_ns();
  second_end_ns_ = 0;
  roll_second(finished_ns_);
  tally_.cpu_seconds = thread_cpu_seconds() - cpu_before;
  tally_.sent = wire_.counts().sent;
  tally_.connects = wire_.counts().connects;
  tally_.failed_connects = wire_.counts().failed_connects;
  tally_.closed_idle = wire_.counts().closed_idle;
  publish(finished_ns_);
}

bool Worker::arrivals_over(std::uint64_t now_ns) const {
  const std::uint64_t all = options_.mode == Mode::open ? shoppers_.size() : share_.requests;
  return started_ >= all || (deadline_ns_ != 0 && now_ns >= deadline_ns_) ||
         (options_.until_sold_out && sold_out_items_ == plan_.goods.size()) ||
         plan_.stop->load(std::memory_order_relaxed);
}

std::uint64_t Worker::next_due_ns() const {
  const std::uint64_t arrival =
      started_ < shoppers_.size() ? start_ns_ + schedule_.peek_ns() : UINT64_MAX;
  return std::min(arrival, follow_ups_.empty() ? UINT64_MAX : follow_ups_.top().intended_ns);
}

void Worker::run_open() {
  std::uint64_t now = monotonic_ns();
  while (true) {
    const bool over = arrivals_over(now);
    const bool stopped =
        plan_.stop->load(std::memory_order_relaxed) || (deadline_ns_ != 0 && now >= deadline_ns_);
    if (over) started_ = shoppers_.size();
    if (stopped) follow_ups_ = {};
    if (over && follow_ups_.empty() && wire_.in_flight() == 0) return;
    launch_due(now);
    const std::uint64_t nap = now + kLongestNapNs;
    now = wire_.poll(wire_.idle() > 0 ? std::min(nap, next_due_ns()) : nap, *this);
    roll_second(now);
    publish(now);
  }
}

void Worker::launch_due(std::uint64_t now_ns) {
  // Nobody can be reached: people give up after the timeout, as they would with a slow answer.
  const bool unreachable = wire_.idle() == 0 && wire_.in_flight() == 0;
  const std::uint64_t patience = static_cast<std::uint64_t>(options_.timeout.ms) * kMs;
  while (true) {
    const std::uint64_t due = next_due_ns();
    if (due > now_ns) return;
    const bool give_up = unreachable && due + patience < now_ns;
    if (!give_up && wire_.idle() == 0) return;
    const bool is_arrival = follow_ups_.empty() || follow_ups_.top().intended_ns != due;
    if (is_arrival) {
      arrive(due);
      continue;
    }
    const Errand errand = follow_ups_.top();
    follow_ups_.pop();
    if (give_up) {
      ++tally_.unreachable;
      count(Outcome::connection_error, now_ns);
    } else if (!dispatch(errand, now_ns)) {
      follow_ups_.push(errand);  // the last idle connection turned out to be closed
      return;
    }
  }
}

/// A shopper appears: what they do first becomes due at once.
void Worker::arrive(std::uint64_t intended_ns) {
  const auto shopper = static_cast<std::uint32_t>(started_++);
  schedule_.pop();
  const Character who = character(shopper);
  Errand errand;
  errand.intended_ns = intended_ns;
  errand.shopper = shopper;
  errand.item = first_item(who.taste);
  if (who.impatient) {
    shoppers_[shopper].again_left = static_cast<std::uint8_t>(1 + dice_.below(3));
  }
  follow_ups_.push(errand);
  if (who.double_clicks) later(errand, Purpose::second_click, errand.item, intended_ns);
  if (who.two_tabs) {
    later(errand, Purpose::second_tab, other_item(errand.item, shopper, true), intended_ns);
  }
}

void Worker::run_closed() {
  std::uint64_t now = monotonic_ns();
  while (true) {
    const bool over = arrivals_over(now);
    if (over && wire_.in_flight() == 0) return;
    while (!over && wire_.idle() > 0 && dispatch_next_closed(now)) {
    }
    now = wire_.poll(now + kLongestNapNs, *this);
    roll_second(now);
    publish(now);
  }
}

bool Worker::dispatch_next_closed(std::uint64_t now_ns) {
  if (started_ >= share_.requests) return false;
  Errand errand;
  errand.intended_ns = now_ns;
  if (shoppers_.size() > 0) {
    errand.shopper = static_cast<std::uint32_t>(started_ % shoppers_.size());
  }
  if (plan_.goods.size() > 1) {
    Dice taste(plan_.seed ^ (started_ * 0x9e37'79b9ULL + share_.seed));
    errand.item = first_item(taste.fraction());
    if (tally_.items[errand.item].first_sold_out_ns != 0) {
      errand.item = other_item(errand.item, errand.shopper, false);
    }
  }
  if (!dispatch(errand, now_ns)) return false;
  ++started_;
  return true;
}

bool Worker::dispatch(Errand errand, std::uint64_t now_ns) {
  errand.attempt = static_cast<std::uint8_t>(errand.attempt & ~kSentAfterGrant);
  if (shoppers_.size() > 0 && shoppers_[errand.shopper].grants > 0) {
    errand.attempt |= kSentAfterGrant;
  }
  compose(errand);
  if (!wire_.send(errand, request_, now_ns)) return false;
  if ((errand.attempt & kSentAfterGrant) != 0) ++tally_.duplicates.sent;
  return true;
}

void Worker::compose(const Errand& errand) {
  request_.assign(heads_[errand.item]);
  if (!raw_ || options_.raw_method == "POST") {
    request_ += shoppers_.token(errand.shopper);
    request_ += "\r\n";
  }
  if (options_.idempotency_keys && !raw_) {
    // One key per shopper and item: the same wish, however often it is clicked.
    fmt::format_to(std::back_inserter(request_), "Idempotency-Key: {:x}-{}-{}\r\n",
                   plan_.seed & 0xffff'ffff, shoppers_.first() + errand.shopper, errand.item);
  }
  request_ += "\r\n";
}

Character Worker::character(std::uint32_t shopper) const {
  Dice dice(plan_.seed + (std::uint64_t{shoppers_.first()} + shopper) * 0xd134'2543'de82'ef95ULL);
  Character who;
  who.taste = dice.fraction();
  who.impatient = dice.fraction() < options_.impatient;
  who.double_clicks = dice.fraction() < options_.double_click;
  who.two_tabs = dice.fraction() < options_.two_tabs;
  return who;
}

/// Items are wanted in proportion to their stock, so that all of them sell out at about one time.
std::uint16_t Worker::first_item(double taste) const {
  const double total = cumulative_.back();
  if (total <= 0) {
    return static_cast<std::uint16_t>(taste * static_cast<double>(cumulative_.size()));
  }
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), taste * total);
  const auto index =
      std::min<std::ptrdiff_t>(found - cumulative_.begin(), std::ssize(cumulative_) - 1);
  return static_cast<std::uint16_t>(index);
}

/// Another item that is not known to be sold out; `item` itself where there is none.
std::uint16_t Worker::other_item(std::uint16_t item, std::uint32_t shopper, bool same_sale) const {
  const std::size_t count = plan_.goods.size();
  const std::size_t offset = shopper % count;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t candidate = (offset + step) % count;
    if (candidate == item || tally_.items[candidate].first_sold_out_ns != 0) continue;
    if (same_sale && plan_.goods[candidate].sale_id != plan_.goods[item].sale_id) continue;
    return static_cast<std::uint16_t>(candidate);
  }
  return item;
}

std::uint64_t Worker::think_ns(std::uint32_t from_ms, std::uint32_t to_ms) {
  const double micros = from_ms * 1e3 + dice_.below((to_ms - from_ms) * 1000);
  return static_cast<std::uint64_t>(micros * 1e3 * options_.think);
}

void Worker::later(const Errand& errand, Purpose purpose, std::uint16_t item, std::uint64_t at_ns) {
  Errand next = errand;
  next.purpose = static_cast<std::uint8_t>(purpose);
  next.item = item;
  next.intended_ns = at_ns;
  follow_ups_.push(next);
}

void Worker::count(Outcome outcome, std::uint64_t now_ns) {
  roll_second(now_ns);
  ++tally_.outcomes[static_cast<std::size_t>(outcome)];
  ++second_.outcomes[static_cast<std::size_t>(outcome)];
}

void Worker::roll_second(std::uint64_t now_ns) {
  if (now_ns < second_end_ns_) return;
  const std::uint64_t ended = second_end_ns_ == 0 ? now_ns : second_end_ns_;
  const bool empty = std::all_of(second_.outcomes.begin(), second_.outcomes.end(),
                                 [](std::uint64_t n) { return n == 0; });
  if (!empty) {
    plan_.timeline->add((ended - 1 - start_ns_) / kSecond, second_);
    second_ = Second{};
  }
  second_end_ns_ = start_ns_ + ((now_ns - start_ns_) / kSecond + 1) * kSecond;
}

void Worker::publish(std::uint64_t now_ns) {
  if (now_ns < published_ns_ + kPublishEveryNs && finished_ns_ == 0) return;
  published_ns_ = now_ns;
  const std::uint64_t due = options_.mode == Mode::open ? next_due_ns() : UINT64_MAX;
  const std::lock_guard lock(progress_mutex_);
  progress_.outcomes = tally_.outcomes;
  progress_.sent = wire_.counts().sent;
  progress_.answered = tally_.answered();
  progress_.duplicates = tally_.duplicates.sent;
  progress_.in_flight = wire_.in_flight();
  progress_.behind_ns = due < now_ns ? now_ns - due : 0;
}

void Progress::add(const Progress& other) {
  for (std::size_t i = 0; i < kOutcomes; ++i)
    outcomes[i] += other.outcomes[i];
  sent += other.sent;
  answered += other.answered;
  duplicates += other.duplicates;
  in_flight += other.in_flight;
  behind_ns = std::max(behind_ns, other.behind_ns);
}

Progress Worker::progress() const {
  const std::lock_guard lock(progress_mutex_);
  return progress_;
}

}  // namespace sluice::rush

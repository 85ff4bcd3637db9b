// Sharing the crowd out to threads and adding up what they saw.
#include "rush/crowd.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace sluice::rush {
namespace {

constexpr std::chrono::milliseconds kGlance{20};
/// The kernel's default of 50 µs would show as latency of the server.
constexpr unsigned long kTimerSlackNs = 1'000;
constexpr std::uint64_t kProgressEveryNs = 1'000'000'000;

void pin_this_thread(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// The part of `total` that share `index` of `count` gets: as even as possible, nothing lost.
std::uint64_t part(std::uint64_t total, std::size_t index, std::size_t count) {
  return total * (index + 1) / count - total * index / count;
}

}  // namespace

Crowd::Crowd(std::string prefix, std::uint32_t shoppers, unsigned threads)
    : prefix_(std::move(prefix)), total_(shoppers), per_part_((shoppers + threads - 1) / threads) {
  for (unsigned i = 0; i < threads; ++i) {
    const std::uint32_t first = std::min(i * per_part_, total_);
    parts_.push_back(
        std::make_unique<Shoppers>(prefix_, first, std::min(per_part_, total_ - first)));
  }
}

void Crowd::sign(const SigningKey& key, Instant issued_at, const std::atomic<bool>& stop,
                 const std::function<void(std::uint64_t)>& on_progress) {
  std::atomic<std::uint64_t> signed_so_far{0};
  std::atomic<std::size_t> running{parts_.size()};
  std::vector<std::jthread> threads;
  threads.reserve(parts_.size());
  for (const auto& one : parts_) {
    threads.emplace_back([&, shoppers = one.get()] {
      shoppers->sign(key, issued_at, kTokenLifetime, signed_so_far, stop);
      running.fetch_sub(1);
    });
  }
  std::uint64_t next = monotonic_ns() + kProgressEveryNs;
  while (running.load() > 0) {
    std::this_thread::sleep_for(kGlance);
    if (monotonic_ns() < next) continue;
    next += kProgressEveryNs;
    on_progress(signed_so_far.load());
  }
}

Result<void> Crowd::connect(const Plan& plan, std::uint64_t round) {
  const std::size_t count = parts_.size();
  const Options& options = *plan.options;
  const std::uint64_t requests = options.requests == 0 ? total_ : options.requests;
  Dice dice(plan.seed + round);
  for (std::size_t i = 0; i < count; ++i) {
    Share share;
    share.rate = options.rate / static_cast<double>(count);
    share.requests = part(requests, i, count);
    const std::uint64_t connections = part(options.connections, i, count);
    share.connections = static_cast<unsigned>(std::max<std::uint64_t>(connections, 1));
    share.seed = dice.next();
    workers_.push_back(std::make_unique<Worker>(plan, share, *parts_[i]));
    if (auto up = workers_.back()->connect(); !up) return up;
  }
  return {};
}

void Crowd::play(std::uint64_t start_ns, const OnProgress& on_progress) {
  std::atomic<std::size_t> running{workers_.size()};
  std::vector<std::jthread> threads;
  threads.reserve(workers_.size());
  const Options& options = workers_.front()->options();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    threads.emplace_back([&, i] {
      if (options.pin_cpu) pin_this_thread(*options.pin_cpu + static_cast<unsigned>(i));
      prctl(PR_SET_TIMERSLACK, kTimerSlackNs, 0, 0, 0);
      workers_[i]->run(start_ns);
      running.fetch_sub(1);
    });
  }
  std::uint64_t next = start_ns + kProgressEveryNs;
  while (running.load() > 0) {
    std::this_thread::sleep_for(kGlance);
    if (monotonic_ns() < next) continue;
    next += kProgressEveryNs;
    Progress sum;
    for (const auto& one : workers_)
      sum.add(one->progress());
    on_progress(sum);
  }
}

std::uint64_t Crowd::finished_ns() const {
  std::uint64_t last = 0;
  for (const auto& one : workers_)
    last = std::max(last, one->finished_ns());
  return last;
}

Tally Crowd::tally() const {
  Tally sum;
  for (const auto& one : workers_)
    sum.merge(one->tally());
  return sum;
}

std::size_t Crowd::part_of(std::uint32_t index) const {
  return index / per_part_;
}

Shopper& Crowd::shopper(std::uint32_t index) {
  return (*parts_[part_of(index)])[index % per_part_];
}

std::string Crowd::user(std::uint32_t index) const {
  return parts_[part_of(index)]->user(index % per_part_);
}

std::string_view Crowd::token(std::uint32_t index) const {
  return parts_[part_of(index)]->token(index % per_part_);
}

}  // namespace sluice::rush

// The gateway's thread: takes calls, carries them over libcurl, repeats, and ends them.
#include "payment/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/assert.h"
#include "payment/crypto.h"

namespace sluice::payment {

namespace {

constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLastPause{2000};
/// Keys that the pause of the key ring held back are looked at this often.
constexpr std::chrono::milliseconds kIdle{1000};
constexpr std::chrono::milliseconds kShortestAttempt{1};

Instant wall_clock() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

Fault unavailable(std::string message) {
  return {Fault::Kind::unavailable, {}, std::move(message)};
}

/// The download of the platform's keys, as a call like any other.
class KeyJob final : public Job {
 public:
  KeyJob(const Protocol& protocol, std::function<void()> ended)
      : protocol_(protocol), ended_(std::move(ended)) {
    waits_for_keys = false;
  }
  HttpCall make(const Moment& moment) override { return protocol_.fetch_keys(moment); }
  std::optional<Fault> read(const HttpAnswer& answer, Instant now) override {
    const auto done = protocol_.read_keys(answer, now);
    if (!done) return done.error();
    ended_();
    return std::nullopt;
  }
  void fail(Fault /*fault*/) override { ended_(); }

 private:
  const Protocol& protocol_;
  std::function<void()> ended_;
};

}  // namespace

std::chrono::milliseconds repeat_pause(int attempt, double jitter) {
  const int doublings = std::min(attempt - 1, 10);
  const auto pause = std::min(kFirstPause * (1 << doublings), kLastPause);
  const double taken = static_cast<double>(pause.count()) / 2 * jitter;
  return pause - std::chrono::milliseconds(static_cast<std::int64_t>(taken));
}

Driver::Driver(const Protocol& protocol, GatewayOptions options, TransferSetup setup)
    : protocol_(protocol),
      options_(std::move(options)),
      setup_(std::move(setup)),
      multi_(curl_multi_init(), &curl_multi_cleanup),
      breaker_(options_.breaker_failures, options_.breaker_pause),
      random_(std::random_device()()) {
  SLUICE_ASSERT(multi_ != nullptr, "memory for libcurl");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.concurrency));
  thread_ = std::thread([this] { run(); });
}

Steady Driver::deadline() const {
  return Clock::now() + std::chrono::milliseconds(options_.timeout.ms);
}

std::optional<Fault> Driver::submit(std::unique_ptr<Job>& job) {
  ++calls_;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_ >= options_.queue_bound) ++failures_;
    if (stopping_) return unavailable("the gateway stops");
    if (queued_ >= options_.queue_bound) {
      return unavailable(fmt::format("{} calls wait already; the provider is too slow", queued_));
    }
    ++queued_;
    inbox_.push_back(std::move(job));
  }
  curl_multi_wakeup(multi_.get());
  return std::nullopt;
}

void Driver::submit_next(std::unique_ptr<Job> job) {
  ++calls_;
  const std::lock_guard lock(mutex_);
  ++queued_;
  waiting_.push_front(std::move(job));
}

void Driver::wake() {
  curl_multi_wakeup(multi_.get());
}

void Driver::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_.get());
  if (thread_.joinable()) thread_.join();
}

Gateway::Health Driver::health() const {
  return {breaker_open_, calls_, failures_};
}

void Driver::run() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    take_inbox();
    refuse_expired(Clock::now());
    begin_waiting(Clock::now());
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
    }
    fetch_keys_if_wanted();
    breaker_open_ = breaker_.open();
    curl_multi_poll(multi_.get(), nullptr, 0, poll_ms(Clock::now()), nullptr);
  }
  end_everything();
}

void Driver::take_inbox() {
  const std::lock_guard lock(mutex_);
  std::ranges::move(inbox_, std::back_inserter(waiting_));
  inbox_.clear();
}

std::unique_ptr<Job> Driver::take_waiting() {
  std::unique_ptr<Job> job = std::move(waiting_.front());
  waiting_.pop_front();
  const std::lock_guard lock(mutex_);
  --queued_;
  return job;
}

/// All calls have the same timeout, so the oldest wait in front.
void Driver::refuse_expired(Steady now) {
  while (!waiting_.empty() && waiting_.front()->deadline <= now) {
    settle(take_waiting(), unavailable(fmt::format("not sent within {} ms: {} calls are under way",
                                                   options_.timeout.ms, active_.size())));
  }
}

void Driver::begin_waiting(Steady now) {
  while (!repeats_.empty() && repeats_.begin()->first <= now &&
         active_.size() < options_.concurrency) {
    auto next = repeats_.extract(repeats_.begin());
    begin(std::move(next.mapped()), now);
  }
  while (!waiting_.empty() && active_.size() < options_.concurrency)
    begin(take_waiting(), now);
}

void Driver::begin(std::unique_ptr<Job> job, Steady now) {
  if (!breaker_.admit(now)) {
    Fault fault = job->last_fault.value_or(unavailable(fmt::format(
        "not sent: the provider failed {} times in a row; it is tried again every {} ms",
        options_.breaker_failures, options_.breaker_pause.ms)));
    settle(std::move(job), std::move(fault));
    return;
  }
  // Half of the time at most for one attempt, so that one that hangs can be repeated.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(job->deadline - now);
  const auto timeout = std::max(std::min(left, std::chrono::milliseconds(options_.timeout.ms / 2)),
                                kShortestAttempt);
  ++job->attempts;
  HttpCall call = job->make(Moment{wall_clock(), random_nonce()});
  job->repeatable = call.repeatable;
  auto transfer = std::make_unique<Transfer>(setup_, std::move(call), timeout);
  CURL* handle = transfer->handle();
  curl_multi_add_handle(multi_.get(), handle);
  active_.emplace(handle, Active{std::move(job), std::move(transfer)});
}

void Driver::finish(CURL* handle, CURLcode code) {
  auto node = active_.extract(handle);
  SLUICE_ASSERT(!node.empty(), "libcurl ends only what was begun");
  auto [job, transfer] = std::move(node.mapped());
  curl_multi_remove_handle(multi_.get(), handle);
  auto answer = transfer->result(code);
  if (!answer) {
    breaker_.failed(Clock::now());
    repeat_or_settle(std::move(job), std::move(answer.error()));
    return;
  }
  // The call came through; perhaps only the key to read its answer is missing.
  if (job->waits_for_keys && protocol_.lacks_key(*answer) &&
      (fetching_keys_ || protocol_.wants_keys(wall_clock()))) {
    breaker_.succeeded();
    parked_.push_back({std::move(job), std::move(*answer)});
    return;
  }
  consider(std::move(job), *answer);
}

void Driver::consider(std::unique_ptr<Job> job, const HttpAnswer& answer) {
  auto fault = job->read(answer, wall_clock());
  // Whoever gives a reason of the protocol is alive; only silence and nonsense open the breaker.
  const bool alive = !fault || fault->kind == Fault::Kind::refused || !fault->code.empty();
  if (alive) {
    breaker_.succeeded();
  } else {
    breaker_.failed(Clock::now());
  }
  if (fault) repeat_or_settle(std::move(job), std::move(*fault));
}

void Driver::repeat_or_settle(std::unique_ptr<Job> job, Fault fault) {
  std::uniform_real_distribution<double> jitter(0, 1);
  const Steady at = Clock::now() + repeat_pause(job->attempts, jitter(random_));
  if (fault.kind != Fault::Kind::retry || !job->repeatable || job->attempts >= kMaxAttempts ||
      at >= job->deadline) {
    settle(std::move(job), std::move(fault));
    return;
  }
  job->last_fault = std::move(fault);
  repeats_.emplace(at, std::move(job));
}

void Driver::settle(std::unique_ptr<Job> job, Fault fault) {
  if (fault.kind != Fault::Kind::refused) ++failures_;
  job->fail(std::move(fault));
}

void Driver::fetch_keys_if_wanted() {
  if (fetching_keys_ || !protocol_.wants_keys(wall_clock())) return;
  fetching_keys_ = true;
  auto job = std::make_unique<KeyJob>(protocol_, [this] { keys_fetched(); });
  job->deadline = deadline();
  submit_next(std::move(job));
}

void Driver::keys_fetched() {
  fetching_keys_ = false;
  std::vector<Parked> parked = std::move(parked_);
  parked_.clear();
  for (Parked& waited : parked)
    consider(std::move(waited.job), waited.answer);
}

int Driver::poll_ms(Steady now) const {
  if (!waiting_.empty() && active_.size() < options_.concurrency) return 0;
  Steady next = now + kIdle;
  if (!repeats_.empty()) next = std::min(next, repeats_.begin()->first);
  if (!waiting_.empty()) next = std::min(next, waiting_.front()->deadline);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now);
  return static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count());
}

void Driver::end_everything() {
  std::vector<std::unique_ptr<Job>> ended;
  for (auto& [handle, active] : active_) {
    curl_multi_remove_handle(multi_.get(), handle);
    ended.push_back(std::move(active.job));
  }
  active_.clear();
  for (auto& [at, job] : repeats_)
    ended.push_back(std::move(job));
  repeats_.clear();
  for (Parked& waited : parked_)
    ended.push_back(std::move(waited.job));
  parked_.clear();
  take_inbox();
  std::ranges::move(waiting_, std::back_inserter(ended));
  waiting_.clear();
  for (auto& job : ended)
    settle(std::move(job), unavailable("the gateway stopped before the provider answered"));
}

}  // namespace sluice::payment

// The order of events of a rush.
#include "rush/run.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "http/token.h"
#include "rush/audit.h"
#include "rush/control.h"
#include "rush/crowd.h"
#include "rush/sale_choice.h"
#include "rush/target.h"

namespace sluice::rush {
namespace {

constexpr unsigned kClosedConnections = 64;
constexpr unsigned kOpenConnections = 256;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStartMarginNs = 20 * kMs;  // threads are up and waiting by then

std::atomic<bool> g_stop{false};

extern "C" void on_signal(int) {
  g_stop.store(true);
}

/// While it lives, SIGINT and SIGTERM end arrivals instead of the process.
class SignalGuard {
 public:
  SignalGuard() {
    g_stop.store(false);
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~SignalGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

Instant wall_now() {
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()};
}

/// One line on standard error, rewritten in place on a terminal.
class ProgressLine {
 public:
  void show(const std::string& text) {
    static const bool terminal = isatty(STDERR_FILENO) == 1;
    fmt::print(stderr, "{}{}{}", terminal ? "\r\033[K" : "", text, terminal ? "" : "\n");
    std::fflush(stderr);
    open_ = terminal;
  }
  ~ProgressLine() {
    if (open_) fmt::print(stderr, "\n");
  }

 private:
  bool open_ = false;
};

std::string describe(const Progress& now, double seconds, std::uint64_t p99_ns, bool raw) {
  const auto count = [&now](Outcome outcome) { return grouped(count_of(now.outcomes, outcome)); };
  std::string text = fmt::format("{:>5.1f} s  sent {}  answered {}", seconds, grouped(now.sent),
                                 grouped(now.answered));
  if (!raw) {
    // A cluster grants what it queued, or says why not at the end.
    const std::uint64_t won =
        count_of(now.outcomes, Outcome::granted) + count_of(now.outcomes, Outcome::queued);
    text += fmt::format("  granted {}  sold out {}  dup {}", grouped(won), count(Outcome::sold_out),
                        grouped(now.duplicates));
  }
  const std::uint64_t errors = count_of(now.outcomes, Outcome::refused) +
                               count_of(now.outcomes, Outcome::server_error) +
                               count_of(now.outcomes, Outcome::connection_error) +
                               count_of(now.outcomes, Outcome::timed_out);
  text += fmt::format("  errors {}  p99 {:.2f} ms  in flight {}", grouped(errors), to_ms(p99_ns),
                      now.in_flight);
  if (now.behind_ns > 10 * kMs) text += fmt::format("  {:.0f} ms behind", to_ms(now.behind_ns));
  return text;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Everything a run needs, filled step by step.
class Rush {
 public:
  Rush(Options options, const KeySource& source)
      : options_(std::move(options)), source_(source), raw_(!options_.raw_method.empty()) {}

  Result<Report> run() {
    if (auto ready = prepare(); !ready) return std::unexpected(ready.error());
    for (unsigned round = 0; round < options_.rounds && !g_stop.load(); ++round) {
      if (auto played = play(round); !played) return std::unexpected(played.error());
    }
    report_.interrupted = g_stop.load();
    return std::move(report_);
  }

 private:
  Result<void> prepare();
  Result<void> find_goods();
  Result<void> play(unsigned round);
  void sign(Crowd& crowd);
  void judge_round(Crowd& crowd, const Tally& tally, const Before& before, Round& result);
  std::string prefix(unsigned round) const;
  Control control() const;
  std::uint64_t start_moment() const;

  Options options_;
  const KeySource& source_;
  bool raw_;
  SigningKey key_;
  Plan plan_;
  std::optional<Instant> starts_at_;  ///< server's clock; empty: at once
  Span server_ahead_;                 ///< server's clock minus ours
  Report report_;
  ProgressLine line_;
};

Result<void> Rush::prepare() {
  raise_file_limit();
  const Addresses found = find_addresses(options_.data);
  if (options_.admin_url.empty()) {
    options_.admin_url = options_.url.empty() ? found.admin_url : options_.url;
  }
  auto target = resolve_target(options_.url.empty() ? found.url : options_.url);
  if (!target) return std::unexpected(target.error());
  const auto admin = resolve_target(options_.admin_url);
  if (!admin) return std::unexpected(admin.error());
  options_.admin_url = admin->url;
  if (!target->loopback && !options_.i_own_this_server) {
    return fail(fmt::format(
        "{} is not this machine; rush is a load generator, so it plays a crowd against another "
        "machine only with --i-own-this-server",
        target->url));
  }
  plan_.target = std::move(*target);
  if (raw_) options_.mode = Mode::closed;
  if (options_.connections == 0) {
    options_.connections = options_.mode == Mode::closed ? kClosedConnections : kOpenConnections;
  }
  options_.threads = std::min(options_.threads, options_.connections);
  if (options_.mode == Mode::open) {
    options_.rounds = 1;
  } else if (options_.requests == 0) {
    options_.requests = options_.duration ? kMaxRequests : options_.shoppers;
  } else if (options_.requests <= kMaxShoppers) {
    options_.shoppers = std::max(options_.shoppers, static_cast<std::uint32_t>(options_.requests));
  }
  plan_.options = &options_;
  plan_.stop = &g_stop;
  plan_.seed = options_.seed != 0 ? options_.seed : static_cast<std::uint64_t>(wall_now().ms);
  if (raw_ && options_.secret_file.empty() && options_.config.empty()) {
    key_.secret = "any-key-will-do-for-a-server-that-checks-none";
  } else {
    // A configuration names its own data folder, unless another one is asked for.
    const bool by_data = options_.config.empty() || options_.data_given;
    auto key = source_({by_data ? options_.data : "", options_.config, options_.secret_file});
    if (!key) return std::unexpected(key.error());
    key_ = std::move(*key);
  }
  if (raw_) {
    plan_.goods.push_back({});
    return {};
  }
  return find_goods();
}

Control Rush::control() const {
  http::TokenRequest admin;
  admin.user = "sluice-rush";
  admin.role = http::Role::admin;
  admin.issued_at = wall_now();
  admin.lifetime = kTokenLifetime;
  admin.issuer = key_.issuer;
  admin.audience = key_.audience;
  return {plan_.target.url, options_.admin_url, http::sign_hs256(admin, key_.secret)};
}

Result<void> Rush::find_goods() {
  const auto listing = control().sales();
  if (!listing) return std::unexpected(listing.error());
  server_ahead_ = listing->now - wall_now();
  auto choice = choose_goods(*listing, options_);
  if (!choice) return std::unexpected(choice.error());
  plan_.goods = std::move(choice->goods);
  starts_at_ = choice->starts_at;
  return {};
}

std::string Rush::prefix(unsigned round) const {
  const std::string own =
      options_.user_prefix.empty() ? fmt::format("rush-{:x}", wall_now().ms) : options_.user_prefix;
  return options_.rounds > 1 ? fmt::format("{}-r{}-", own, round + 1) : own + "-";
}

void Rush::sign(Crowd& crowd) {
  const bool needed = !raw_ || options_.raw_method == "POST";
  if (!needed) return;
  crowd.sign(key_, wall_now(), g_stop, [&](std::uint64_t done) {
    line_.show(fmt::format("signing tokens: {} of {}", grouped(done), grouped(crowd.size())));
  });
}

/// The start of the sale on our monotonic clock, or as soon as the threads are up.
std::uint64_t Rush::start_moment() const {
  const std::uint64_t soon = monotonic_ns() + kStartMarginNs;
  if (!starts_at_) return soon;
  const Span wait = *starts_at_ - (wall_now() + server_ahead_);
  if (wait.ms <= 0) return soon;
  return soon + static_cast<std::uint64_t>(wait.ms) * kMs;
}

Result<void> Rush::play(unsigned round) {
  Crowd crowd(prefix(round), options_.shoppers, options_.threads);
  sign(crowd);
  Before before;
  before.stats.resize(plan_.goods.size());
  std::vector<std::string> troubles;
  if (!raw_) before.stats = read_all_stats(plan_, control(), troubles);
  if (!troubles.empty()) return fail(troubles.front());
  for (std::size_t i = 0; i < plan_.goods.size(); ++i) {
    if (before.stats[i]) plan_.goods[i].available = before.stats[i]->available;
  }
  Timeline timeline;
  plan_.timeline = &timeline;
  if (auto up = crowd.connect(plan_, round); !up) return up;
  const std::uint64_t start = start_moment();
  before.server_time = wall_now() + server_ahead_;
  before.monotonic_ns = monotonic_ns();
  if (start > monotonic_ns() + 1000 * kMs) {
    line_.show(fmt::format("the sale starts in {:.0f} s; {} shoppers are waiting",
                           to_ms(start - monotonic_ns()) / 1e3, grouped(crowd.size())));
  }
  report_.started_at = wall_now() + Span{static_cast<std::int64_t>((start - monotonic_ns()) / kMs)};
  crowd.play(start, [&](const Progress& now) {
    line_.show(describe(now, to_ms(monotonic_ns() - start) / 1e3, timeline.newest_p99_ns(), raw_));
  });

  const std::uint64_t finished = std::max(crowd.finished_ns(), start + 1);
  report_.tally = crowd.tally();
  report_.timeline = timeline.seconds();
  report_.seconds = to_ms(finished - start) / 1e3;
  Round result;
  result.seconds = report_.seconds;
  result.answered = report_.tally.answered();
  result.p50_ns = report_.tally.latency.percentile_ns(0.5);
  result.p99_ns = report_.tally.latency.percentile_ns(0.99);
  result.cpu = report_.tally.cpu_seconds / (report_.seconds * options_.threads);
  if (!raw_) judge_round(crowd, report_.tally, before, result);
  report_.rounds.push_back(result);
  report_.options = options_;
  report_.url = plan_.target.url;
  report_.prefix = crowd.prefix();
  report_.seed = plan_.seed;
  return {};
}

void Rush::judge_round(Crowd& crowd, const Tally& tally, const Before& before, Round& result) {
  line_.show("checking every promise against the server");
  const Control control = this->control();
  Evidence evidence = Audit(plan_, control, crowd, tally, before).gather();
  Verdict verdict = judge(evidence);
  result.passed = verdict.passed();
  // A failed round is what the report must show, whatever came after it.
  const bool keep = report_.verdict && !report_.verdict->passed();
  if (keep) return;
  report_.evidence = std::move(evidence);
  report_.verdict = std::move(verdict);
}

}  // namespace

Result<Report> run(Options options, const KeySource& source) {
  const SignalGuard guard;
  return Rush(std::move(options), source).run();
}

}  // namespace sluice::rush

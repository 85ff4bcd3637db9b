// What the cluster's record carries: orders, payments and expiries a second in a real MariaDB, by
// the size of the batch and the number of workers.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "mariadb/address.h"
#include "store/cluster_record.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using store::ClusterRecord;
using store::Reservation;

constexpr Instant kNow{1'795'000'000'000};
constexpr Span kHold = Span::seconds(1800);

template <class T>
T must(mariadb::Outcome<T> outcome) {
  if (!outcome) {
    fmt::print(stderr, "{}\n", outcome.error().message);
    std::exit(1);
  }
  return std::move(*outcome);
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of another process, from /proc/PID/stat: fields 14 and 15.
double cpu_seconds_of(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/stat");
  std::string text;
  std::getline(in, text);
  const char* at = text.c_str() + text.rfind(')') + 2;
  for (int field = 3; field < 14; ++field)
    at = std::strchr(at, ' ') + 1;
  char* next = nullptr;
  const auto user = std::strtoull(at, &next, 10);
  const auto system = std::strtoull(next, nullptr, 10);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Round {
  const char* work = "";
  std::size_t batch = 0;
  std::size_t workers = 0;
  std::size_t count = 0;
};

class Bench {
 public:
  Bench(mariadb::Address address, std::string server_pid)
      : address_(std::move(address)), server_pid_(std::move(server_pid)) {}

  /// A sale of its own for so many orders; their ids begin at the answer.
  std::int64_t open_sale(std::size_t stock) {
    sale::OpenSale open;
    open.by = {"bench", "bench"};
    open.title = "bench";
    open.starts_at = Instant{kNow.ms - 1000};
    open.ends_at = Instant{kNow.ms + 86'400'000};
    open.hold = kHold;
    sale::ItemDraft draft;
    draft.title = "plenty";
    draft.price = draft.list_price = Money{1999};
    draft.currency = *Currency::parse("CNY");
    draft.stock = Quantity{static_cast<std::int64_t>(stock)};
    open.items.push_back(draft);
    auto record = must(ClusterRecord::open(address_));
    const auto sale = must(record->define(open, kNow)).sale;
    if (!sale) std::exit(1);
    item_ = ItemNo{sale->value};  // one item a sale
    next_id_ += std::int64_t{1} << 32;
    return next_id_;
  }

  Reservation reservation(std::int64_t id) const {
    Reservation wanted;
    wanted.id = OrderId{id};
    // Shoppers come in no order of name.
    wanted.user = fmt::format("user-{:016x}", static_cast<std::uint64_t>(id) * 0x9e3779b97f4a7c15);
    wanted.item = item_;
    wanted.amount = Money{1999};
    wanted.created_at = kNow;
    wanted.expires_at = kNow + kHold;
    return wanted;
  }

  /// `piece` does orders [from, to) of the round.
  void run(const Round& round,
           const std::function<void(ClusterRecord&, std::size_t from, std::size_t to)>& piece) {
    std::vector<std::unique_ptr<ClusterRecord>> records;
    for (std::size_t i = 0; i < round.workers; ++i)
      records.push_back(must(ClusterRecord::open(address_)));
    std::atomic<std::size_t> next{0};
    std::vector<std::vector<double>> taken_ms(round.workers);
    const double own_before = own_cpu_seconds();
    const double server_before = cpu_seconds_of(server_pid_);
    const auto began = Clock::now();
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < round.workers; ++worker) {
      workers.emplace_back([&, worker] {
        for (;;) {
          const std::size_t from = next.fetch_add(round.batch);
          if (from >= round.count) return;
          const auto start = Clock::now();
          piece(*records[worker], from, std::min(from + round.batch, round.count));
          taken_ms[worker].push_back(
              std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        }
      });
    }
    workers.clear();
    const double wall = std::chrono::duration<double>(Clock::now() - began).count();
    std::vector<double> all;
    for (const auto& part : taken_ms)
      all.insert(all.end(), part.begin(), part.end());
    std::ranges::sort(all);
    const auto each_us = [&](double seconds) {
      return seconds * 1e6 / static_cast<double>(round.count);
    };
    fmt::print(
        R"({{"work":"{}","batch":{},"workers":{},"count":{},"per_second":{:.0f},"p50_ms":{:.2f},)"
        R"("p99_ms":{:.2f},"own_us":{:.1f},"server_us":{:.1f}}})"
        "\n",
        round.work, round.batch, round.workers, round.count,
        static_cast<double>(round.count) / wall, all[all.size() / 2], all[all.size() * 99 / 100],
        each_us(own_cpu_seconds() - own_before),
        each_us(cpu_seconds_of(server_pid_) - server_before));
    std::fflush(stdout);
  }

  void grant(const Round& round) {
    const std::int64_t first = open_sale(round.count);
    run(round, [&](ClusterRecord& record, std::size_t from, std::size_t to) {
      std::vector<Reservation> batch;
      for (std::size_t i = from; i < to; ++i)
        batch.push_back(reservation(first + static_cast<std::int64_t>(i)));
      for (const auto& reply : must(record.grant(batch, kNow)))
        if (reply.outcome != store::GrantOutcome::granted) std::exit(1);
    });
  }

  /// Of the orders that were granted last.
  void pay(const Round& round) {
    run(round, [&](ClusterRecord& record, std::size_t from, std::size_t to) {
      std::vector<sale::Command> batch;
      for (std::size_t i = from; i < to; ++i) {
        const OrderId order{next_id_ + static_cast<std::int64_t>(i)};
        batch.emplace_back(sale::PaymentSucceeded{order, fmt::format("42000{}", order.value),
                                                  Money{1999}, *Currency::parse("CNY"), kNow});
      }
      for (const auto status : must(record.apply(batch, kNow)).statuses)
        if (status != sale::OrderStatus::paid) std::exit(1);
    });
  }

  void expire(const Round& round) {
    const Instant later = kNow + kHold + Span{64};
    run(round, [&](ClusterRecord& record, std::size_t from, std::size_t to) {
      const auto swept = must(record.sweep(static_cast<std::uint32_t>(to - from), later));
      if (std::get<sale::PulseOutcome>(swept.outcomes[0]).expired != to - from) std::exit(1);
    });
  }

 private:
  mariadb::Address address_;
  std::string server_pid_;
  ItemNo item_{};
  std::int64_t next_id_ = std::int64_t{1} << 50;
};

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const auto address = argc == 4 ? sluice::mariadb::parse_address(argv[1])
                                 : sluice::Result<sluice::mariadb::Address>(sluice::fail("usage"));
  if (!address) {
    std::fputs("usage: mariadb_record_cost mysql://… PID-OF-SERVER COUNT\n", stderr);
    return 2;
  }
  const std::size_t count = std::strtoull(argv[3], nullptr, 10);
  sluice::Bench bench(*address, argv[2]);
  for (const std::size_t batch : {1U, 16U, 64U, 256U, 1024U, 4096U}) {
    for (const std::size_t workers : {1U, 2U}) {
      const std::size_t many = batch < 64 ? std::max<std::size_t>(count / 64 * batch, 500) : count;
      bench.grant({"grant", batch, workers, std::min(many, count)});
    }
  }
  bench.grant({"grant", 256, 4, count});
  bench.pay({"pay", 256, 2, count});
  bench.grant({"grant", 1024, 1, count});
  bench.expire({"expire", 1024, 1, count});
  return 0;
}

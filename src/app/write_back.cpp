// The loop around store::WriteBack, and its three keys.
#include "app/write_back.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "app/logging.h"
#include "app/system.h"
#include "import/plan.h"
#include "mariadb/address.h"

namespace sluice::app {

namespace {

constexpr const char* kLease = "write-back";
/// Longer than any page takes; a node that dies is followed by another after it.
constexpr Span kLeaseLength = Span::seconds(30);
/// Between two looks at a history that has not grown, and after a failure.
constexpr std::chrono::milliseconds kPause{1000};
/// MySQL's and MariaDB's limit on the name of a table.
constexpr std::size_t kMaxTableName = 64;

}  // namespace

bool write_back_configured(const Config& config) {
  return !config.text("write_back.url").empty();
}

Result<store::OrderTable> write_back_table(const Config& config) {
  store::OrderTable table;
  auto address = mariadb::parse_address(config.text("write_back.url"));
  if (!address) return fail("write_back.url: " + address.error().message);
  table.address = std::move(*address);
  table.name = config.text("write_back.table");
  if (table.name.empty() || table.name.size() > kMaxTableName) {
    return fail(fmt::format("write_back.table has {} bytes; the name of a table has 1 to {}",
                            table.name.size(), kMaxTableName));
  }
  const auto offset = importing::parse_utc_offset(config.text("write_back.utc_offset"));
  if (!offset) return fail("write_back.utc_offset: " + offset.error().message);
  table.utc_offset = *offset;
  return table;
}

Result<std::unique_ptr<Copier>> Copier::start(const Config& config) {
  const auto record = mariadb::parse_address(config.text("database.url"));
  if (!record) return fail("database.url: " + record.error().message);
  const auto table = write_back_table(config);
  if (!table) return std::unexpected(table.error());
  auto copies = store::WriteBack::open(*record, *table);
  if (!copies) return fail("[write_back]: " + copies.error().message);
  auto leases = store::ClusterLeases::open(*record);
  if (!leases) return fail("[write_back]: " + leases.error().message);
  spdlog::info("paid orders are written back to {} at {}", escaped(table->name),
               table->address.shown());
  return std::unique_ptr<Copier>(new Copier(std::move(*copies), std::move(*leases)));
}

Copier::Copier(std::unique_ptr<store::WriteBack> copies,
               std::unique_ptr<store::ClusterLeases> leases)
    : copies_(std::move(copies)),
      leases_(std::move(leases)),
      holder_(fmt::format("{:016x}{:016x}", random_seed(), random_seed())),
      thread_([this] { run(); }) {}

Copier::~Copier() {
  stop();
}

void Copier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Copier::run() {
  pthread_setname_np(pthread_self(), "write-back");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool go_on = turn();
    lock.lock();
    if (!go_on) wake_.wait_for(lock, kPause, [this] { return stopping_; });
  }
  lock.unlock();
  // Best effort: the lease ends by itself.
  (void)leases_->give_back(kLease, holder_);
}

bool Copier::turn() {
  const auto held = leases_->take(kLease, holder_, kLeaseLength);
  if (!held) return failed(held.error());
  if (!*held) return false;
  const auto step = copies_->step();
  if (!step) return failed(step.error());
  for (const std::string& problem : step->problems)
    spdlog::error("write-back: {}", escaped(problem));
  if (std::exchange(is_failing_, false)) spdlog::info("write-back: it works again");
  return step->more;
}

bool Copier::failed(const mariadb::Failure& failure) {
  if (!std::exchange(is_failing_, true)) {
    spdlog::warn("write-back: {}; it is tried again every {} s", escaped(failure.message),
                 kPause.count() / 1000);
  }
  return false;
}

}  // namespace sluice::app

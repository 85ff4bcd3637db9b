// Group commit for the ledger.
#include "payment/ledger_thread.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace sluice::payment {

using sqlite::Database;

LedgerThread::LedgerThread(std::unique_ptr<Ledger> ledger)
    : ledger_(std::move(ledger)), thread_([this] { run(); }) {}

LedgerThread::~LedgerThread() {
  stop();
}

LedgerThread::Admission LedgerThread::post(std::unique_ptr<Task>& task, Entry entry) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Admission::closed;
  if (entry == Entry::bounded && waiting_.size() >= kMaxWaiting) return Admission::full;
  waiting_.push_back(std::move(task));
  if (waiting_.size() == 1) arrived_.notify_one();
  return Admission::accepted;
}

void LedgerThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_one();
  }
  if (!thread_.joinable()) return;
  SLUICE_ASSERT(thread_.get_id() != std::this_thread::get_id(), "stopped from outside");
  thread_.join();
}

void LedgerThread::run() {
  std::vector<std::unique_ptr<Task>> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) break;
      std::swap(batch, waiting_);
    }
    process(batch);
    batch.clear();
  }
  if (!ledger_->database().close()) healthy_ = false;
}

void LedgerThread::process(std::vector<std::unique_ptr<Task>>& batch) {
  // Not std::stable_partition: with clang, libstdc++ 12 calls its buffer deprecated.
  std::vector<std::unique_ptr<Task>> late;
  for (auto& task : batch) {
    if (task->only_reads()) late.push_back(std::move(task));
  }
  std::erase(batch, nullptr);
  const std::ptrdiff_t writes = std::ssize(batch);
  std::ranges::move(late, std::back_inserter(batch));
  const auto reads = batch.begin() + writes;
  if (reads != batch.begin()) {
    const std::optional<Error> failure = write({batch.begin(), reads});
    report(failure);
    for (auto task = batch.begin(); task != reads; ++task)
      (*task)->done(failure);
  }
  for (auto task = reads; task != batch.end(); ++task) {
    std::optional<Error> failure;
    if ((*task)->work(*ledger_) != SQLITE_OK) {
      failure = ledger_->database().connection().error("reading the ledger");
    }
    (*task)->done(failure);
  }
  // A full disk has lost nothing here; it shows again at the next commit that finds no room.
  if (auto moved = ledger_->database().checkpoint_if_due(); !moved) report(moved.error());
}

void LedgerThread::report(const std::optional<Error>& failure) {
  if (ledger_->database().failure() == Database::Failure::broken) healthy_ = false;
  const bool stores = !failure;
  if (std::exchange(stores_, stores) == stores) return;
  if (failure) {
    spdlog::critical("alarm: the payment ledger cannot store: {}", failure->message);
  } else {
    spdlog::warn("the payment ledger stores again");
  }
}

std::optional<Error> LedgerThread::write(std::span<const std::unique_ptr<Task>> tasks) {
  Database& database = ledger_->database();
  if (auto begun = database.begin(); !begun) return begun.error();
  for (const auto& task : tasks) {
    if (task->work(*ledger_) != SQLITE_OK) return database.abandon();
  }
  if (auto committed = database.commit(); !committed) return committed.error();
  return std::nullopt;
}

}  // namespace sluice::payment

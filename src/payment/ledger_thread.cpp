// Group commit for the ledger.
#include "payment/ledger_thread.h"

#include <algorithm>
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
  const auto reads = std::stable_partition(batch.begin(), batch.end(),
                                           [](const auto& task) { return !task->only_reads(); });
  if (reads != batch.begin()) {
    const std::optional<Error> failure = write({batch.begin(), reads});
    if (failure && ledger_->database().failure() == Database::Failure::broken) healthy_ = false;
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
  Database& database = ledger_->database();
  // A full disk has lost nothing here; it shows again at the next commit that finds no room.
  if (!database.checkpoint_if_due() && database.failure() == Database::Failure::broken) {
    healthy_ = false;
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

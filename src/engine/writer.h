// The single writer: drains what has arrived, applies it, commits it as one batch, and only then
// lets the answers go (group commit).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/clock.h"
#include "engine/embedded.h"
#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/outbox.h"
#include "engine/shopper_filter.h"
#include "sale/effects.h"
#include "sale/state.h"
#include "store/record.h"

namespace sluice::engine {

/// What the writer shows to other threads.
struct View {
  Catalogs catalogs;
  ShopperFilter shoppers;
  Counts counts;
  std::atomic<bool> storage_ok{true};
  std::atomic<bool> storage_lost{false};
  std::atomic<bool> conserved{true};
  std::atomic<std::int64_t> watchers{0};
};

class Writer {
 public:
  /// Recovers the state from `record` and publishes the first view. The thread starts with start().
  static Result<std::unique_ptr<Writer>> recover(std::unique_ptr<store::Record> record,
                                                 const EmbeddedOptions& options, Clock& clock,
                                                 View& view);
  ~Writer();

  void start();
  Inbox& inbox() { return inbox_; }
  NoticeBoard& notices() { return notices_; }
  DutyBoard& duties() { return duties_; }
  /// Returns when readers of the record see every commit so far. Any thread.
  Result<> settle() { return record_->settle(); }
  /// Closes the inbox, finishes what was accepted, closes the record, joins the thread.
  void stop();

 private:
  Writer(std::unique_ptr<store::Record> record, const EmbeddedOptions& options, Clock& clock,
         View& view);

  Result<> load_state();
  void run();
  void process(std::span<Submission> batch);
  Reply apply(sale::Command&& command, Instant now);
  void pulse_if_due(Instant now);
  bool has_room(Instant now);
  bool commit(Instant now);
  void storage_failed(const Error& error, Instant now);
  void after_failed_commit(std::span<Submission> batch);
  void publish();
  void publish_catalog();
  void report_alarms();

  std::unique_ptr<store::Record> record_;
  const EmbeddedOptions options_;
  sale::Settings settings_;
  Clock& clock_;
  View& view_;
  sale::State state_;
  sale::Effects effects_;
  std::vector<std::shared_ptr<LiveCounters>> live_;  ///< index == ItemNo.value
  std::vector<Reply> replies_;                       ///< of the batch in hand
  Inbox inbox_;
  Outbox outbox_;
  NoticeBoard notices_;
  DutyBoard duties_;
  Instant next_pulse_;
  bool pulse_again_ = false;
  std::uint64_t catalog_version_ = 0;
  Reply::Trouble trouble_ = Reply::Trouble::none;  ///< why nothing can be made durable at present
  Instant retry_storage_at_;
  std::string tables_trouble_;  ///< as it was logged last
  bool wall_clock_jumped_ = false;
  std::thread thread_;
};

}  // namespace sluice::engine

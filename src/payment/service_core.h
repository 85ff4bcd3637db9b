// What the flows of the payment service share. Everything a flow changes beside the ledger is
// changed on the ledger's thread, so nothing here is locked.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "bus/bus.h"
#include "payment/gateway.h"
#include "payment/ledger_thread.h"
#include "payment/service.h"

namespace sluice::payment {

/// A payment that the provider does not know this long after its end will not come to be.
inline constexpr Span kGoneAfter = Span::seconds(10 * 60);
/// What a notification may have; WeChat's have a few kilobytes.
inline constexpr std::size_t kMaxNotificationBytes = 64 * 1024;
inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
/// Events whose repetitions are counted in memory until the next notification is logged.
inline constexpr std::size_t kMaxCounted = 10'000;
/// Requests that wait for the same answer of the provider or the bus.
inline constexpr std::size_t kMaxJoined = 10'000;

using Acknowledge = std::move_only_function<void(Acknowledgement)>;

ServiceError invalid(std::string message);
ServiceError no_storage(const Error& why);
ServiceError gateway_error(Fault fault);
ServiceError stopping();

/// Admits so many a minute.
class MinuteMeter {
 public:
  explicit MinuteMeter(std::uint32_t per_minute) : per_minute_(per_minute) {}
  bool admit(Instant now);

 private:
  const std::uint32_t per_minute_;
  std::mutex mutex_;
  Instant start_;
  std::uint32_t count_ = 0;
};

/// Shared by the service and by the answers that gateway and bus still owe it.
struct Core : std::enable_shared_from_this<Core> {
  Core(ServiceOptions its_options, Gateway& its_gateway, bus::Bus& its_bus,
       std::unique_ptr<Ledger> ledger);

  bool allows(const Attach& attach) const;
  Instant now() const { return options.now(); }

  const ServiceOptions options;
  Gateway& gateway;
  bus::Bus& bus;
  MinuteMeter refusals;
  struct {
    std::atomic<std::uint64_t> routed{0}, repeated{0}, refused{0}, not_logged{0}, not_stored{0};
  } counts;

  // The ledger thread's own.
  std::unordered_map<std::string, std::vector<Answer<Payment>>> creating;  ///< by out_trade_no
  std::unordered_map<std::string, std::vector<Acknowledge>> routing;       ///< by event_id
  std::unordered_map<std::string, std::uint64_t> repetitions;              ///< not written yet

  LedgerThread thread;  ///< last: its tasks use the rest
};

// The flows. Any thread.
void create_payment(Core& core, PaymentRequest request, Answer<Payment> then);
void route_notification(Core& core, RawNotification raw, Acknowledge then);
void replay_notification(Core& core, std::int64_t sequence, Answer<NotificationEntry> then);

/// Writes the counted repetitions; in a transaction on the ledger's thread.
int flush_repetitions(Core& core, Ledger& ledger);

/// Posts a task with an answer that is told where it cannot be.
template <class T>
void post_or_answer(Core& core, std::unique_ptr<T> task) {
  T* const kept = task.get();
  std::unique_ptr<Task> posted = std::move(task);
  switch (core.thread.post(posted, LedgerThread::Entry::bounded)) {
    case LedgerThread::Admission::accepted:
      return;
    case LedgerThread::Admission::full:
      return kept->refuse(no_storage(Error{"too much waits to be written: try again later."}));
    case LedgerThread::Admission::closed:
      return kept->refuse(stopping());
  }
}

}  // namespace sluice::payment

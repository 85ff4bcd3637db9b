// What the parts of the desk share: the loop, the engine and the provider, and the two ways to ask
// them: commands that are repeated until they are durable, and calls that notice an outage.
#pragma once

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "engine/engine.h"
#include "payment/gateway.h"
#include "payment/service.h"
#include "settlement/desk.h"
#include "settlement/loop.h"

namespace sluice::settlement {

/// Doubles from `first` to `last`.
struct Backoff {
  Span first;
  Span last;
  Span next_wait{0};

  Span next() {
    next_wait = next_wait.ms == 0 ? first : Span{std::min(next_wait.ms * 2, last.ms)};
    return next_wait;
  }
  void reset() { next_wait = Span{0}; }
};

/// What the provider said, and whether it said anything: a call that was lost in an outage tells
/// nothing about the order it was made for.
template <class T>
struct Said {
  payment::Outcome<T> outcome;
  bool lost = false;
};

/// Everything here runs on the loop's thread unless said otherwise.
class Office {
 public:
  Office(DeskOptions chosen, Loop& its_loop, engine::Engine& its_engine,
         payment::Service& its_service, payment::Gateway& its_gateway);

  const DeskOptions options;
  Loop& loop;
  engine::Engine& engine;
  payment::Service& service;

  // Commands
  // ---------------------------------------------------------------------------------------
  /// Asks once; empty: it was not made durable (overloaded, storage), and had no effect.
  using Once = std::move_only_function<void(std::optional<engine::Reply>)>;
  void submit_once(sale::Command command, Once then);
  /// Asks until the answer is durable. Dropped at the stop: after a restart the engine's recovery
  /// and the provider tell again.
  void submit(sale::Command command, std::move_only_function<void(const engine::Reply&)> then);

  // The provider
  // -----------------------------------------------------------------------------------
  template <class T>
  using Then = std::move_only_function<void(Said<T>)>;
  /// Through the service, whose ledger learns what the provider says.
  void close(OrderId order, Then<payment::CloseAnswer> then);
  void query(OrderId order, Then<payment::Trade> then);
  /// Past the ledger: a payment must stay in its list of open ones until the engine has the money.
  void query_unseen(OrderId order, Then<payment::Trade> then);
  void refund(payment::RefundOrder refund, Then<payment::RefundProgress> then);
  void query_refund(OrderId order, std::string out_refund_no, Then<payment::RefundProgress> then);
  /// During an outage one call at a time may probe, after a pause that grows.
  bool may_call() const;
  /// `pump` runs whenever calls may begin again.
  void on_reachable(Job pump) { pumps_.push_back(std::move(pump)); }
  /// Lets every part begin what it may.
  void pump();
  /// The desk stops: nothing new begins.
  bool stopping() const { return stopping_; }
  /// Runs `idle` as soon as nothing is under way.
  void stop(Job idle);

  /// Wraps `then` so that it runs on the loop's thread and counts as under way until it did.
  template <class T>
  std::move_only_function<void(T)> here(std::move_only_function<void(T)> then) {
    ++under_way_;
    // The loop ends before this object does, and runs nothing after its end.
    return [this, then = std::move(then)](T value) mutable {
      loop.post([this, then = std::move(then), value = std::move(value)]() mutable {
        --under_way_;
        then(std::move(value));
        tell_idle();
      });
    };
  }

 private:
  template <class T, class Start>
  void call(Start start, Then<T> then);
  void silent(bool was_probe, const std::string& why);
  void answered();
  void retry(sale::Command command, Backoff backoff,
             std::move_only_function<void(const engine::Reply&)> then);
  void tell_idle();

  payment::Gateway& gateway_;
  std::vector<Job> pumps_;
  std::size_t under_way_ = 0;
  bool stopping_ = false;
  Job idle_;

  std::uint64_t answers_ = 0;  ///< calls that the provider answered, whatever it said
  bool reachable_ = true;
  bool probing_ = false;
  Instant probe_at_;
  Backoff probe_pause_{Span::seconds(1), Span::seconds(30)};
};

/// How many calls of each part may be under way beside the closings.
inline constexpr std::size_t kRefundsAtOnce = 8;
inline constexpr std::size_t kQueriesAtOnce = 8;

/// The money that the provider tells of, as a command; empty where it lacks what a payment needs.
std::optional<sale::PaymentSucceeded> to_command(OrderId order,
                                                 const std::optional<payment::PaymentFacts>& facts);

}  // namespace sluice::settlement

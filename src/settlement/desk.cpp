// The desk: its parts, and the wires between them.
#include "settlement/desk.h"

#include <atomic>
#include <chrono>
#include <future>
#include <utility>

#include "settlement/assemble.h"
#include "settlement/begins.h"
#include "settlement/closings.h"
#include "settlement/loop.h"
#include "settlement/notices.h"
#include "settlement/office.h"
#include "settlement/reconciler.h"
#include "settlement/refunds.h"

namespace sluice::settlement {

namespace {

/// How long stop() waits for answers that are under way.
constexpr std::chrono::seconds kStopGrace{3};

class DeskOnLoop final : public Desk {
 public:
  DeskOnLoop(const DeskOptions& options, std::unique_ptr<Loop> loop, engine::Engine& engine,
             payment::Service& service, payment::Gateway& gateway)
      : loop_(std::move(loop)),
        office_(options, *loop_, engine, service, gateway),
        reconciler_(office_, [this](OrderId order) { return begins_.is_busy(order); }),
        closings_(
            office_, [this](OrderId order) { return begins_.is_busy(order); },
            [this](OrderId order) { reconciler_.settled(order); }),
        refunds_(office_),
        begins_(office_,
                {.is_to_close = [this](OrderId order) { return closings_.waits_for(order); },
                 .released = [this](OrderId order) { closings_.release(order); },
                 .created =
                     [this](OrderId order) {
                       reconciler_.watch(order, office_.options.first_reconcile);
                       show();
                     },
                 .paid_already = [this](OrderId order) { reconciler_.nudge(order); }}),
        notices_(office_, {.settled = [this](OrderId order) { reconciler_.settled(order); },
                           .refund_ended = [this](OrderId order) { refunds_.nudge(order); },
                           .look_at = [this](OrderId order) { reconciler_.nudge(order); }}) {
    office_.on_reachable([this] { closings_.pump(); });
    office_.on_reachable([this] { refunds_.pump(); });
    office_.on_reachable([this] { reconciler_.pump(); });
    office_.on_reachable([this] { show(); });
  }

  ~DeskOnLoop() override { stop(); }

  Result<> open(engine::Engine& engine, bus::Bus& bus) {
    engine.take_duties(*loop_, [this](engine::Duties&& duties) { take(duties); });
    loop_->post([this] { reconciler_.list_open(); });
    return bus.consume(
        office_.options.queue, kNoticePrefetch, [this](std::unique_ptr<bus::Delivery> delivery) {
          loop_->post(
              [this, shared = std::shared_ptr(std::move(delivery))] { notices_.take(shared); });
        });
  }

  void begin(
      std::string user, OrderId order, std::string client_address, engine::Mailbox& to,
      std::move_only_function<void(std::expected<ShopperPayment, BeginError>)> then) override {
    Begins::Then answer = [&to, then = std::move(then)](Begins::Answer result) mutable {
      to.post([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
    };
    if (stopped_) return answer(std::unexpected(BeginError::unavailable));
    loop_->post([this, user = std::move(user), order, address = std::move(client_address),
                 answer = std::move(answer)]() mutable {
      begins_.begin(std::move(user), order, std::move(address), std::move(answer));
    });
  }

  void look_at(std::string out_trade_no) override {
    if (stopped_) return;
    loop_->post([this, number = std::move(out_trade_no)]() mutable {
      reconciler_.look_at(std::move(number));
    });
  }

  DeskCounts counts() const override {
    DeskCounts counts;
    counts.notifications = notices_.taken();
    counts.parked = notices_.parked();
    counts.closings_waiting = closings_waiting_;
    counts.refunds_waiting = refunds_waiting_;
    counts.reconciling = reconciling_;
    return counts;
  }

  void stop() override {
    if (stopped_.exchange(true)) return;
    std::promise<void> idle;
    auto waited = idle.get_future();
    loop_->post([this, &idle] {
      begins_.abandon();
      office_.stop([&idle] { idle.set_value(); });
    });
    waited.wait_for(kStopGrace);
    loop_->end();
  }

 private:
  void take(const engine::Duties& duties) {
    for (const sale::ClosePayment& close : duties.closes)
      closings_.ask(close.order);
    for (const sale::RefundPayment& refund : duties.refunds)
      refunds_.ask(refund);
    closings_.pump();
    refunds_.pump();
    show();
  }
  /// For other threads; after every answer of the provider and every duty.
  void show() {
    closings_waiting_ = closings_.waiting();
    refunds_waiting_ = refunds_.waiting();
    reconciling_ = reconciler_.watching();
  }

  std::unique_ptr<Loop> loop_;
  Office office_;
  Reconciler reconciler_;
  Closings closings_;
  Refunds refunds_;
  Begins begins_;
  Notices notices_;
  std::atomic<std::uint64_t> closings_waiting_{0}, refunds_waiting_{0}, reconciling_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<Desk>> open_desk_on(std::unique_ptr<Loop> loop, const DeskOptions& options,
                                           engine::Engine& engine, payment::Service& service,
                                           payment::Gateway& gateway, bus::Bus& bus) {
  auto desk = std::make_unique<DeskOnLoop>(options, std::move(loop), engine, service, gateway);
  if (auto opened = desk->open(engine, bus); !opened) return std::unexpected(opened.error());
  return desk;
}

Result<std::unique_ptr<Desk>> open_desk(const DeskOptions& options, engine::Engine& engine,
                                        payment::Service& service, payment::Gateway& gateway,
                                        bus::Bus& bus) {
  auto loop = std::make_unique<ThreadLoop>([&engine] { return engine.now(); });
  return open_desk_on(std::move(loop), options, engine, service, gateway, bus);
}

}  // namespace sluice::settlement

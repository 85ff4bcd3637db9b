// Commands until they are durable, and calls that tell an outage from a refusal.
#include "settlement/office.h"

#include "base/ids.h"

namespace sluice::settlement {

namespace {

/// The service hands the provider's faults on. Its own trouble says nothing of the order either.
payment::Fault to_fault(payment::ServiceError&& error) {
  if (error.fault) return std::move(*error.fault);
  return {payment::Fault::Kind::unavailable, {}, std::move(error.message)};
}

template <class T, class Then>
payment::Answer<T> as_answer(Then&& then) {
  return [then = std::forward<Then>(then)](std::expected<T, payment::ServiceError> said) mutable {
    if (said) return then(std::move(*said));
    then(std::unexpected(to_fault(std::move(said.error()))));
  };
}

}  // namespace

Office::Office(DeskOptions chosen, Loop& its_loop, engine::Engine& its_engine,
               payment::Service& its_service, payment::Gateway& its_gateway)
    : options(std::move(chosen)),
      loop(its_loop),
      engine(its_engine),
      service(its_service),
      gateway_(its_gateway) {}

void Office::submit_once(sale::Command command, Once then) {
  ++under_way_;
  auto shared = std::make_shared<Once>(std::move(then));
  const auto admission =
      engine.submit(std::move(command), loop, [this, shared](const engine::Reply& reply) {
        --under_way_;
        const bool durable = reply.trouble == engine::Reply::Trouble::none;
        (*shared)(durable ? std::optional(reply) : std::nullopt);
        tell_idle();
      });
  if (admission == engine::Admission::accepted) return;
  --under_way_;
  (*shared)(std::nullopt);
}

void Office::submit(sale::Command command,
                    std::move_only_function<void(const engine::Reply&)> then) {
  retry(std::move(command), Backoff{Span{50}, Span::seconds(5)}, std::move(then));
}

void Office::retry(sale::Command command, Backoff backoff,
                   std::move_only_function<void(const engine::Reply&)> then) {
  submit_once(command, [this, command, backoff,
                        then = std::move(then)](std::optional<engine::Reply> reply) mutable {
    if (reply) return then(*reply);
    if (stopping_) return;
    const Span pause = backoff.next();
    loop.after(pause,
               [this, command = std::move(command), backoff, then = std::move(then)]() mutable {
                 if (!stopping_) retry(std::move(command), backoff, std::move(then));
               });
  });
}

bool Office::may_call() const {
  if (stopping_) return false;
  return reachable_ || (!probing_ && loop.now() >= probe_at_);
}

template <class T, class Start>
void Office::call(Start start, Then<T> then) {
  const std::uint64_t answers_before = answers_;
  const bool probe = !reachable_;
  if (probe) probing_ = true;
  using Kind = payment::Fault::Kind;
  start(here<payment::Outcome<T>>(
      [this, answers_before, probe, then = std::move(then)](payment::Outcome<T> outcome) mutable {
        const bool unsent = !outcome && outcome.error().kind == Kind::unavailable;
        const bool unheard =
            !outcome && outcome.error().kind == Kind::retry && outcome.error().code.empty();
        // While others are answered, silence speaks of this call and not of the provider.
        const bool lost = unsent || (unheard && answers_ == answers_before);
        if (!unsent && !unheard) {
          answered();
        } else if (lost || probe) {
          silent(probe, outcome.error().message);
        }
        then(Said<T>{std::move(outcome), lost});
        pump();
      }));
}

void Office::silent(bool was_probe, const std::string& why) {
  if (was_probe) {
    probing_ = false;
  } else if (!reachable_) {
    return;  // one of those that were under way when the outage was noticed
  }
  if (reachable_) spdlog::warn("the payment provider does not answer ({}); what is due waits", why);
  reachable_ = false;
  const Span pause = probe_pause_.next();
  probe_at_ = loop.now() + pause;
  loop.after(pause, [this] { pump(); });
}

void Office::answered() {
  ++answers_;
  if (!reachable_) spdlog::info("the payment provider answers again");
  reachable_ = true;
  probing_ = false;
  probe_pause_.reset();
}

void Office::pump() {
  for (Job& pump : pumps_)
    pump();
}

void Office::close(OrderId order, Then<payment::CloseAnswer> then) {
  call<payment::CloseAnswer>(
      [&](auto answer) {
        service.close(to_text(order), as_answer<payment::CloseAnswer>(std::move(answer)));
      },
      std::move(then));
}

void Office::query(OrderId order, Then<payment::Trade> then) {
  call<payment::Trade>(
      [&](auto answer) {
        service.query(to_text(order), as_answer<payment::Trade>(std::move(answer)));
      },
      std::move(then));
}

void Office::query_unseen(OrderId order, Then<payment::Trade> then) {
  call<payment::Trade>([&](auto answer) { gateway_.query(to_text(order), std::move(answer)); },
                       std::move(then));
}

void Office::refund(payment::RefundOrder refund, Then<payment::RefundProgress> then) {
  call<payment::RefundProgress>(
      [&](auto answer) { gateway_.refund(std::move(refund), std::move(answer)); }, std::move(then));
}

void Office::query_refund(OrderId order, std::string out_refund_no,
                          Then<payment::RefundProgress> then) {
  call<payment::RefundProgress>(
      [&](auto answer) {
        gateway_.query_refund(to_text(order), std::move(out_refund_no), std::move(answer));
      },
      std::move(then));
}

void Office::stop(Job idle) {
  stopping_ = true;
  idle_ = std::move(idle);
  tell_idle();
}

void Office::tell_idle() {
  if (under_way_ == 0 && idle_) std::exchange(idle_, {})();
}

std::optional<sale::PaymentSucceeded> to_command(
    OrderId order, const std::optional<payment::PaymentFacts>& facts) {
  if (!facts || facts->transaction_id.empty() || facts->out_trade_no != to_text(order)) return {};
  return sale::PaymentSucceeded{order, facts->transaction_id, facts->amount, facts->currency,
                                facts->paid_at};
}

}  // namespace sluice::settlement

// How handlers reach the webhook office, and how its answers come back to the I/O thread.
#pragma once

#include <utility>

#include "api/context.h"
#include "webhook/office.h"

namespace sluice::api {

/// The office; where it is not open yet, the exchange has been answered.
webhook::Office* webhooks_or_fail(Context& context, Exchange& exchange);

/// Answers what `fault` means.
void fail_webhook(Exchange& exchange, const webhook::Fault& fault);

/// Runs `work(desk, now)` on the office's thread and hands its value to `then` on this one; a fault
/// is answered here.
template <class Work, class Then>
void ask_webhooks(Context& context, Exchange&& exchange, Work work, Then then) {
  webhook::Office* office = webhooks_or_fail(context, exchange);
  if (office == nullptr) return;
  const SharedExchange kept = keep(std::move(exchange));
  const bool taken =
      office->post([&mailbox = context.mailbox, kept, work = std::move(work),
                    then = std::move(then)](webhook::Desk& desk, Instant now) mutable {
        mailbox.post([kept, then = std::move(then), value = work(desk, now)]() mutable {
          if (!value) return fail_webhook(*kept, value.error());
          then(std::move(*kept), std::move(*value));
        });
      });
  if (!taken) kept->fail(Code::overloaded);
}

}  // namespace sluice::api

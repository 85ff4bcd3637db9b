// POST /api/v1/items/{item}/orders: the hot path. Refusals are given in the order of the contract's
// table, whoever finds them: the token and the limits before this file, the rest here.
#include "api/grab.h"

#include <fmt/core.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "api/grab_body.h"
#include "api/idempotency.h"
#include "api/lookup.h"
#include "api/orders_json.h"
#include "api/routes.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

using sale::GrabOutcome;

/// No item has this number: lets the core decide about the idempotency key of a grab for an item
/// that does not exist, which comes before "unknown item".
constexpr ItemNo kNoItem{std::numeric_limits<std::uint32_t>::max()};
/// No quantity either, for a body that could not be read.
constexpr std::int64_t kNoQuantity = 0;

constexpr Words kBadKey{
    "Idempotency-Key must be 1 to 64 printable ASCII characters, bare or in double "
    "quotes.",
    "Idempotency-Key 须为 1 至 64 个可打印 ASCII 字符，可加双引号。"};
constexpr Words kBadQuantity{R"("quantity" must be 1 to 1000000000.)",
                             R"("quantity" 必须在 1 至 1000000000 之间。)"};

/// What a request asks for, as far as it can be told from its form.
struct Wanted {
  const engine::CatalogItem* item = nullptr;
  std::int64_t quantity = kNoQuantity;
  sale::RequestKey key;
  const Words* fault = &kBadQuantity;  ///< said only when nothing before it in the table holds
};

Wanted read_form(Context& context, const Request& request, const Captures& captures) {
  Wanted wanted;
  wanted.item = find_item(context, captures[0]);
  // The media type is not looked at: the contract's table has no row for it, and what is not JSON
  // of that one shape is refused anyway.
  if (const auto quantity = parse_grab_body(request.body); quantity) {
    wanted.quantity = *quantity;
  } else {
    wanted.fault = &to_text(quantity.error());
  }
  // Sent without a value it is a broken client, whose retries must not be taken for new grabs.
  if (request.idempotency_key.data() != nullptr) {
    const auto key = parse_idempotency_key(request.idempotency_key);
    if (key) {
      wanted.key = request_key(context.claims.user, *key);
    } else {
      wanted.quantity = kNoQuantity;
      wanted.fault = &kBadKey;
    }
  }
  return wanted;
}

void answer_granted(Context& context, Exchange&& exchange, const sale::Order& order) {
  const engine::CatalogItem& item = *context.catalog.get().items[order.item.value];
  std::string body;
  body.reserve(512);
  http::JsonWriter json(body);
  write_granted(json, order, item);
  if (order.status == sale::OrderStatus::queued) {
    return exchange.send_queued(std::move(body), order_location(order.id));
  }
  exchange.send_created(std::move(body), order_location(order.id));
}

/// The order that the key made, as it is now, with the status and the headers of the first answer.
void answer_replayed(Context& context, Exchange&& exchange, OrderId order) {
  read<std::optional<sale::OrderView>>(
      std::move(exchange),
      [&](auto&& then) {
        return context.engine.order(order, context.mailbox, std::forward<decltype(then)>(then));
      },
      [](Exchange&& kept, std::optional<sale::OrderView>&& view) {
        if (!view) return kept.fail(Code::internal);
        http::Response response;
        response.status = view->status == sale::OrderStatus::queued ? 202 : 201;
        http::JsonWriter json(response.body);
        write_order(json, *view);
        response.add("Location", order_location(view->id));
        response.add("Idempotency-Replayed", "true");
        response.add("Cache-Control", "no-store");
        kept.send(std::move(response));
      });
}

void answer_not_started(Context& context, Exchange&& exchange, ItemNo item) {
  const Instant starts_at = context.catalog.get().items[item.value]->sale->sale.starts_at;
  exchange.fail_until(Code::not_started, starts_at - context.engine.now(),
                      fmt::format(R"("starts_at":"{}")", to_rfc3339(starts_at)));
}

void answer(Context& context, PendingGrab&& grab, GrabOutcome outcome, const sale::Order& order) {
  Exchange& exchange = grab.exchange;
  exchange.cell().grabs[static_cast<std::size_t>(outcome)].add();
  switch (outcome) {
    case GrabOutcome::granted:
      return answer_granted(context, std::move(exchange), order);
    case GrabOutcome::replayed:
      return answer_replayed(context, std::move(exchange), order.id);
    case GrabOutcome::key_mismatch:
      return exchange.fail(Code::idempotency_mismatch);
    case GrabOutcome::unknown_item:
      return exchange.fail(Code::unknown_item);
    case GrabOutcome::invalid_quantity:
      return exchange.fail(Code::invalid_request, *grab.fault);
    case GrabOutcome::not_started:
      return answer_not_started(context, std::move(exchange), grab.item);
    case GrabOutcome::ended:
      return exchange.fail(Code::ended);
    case GrabOutcome::paused:
      return exchange.fail(Code::paused);
    case GrabOutcome::already_queued:
      // 100 is what the tutorial's clients know a repeated grab by.
      return exchange.send(
          problem(Code::already_queued, exchange.language(), {},
                  fmt::format(R"("legacy_code":100,"order_id":"{}")", to_text(order.id))));
    case GrabOutcome::limit_reached:
      return exchange.fail(Code::limit_reached);
    case GrabOutcome::sold_out:
      return exchange.fail(Code::sold_out);
  }
}

void answer_not_taken(PendingGrab&& grab) {
  grab.exchange.cell().grabs[static_cast<std::size_t>(GrabResult::overloaded)].add();
  grab.exchange.fail(Code::overloaded);
}

void on_reply(Context& context, std::uint32_t slot, const engine::Reply& reply) {
  PendingGrab grab = context.grabs->take(slot);
  const auto waited = std::chrono::steady_clock::now() - grab.started;
  grab.exchange.cell().observe_latency(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(waited).count()));
  if (reply.trouble != engine::Reply::Trouble::none) {
    grab.exchange.cell().grabs[static_cast<std::size_t>(GrabResult::storage)].add();
    return fail_trouble(grab.exchange, reply.trouble);
  }
  answer(context, std::move(grab), std::get<GrabOutcome>(reply.outcome), reply.order);
}

}  // namespace

void grab(Context& context, const Request& request, const Captures& captures, Exchange&& exchange) {
  const auto started = std::chrono::steady_clock::now();
  const Wanted wanted = read_form(context, request, captures);
  PendingGrab pending{std::move(exchange), started,
                      wanted.item != nullptr ? wanted.item->item.no : kNoItem, wanted.fault};
  // A key that made an order must be answered with it whatever else is the case now, and only the
  // core knows the keys.
  if (!wanted.key) {
    const auto refused = context.engine.refuse(context.claims.user, wanted.item, wanted.quantity,
                                               context.engine.now());
    if (refused) return answer(context, std::move(pending), *refused, sale::Order{});
  }
  if (context.shared->stopping.load(std::memory_order_relaxed)) {
    return answer_not_taken(std::move(pending));
  }
  const ItemNo item = pending.item;
  const std::uint32_t slot = context.grabs->put(std::move(pending));
  const engine::Admission admission = context.engine.submit(
      sale::Grab{context.claims.user, item, wanted.quantity, wanted.key}, context.mailbox,
      [&context, slot](const engine::Reply& reply) { on_reply(context, slot, reply); });
  if (admission != engine::Admission::accepted) answer_not_taken(context.grabs->take(slot));
}

}  // namespace sluice::api

// What a shopper does: grab, look at orders, give one back, pay.
#include <chrono>
#include <limits>
#include <utility>

#include "api/auth.h"
#include "api/lookup.h"
#include "api/payments.h"
#include "api/routes.h"
#include "base/text.h"
#include "web/parts.h"
#include "web/visit.h"

namespace sluice::web {

namespace {

using sale::GrabOutcome;

constexpr std::uint32_t kOrdersPerPage = 25;

GrabEnd end_of(GrabOutcome outcome) {
  switch (outcome) {
    case GrabOutcome::not_started:
      return GrabEnd::not_started;
    case GrabOutcome::ended:
      return GrabEnd::ended;
    case GrabOutcome::paused:
      return GrabEnd::paused;
    case GrabOutcome::already_queued:
      return GrabEnd::already_queued;
    case GrabOutcome::limit_reached:
      return GrabEnd::limit_reached;
    case GrabOutcome::sold_out:
      return GrabEnd::sold_out;
    case GrabOutcome::invalid_quantity:
      return GrabEnd::invalid_quantity;
    case GrabOutcome::replayed:
    case GrabOutcome::key_mismatch:
    case GrabOutcome::unknown_item:
    case GrabOutcome::granted:
      break;
  }
  return GrabEnd::busy;
}

void count(Desk& desk, api::GrabResult result) {
  desk.api.cell.grabs[static_cast<std::size_t>(result)].add();
}

void answer(Desk& desk, Visit&& visit, ItemNo item, GrabOutcome outcome, const sale::Order& order) {
  desk.api.cell.grabs[static_cast<std::size_t>(outcome)].add();
  if (outcome == GrabOutcome::granted) return send_to(std::move(visit), order_path(order.id));
  GrabVerdict verdict{end_of(outcome), {}};
  if (outcome == GrabOutcome::already_queued) verdict.order = order.id;
  send_verdict(desk, std::move(visit), item, verdict);
}

void answer_trouble(Desk& desk, Visit&& visit, ItemNo item, engine::Reply::Trouble trouble) {
  const bool storage = trouble != engine::Reply::Trouble::stopping;
  count(desk, api::GrabResult::storage);
  send_verdict(desk, std::move(visit), item, {storage ? GrabEnd::storage : GrabEnd::busy, {}});
}

/// The quantity of the form: 1 where it names none, 0 where it is no number.
std::int64_t quantity_of(const Request& request) {
  const auto text = http::query_value(request.body, "quantity");
  if (!text) return 1;
  return parse_uint(*text, std::numeric_limits<std::int32_t>::max()).value_or(0);
}

void send_payment(Desk& desk, Visit&& visit, const sale::OrderView& order,
                  const std::optional<payment::Payment>& payment) {
  if (!api::payable(payment, order, desk.api.engine.now())) {
    return send_to(std::move(visit), order_path(order.id));
  }
  std::string html = payment_page(visit.visitor, order, {payment->code_url, order.expires_at});
  send_page(std::move(visit), std::move(html));
}

void answer_begin(Visit&& visit, const sale::OrderView& order, settlement::BeginError error) {
  using settlement::BeginError;
  switch (error) {
    case BeginError::unknown_order:
      return send_trouble(std::move(visit), Trouble::not_found);
    case BeginError::not_awaiting:
      return send_to(std::move(visit), order_path(order.id));
    case BeginError::past_deadline:
      // The order's page says so only once it is over; before, the provider found the end too near.
      if (visit.visitor.now < order.expires_at) break;
      return send_to(std::move(visit), order_path(order.id));
    case BeginError::refused:
    case BeginError::unavailable:
    case BeginError::overloaded:
    case BeginError::storage:
      break;
  }
  const bool refused = error == BeginError::refused || error == BeginError::past_deadline;
  const auto trouble = refused ? PaymentTrouble::refused : PaymentTrouble::unavailable;
  std::string html = payment_trouble_page(visit.visitor, order, trouble);
  send_page(std::move(visit), std::move(html), refused ? 502 : 503);
}

}  // namespace

void send_verdict(Desk& desk, Visit&& visit, ItemNo item, const GrabVerdict& verdict) {
  const engine::CatalogItem& shown = *desk.api.catalog.get().items[item.value];
  visit.visitor.path = item_path(shown.item.id);
  visit.visitor.now = desk.api.engine.now();
  std::string html = item_page(visit.visitor, shown, verdict);
  send_page(std::move(visit), std::move(html), status_of(verdict.end));
}

void send_verdict(Desk& desk, Visit&& visit, std::string_view segment, const GrabVerdict& verdict) {
  const engine::CatalogItem* item = api::find_item(desk.api, segment);
  if (item == nullptr) return send_trouble(std::move(visit), Trouble::not_found);
  send_verdict(desk, std::move(visit), item->item.no, verdict);
}

void grab(Desk& desk, const Request& request, const Captures& captures, Visit&& visit) {
  const auto started = std::chrono::steady_clock::now();
  const engine::CatalogItem* item = api::find_item(desk.api, captures[0]);
  if (item == nullptr) return send_trouble(std::move(visit), Trouble::not_found);
  const ItemNo no = item->item.no;
  const std::int64_t quantity = quantity_of(request);
  api::Context& api = desk.api;
  // As in the API: what needs no record is answered here, see api/grab.cpp.
  const auto refused = api.engine.refuse(visit.visitor.user, item, quantity, api.engine.now());
  if (refused) return answer(desk, std::move(visit), no, *refused, sale::Order{});
  const auto kept = std::make_shared<Visit>(std::move(visit));
  const bool stopping = api.shared->stopping.load(std::memory_order_relaxed);
  const bool taken =
      !stopping &&
      api.engine.submit(
          sale::Grab{kept->visitor.user, no, quantity, {}}, api.mailbox,
          [&desk, kept, no, started](const engine::Reply& reply) {
            const auto waited = std::chrono::steady_clock::now() - started;
            desk.api.cell.observe_latency(static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(waited).count()));
            if (reply.trouble != engine::Reply::Trouble::none) {
              return answer_trouble(desk, std::move(*kept), no, reply.trouble);
            }
            answer(desk, std::move(*kept), no, std::get<GrabOutcome>(reply.outcome), reply.order);
          }) == engine::Admission::accepted;
  if (taken) return;
  count(desk, api::GrabResult::overloaded);
  send_verdict(desk, std::move(*kept), no, {GrabEnd::busy, {}});
}

void back_to_item(Desk& desk, const Request&, const Captures& captures, Visit&& visit) {
  const engine::CatalogItem* item = api::find_item(desk.api, captures[0]);
  if (item == nullptr) return send_trouble(std::move(visit), Trouble::not_found);
  send_to(std::move(visit), item_path(item->item.id));
}

void show_orders(Desk& desk, const Request& request, const Captures&, Visit&& visit) {
  sale::PageRequest wanted;
  wanted.limit = kOrdersPerPage;
  if (const auto token = http::query_value(request.query, "page_token")) {
    wanted.before = api::parse_page_token(*token);
    if (!wanted.before) return send_trouble(std::move(visit), Trouble::not_found);
  }
  const std::string user = visit.visitor.user;
  read<sale::Page<sale::OrderView>>(
      std::move(visit),
      [&](auto&& then) {
        return desk.api.engine.orders_of(user, wanted, desk.api.mailbox,
                                         std::forward<decltype(then)>(then));
      },
      [](Visit&& kept, sale::Page<sale::OrderView>&& orders) {
        std::string html = orders_page(kept.visitor, orders);
        send_page(std::move(kept), std::move(html));
      });
}

void show_order(Desk& desk, const Request&, const Captures& captures, Visit&& visit) {
  with_own_order(desk, captures[0], std::move(visit), [](Visit&& kept, sale::OrderView&& order) {
    std::string html = order_page(kept.visitor, order);
    send_page(std::move(kept), std::move(html));
  });
}

void back_to_order(Desk&, const Request&, const Captures& captures, Visit&& visit) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return send_trouble(std::move(visit), Trouble::not_found);
  send_to(std::move(visit), order_path(*id));
}

void tell_order(Desk& desk, const Request& request, const Captures& captures, Visit&& visit) {
  api::get_order(desk.api, request, captures, std::move(visit.exchange));
}

void stream_order(Desk& desk, const Request& request, const Captures& captures, Visit&& visit) {
  api::order_events(desk.api, request, captures, std::move(visit.exchange));
}

void cancel(Desk& desk, const Request&, const Captures& captures, Visit&& visit) {
  const auto id = parse_order_id(captures[0]);
  if (!id) return send_trouble(std::move(visit), Trouble::not_found);
  const auto kept = std::make_shared<Visit>(std::move(visit));
  const auto admission = desk.api.engine.submit(
      sale::CancelByUser{kept->visitor.user, *id}, desk.api.mailbox,
      [kept, id = *id](const engine::Reply& reply) {
        if (reply.trouble != engine::Reply::Trouble::none) {
          return send_trouble(std::move(*kept), Trouble::busy);
        }
        if (std::get<sale::CancelOutcome>(reply.outcome) == sale::CancelOutcome::unknown_order) {
          return send_trouble(std::move(*kept), Trouble::not_found);
        }
        // Whatever it came to, the order's own page says it.
        send_to(std::move(*kept), order_path(id));
      });
  if (admission != engine::Admission::accepted) send_trouble(std::move(*kept), Trouble::busy);
}

void begin_payment(Desk& desk, const Request& request, const Captures& captures, Visit&& visit) {
  std::string address(api::client_address(request, desk.api.shared->options.trust_forwarded_for));
  with_own_order(
      desk, captures[0], std::move(visit),
      [&desk, address = std::move(address)](Visit&& kept, sale::OrderView&& order) mutable {
        const api::Payments* payments = api::payments_of(desk.api);
        if (payments == nullptr) return send_to(std::move(kept), order_path(order.id));
        const std::string user = order.user;
        const OrderId id = order.id;
        payments->desk->begin(
            user, id, std::move(address), desk.api.mailbox,
            [&desk, kept = std::move(kept), order = std::move(order)](
                std::expected<settlement::ShopperPayment, settlement::BeginError> begun) mutable {
              const std::size_t row =
                  begun ? 0 : static_cast<std::size_t>(begun.error()) + 1;  // as PaymentResult
              desk.api.cell.payments[row].add();
              if (!begun) return answer_begin(std::move(kept), order, begun.error());
              send_to(std::move(kept), order_path(order.id) + "/payment");
            });
      });
}

void show_payment(Desk& desk, const Request&, const Captures& captures, Visit&& visit) {
  with_own_order(
      desk, captures[0], std::move(visit), [&desk](Visit&& kept, sale::OrderView&& order) {
        const api::Payments* payments = api::payments_of(desk.api);
        if (payments == nullptr) return send_to(std::move(kept), order_path(order.id));
        using Known = std::expected<std::optional<payment::Payment>, payment::ServiceError>;
        std::string number = to_text(order.id);
        payments->service->find(
            std::move(number), [&desk, &mailbox = desk.api.mailbox, kept = std::move(kept),
                                order = std::move(order)](Known known) mutable {
              mailbox.post([&desk, kept = std::move(kept), order = std::move(order),
                            known = std::move(known)]() mutable {
                if (!known) return send_trouble(std::move(kept), Trouble::unreadable);
                send_payment(desk, std::move(kept), order, *known);
              });
            });
      });
}

}  // namespace sluice::web

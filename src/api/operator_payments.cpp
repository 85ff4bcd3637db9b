// Operators: what the gateway notified, sending it on once more, and the queues it goes to.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/payments.h"
#include "api/query.h"
#include "api/routes.h"
#include "base/text.h"
#include "bus/bus.h"
#include "http/json_writer.h"

namespace sluice::api {

namespace {

using Entries = std::vector<payment::NotificationEntry>;

const char* to_text(payment::NotificationEntry::Verdict verdict) {
  using Verdict = payment::NotificationEntry::Verdict;
  switch (verdict) {
    case Verdict::routed:
      return "routed";
    case Verdict::refused:
      return "refused";
    case Verdict::not_stored:
      return "not_stored";
  }
  return "";
}

void write_entry(http::JsonWriter& json, const payment::NotificationEntry& entry) {
  json.begin_object().member("sequence", entry.sequence);
  json.member("received_at", entry.received_at);
  json.member("verdict", to_text(entry.verdict)).member("detail", shown_text(entry.detail));
  json.member("out_trade_no", shown_text(entry.out_trade_no));
  json.member("transaction_id", shown_text(entry.transaction_id));
  json.member("event_id", shown_text(entry.event_id));
  json.member("repetitions", entry.repetitions);
  json.member("body_bytes", entry.raw.body.size());
  json.key("body");
  if (valid_utf8(entry.raw.body)) {
    json.value(entry.raw.body);
  } else {
    json.null();
  }
  json.end_object();
}

/// The service says of both an unknown and a refused notification that they cannot be replayed.
void fail_replay(Context& context, const Payments& payments, Exchange&& exchange,
                 std::int64_t sequence, const payment::ServiceError& error) {
  if (error.kind != payment::ServiceError::Kind::invalid) return fail_service(exchange, error);
  payments.service->notifications(
      sequence + 1, 1, std::nullopt,
      bring_back<Entries>(
          context, std::move(exchange), [sequence](Exchange&& kept, auto&& entries) {
            if (!entries) return fail_service(kept, entries.error());
            const bool known = !entries->empty() && entries->front().sequence == sequence;
            kept.fail(known ? Code::not_replayable : Code::unknown_notification);
          }));
}

/// It changes nothing by itself, so the core is told of it for the audit log.
void note_replay(Context& context, Exchange&& exchange, const payment::NotificationEntry& entry,
                 const sale::Operator& by) {
  spdlog::info("notification {} of {} sent on again by {}: {}", entry.sequence,
               shown_text(entry.out_trade_no), by.name, by.reason);
  std::string answer;
  http::JsonWriter json(answer);
  write_entry(json, entry);
  submit(context, std::move(exchange),
         sale::Note{by,
                    "notification.replay",
                    shown_text(entry.out_trade_no),
                    {{"notification", "", std::to_string(entry.sequence)}}},
         [answer = std::move(answer)](Exchange&& kept, const engine::Reply&) mutable {
           kept.send_personal(std::move(answer));
         });
}

}  // namespace

void admin_list_notifications(Context& context, const Request& request, const Captures&,
                              Exchange&& exchange) {
  QueryReader query(request.query, {"order", "page_token", "limit"});
  const auto before = query.page_token();
  const std::uint32_t limit = std::min(query.limit(), payment::kMaxPage);
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  payments->service->notifications(
      before, limit, query.text("order"),
      bring_back<Entries>(context, std::move(exchange), [limit](Exchange&& kept, auto&& entries) {
        if (!entries) return fail_service(kept, entries.error());
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().key("notifications").begin_array();
        for (const payment::NotificationEntry& entry : *entries)
          write_entry(json, entry);
        json.end_array();
        if (entries->size() == limit) {
          json.member("next_page_token", page_token(entries->back().sequence));
        }
        json.end_object();
        kept.send_personal(std::move(body));
      }));
}

void admin_replay_notification(Context& context, const Request& request, const Captures& captures,
                               Exchange&& exchange) {
  const auto sequence = parse_uint(captures[0], std::numeric_limits<std::int64_t>::max() - 1);
  if (!sequence) return exchange.fail(Code::unknown_notification);
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"reason"});
  const sale::Operator by = read_operator(from, context);
  if (!accept(faults, exchange)) return;
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  payments->service->replay(
      *sequence, bring_back<payment::NotificationEntry>(
                     context, std::move(exchange),
                     [&context, payments, by, number = *sequence](Exchange&& kept, auto&& entry) {
                       if (!entry) {
                         return fail_replay(context, *payments, std::move(kept), number,
                                            entry.error());
                       }
                       note_replay(context, std::move(kept), *entry, by);
                     }));
}

void admin_list_queues(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  const Payments* payments = payments_or_fail(context, exchange);
  if (payments == nullptr) return;
  std::string body;
  http::JsonWriter json(body);
  json.begin_object().member("healthy", payments->bus->healthy());
  json.key("queues").begin_array();
  for (const bus::Bus::QueueState& state : payments->bus->queues()) {
    json.begin_object().member("queue", state.queue).member("ready", state.ready);
    json.member("unacknowledged", state.unacknowledged).member("parked", state.parked);
    json.end_object();
  }
  json.end_array().end_object();
  exchange.send_personal(std::move(body));
}

}  // namespace sluice::api

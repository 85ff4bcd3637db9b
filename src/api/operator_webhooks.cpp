// Operators: where webhooks go, what was delivered, and sending it again.
#include <algorithm>
#include <boost/json/array.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "api/lookup.h"
#include "api/operator_body.h"
#include "api/query.h"
#include "api/routes.h"
#include "api/webhook_json.h"
#include "api/webhooks.h"
#include "base/text.h"

namespace sluice::api {

namespace {

using webhook::Desk;
using webhook::EndpointState;
using webhook::FaultKind;

constexpr Words kTooMany{"There are 32 webhooks already; remove one.",
                         "已有 32 个 Webhook，请先删除一个。"};
constexpr Words kNoWebhooks{
    "A cluster sends no webhooks; other services of the shop consume its queues.",
    "集群不发送 Webhook，商城的其他服务请消费其消息队列。"};
constexpr std::string_view kPath = "/api/v1/admin/webhooks/";

std::string endpoint_json(const EndpointState& state, std::string_view secret = {}) {
  std::string body;
  http::JsonWriter json(body);
  write_endpoint(json, state, secret);
  return body;
}

std::string delivery_json(const webhook::Delivery& delivery) {
  std::string body;
  http::JsonWriter json(body);
  write_delivery(json, delivery, true);
  return body;
}

/// The body of a request that has nothing but a reason.
std::optional<sale::Operator> read_reason(const Context& context, const Request& request,
                                          Exchange& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return std::nullopt;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"reason"});
  sale::Operator by = read_operator(from, context);
  if (!accept(faults, exchange)) return std::nullopt;
  return by;
}

std::optional<webhook::EventSet> read_events(ObjectReader& from) {
  if (!from.has("events")) return std::nullopt;
  webhook::EventSet events;
  const boost::json::array* names = from.array("events", 16);
  if (names == nullptr) return events;
  for (const boost::json::value& name : *names) {
    const auto* text = name.if_string();
    const auto type =
        text == nullptr ? std::nullopt : webhook::parse_event_type({text->data(), text->size()});
    if (type) {
      events.add(*type);
    } else {
      const std::string known = webhook::EventSet::all().text();
      from.faults().refuse(from.path("events"), "must hold some of " + known, "只能包含 " + known);
    }
  }
  return events;
}

/// Writes the audit log first: what is not in it does not happen.
template <class Then>
void audited(Context& context, Exchange&& exchange, sale::Operator by, std::string action,
             std::string subject, std::vector<sale::FieldChange> changes, Then then) {
  sale::Note note{std::move(by), std::move(action), std::move(subject), std::move(changes)};
  submit(context, std::move(exchange), std::move(note),
         [then = std::move(then)](Exchange&& kept, const engine::Reply&) mutable {
           then(std::move(kept));
         });
}

/// A change of one endpoint: it must exist and be changeable, then it is audited, then made.
/// `work(desk, now)` gives what `answer(exchange, value)` tells.
template <class Work, class Answer>
void act(Context& context, Exchange&& exchange, const Request& request, const Captures& captures,
         const char* action, const std::vector<sale::FieldChange>& changes, Work work,
         Answer answer) {
  auto by = read_reason(context, request, exchange);
  if (!by) return;
  const std::string id(captures[0]);
  ask_webhooks(
      context, std::move(exchange),
      [id](Desk& desk, Instant now) { return desk.endpoint(id, now); },
      [&context, id, by = std::move(*by), action, changes, work = std::move(work),
       answer = std::move(answer)](Exchange&& known, EndpointState&&) mutable {
        audited(context, std::move(known), std::move(by), action, id, changes,
                [&context, work = std::move(work),
                 answer = std::move(answer)](Exchange&& kept) mutable {
                  ask_webhooks(context, std::move(kept), std::move(work), std::move(answer));
                });
      });
}

void set_paused(Context& context, const Request& request, const Captures& captures,
                Exchange&& exchange, bool paused) {
  webhook::EndpointChange change;
  change.paused = paused;
  const std::string id(captures[0]);
  auto by = read_reason(context, request, exchange);
  if (!by) return;
  ask_webhooks(
      context, std::move(exchange),
      [id, change](Desk& desk, Instant) { return desk.check(id, change); },
      [&context, id, change, paused, by = std::move(*by)](Exchange&& known, auto&&) mutable {
        audited(
            context, std::move(known), std::move(by), paused ? "webhook.pause" : "webhook.resume",
            id, {{"paused", paused ? "false" : "true", paused ? "true" : "false"}},
            [&context, id, change](Exchange&& kept) {
              ask_webhooks(
                  context, std::move(kept),
                  [id, change](Desk& desk, Instant now) { return desk.change(id, change, now); },
                  [](Exchange&& done, EndpointState&& state) {
                    done.send_personal(endpoint_json(state));
                  });
            });
      });
}

}  // namespace

webhook::Office* webhooks_or_fail(Context& context, Exchange& exchange) {
  webhook::Office* office = context.shared->webhooks.load(std::memory_order_acquire);
  if (!context.shared->options.has_webhooks) {
    exchange.fail(Code::not_found, kNoWebhooks);
  } else if (office == nullptr) {
    exchange.fail(Code::overloaded);
  }
  return office;
}

void fail_webhook(Exchange& exchange, const webhook::Fault& fault) {
  switch (fault.kind) {
    case FaultKind::invalid:
      return exchange.fail(Code::invalid_request,
                           Text{fault.message, "请求无效：" + fault.message});
    case FaultKind::unknown_endpoint:
      return exchange.fail(Code::unknown_webhook);
    case FaultKind::unknown_delivery:
      return exchange.fail(Code::unknown_delivery);
    case FaultKind::configured:
      return exchange.fail(Code::webhook_configured);
    case FaultKind::too_many:
      return exchange.fail(Code::too_many, kTooMany);
    case FaultKind::not_failed:
      return exchange.fail(Code::delivery_pending);
    case FaultKind::storage:
      return fail_read(exchange, Error{fault.message});
  }
}

void admin_list_webhooks(Context& context, const Request&, const Captures&, Exchange&& exchange) {
  ask_webhooks(
      context, std::move(exchange), [](Desk& desk, Instant now) { return desk.endpoints(now); },
      [](Exchange&& kept, std::vector<EndpointState>&& all) {
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().key("webhooks").begin_array();
        for (const EndpointState& state : all)
          write_endpoint(json, state);
        json.end_array().end_object();
        kept.send_personal(std::move(body));
      });
}

void admin_get_webhook(Context& context, const Request&, const Captures& captures,
                       Exchange&& exchange) {
  ask_webhooks(
      context, std::move(exchange),
      [id = std::string(captures[0])](Desk& desk, Instant now) { return desk.endpoint(id, now); },
      [](Exchange&& kept, EndpointState&& state) { kept.send_personal(endpoint_json(state)); });
}

void admin_add_webhook(Context& context, const Request& request, const Captures&,
                       Exchange&& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"url", "secret", "events", "description", "reason"});
  webhook::EndpointDraft draft;
  using Need = ObjectReader::Need;
  draft.url = from.text("url", webhook::kMaxUrlBytes, Need::required);
  draft.secret = from.text("secret", webhook::kMaxSecretBytes, Need::optional);
  draft.description = from.text("description", webhook::kMaxDescriptionBytes, Need::optional);
  draft.events = read_events(from).value_or(webhook::EventSet::all());
  sale::Operator by = read_operator(from, context);
  if (!accept(faults, exchange)) return;
  ask_webhooks(
      context, std::move(exchange), [draft](Desk& desk, Instant) { return desk.check(draft); },
      [&context, by = std::move(by)](Exchange&& known, webhook::EndpointDraft&& fine) mutable {
        const std::vector<sale::FieldChange> changes{{"url", "", fine.url},
                                                     {"events", "", fine.events.text()}};
        audited(context, std::move(known), std::move(by), "webhook.add", fine.url, changes,
                [&context, fine](Exchange&& kept) {
                  ask_webhooks(
                      context, std::move(kept),
                      [fine](Desk& desk, Instant now) { return desk.add(fine, now); },
                      [](Exchange&& done, webhook::Endpoint&& made) {
                        const std::string path = std::string(kPath) + made.id;
                        const std::string secret = made.secret;
                        EndpointState state;
                        state.endpoint = std::move(made);
                        done.send_created(endpoint_json(state, secret), path);
                      });
                });
      });
}

void admin_change_webhook(Context& context, const Request& request, const Captures& captures,
                          Exchange&& exchange) {
  const auto body = read_body(request, exchange);
  if (!body) return;
  JsonFaults faults;
  ObjectReader from(*body, "", faults, {"url", "events", "description", "reason"});
  webhook::EndpointChange change;
  using Need = ObjectReader::Need;
  if (from.has("url")) change.url = from.text("url", webhook::kMaxUrlBytes, Need::required);
  if (from.has("description")) {
    change.description = from.text("description", webhook::kMaxDescriptionBytes, Need::optional);
  }
  change.events = read_events(from);
  sale::Operator by = read_operator(from, context);
  if (!accept(faults, exchange)) return;
  const std::string id(captures[0]);
  ask_webhooks(
      context, std::move(exchange),
      [id, change](Desk& desk, Instant) { return desk.check(id, change); },
      [&context, id, change, by = std::move(by)](Exchange&& known, auto&& both) mutable {
        const auto& [before, after] = both;
        std::vector<sale::FieldChange> changes;
        const auto compare = [&changes](const char* name, std::string old, std::string now) {
          if (old != now) changes.push_back({name, std::move(old), std::move(now)});
        };
        compare("url", before.url, after.url);
        compare("events", before.events.text(), after.events.text());
        compare("description", before.description, after.description);
        audited(
            context, std::move(known), std::move(by), "webhook.change", id, changes,
            [&context, id, change](Exchange&& kept) {
              ask_webhooks(
                  context, std::move(kept),
                  [id, change](Desk& desk, Instant now) { return desk.change(id, change, now); },
                  [](Exchange&& done, EndpointState&& state) {
                    done.send_personal(endpoint_json(state));
                  });
            });
      });
}

void admin_remove_webhook(Context& context, const Request& request, const Captures& captures,
                          Exchange&& exchange) {
  act(
      context, std::move(exchange), request, captures, "webhook.remove", {},
      [id = std::string(captures[0])](Desk& desk, Instant) { return desk.remove(id); },
      [](Exchange&& done, webhook::Endpoint&& gone) {
        EndpointState state;
        state.endpoint = std::move(gone);
        done.send_personal(endpoint_json(state));
      });
}

void admin_pause_webhook(Context& context, const Request& request, const Captures& captures,
                         Exchange&& exchange) {
  set_paused(context, request, captures, std::move(exchange), true);
}

void admin_resume_webhook(Context& context, const Request& request, const Captures& captures,
                          Exchange&& exchange) {
  set_paused(context, request, captures, std::move(exchange), false);
}

void admin_renew_webhook_secret(Context& context, const Request& request, const Captures& captures,
                                Exchange&& exchange) {
  act(
      context, std::move(exchange), request, captures, "webhook.secret", {},
      [id = std::string(captures[0])](Desk& desk, Instant) { return desk.renew_secret(id); },
      [](Exchange&& done, webhook::Endpoint&& endpoint) {
        const std::string secret = endpoint.secret;
        EndpointState state;
        state.endpoint = std::move(endpoint);
        done.send_personal(endpoint_json(state, secret));
      });
}

void admin_ping_webhook(Context& context, const Request& request, const Captures& captures,
                        Exchange&& exchange) {
  act(
      context, std::move(exchange), request, captures, "webhook.ping", {},
      [id = std::string(captures[0])](Desk& desk, Instant now) { return desk.ping(id, now); },
      [](Exchange&& done, webhook::Delivery&& delivery) {
        done.send_personal(delivery_json(delivery));
      });
}

void admin_list_deliveries(Context& context, const Request& request, const Captures& captures,
                           Exchange&& exchange) {
  QueryReader query(request.query, {"state", "subject", "page_token", "limit"});
  webhook::DeliveryFilter filter;
  filter.before = query.page_token();
  filter.limit = std::min(query.limit(), webhook::kMaxDeliveriesPage);
  filter.subject = query.text("subject");
  if (const auto state = query.text("state")) {
    using State = webhook::DeliveryState;
    for (const State known : {State::ready, State::delivered, State::failed}) {
      if (*state == to_text(known)) filter.state = known;
    }
    if (!filter.state) {
      query.refuse("state must be pending, delivered or failed.",
                   "state 应为 pending、delivered 或 failed。");
    }
  }
  if (query.fault()) return exchange.fail(Code::invalid_request, *query.fault());
  ask_webhooks(
      context, std::move(exchange),
      [id = std::string(captures[0]), filter](Desk& desk, Instant) {
        return desk.deliveries(id, filter);
      },
      [limit = filter.limit](Exchange&& kept, std::vector<webhook::Delivery>&& list) {
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().key("deliveries").begin_array();
        for (const webhook::Delivery& delivery : list)
          write_delivery(json, delivery, false);
        json.end_array();
        if (list.size() == limit) json.member("next_page_token", page_token(list.back().no));
        json.end_object();
        kept.send_personal(std::move(body));
      });
}

void admin_get_delivery(Context& context, const Request&, const Captures& captures,
                        Exchange&& exchange) {
  const auto no = parse_uint(captures[1], std::numeric_limits<std::int64_t>::max());
  if (!no) return exchange.fail(Code::unknown_delivery);
  ask_webhooks(
      context, std::move(exchange),
      [id = std::string(captures[0]), no = *no](Desk& desk, Instant) {
        return desk.delivery(id, no);
      },
      [](Exchange&& kept, webhook::Delivery&& delivery) {
        kept.send_personal(delivery_json(delivery));
      });
}

void admin_redeliver(Context& context, const Request& request, const Captures& captures,
                     Exchange&& exchange) {
  const auto no = parse_uint(captures[1], std::numeric_limits<std::int64_t>::max());
  if (!no) return exchange.fail(Code::unknown_delivery);
  act(
      context, std::move(exchange), request, captures, "webhook.redeliver",
      {{"delivery", "", std::to_string(*no)}},
      [id = std::string(captures[0]), no = *no](Desk& desk, Instant now) {
        return desk.redeliver(id, no, now);
      },
      [](Exchange&& done, webhook::Delivery&& delivery) {
        done.send_personal(delivery_json(delivery));
      });
}

void admin_redeliver_failed(Context& context, const Request& request, const Captures& captures,
                            Exchange&& exchange) {
  act(
      context, std::move(exchange), request, captures, "webhook.redeliver",
      {{"deliveries", "", "everything that failed"}},
      [id = std::string(captures[0])](Desk& desk, Instant now) {
        return desk.redeliver_failed(id, now);
      },
      [](Exchange&& done, std::int64_t&& count) {
        std::string body;
        http::JsonWriter json(body);
        json.begin_object().member("redelivered", count).end_object();
        done.send_personal(std::move(body));
      });
}

}  // namespace sluice::api

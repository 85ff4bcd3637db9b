// The routes under /_sandbox.
#include "sandbox/control.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/json_writer.h"
#include "sandbox/json_body.h"
#include "sandbox/order_json.h"

namespace sluice::sandbox {

namespace {

using http::JsonWriter;

constexpr std::int64_t kMaxAmount = 1'000'000'000'000;

http::Response ok(std::string body) {
  http::Response response;
  response.body = std::move(body);
  response.add("Cache-Control", "no-store");
  return response;
}

http::Response unknown(std::string_view segment) {
  return problem(
      404, "unknown_order",
      fmt::format("no order {} was created here; GET /_sandbox/orders lists them", quote(segment)));
}

http::Response refusal(const Refusal& refusal, std::string_view number) {
  switch (refusal.why) {
    case Why::paid:
      return problem(409, "already_paid", fmt::format("{} is paid already", quote(number)));
    case Why::closed:
      return problem(409, "closed",
                     fmt::format("{} is closed; {{\"force\":true}} lets money arrive all the same",
                                 quote(number)));
    case Why::expired:
      return problem(
          409, "expired",
          fmt::format("{} is past its time_expire; {{\"force\":true}} lets money arrive all the "
                      "same",
                      quote(number)));
    case Why::failed:
      return problem(409, "declined", fmt::format("the payer declined {}", quote(number)));
    default:
      return unknown(number);
  }
}

/// The number under "speed", whole or not.
std::optional<double> speed_of(const boost::json::object& body) {
  const boost::json::value* value = body.if_contains("speed");
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto speed = value->to_number<double>();
  if (speed < kLeastSpeed || speed > kMostSpeed) return std::nullopt;
  return speed;
}

}  // namespace

http::Response problem(int status, std::string_view code, std::string_view detail) {
  http::Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  JsonWriter json(response.body);
  json.begin_object().member("type", "about:blank").member("title", code);
  json.member("status", status).member("code", code).member("detail", detail).end_object();
  return response;
}

http::Response Control::list(const http::Request& request) const {
  const auto limit_text = http::query_value(request.query, "limit");
  const auto before_text = http::query_value(request.query, "before");
  const auto limit = parse_uint(limit_text.value_or("1000"), kMaxListed);
  const auto before = parse_uint(before_text.value_or("0"), INT64_MAX);
  if (!limit || *limit == 0 || !before) {
    return problem(400, "invalid_request",
                   fmt::format("limit must be 1 to {}, before a sequence number", kMaxListed));
  }
  const std::string base_url = base_url_();
  std::string body;
  JsonWriter json(body);
  json.begin_object().member("now", emulator_.now()).key("orders").begin_array();
  emulator_.read([&](const Book& book) {
    const auto wanted = static_cast<std::size_t>(*limit);
    const auto orders = book.list(static_cast<std::uint64_t>(*before), wanted);
    for (const Order* order : orders)
      write_summary(json, *order, base_url);
    json.end_array().key("next_before");
    const bool more = orders.size() == wanted && orders.back()->trade.sequence > 1;
    more ? json.value(orders.back()->trade.sequence) : json.null();
    json.member("known", book.size()).member("dropped", book.dropped());
    json.key("unknown").begin_array();
    for (const Book::Stranger& stranger : book.strangers()) {
      json.begin_object().member("out_trade_no", stranger.out_trade_no).key("call");
      write_event(json, stranger.event);
      json.end_object();
    }
  });
  json.end_array().end_object();
  return ok(std::move(body));
}

http::Response Control::show(std::string_view segment) const {
  const auto number = http::decode_segment(segment);
  if (!number) return unknown(segment);
  const std::string base_url = base_url_();
  std::string body;
  emulator_.read([&](const Book& book) {
    JsonWriter json(body);
    if (const Order* order = book.find(*number)) write_detail(json, *order, base_url);
  });
  return body.empty() ? unknown(*number) : ok(std::move(body));
}

http::Response Control::pay(const http::Request& request, std::string_view segment) const {
  const auto number = http::decode_segment(segment);
  if (!number) return unknown(segment);
  std::optional<Money> amount;
  bool force = false;
  if (!request.body.empty()) {
    const auto body = parse_object(request.body);
    if (!body) return problem(400, "invalid_request", body.error().message);
    if (auto known = only_keys(*body, "", {"amount", "force"}); !known) {
      return problem(400, "invalid_request", known.error().message);
    }
    const auto given = whole_number(*body, "amount", 1, kMaxAmount, 0);
    if (!given) return problem(400, "invalid_request", given.error().message + " minor units");
    if (*given > 0) amount = Money{*given};
    const auto forced = truth(*body, "force");
    if (!forced) return problem(400, "invalid_request", forced.error().message);
    force = *forced;
  }
  const auto trade = emulator_.pay(*number, amount, force);
  if (!trade) return refusal(trade.error(), *number);
  return show(segment);
}

http::Response Control::get_faults() const {
  std::string body;
  JsonWriter json(body);
  write_faults(json, emulator_.faults());
  return ok(std::move(body));
}

http::Response Control::put_faults(const http::Request& request) const {
  const auto faults = parse_faults(request.body);
  if (!faults) return problem(400, "invalid_request", faults.error().message);
  emulator_.set_faults(*faults);
  return get_faults();
}

http::Response Control::get_clock() const {
  std::string body;
  JsonWriter(body)
      .begin_object()
      .member("now", emulator_.now())
      .member("speed", emulator_.speed())
      .end_object();
  return ok(std::move(body));
}

http::Response Control::put_clock(const http::Request& request) const {
  const auto body = parse_object(request.body);
  if (!body) return problem(400, "invalid_request", body.error().message);
  if (auto known = only_keys(*body, "", {"speed"}); !known) {
    return problem(400, "invalid_request", known.error().message);
  }
  const auto speed = speed_of(*body);
  if (!speed) {
    return problem(400, "invalid_request",
                   fmt::format("speed must be a number from {} to {}", kLeastSpeed, kMostSpeed));
  }
  emulator_.set_speed(*speed);
  return get_clock();
}

}  // namespace sluice::sandbox

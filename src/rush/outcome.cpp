// Classification of answers without parsing JSON: the codes and ids sought need no decoding.
#include "rush/outcome.h"

#include <utility>

namespace sluice::rush {
namespace {

constexpr std::array<std::pair<const char*, const char*>, kOutcomes> kNames{{
    {"granted", "granted"},
    {"queued", "queued"},
    {"replayed", "replayed"},
    {"already_queued", "already queued"},
    {"limit_reached", "limit reached"},
    {"sold_out", "sold out"},
    {"not_started", "not started"},
    {"ended", "ended"},
    {"paused", "paused"},
    {"rate_limited", "rate limited"},
    {"overloaded", "overloaded"},
    {"ok", "ok"},
    {"refused", "refused otherwise"},
    {"server_error", "server error"},
    {"connection_error", "connection error"},
    {"timed_out", "timed out"},
}};

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// What follows `"name" :` in a JSON text; empty where there is no such member.
std::string_view after_member(std::string_view json, std::string_view name) {
  std::size_t at = 0;
  while ((at = json.find(name, at)) != std::string_view::npos) {
    const std::size_t end = at + name.size();
    const bool quoted = at > 0 && json[at - 1] == '"' && end < json.size() && json[end] == '"' &&
                        (at < 2 || json[at - 2] != '\\');
    at = end;
    if (!quoted) continue;
    std::string_view rest = json.substr(end + 1);
    while (!rest.empty() && blank(rest.front()))
      rest.remove_prefix(1);
    if (rest.empty() || rest.front() != ':') continue;
    rest.remove_prefix(1);
    while (!rest.empty() && blank(rest.front()))
      rest.remove_prefix(1);
    return rest;
  }
  return {};
}

OrderId order_in(std::string_view body, std::string_view member) {
  return parse_order_id(find_json_string(body, member)).value_or(OrderId{});
}

Outcome other(int status) {
  return status >= 500 ? Outcome::server_error : Outcome::refused;
}

Reading read_conflict(const Answer& answer) {
  const std::string_view code = find_json_string(answer.body, "code");
  if (code == "sold_out") return {Outcome::sold_out};
  if (code == "limit_reached") return {Outcome::limit_reached};
  if (code != "already_queued") return {Outcome::refused};
  const std::string_view legacy = after_member(answer.body, "legacy_code");
  const bool is_100 = legacy.starts_with("100") && (legacy.size() == 3 || legacy[3] == ',' ||
                                                    legacy[3] == '}' || blank(legacy[3]));
  return {Outcome::already_queued, order_in(answer.body, "order_id"), is_100};
}

}  // namespace

const char* to_text(Outcome outcome) {
  return kNames[static_cast<std::size_t>(outcome)].first;
}
const char* to_label(Outcome outcome) {
  return kNames[static_cast<std::size_t>(outcome)].second;
}

std::string_view find_json_string(std::string_view json, std::string_view name) {
  const std::string_view rest = after_member(json, name);
  if (rest.empty() || rest.front() != '"') return {};
  const std::size_t end = rest.find('"', 1);
  return end == std::string_view::npos ? std::string_view{} : rest.substr(1, end - 1);
}

Reading read_grab(const Answer& answer) {
  const std::string_view body = answer.body;
  switch (answer.status) {
    case 200:
    case 201:
    case 202: {
      const bool replayed = header_value(answer.head, "Idempotency-Replayed") == "true";
      const Outcome fresh = answer.status == 202 ? Outcome::queued : Outcome::granted;
      if (answer.status == 200 && !replayed) return {Outcome::refused};
      return {replayed ? Outcome::replayed : fresh, order_in(body, "id")};
    }
    case 409:
      return read_conflict(answer);
    case 410:
      return {find_json_string(body, "code") == "ended" ? Outcome::ended : Outcome::refused};
    case 423:
      return {find_json_string(body, "code") == "paused" ? Outcome::paused : Outcome::refused};
    case 425:
      return {find_json_string(body, "code") == "not_started" ? Outcome::not_started
                                                              : Outcome::refused};
    case 429:
      return {Outcome::rate_limited};
    case 503:
      return {find_json_string(body, "code") == "overloaded" ? Outcome::overloaded
                                                             : Outcome::server_error};
    default:
      return {other(answer.status)};
  }
}

Outcome read_raw(const Answer& answer) {
  return answer.status < 400 ? Outcome::ok : other(answer.status);
}

}  // namespace sluice::rush

// What both versions of WeChat Pay share.
#include "payment/wechat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sluice::payment::wechat {

namespace {

constexpr Span kChina = Span::seconds(8 * 3600);
constexpr std::size_t kMaxOutTradeNoBytes = 32;
constexpr std::size_t kMinOutTradeNoBytes = 6;

/// Everything else is a refusal: the same call would be refused again.
constexpr std::array<std::string_view, 13> kRetryCodes{"SYSTEMERROR",
                                                       "SYSTEM_ERROR",
                                                       "BIZERR_NEED_RETRY",
                                                       "FREQUENCY_LIMITED",
                                                       "FREQUENCY_LIMIT_EXCEED",
                                                       "RATELIMIT_EXCEEDED",
                                                       "RATE_LIMIT_EXCEEDED",
                                                       "INVALID_REQ_TOO_MUCH",
                                                       "BANKERROR",
                                                       "BANK_ERROR",
                                                       "USERPAYING",
                                                       "USER_PAYING",
                                                       "TRADE_STATE_ERROR"};

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// "2026-11-22T22:05:09" in China.
std::string local_text(Instant at) {
  return to_rfc3339(at + kChina).substr(0, 19);
}

}  // namespace

Fault::Kind kind_of(std::string_view code) {
  return std::ranges::find(kRetryCodes, code) != kRetryCodes.end() ? Fault::Kind::retry
                                                                   : Fault::Kind::refused;
}

Fault provider_fault(Fault::Kind kind, std::string_view code, std::string_view message) {
  std::string short_code(code.substr(0, 64));
  if (has_control(short_code) || !valid_utf8(short_code)) short_code.clear();
  return {kind, short_code,
          fmt::format("the provider says {}{}{}", short_code, short_code.empty() ? "" : ": ",
                      quote(message))};
}

Fault untrusted(std::string message) {
  return {Fault::Kind::untrusted, {}, std::move(message)};
}

std::optional<Fault> fault_of_status(int status) {
  if (status == 200) return std::nullopt;
  if (status >= 500 || status == 429) {
    return Fault{Fault::Kind::retry, {}, fmt::format("the provider answers with HTTP {}", status)};
  }
  return untrusted(fmt::format(
      "HTTP {} is no answer of the provider; is base_url its address, and is nothing in between?",
      status));
}

std::string v2_time(Instant at) {
  std::string digits = local_text(at);
  std::erase_if(digits, [](char c) { return c < '0' || c > '9'; });
  return digits;
}

std::optional<Instant> parse_v2_time(std::string_view text) {
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text.size() != 14 || !digits) return std::nullopt;
  const auto at = parse_local(
      fmt::format("{}-{}-{} {}:{}:{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                  text.substr(8, 2), text.substr(10, 2), text.substr(12, 2)),
      kChina);
  return at ? std::optional(*at) : std::nullopt;
}

std::string v3_time(Instant at) {
  return local_text(at) + "+08:00";
}

std::optional<Money> parse_minor(std::string_view text) {
  const auto minor = parse_uint(text, kMaxPrice.minor);
  if (!minor || *minor == 0) return std::nullopt;
  return Money{*minor};
}

bool valid_out_trade_no(std::string_view text) {
  return text.size() >= kMinOutTradeNoBytes && text.size() <= kMaxOutTradeNoBytes &&
         std::ranges::all_of(text, [](char c) {
           return is_alphanumeric(c) || c == '_' || c == '-' || c == '|' || c == '*';
         });
}

bool valid_transaction_id(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, &is_alphanumeric);
}

std::string fitting(std::string_view text, std::size_t max_bytes, std::string_view otherwise) {
  std::string fit(text.substr(0, max_bytes));
  if (text.size() > max_bytes) {
    // At most three bytes of a character stand before the cut.
    for (int i = 0; i < 3 && !fit.empty() && !valid_utf8(fit); ++i)
      fit.pop_back();
  }
  const bool broken = !valid_utf8(fit);
  for (char& c : fit) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
    if (broken && byte >= 0x80) c = '?';
  }
  const bool blank = fit.find_first_not_of(' ') == std::string::npos;
  return blank ? std::string(otherwise) : fit;
}

std::optional<Trade::State> trade_state(std::string_view text) {
  using State = Trade::State;
  static constexpr std::array<std::pair<std::string_view, State>, 8> kStates{
      {{"SUCCESS", State::paid},
       {"REFUND", State::refunded},
       {"NOTPAY", State::not_paid},
       {"CLOSED", State::closed},
       {"REVOKED", State::closed},
       {"USERPAYING", State::paying},
       {"ACCEPT", State::paying},  // of deductions: taken, the money follows
       {"PAYERROR", State::failed}}};
  for (const auto& [name, state] : kStates) {
    if (name == text) return state;
  }
  return std::nullopt;
}

}  // namespace sluice::payment::wechat

// One reader for the notifications of both versions.
#include "settlement/notice.h"

#include <array>
#include <map>
#include <optional>

#include "base/text.h"
#include "settlement/json_fields.h"

namespace sluice::settlement {

namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

constexpr Span kBeijing = Span::seconds(8 * 3600);  ///< v2 writes times of UTC+8 without saying so
constexpr std::size_t kMaxIdBytes = 64;
constexpr std::int64_t kMaxAmount = 1'000'000'000'000'000;

const std::string* find(const Fields& fields, std::string_view name) {
  const auto at = fields.find(name);
  return at == fields.end() ? nullptr : &at->second;
}

std::string text_of(const Fields& fields, std::string_view name) {
  const std::string* found = find(fields, name);
  return found == nullptr ? std::string{} : *found;
}

/// A field that v2 and v3 name differently. Under both names it must say the same.
Result<std::string> either(const Fields& fields, std::string_view v2, std::string_view v3) {
  const std::string* first = find(fields, v2);
  const std::string* second = find(fields, v3);
  if (first != nullptr && second != nullptr && *first != *second) {
    return fail(std::string{v2} + " is " + quote(*first) + " but " + std::string{v3} + " is " +
                quote(*second));
  }
  return first != nullptr ? *first : second != nullptr ? *second : std::string{};
}

Result<std::string> id_of(const Fields& fields, std::string_view name) {
  std::string id = text_of(fields, name);
  if (id.empty()) return fail(std::string{name} + " is missing");
  if (id.size() > kMaxIdBytes || has_control(id) || !valid_utf8(id)) {
    return fail(std::string{name} + " " + quote(id) + " is not 1 to 64 plain characters");
  }
  return id;
}

/// "20261122180705" of UTC+8.
Result<Instant> parse_compact(std::string_view text) {
  if (text.size() != 14 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return fail("time_end " + quote(text) + " is not yyyyMMddHHmmss");
  }
  const auto part = [&](std::size_t from, std::size_t size) {
    return std::string{text.substr(from, size)};
  };
  return parse_local(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + " " + part(8, 2) + ":" +
                         part(10, 2) + ":" + part(12, 2),
                     kBeijing);
}

Result<Instant> time_of(const Fields& fields) {
  const std::string* compact = find(fields, "time_end");
  const std::string* full = find(fields, "success_time");
  if (full != nullptr) return parse_rfc3339(*full);
  if (compact != nullptr) return parse_compact(*compact);
  return fail("time_end or success_time is missing");
}

Result<Notice> read_paid(const Fields& fields, std::string out_trade_no) {
  auto transaction = id_of(fields, "transaction_id");
  if (!transaction) return std::unexpected(transaction.error());
  auto amount_text = either(fields, "total_fee", "amount.total");
  if (!amount_text) return std::unexpected(amount_text.error());
  const std::optional<std::int64_t> amount = parse_uint(*amount_text, kMaxAmount);
  if (!amount) return fail("the amount " + quote(*amount_text) + " is no whole number of fen");
  auto currency_text = either(fields, "fee_type", "amount.currency");
  if (!currency_text) return std::unexpected(currency_text.error());
  const auto currency = Currency::parse(currency_text->empty() ? "CNY" : *currency_text);
  if (!currency) return fail("the currency " + quote(*currency_text) + " is not known");
  const auto paid_at = time_of(fields);
  if (!paid_at) return std::unexpected(paid_at.error());
  return PaidNotice{std::move(out_trade_no), std::move(*transaction), Money{*amount}, *currency,
                    *paid_at};
}

enum class State : std::uint8_t { paid, failed, other };

Result<State> state_of(const Fields& fields) {
  const std::string* return_code = find(fields, "return_code");
  const std::string* result_code = find(fields, "result_code");
  const std::string* trade_state = find(fields, "trade_state");
  if (return_code != nullptr || result_code != nullptr) {
    if (return_code == nullptr || *return_code != "SUCCESS") {
      return fail("return_code is not SUCCESS: it tells of a call, not of a payment");
    }
    if (result_code == nullptr) return fail("result_code is missing");
    if (*result_code == "FAIL") return State::failed;
    if (*result_code != "SUCCESS")
      return fail("result_code " + quote(*result_code) + " is neither");
    if (trade_state == nullptr) return State::paid;
  }
  if (trade_state == nullptr) return fail("return_code or trade_state is missing");
  if (*trade_state == "SUCCESS") return State::paid;
  constexpr std::array failures = {"PAYERROR", "REVOKED", "CLOSED"};
  for (const char* failure : failures) {
    if (*trade_state == failure) return State::failed;
  }
  constexpr std::array others = {"NOTPAY", "USERPAYING", "ACCEPT", "REFUND"};
  for (const char* other : others) {
    if (*trade_state == other) return State::other;
  }
  return fail("trade_state " + quote(*trade_state) + " is not known");
}

}  // namespace

Result<Notice> parse_notice(std::string_view body) {
  if (body.size() > kMaxNoticeBytes) return fail("longer than 64 KiB");
  const auto fields = read_fields(body);
  if (!fields) return std::unexpected(fields.error());
  auto out_trade_no = id_of(*fields, "out_trade_no");
  if (!out_trade_no) return std::unexpected(out_trade_no.error());
  if (find(*fields, "refund_status") != nullptr) return RefundNotice{std::move(*out_trade_no)};
  const auto state = state_of(*fields);
  if (!state) return std::unexpected(state.error());
  switch (*state) {
    case State::paid:
      return read_paid(*fields, std::move(*out_trade_no));
    case State::failed:
      return FailedNotice{std::move(*out_trade_no)};
    case State::other:
      break;
  }
  return OtherNotice{std::move(*out_trade_no)};
}

}  // namespace sluice::settlement

// Creating a payment: the row is durable before the provider is asked, one ask serves everybody who
// wants the same payment, and an ask whose outcome is unknown is repeated as it was.
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include "base/ids.h"
#include "base/text.h"
#include "payment/service_core.h"

namespace sluice::payment {

namespace {

using Standing = Payment::Standing;

constexpr std::size_t kMinTradeNoBytes = 6;
constexpr std::size_t kMaxTradeNoBytes = 32;
constexpr std::size_t kMaxSubjectBytes = 1024;
constexpr std::size_t kMaxAddressBytes = 64;

/// Codes that say that there is a trade, which this refusal was not the end of.
constexpr std::array<std::string_view, 4> kTradeExists{"ORDERPAID", "ORDERCLOSED", "ORDER_CLOSED",
                                                       "OUT_TRADE_NO_USED"};

bool is_trade_no_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '|' || c == '*';
}

std::optional<std::string> find_fault(const PaymentRequest& request, Instant now) {
  const std::string& number = request.out_trade_no;
  if (number.size() < kMinTradeNoBytes || number.size() > kMaxTradeNoBytes ||
      !std::ranges::all_of(number, is_trade_no_character)) {
    return fmt::format("The out_trade_no {} is not one: use {} to {} of 0-9 a-z A-Z _ - | *.",
                       quote(number), kMinTradeNoBytes, kMaxTradeNoBytes);
  }
  if (request.amount.minor <= 0 || request.amount > kMaxPrice) {
    return fmt::format("The amount {} cannot be paid: use 1 to {} of the currency's minor unit.",
                       request.amount.minor, kMaxPrice.minor);
  }
  if (request.subject.empty() || request.subject.size() > kMaxSubjectBytes ||
      !valid_utf8(request.subject) || has_control(request.subject)) {
    return fmt::format(
        "The subject {} cannot be shown: use 1 to {} bytes of UTF-8 without control characters.",
        quote(request.subject), kMaxSubjectBytes);
  }
  if (request.client_address.size() > kMaxAddressBytes) {
    return fmt::format("The client's address has {} bytes, at most {} are sent.",
                       request.client_address.size(), kMaxAddressBytes);
  }
  if (!valid_user(request.attach.username) && !request.attach.username.empty()) {
    return fmt::format("The username {} is not one.", quote(request.attach.username));
  }
  if (const std::size_t size = to_json(request.attach).size(); size > kMaxAttachBytes) {
    return fmt::format(
        "Exchange and queue have {} bytes too many: they must come back in {} with their names.",
        size - kMaxAttachBytes, kMaxAttachBytes);
  }
  if (request.expires_at <= now) {
    return fmt::format("The payment's end {} has passed: nobody could pay it.",
                       to_rfc3339(request.expires_at));
  }
  return std::nullopt;
}

/// What of two requests must agree. The first one's subject, end and address are sent again with
/// every ask: the provider wants the same parameters.
bool same(const Payment& known, const PaymentRequest& request) {
  return known.amount == request.amount && known.currency == request.currency &&
         known.attach == request.attach;
}

NewPayment to_gateway(const PaymentRow& row) {
  const Payment& payment = row.payment;
  return {payment.out_trade_no,    payment.amount,     payment.currency,  payment.subject,
          to_json(payment.attach), payment.expires_at, row.client_address};
}

/// What the provider said to an ask, for everybody who waits for it.
class CreatedTask final : public Task {
 public:
  CreatedTask(std::shared_ptr<Core> core, std::string number, Outcome<CreatedPayment> outcome)
      : core_(std::move(core)), number_(std::move(number)), outcome_(std::move(outcome)) {}

  int work(Ledger& ledger) override {
    take_waiters();
    if (outcome_) {
      const int code = ledger.set_code(number_, *outcome_, core_->now());
      return code == SQLITE_OK ? ledger.find(number_, row_) : code;
    }
    if (const int code = ledger.find(number_, row_); code != SQLITE_OK) return code;
    return is_final(*row_) ? ledger.settle(number_, Standing::refused, "") : SQLITE_OK;
  }

  void done(const std::optional<Error>& why_not) override {
    take_waiters();
    for (auto& then : waiters_) {
      if (why_not) {
        then(std::unexpected(no_storage(*why_not)));
      } else if (outcome_) {
        then(row_->payment);
      } else {
        then(std::unexpected(gateway_error(outcome_.error())));
      }
    }
  }

 private:
  /// Who comes after this asks anew. Once: the next may be there already when this is done.
  void take_waiters() {
    if (std::exchange(has_taken_, true)) return;
    const auto at = core_->creating.find(number_);
    if (at == core_->creating.end()) return;
    waiters_ = std::move(at->second);
    core_->creating.erase(at);
  }
  /// Whether it is certain that the provider knows no such payment: an earlier ask with an unknown
  /// outcome may have made it.
  bool is_final(const PaymentRow& row) const {
    const Fault& fault = outcome_.error();
    return fault.kind == Fault::Kind::refused && row.asked == 1 &&
           std::ranges::find(kTradeExists, fault.code) == kTradeExists.end();
  }

  std::shared_ptr<Core> core_;
  std::string number_;
  Outcome<CreatedPayment> outcome_;
  std::optional<PaymentRow> row_;
  std::vector<Answer<Payment>> waiters_;
  bool has_taken_ = false;
};

/// Finds or makes the row, and decides who asks the provider.
class BeginTask final : public Task {
 public:
  BeginTask(std::shared_ptr<Core> core, PaymentRequest request, Answer<Payment> then)
      : core_(std::move(core)), request_(std::move(request)), then_(std::move(then)) {}

  int work(Ledger& ledger) override {
    const std::string& number = request_.out_trade_no;
    if (const int code = ledger.find(number, row_); code != SQLITE_OK) return code;
    step_ = decide();
    if (step_ == Step::join || step_ == Step::answer) return SQLITE_OK;
    core_->creating.try_emplace(number);
    if (row_) return ledger.ask_again(number);
    row_ = new_row();
    return ledger.insert(*row_);
  }

  void done(const std::optional<Error>& why_not) override {
    if (why_not) {
      if (step_ == Step::ask) core_->creating.erase(request_.out_trade_no);
      return refuse(no_storage(*why_not));
    }
    if (step_ == Step::answer) return answer();
    const auto at = core_->creating.find(request_.out_trade_no);
    if (at == core_->creating.end()) return begin_again();
    auto& waiters = at->second;
    if (waiters.size() >= kMaxJoined) {
      return refuse(gateway_error({Fault::Kind::unavailable, "", "too many ask for this payment"}));
    }
    waiters.push_back(std::move(then_));
    if (step_ == Step::ask) ask();
  }

  void refuse(ServiceError&& error) { then_(std::unexpected(std::move(error))); }

 private:
  enum class Step : std::uint8_t { answer, join, ask };

  Step decide() {
    if (!row_) return Step::ask;
    const Payment& known = row_->payment;
    if (!same(known, request_)) {
      refusal_ = ServiceError{
          ServiceError::Kind::conflict,
          fmt::format("The payment {} was created with another amount, currency or attach ({} {}): "
                      "use a new out_trade_no.",
                      quote(known.out_trade_no), known.amount.minor, known.currency.code()),
          std::nullopt};
      return Step::answer;
    }
    if (core_->creating.contains(known.out_trade_no)) return Step::join;
    const bool is_settled = known.standing >= Standing::closed;
    if (known.code_url.empty() && is_settled) {
      refusal_ = gateway_error({Fault::Kind::refused,
                                known.standing >= Standing::paid ? "ORDERPAID" : "ORDERCLOSED",
                                "the payment is settled already"});
      return Step::answer;
    }
    const Instant now = core_->now();
    const bool is_over = now >= known.expires_at;
    const bool is_fresh = !known.code_url.empty() && now < known.code_at + kCodeLife;
    if (is_fresh || (!known.code_url.empty() && (is_settled || is_over))) return Step::answer;
    if (!is_over) return Step::ask;
    refusal_ = invalid(fmt::format("The payment's end {} has passed: nobody could pay it.",
                                   to_rfc3339(known.expires_at)));
    return Step::answer;
  }

  PaymentRow new_row() {
    PaymentRow row;
    row.payment.out_trade_no = request_.out_trade_no;
    row.payment.amount = request_.amount;
    row.payment.currency = request_.currency;
    row.payment.attach = request_.attach;
    row.payment.subject = request_.subject;
    row.payment.created_at = core_->now();
    row.payment.expires_at = request_.expires_at;
    row.client_address = request_.client_address;
    return row;
  }

  void answer() {
    if (refusal_) return refuse(std::move(*refusal_));
    then_(row_->payment);
  }

  /// The answer that was to be shared came in the same batch: it is in the ledger now.
  void begin_again() {
    post_or_answer(*core_,
                   std::make_unique<BeginTask>(core_, std::move(request_), std::move(then_)));
  }

  void ask() {
    core_->gateway.create(to_gateway(*row_), [core = core_, number = request_.out_trade_no](
                                                 Outcome<CreatedPayment> outcome) {
      std::unique_ptr<Task> task = std::make_unique<CreatedTask>(core, number, std::move(outcome));
      // Once closed, the waiting were told so, and the next start asks the provider again.
      core->thread.post(task, LedgerThread::Entry::always);
    });
  }

  std::shared_ptr<Core> core_;
  PaymentRequest request_;
  Answer<Payment> then_;
  std::optional<PaymentRow> row_;
  std::optional<ServiceError> refusal_;
  Step step_ = Step::answer;
};

}  // namespace

void create_payment(Core& core, PaymentRequest request, Answer<Payment> then) {
  if (!core.allows(request.attach)) {
    return then(std::unexpected(
        ServiceError{ServiceError::Kind::forbidden,
                     fmt::format("The exchange {} with the queue {} is not on the configured list.",
                                 quote(request.attach.exchange), quote(request.attach.queue)),
                     std::nullopt}));
  }
  if (auto fault = find_fault(request, core.now())) {
    return then(std::unexpected(invalid(std::move(*fault))));
  }
  post_or_answer(core, std::make_unique<BeginTask>(core.shared_from_this(), std::move(request),
                                                   std::move(then)));
}

}  // namespace sluice::payment

// A gateway for tests: answers what the test scripted, on a thread of its own, and remembers what
// it was asked. Notifications are signed with a word that the test may leave out.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "payment/gateway.h"

namespace sluice::payment::testing {

/// Every call answers with the script of its kind; a script runs on the gateway's thread. Without
/// one: creations succeed, everything else finds nothing.
class FakeGateway final : public Gateway {
 public:
  struct Calls {
    std::vector<NewPayment> created;
    std::vector<std::string> queried;
    std::vector<std::string> closed;
    std::vector<RefundOrder> refunded;
    std::vector<std::string> refunds_queried;  ///< out_refund_no
  };

  FakeGateway() : thread_([this] { run(); }) {}
  ~FakeGateway() override { stop(); }
  FakeGateway(const FakeGateway&) = delete;
  FakeGateway& operator=(const FakeGateway&) = delete;

  // Scripts. Set them before the call that they are for, or under hold().
  std::function<Outcome<CreatedPayment>(const NewPayment&)> on_create =
      [](const NewPayment& asked) {
        const std::string url = "weixin://wxpay/bizpayurl?pr=" + asked.out_trade_no;
        return CreatedPayment{url, {{"code_url", url}, {"trade_type", "NATIVE"}}};
      };
  std::function<Outcome<Trade>(const std::string&)> on_query = [](const std::string&) {
    return Trade{};
  };
  std::function<Outcome<CloseAnswer>(const std::string&)> on_close = [](const std::string&) {
    return CloseAnswer::not_found;
  };
  std::function<Outcome<RefundProgress>(const RefundOrder&)> on_refund = [](const RefundOrder&) {
    return RefundProgress{};
  };
  std::function<Outcome<RefundProgress>(const std::string&)> on_query_refund =
      [](const std::string&) {
        return RefundProgress{RefundProgress::State::not_found, {}};
      };

  /// Keeps answers back until release().
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  Calls calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  /// Waits until so many creations were asked for.
  void await_created(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_.created.size() >= count; });
  }

  void create(NewPayment payment, Then<CreatedPayment> then) override {
    call([&] { calls_.created.push_back(payment); }, [this, payment] { return on_create(payment); },
         std::move(then));
  }
  void query(std::string out_trade_no, Then<Trade> then) override {
    call([&] { calls_.queried.push_back(out_trade_no); },
         [this, out_trade_no] { return on_query(out_trade_no); }, std::move(then));
  }
  void close(std::string out_trade_no, Then<CloseAnswer> then) override {
    call([&] { calls_.closed.push_back(out_trade_no); },
         [this, out_trade_no] { return on_close(out_trade_no); }, std::move(then));
  }
  void refund(RefundOrder refund, Then<RefundProgress> then) override {
    call([&] { calls_.refunded.push_back(refund); }, [this, refund] { return on_refund(refund); },
         std::move(then));
  }
  void query_refund(std::string, std::string out_refund_no, Then<RefundProgress> then) override {
    call([&] { calls_.refunds_queried.push_back(out_refund_no); },
         [this, out_refund_no] { return on_query_refund(out_refund_no); }, std::move(then));
  }

  /// A notification of a success that parse() accepts, with the fields of v2.
  static RawNotification notification(const PaymentFacts& facts, std::string_view event_id) {
    return sign({{"event_id", std::string(event_id)},
                 {"return_code", "SUCCESS"},
                 {"result_code", "SUCCESS"},
                 {"out_trade_no", facts.out_trade_no},
                 {"transaction_id", facts.transaction_id},
                 {"total_fee", std::to_string(facts.amount.minor)},
                 {"fee_type", std::string(facts.currency.code())},
                 {"time_end", std::to_string(facts.paid_at.ms)},
                 {"attach", facts.attach}});
  }
  static RawNotification refund_notification(std::string out_trade_no, std::string event_id) {
    return sign({{"event_id", std::move(event_id)},
                 {"refund_status", "SUCCESS"},
                 {"out_trade_no", std::move(out_trade_no)}});
  }
  /// "name=value" lines with the signature that parse() wants.
  static RawNotification sign(const Fields& fields) {
    RawNotification raw;
    raw.headers.emplace_back("Signature", "genuine");
    for (const auto& [name, value] : fields)
      raw.body.append(name).append("=").append(value).append("\n");
    return raw;
  }

  Result<Notification> parse(const RawNotification& raw, Instant) const override {
    const std::pair<std::string, std::string> genuine{"Signature", "genuine"};
    if (std::ranges::find(raw.headers, genuine) == raw.headers.end()) {
      return fail("The signature of the notification is not the provider's.");
    }
    Notification out;
    std::map<std::string, std::string> found;
    for (std::string_view rest = raw.body; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const std::size_t equals = line.find('=');
      if (equals == std::string_view::npos) return fail("A line without a value.");
      const auto& field = out.fields.emplace_back(line.substr(0, equals), line.substr(equals + 1));
      found.insert(field);
    }
    out.event_id = found["event_id"];
    out.out_trade_no = found["out_trade_no"];
    out.attach = found["attach"];
    std::erase_if(out.fields, [](const auto& field) { return field.first == "event_id"; });
    if (found.contains("refund_status")) {
      out.kind = Notification::Kind::refund;
      return out;
    }
    out.payment = PaymentFacts{out.out_trade_no,
                               found["transaction_id"],
                               Money{number(found["total_fee"])},
                               Currency::parse(found["fee_type"]).value_or(Currency{}),
                               Instant{number(found["time_end"])},
                               out.attach};
    return out;
  }
  Acknowledgement acknowledge(Receipt receipt, std::string_view why_not) const override {
    const bool stored = receipt == Receipt::stored;
    const int failure = receipt == Receipt::refused ? 400 : 500;
    return {stored ? 200 : failure, "text/plain",
            stored ? "SUCCESS" : "FAIL " + std::string(why_not)};
  }
  Health health() const override { return {}; }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  static std::int64_t number(std::string_view text) {
    return parse_uint(text, INT64_MAX).value_or(0);
  }

  template <class Note, class Script, class T>
  void call(Note note, Script script, Then<T> then) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        note();
        waiting_.emplace_back(
            [script = std::move(script), then = std::move(then)](bool answers) mutable {
              if (answers) return then(script());
              then(std::unexpected(Fault{Fault::Kind::unavailable, "", "the gateway stops"}));
            });
        changed_.notify_all();
        return;
      }
    }
    then(std::unexpected(Fault{Fault::Kind::unavailable, "", "the gateway stops"}));
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || (!held_ && !waiting_.empty()); });
      if (waiting_.empty()) return;
      auto answer = std::move(waiting_.front());
      waiting_.pop_front();
      const bool answers = !stopping_;
      lock.unlock();
      answer(answers);
      lock.lock();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void(bool)>> waiting_;
  Calls calls_;
  bool held_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::payment::testing

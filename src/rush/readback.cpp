// The closed loop of questions behind the verdict.
#include "rush/readback.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::rush {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kPauseNs = 100 * kMs;  // before a question is asked again
constexpr std::uint64_t kPatienceNs = 30'000 * kMs;
constexpr Span kAnswerTimeout = Span::seconds(10);

class Interview : public Driver {
 public:
  Interview(const Target& target, const Readback::Next& next, const Readback::OnAnswer& on_answer)
      : target_(target),
        next_(next),
        on_answer_(on_answer),
        wire_(target, Readback::kConnections, kAnswerTimeout),
        slots_(Readback::kConnections) {
    for (std::uint16_t i = 0; i < Readback::kConnections; ++i)
      free_.push_back(i);
  }

  Result<void> run() {
    if (auto up = wire_.connect_all(Span::seconds(15)); !up) return up;
    std::uint64_t now = monotonic_ns();
    progress_ns_ = now;
    while (true) {
      launch(now);
      if (over_ && waiting_.empty() && wire_.in_flight() == 0) return {};
      if (now > progress_ns_ + kPatienceNs) {
        return fail(fmt::format("{} stopped answering while orders were read back", target_.url));
      }
      now = wire_.poll(now + kPauseNs / 2, *this);
    }
  }

 private:
  struct Slot {
    Question question;
    int attempts = 0;
    int polls = 0;
    std::uint64_t not_before_ns = 0;
  };

  /// Sends what may be sent: questions that wait for another try, then new ones. The number of
  /// slots bounds both.
  void launch(std::uint64_t now) {
    for (std::size_t i = 0; i < waiting_.size() && wire_.idle() > 0;) {
      if (slots_[waiting_[i]].not_before_ns > now || !send(waiting_[i], now)) {
        ++i;
        continue;
      }
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    while (!over_ && !free_.empty() && wire_.idle() > 0) {
      const std::uint16_t index = free_.back();
      Slot& slot = slots_[index];
      if (!next_(slot.question)) {
        over_ = true;
        return;
      }
      free_.pop_back();
      slot.attempts = slot.polls = 0;
      if (!send(index, now)) wait(index, now);
    }
  }

  bool send(std::uint16_t index, std::uint64_t now) {
    const Question& question = slots_[index].question;
    request_.clear();
    fmt::format_to(std::back_inserter(request_),
                   "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n", question.path,
                   target_.host, question.token);
    return wire_.send({.intended_ns = now, .item = index}, request_, now);
  }

  void wait(std::uint16_t index, std::uint64_t now) {
    slots_[index].not_before_ns = now + kPauseNs;
    waiting_.push_back(index);
  }

  void finish(std::uint16_t index, int status, std::string_view body, std::uint64_t now) {
    Slot& slot = slots_[index];
    const bool again = on_answer_(slot.question.subject, status, body);
    if (again && status != 0 && ++slot.polls < Readback::kMaxPolls) {
      wait(index, now);
    } else {
      free_.push_back(index);
    }
  }

  void on_answer(const Errand& errand, const Answer& answer, std::uint64_t,
                 std::uint64_t now) override {
    progress_ns_ = now;
    const bool busy = answer.status == 429 || answer.status == 503;
    if (busy && ++slots_[errand.item].attempts < Readback::kMaxAttempts) {
      wait(errand.item, now);
    } else {
      finish(errand.item, answer.status, answer.body, now);
    }
    launch(now);
  }

  void on_loss(const Errand& errand, Loss, std::uint64_t, std::uint64_t now) override {
    if (++slots_[errand.item].attempts < Readback::kMaxAttempts) {
      wait(errand.item, now);
    } else {
      finish(errand.item, 0, {}, now);
    }
  }

  const Target& target_;
  const Readback::Next& next_;
  const Readback::OnAnswer& on_answer_;
  Wire wire_;
  std::vector<Slot> slots_;
  std::vector<std::uint16_t> free_;
  std::vector<std::uint16_t> waiting_;
  std::string request_;
  std::uint64_t progress_ns_ = 0;
  bool over_ = false;
};

}  // namespace

Result<void> Readback::ask(const Target& target, const Next& next, const OnAnswer& on_answer) {
  return Interview(target, next, on_answer).run();
}

}  // namespace sluice::rush

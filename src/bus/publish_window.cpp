// The bookkeeping of publisher confirms.
#include "bus/publish_window.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace sluice::bus {

namespace {

/// Frames, properties and our own entry.
constexpr std::uint64_t kOverheadBytes = 256;

}  // namespace

std::uint64_t cost_of(const Outgoing& outgoing) {
  return outgoing.message.body.size() + outgoing.message.id.size() + outgoing.exchange.size() +
         outgoing.routing_key.size() + kOverheadBytes;
}

void PublishWindow::add(Outgoing outgoing, Due now) {
  const std::uint64_t cost = cost_of(outgoing);
  Entry entry;
  entry.outgoing = std::move(outgoing);
  entry.deadline = now + limits_.patience.ms;
  entry.cost = cost;
  waiting_.push_back(std::move(entry));
}

void PublishWindow::connected() {
  while (!sent_.empty()) {
    Entry& last = sent_.back();
    if (!last.answered) {
      last.returned.clear();
      waiting_.push_front(std::move(last));
    }
    sent_.pop_back();
  }
  first_tag_ = 1;
  sent_bytes_ = 0;
  unanswered_ = 0;
  blocked_.clear();
}

const Outgoing* PublishWindow::first() const {
  if (waiting_.empty() || blocked() || sent_.size() >= limits_.messages) return nullptr;
  const Entry& entry = waiting_.front();
  if (!sent_.empty() && sent_bytes_ + entry.cost > limits_.bytes) return nullptr;
  return &entry.outgoing;
}

void PublishWindow::refuse(std::string why) {
  Entry& entry = waiting_.front();
  finished_.push_back({std::move(entry.outgoing.then), fail(std::move(why)), entry.cost});
  waiting_.pop_front();
}

std::optional<PublishWindow::Next> PublishWindow::next() {
  if (first() == nullptr) return std::nullopt;
  sent_.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  sent_bytes_ += sent_.back().cost;
  ++unanswered_;
  return Next{first_tag_ + sent_.size() - 1, &sent_.back().outgoing};
}

PublishWindow::Entry* PublishWindow::find(std::uint64_t tag) {
  if (tag < first_tag_ || tag - first_tag_ >= sent_.size()) return nullptr;
  return &sent_[tag - first_tag_];
}

template <class Settle>
bool PublishWindow::settle(std::uint64_t tag, bool multiple, Settle settle) {
  // Tag 0 with `multiple` means everything so far.
  if (multiple && tag == 0) tag = first_tag_ + sent_.size() - 1;
  if (multiple && tag < first_tag_) return tag + 1 == first_tag_;
  if (find(tag) == nullptr) return false;
  for (std::uint64_t each = multiple ? first_tag_ : tag; each <= tag; ++each) {
    Entry& entry = *find(each);
    entry.confirmed = true;
    if (!entry.answered) settle(entry);
  }
  drop_confirmed();
  return true;
}

bool PublishWindow::acked(std::uint64_t tag, bool multiple) {
  return settle(tag, multiple, [this](Entry& entry) {
    if (entry.returned.empty()) return answer(entry, {});
    if (entry.outgoing.target && !entry.sent_again) return send_again(entry);
    answer(entry, fail(entry.returned));
  });
}

bool PublishWindow::nacked(std::uint64_t tag, bool multiple) {
  return settle(tag, multiple, [this](Entry& entry) {
    answer(entry,
           fail(fmt::format("RabbitMQ did not take a message for {}: the queue is full, or the "
                            "majority of its replicas is away; see rabbitmq-diagnostics "
                            "check_if_node_is_quorum_critical and the queue's length.",
                            quote(entry.outgoing.routing_key))));
  });
}

bool PublishWindow::returned(std::uint64_t tag, std::string why) {
  Entry* entry = find(tag);
  if (entry == nullptr) return false;
  entry->returned = std::move(why);
  return true;
}

void PublishWindow::expire(Due now, const std::string& trouble) {
  const auto error = [&](const char* state) {
    const std::string& why = trouble.empty() ? blocked_ : trouble;
    return fail(fmt::format("RabbitMQ did not confirm a message within {} s ({}){}{}",
                            limits_.patience.ms / 1000, state, why.empty() ? "." : ": ", why));
  };
  // Deadlines rise with the order of arrival, and what was sent arrived before what waits.
  for (Entry& entry : sent_) {
    if (entry.deadline > now) break;
    if (!entry.answered) answer(entry, error("sent, so it may arrive all the same"));
  }
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    Entry& entry = waiting_.front();
    finished_.push_back({std::move(entry.outgoing.then), error("not sent"), entry.cost});
    waiting_.pop_front();
  }
  // Tags go on: what was answered stays until the broker confirms it or the connection is lost.
}

void PublishWindow::give_up(const std::string& why) {
  for (Entry& entry : sent_) {
    if (!entry.answered) answer(entry, fail(why));
  }
  for (Entry& entry : waiting_)
    finished_.push_back({std::move(entry.outgoing.then), fail(why), entry.cost});
  waiting_.clear();
}

std::optional<PublishWindow::Due> PublishWindow::next_due() const {
  std::optional<Due> due;
  const auto open = std::ranges::find_if(sent_, [](const Entry& entry) { return !entry.answered; });
  if (open != sent_.end()) due = open->deadline;
  if (!waiting_.empty() && (!due || waiting_.front().deadline < *due)) {
    due = waiting_.front().deadline;
  }
  return due;
}

void PublishWindow::answer(Entry& entry, Result<> result) {
  entry.answered = true;
  --unanswered_;
  finished_.push_back({std::move(entry.outgoing.then), std::move(result), entry.cost});
}

/// Its place in the line of tags stays until the broker has confirmed those before it.
void PublishWindow::send_again(Entry& entry) {
  entry.answered = true;
  --unanswered_;
  Entry again;
  again.outgoing = std::move(entry.outgoing);
  again.deadline = entry.deadline;
  again.cost = entry.cost;
  again.sent_again = true;
  waiting_.push_front(std::move(again));
}

void PublishWindow::drop_confirmed() {
  // From the front only: a tag is a place in the line.
  while (!sent_.empty() && sent_.front().confirmed) {
    sent_bytes_ -= sent_.front().cost;
    sent_.pop_front();
    ++first_tag_;
  }
}

}  // namespace sluice::bus

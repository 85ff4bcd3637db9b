// What the tests of this room share: a history that the test writes, a sender that says what the
// test wants, and time that the test moves.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "webhook/desk.h"

namespace sluice::webhook::testing {

inline constexpr Instant kStart{1'800'000'000'000};

/// A history in memory.
class FakeSource final : public Source {
 public:
  Result<store::Changes> read(std::int64_t after, const std::set<ItemNo>& told) override {
    if (broken) return fail("the record cannot be read");
    store::Changes found;
    found.head = head;
    found.next = head;
    for (const store::Change& change : history) {
      if (change.sequence <= after) continue;
      found.changes.push_back(change);
      if (found.changes.size() == at_once) {
        found.next = change.sequence;
        break;
      }
    }
    if (found.next != head) return found;
    for (const ItemNo no : told) {
      if (!empty.contains(no)) found.back.push_back(no);
    }
    for (const ItemNo no : empty) {
      if (told.contains(no)) continue;
      store::SoldOutItem item;
      item.no = no;
      item.id = "item-" + std::to_string(no.value);
      item.stock = 5;
      found.sold_out.push_back(item);
    }
    return found;
  }

  void add(std::int64_t order, sale::HistoryEvent event, Instant at = kStart) {
    store::Change change;
    change.sequence = ++head;
    change.at = at;
    change.event = event;
    change.order.id = OrderId{order};
    change.order.user = "alice";
    change.order.status = sale::OrderStatus::paid;
    history.push_back(change);
  }

  std::vector<store::Change> history;
  std::set<ItemNo> empty;
  std::int64_t head = 0;
  std::size_t at_once = 256;
  bool broken = false;
};

/// Keeps parcels until the test says how they went.
class FakeSender final : public Sender {
 public:
  void send(Parcel&& parcel) override { sent.push_back(std::move(parcel)); }
  std::deque<Parcel> sent;
};

class DeskTest : public ::testing::Test {
 protected:
  DeskTest() {
    std::string name = "/tmp/sluice-webhook-XXXXXX";
    directory_ = root_ = ::mkdtemp(name.data());
    open();
  }
  ~DeskTest() override {
    desk_.reset();
    std::filesystem::remove_all(root_);
  }

  /// As after a restart; what was in flight is forgotten.
  void open() {
    desk_.reset();
    sender_.sent.clear();
    DeskOptions options;
    options.directory = directory_;
    options.write_order = [](http::JsonWriter& json, const sale::OrderView& order) {
      json.begin_object().member("id", sluice::to_text(order.id));
      json.member("status", sale::to_text(order.status)).end_object();
    };
    options.configured = configured_;
    options.jitter = [] { return 0.0; };
    auto opened = Desk::open(std::move(options), source_, sender_, now_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    desk_ = std::move(*opened);
  }

  Endpoint add(const std::string& url = "http://one.example/", EventSet events = EventSet::all()) {
    EndpointDraft draft;
    draft.url = url;
    draft.events = events;
    auto made = desk_->add(draft, now_);
    EXPECT_TRUE(made.has_value());
    return made.value_or(Endpoint{});
  }

  void step() { desk_->step(now_); }
  void advance(Span by) {
    now_ = now_ + by;
    step();
  }

  /// Ends the oldest attempt that matches; status 0: it was not answered.
  bool answer(int status, const std::string& url = {}) {
    for (auto parcel = sender_.sent.begin(); parcel != sender_.sent.end(); ++parcel) {
      if (!url.empty() && parcel->url != url) continue;
      Verdict verdict;
      verdict.delivery = parcel->delivery;
      verdict.attempt.at = now_;
      verdict.attempt.status = status;
      const bool fine = status >= 200 && status < 300;
      if (!fine) verdict.attempt.error = status == 0 ? "connection refused" : "answered";
      std::string id = parcel->delivery.event_id;
      id.resize(id.rfind('_'));  // without its time
      log_.push_back(id + (fine ? " ok" : " failed"));
      if (fine) taken_.push_back(id);
      sender_.sent.erase(parcel);
      desk_->finished(std::move(verdict));
      return true;
    }
    return false;
  }
  /// Answers whatever is sent until nothing more comes at this moment.
  void answer_all(int status) {
    step();
    while (answer(status))
      step();
  }
  std::size_t in_flight(const std::string& url) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sender_.sent, [&](const Parcel& parcel) { return parcel.url == url; }));
  }

  std::string root_;
  std::string directory_;  ///< of the database, in the root
  Instant now_ = kStart;
  std::optional<EndpointDraft> configured_;
  FakeSource source_;
  FakeSender sender_;
  std::unique_ptr<Desk> desk_;
  std::vector<std::string> log_;
  std::vector<std::string> taken_;  ///< ids of events, as the receivers got them, without the time
};

}  // namespace sluice::webhook::testing

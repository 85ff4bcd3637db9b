// The desk decides: which events there are, who is told of them, what is sent now and what waits.
// One thread, no sockets, no clock of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/result.h"
#include "webhook/book.h"
#include "webhook/event.h"
#include "webhook/sender.h"
#include "webhook/source.h"
#include "webhook/webhook.h"

namespace sluice::webhook {

struct DeskOptions {
  std::string directory;  ///< of webhooks.db
  OrderWriter write_order = nullptr;
  /// The endpoint of the configuration; empty: there is none, and one that there was goes.
  std::optional<EndpointDraft> configured;
  Span retention = Span::seconds(7 * 24 * 3600);  ///< of finished deliveries and their attempts
  Span look_every{250};                           ///< at the history, while nothing is new
  std::function<double()> jitter;                 ///< in [0, 1)
};

class Desk {
 public:
  /// Opens webhooks.db and brings the configured endpoint up to date. Both must outlive the desk.
  static Result<std::unique_ptr<Desk>> open(DeskOptions options, Source& source, Sender& sender,
                                            Instant now);

  /// Does what is due; returns when there may be something to do again.
  Instant step(Instant now);
  /// How an attempt went; it counts with the next step().
  void finished(Verdict&& verdict) { verdicts_.push_back(std::move(verdict)); }
  /// Stores how attempts went, and nothing else: for the end.
  Result<> settle_all(Instant now);
  /// Moves the log to the file. Once, at the end.
  Result<> close();

  // What operators ask for. Nothing is changed where a fault is returned.
  Outcome<std::vector<EndpointState>> endpoints(Instant now);
  Outcome<EndpointState> endpoint(const std::string& id, Instant now);
  /// Whether add() would take it.
  Outcome<EndpointDraft> check(EndpointDraft draft) const;
  Outcome<Endpoint> add(EndpointDraft draft, Instant now);
  /// What change() would make of it.
  Outcome<std::pair<Endpoint, Endpoint>> check(const std::string& id,
                                               const EndpointChange& change) const;
  Outcome<EndpointState> change(const std::string& id, const EndpointChange& change, Instant now);
  Outcome<Endpoint> renew_secret(const std::string& id);
  Outcome<Endpoint> remove(const std::string& id);
  Outcome<Delivery> ping(const std::string& id, Instant now);
  Outcome<std::vector<Delivery>> deliveries(const std::string& id, const DeliveryFilter& filter);
  Outcome<Delivery> delivery(const std::string& id, std::int64_t no);
  /// One that failed or was delivered goes out once more.
  Outcome<Delivery> redeliver(const std::string& id, std::int64_t no, Instant now);
  /// Everything that failed, at most kMaxRedelivered; returns how many.
  Outcome<std::int64_t> redeliver_failed(const std::string& id, Instant now);

  Counts counts() const;
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  /// What is remembered of an endpoint beside its row.
  struct Lane {
    Endpoint endpoint;
    std::size_t in_flight = 0;
    std::uint32_t failures = 0;
    Instant held_until;
    std::int64_t pending = 0;
    std::int64_t failed = 0;
    bool is_miscounted = false;  ///< many were given up at once: the two above are to be read
  };

  Desk(DeskOptions options, Source& source, Sender& sender)
      : options_(std::move(options)), source_(source), sender_(sender) {}
  Result<> load(Instant now);
  Result<> adopt_configured(Instant now);
  Outcome<Endpoint> insert(EndpointDraft draft, std::string id, Instant now);
  Result<> begin_at_head();
  Outcome<Lane*> find(const std::string& id);
  Outcome<Lane*> find_own(const std::string& id);
  template <class Work>
  Result<> write(Work work);
  /// As write(), and durable even against power loss.
  template <class Work>
  Result<> write_through(Work work);
  void recount(Lane& lane);
  void count(Lane& lane, Fate fate);

  Result<> settle(const Verdict& verdict, Lane& lane, Instant now);
  void learn(const Verdict& verdict);
  Result<bool> derive(Instant now);
  Result<> record(const store::Changes& changes, Instant now);
  Result<> enqueue(const Event& event, Instant now);
  void tidy(Instant now);
  void fill(Instant now);
  Result<> fill(Lane& lane, Instant now);
  Instant next_wake(Instant now);
  /// Logs when something begins to fail, and when it works again.
  static bool report(bool& works, const Result<>& result);

  const DeskOptions options_;
  Source& source_;
  Sender& sender_;
  std::unique_ptr<Book> book_;
  std::map<std::int64_t, Lane> lanes_;  ///< by Endpoint::no
  std::set<std::int64_t> in_flight_;    ///< Delivery::no
  std::vector<Verdict> verdicts_;       ///< bounded by what is in flight
  std::int64_t position_ = 0;
  std::int64_t head_ = 0;
  std::set<ItemNo> told_;
  std::int64_t pings_ = 0;
  Instant look_at_;
  Instant tidy_at_;
  bool stores_ = true, reads_ = true;  ///< as it was logged last
  Counts counts_;
};

}  // namespace sluice::webhook

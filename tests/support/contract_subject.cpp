// The engines as subjects of the contract: numbers of a trial to those of an engine and back, and
// waiting for what a cluster does after its answer.
#include "support/contract_subject.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>

#include "bus/rabbitmq.h"
#include "cluster/cluster_engine.h"
#include "cluster/redis_audit.h"
#include "engine/blocking.h"
#include "engine/embedded.h"
#include "support/contract_model.h"
#include "support/mariadb_service.h"
#include "support/rabbit_broker.h"
#include "support/redis_node.h"

namespace sluice::test {

namespace {

constexpr std::chrono::seconds kSettled{30};
constexpr OrderId kUnknownOrder{77};

void await(const char* what, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kSettled;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      throw std::runtime_error(fmt::format("{} within {} s", what, kSettled.count()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

class DirectMailbox final : public engine::Mailbox {
 public:
  void deliver(std::vector<engine::Delivery>&& batch) override {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};
DirectMailbox& mailbox() {
  static DirectMailbox one;
  return one;
}

/// An engine that can be restarted, and how long its answers take to show everywhere.
class Place {
 public:
  virtual ~Place() = default;
  engine::Engine& engine() { return *engine_; }
  virtual void start() = 0;
  virtual void stop() {
    if (engine_) engine_->stop();
    engine_.reset();
  }
  virtual void settle() {}
  /// How long after a change its counters show it at the latest.
  virtual std::chrono::milliseconds rest() const { return std::chrono::milliseconds(0); }

 protected:
  std::unique_ptr<engine::Engine> engine_;
};

class EmbeddedPlace final : public Place {
 public:
  EmbeddedPlace() { EmbeddedPlace::start(); }
  ~EmbeddedPlace() override { EmbeddedPlace::stop(); }
  void start() override {
    engine::EmbeddedOptions options;
    options.directory = directory_.path();
    options.settings = contract_settings();
    auto started = engine::start_embedded(options);
    if (!started) throw std::runtime_error(started.error().message);
    engine_ = std::move(*started);
  }

 private:
  TemporaryDirectory directory_;
};

class ClusterPlace final : public Place {
 public:
  ClusterPlace() { ClusterPlace::start(); }
  ~ClusterPlace() override { ClusterPlace::stop(); }

  void start() override {
    cluster::ClusterOptions options;
    options.record = database_.address();
    options.redis = redis_.address();
    options.settings = contract_settings();
    bus::RabbitOptions rabbit;
    rabbit.url = *bus::parse_amqp_url(broker().url());
    auto bus = bus::open_rabbitmq(rabbit, cluster::bindings_of(options.names));
    if (!bus) throw std::runtime_error(bus.error().message);
    bus_ = std::move(*bus);
    auto started = cluster::start_cluster(options, *bus_);
    if (!started) throw std::runtime_error(started.error().message);
    engine_ = std::move(*started);
    settle();
  }
  void stop() override {
    Place::stop();
    if (bus_) bus_->stop();
    bus_.reset();
  }
  /// A node looks for changed counters every second.
  std::chrono::milliseconds rest() const override { return std::chrono::milliseconds(1300); }
  /// Redis follows the record, and this node both.
  void settle() override {
    await("the cluster is not ready", [this] { return engine_->health().ready; });
    const auto audit = cluster::audit_redis(database_.address(), redis_.address(), Span{kWait});
    if (!audit) throw std::runtime_error(audit.error().message);
    if (!audit->findings.empty()) throw std::runtime_error(audit->findings.front());
  }

 private:
  static constexpr std::int64_t kWait = std::chrono::milliseconds(kSettled).count();
  TestDatabase database_{MariadbService::shared()};
  RedisNode redis_;
  std::unique_ptr<bus::TimedBus> bus_;
};

struct Places {
  std::unique_ptr<Place> embedded, cluster;
};
Places& places() {
  static Places all;
  return all;
}
Place& place_of(Kind kind) {
  Places& all = places();
  if (kind == Kind::embedded) {
    if (!all.embedded) all.embedded = std::make_unique<EmbeddedPlace>();
    return *all.embedded;
  }
  if (!all.cluster) all.cluster = std::make_unique<ClusterPlace>();
  return *all.cluster;
}

class EngineSubject final : public Subject {
 public:
  explicit EngineSubject(Place& place) : place_(place) {}

  void open(const sale::OpenSale& sale) override {
    const auto reply = call(sale);
    if (std::get<sale::OpenSaleOutcome>(reply.outcome) != sale::OpenSaleOutcome::opened)
      throw std::runtime_error("the sale " + sale.id + " was refused");
    sales_.push_back(reply.sale);
    const auto catalog = engine().catalogs().current();
    for (const sale::ItemDraft& item : sale.items) {
      const engine::CatalogItem* found = catalog->find_item(item.id);
      if (found == nullptr) throw std::runtime_error("the item " + item.id + " is not shown");
      items_.push_back(found->item.no);
      names_.push_back(item.id);
    }
    place_.settle();
  }

  Told run(const sale::Command& command) override {
    if (const auto* grab = std::get_if<sale::Grab>(&command); grab != nullptr && !grab->request) {
      if (const auto refused = refuse(*grab)) return told(*refused);
    }
    sale::Command ours = command;
    std::visit([this](auto& one) { translate(one); }, ours);
    const auto reply = call(ours);
    Told answer{reply.outcome.index(),
                std::visit([](const auto& outcome) { return number(outcome); }, reply.outcome), 0};
    if (const auto* outcome = std::get_if<sale::GrabOutcome>(&reply.outcome)) {
      if (*outcome == sale::GrabOutcome::granted) orders_.push_back(reply.order.id);
      answer.order = number_of(reply.order.id);
    }
    await_written();
    place_.settle();
    return answer;
  }

  Seen order(std::int64_t number) override {
    const sale::OrderView view = view_of(orders_.at(static_cast<std::size_t>(number - 1)));
    return {view.status, view.reason, view.amount.minor, view.transaction_id};
  }

  Units units(std::uint32_t item) override {
    const auto live = [&] {
      return engine().catalogs().current()->find_item(names_.at(item))->live->read();
    };
    std::this_thread::sleep_for(place_.rest());
    const sale::Counters now = live();
    return {now.stock.units, now.available.units, now.held.units, now.sold.units,
            now.refunded.units};
  }

  void pass_time() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    place_.settle();
  }
  void restart() override {
    place_.stop();
    place_.start();
  }

 private:
  engine::Engine& engine() { return place_.engine(); }

  /// A node of a cluster asks to come again until it has heard that a new sale is loaded.
  engine::Reply call(const sale::Command& command) {
    std::optional<engine::Reply> answer;
    await("the engine gives no answer", [&] {
      auto reply = engine::call(engine(), sale::Command(command));
      if (reply) answer = std::move(*reply);
      return answer.has_value();
    });
    return std::move(*answer);
  }

  /// As the API does: who is refused without the record, with the item as it is shown.
  std::optional<sale::GrabOutcome> refuse(const sale::Grab& grab) {
    const auto catalog = engine().catalogs().current();
    const bool is_known = grab.item.value < names_.size();
    const auto* item = is_known ? catalog->find_item(names_[grab.item.value]) : nullptr;
    return engine().refuse(grab.user, item, grab.quantity, engine().now());
  }

  void translate(sale::Grab& one) { to_item(one.item); }
  void translate(sale::AdjustStock& one) { to_item(one.item); }
  void translate(sale::ChangeItem& one) { to_item(one.item); }
  void translate(sale::PauseSale& one) { to_sale(one.sale); }
  void translate(sale::CancelSale& one) { to_sale(one.sale); }
  void translate(sale::ChangeSale& one) { to_sale(one.sale); }
  void translate(sale::PaymentClosed& one) {
    to_order(one.order);
    if (one.payment) to_order(one.payment->order);
  }
  template <class Command>
  void translate(Command& one) {
    if constexpr (requires { one.order; }) to_order(one.order);
  }
  void to_item(ItemNo& item) const {
    item = item.value < items_.size() ? items_[item.value] : ItemNo{1U << 30};
  }
  void to_sale(SaleNo& sale) const {
    sale = sale.value < sales_.size() ? sales_[sale.value] : SaleNo{1U << 30};
  }
  void to_order(OrderId& order) const {
    const auto at = static_cast<std::size_t>(order.value - 1);
    order = order.value > 0 && at < orders_.size() ? orders_[at] : kUnknownOrder;
  }
  std::int64_t number_of(OrderId id) const {
    for (std::size_t i = 0; i < orders_.size(); ++i) {
      if (orders_[i] == id) return static_cast<std::int64_t>(i) + 1;
    }
    return 0;
  }
  template <class Outcome>
  static int number(const Outcome& outcome) {
    if constexpr (std::is_enum_v<Outcome>) {
      return static_cast<int>(outcome);
    } else {
      return 0;  // of a pulse
    }
  }

  sale::OrderView view_of(OrderId id) {
    std::promise<Result<std::optional<sale::OrderView>>> promise;
    auto answer = promise.get_future();
    if (!engine().order(id, mailbox(), [&](auto&& view) { promise.set_value(std::move(view)); }))
      throw std::runtime_error("too many reads");
    auto view = answer.get();
    if (!view) throw std::runtime_error(view.error().message);
    if (!*view) throw std::runtime_error("order " + to_text(id) + " is gone");
    return std::move(**view);
  }
  void await_written() {
    if (written_ == orders_.size()) return;
    await("an order is not written",
          [this] { return view_of(orders_.back()).status != sale::OrderStatus::queued; });
    written_ = orders_.size();
  }

  Place& place_;
  std::vector<SaleNo> sales_;
  std::vector<ItemNo> items_;
  std::vector<std::string> names_;  ///< of items_
  std::vector<OrderId> orders_;
  std::size_t written_ = 0;  ///< of orders_, those that are in the record
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << "{command " << told.command << ", outcome " << told.outcome << ", order "
             << told.order << "}";
}
std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << "{" << to_operator_text(seen.status) << ", reason " << static_cast<int>(seen.reason)
             << ", " << seen.amount << ", " << seen.transaction << "}";
}
std::ostream& operator<<(std::ostream& out, const Units& units) {
  return out << "{stock " << units.stock << ", available " << units.available << ", held "
             << units.held << ", sold " << units.sold << ", refunded " << units.refunded << "}";
}

sale::Settings contract_settings() {
  sale::Settings settings;
  settings.has_gateway = true;
  settings.max_close_attempts = 3;
  settings.first_close_retry = Span::seconds(6 * 3600);
  settings.last_close_retry = Span::seconds(6 * 3600);
  return settings;
}

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::model:
      return "model";
    case Kind::embedded:
      return "embedded";
    case Kind::cluster:
      break;
  }
  return "cluster";
}

std::unique_ptr<Subject> new_subject(Kind kind) {
  if (kind == Kind::model) return std::make_unique<ModelSubject>();
  return std::make_unique<EngineSubject>(place_of(kind));
}

void end_subjects() {
  places().cluster.reset();
  places().embedded.reset();
}

}  // namespace sluice::test

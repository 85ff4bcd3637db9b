// The cluster engine as a shop: one node with every role, on a Redis, a RabbitMQ and a MariaDB that
// the program starts.
#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "bus/rabbitmq.h"
#include "cluster/cluster_engine.h"
#include "cluster/wanted.h"
#include "redis/admission.h"
#include "store/cluster_copy.h"
#include "support/contract_engine.h"
#include "support/mariadb_service.h"
#include "support/rabbit_broker.h"
#include "support/redis_node.h"

namespace sluice::test {

namespace {

/// Of the program, started by the first who asks.
RedisNode& redis_node() {
  static RedisNode node;
  return node;
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

/// Fields of a row of items as docs/adr/0020 has it.
enum class Field : std::uint8_t { price, most, limit };

class ClusterShop final : public EngineShop {
 public:
  explicit ClusterShop(bool has_gateway)
      : EngineShop(has_gateway), name_(has_gateway ? "gateway" : "plain") {}
  ~ClusterShop() override { end(); }

  std::string audit() override {
    end();
    return text_of(store::verify_cluster(database_.address(), directory_.path()));
  }

 private:
  std::unique_ptr<engine::Engine> start() override {
    cluster::ClusterOptions options;
    options.record = database_.address();
    options.redis = redis_node().address();
    options.names.grab_exchange = "grabs." + name_;
    options.names.grab_queue = "grabs.queue." + name_;
    options.names.timer_exchange = "timers." + name_;
    options.names.timer_queue = "timers.queue." + name_;
    options.names.delay_queue = "timers.delay." + name_;
    options.settings = contract_settings(has_gateway());
    options.has_desk = has_gateway();
    options.sweep_every = Span{20};
    options.time = contract_time();
    options.redis_keeps_time = false;
    bus::RabbitOptions broker_options;
    broker_options.url = must(bus::parse_amqp_url(broker().url()));
    bus_ = must(bus::open_rabbitmq(broker_options, cluster::bindings_of(options.names)));
    return must(cluster::start_cluster(options, *bus_));
  }
  void ended() override {
    bus_->stop();
    bus_.reset();
  }

  std::optional<redis::Stats> stats(const engine::CatalogSale& sale) {
    const redis::SaleCalls calls(sale.sale.id);
    const redis::Outcome outcome = redis_.ask(calls.key(), calls.stats());
    if (outcome.fate != redis::Fate::answered) return std::nullopt;
    auto stats = redis::read_stats(outcome.value);
    return stats ? std::optional(std::move(*stats)) : std::nullopt;
  }
  bool is_wanted(const engine::CatalogSale& sale) {
    return cluster::is_wanted(sale, engine().now(), cluster::ClusterOptions().preload_ahead);
  }

  /// The number in a field of the item's row; negative: there is none.
  std::int64_t defined(const engine::CatalogItem& item, Field field) {
    const redis::SaleCalls calls(item.sale->sale.id);
    const redis::Outcome row =
        redis_.ask(calls.key(), {"HGET", fmt::format("sluice:{{{}}}:items", item.sale->sale.id),
                                 std::to_string(item.item.no.value)});
    std::string_view rest = row.value.text;
    for (int skipped = 0; skipped < static_cast<int>(field); ++skipped)
      rest.remove_prefix(std::min(rest.size(), rest.find(',') + 1));
    return rest.empty() ? -1 : std::stoll(std::string(rest));
  }

  bool is_known_to_gate(const engine::CatalogSale& sale) override {
    if (!is_wanted(sale)) return true;
    const auto known = stats(sale);
    if (!known || known->state != "open" || known->items.size() != sale.items.size()) return false;
    const redis::SaleCalls calls(sale.sale.id);
    const std::string paused = redis_.ask(calls.key(), {"HGET", calls.key(), "paused"}).value.text;
    const std::string over = redis_.ask(calls.key(), {"HGET", calls.key(), "cancelled"}).value.text;
    const std::string ends = redis_.ask(calls.key(), {"HGET", calls.key(), "ends"}).value.text;
    const std::string hold = redis_.ask(calls.key(), {"HGET", calls.key(), "hold"}).value.text;
    bool same =
        paused == (sale.sale.paused ? "1" : "0") && over == (sale.sale.cancelled ? "1" : "0") &&
        ends == std::to_string(sale.sale.ends_at.ms) && hold == std::to_string(sale.sale.hold.ms);
    for (std::size_t i = 0; i < known->items.size() && same; ++i) {
      const engine::CatalogItem& item = *sale.items[i];
      same = known->items[i].counters.stock == item.item.counters.stock &&
             defined(item, Field::price) == item.item.price.minor &&
             defined(item, Field::limit) == item.item.per_user_limit.units;
    }
    return same;
  }

  sale::Counters recorded(const engine::CatalogItem& item) override {
    constexpr std::array kColumns{"stock", "available", "held", "sold", "refunded"};
    std::array<std::int64_t, kColumns.size()> units{};
    // One statement, so that it is one moment.
    auto row =
        database_.connection().prepare(fmt::format("SELECT {} FROM item_stock WHERE item_no = {}",
                                                   fmt::join(kColumns, ", "), item.item.no.value));
    if (!row || !row->query() || !row->next().value_or(false)) {
      throw std::runtime_error("the record has no counters of " + item.item.id);
    }
    for (std::size_t i = 0; i < units.size(); ++i)
      units[i] = row->integer(static_cast<int>(i));
    return {Quantity{units[0]}, Quantity{units[1]}, Quantity{units[2]}, Quantity{units[3]},
            Quantity{units[4]}};
  }

  std::string unrest(const engine::CatalogItem& item, const sale::Counters& recorded) override {
    const auto known = stats(*item.sale);
    if (!known) return is_wanted(*item.sale) ? "Redis does not have " + item.sale->sale.id : "";
    for (const redis::ItemRow& row : known->items) {
      if (row.item != item.item.no) continue;
      const sale::Counters& now = row.counters;
      if (now.available != recorded.available || now.held != recorded.held ||
          now.sold != recorded.sold || now.stock != recorded.stock || row.frozen) {
        return fmt::format("Redis has of {}: stock {}, available {}, held {}, sold {}{}",
                           item.item.id, now.stock.units, now.available.units, now.held.units,
                           now.sold.units, row.frozen ? ", frozen" : "");
      }
    }
    const bool refuses =
        engine().refuse("a newcomer", &item, 1, engine().now()) == sale::GrabOutcome::sold_out;
    if (refuses && recorded.available.units > 0) return "the node says that it is sold out";
    return {};
  }

  const std::string name_;
  TemporaryDirectory directory_;
  TestDatabase database_{MariadbService::shared()};
  redis::Client redis_{redis_node().address(), {}};
  std::unique_ptr<bus::TimedBus> bus_;
};

}  // namespace

std::unique_ptr<ContractShop> cluster_shop(bool has_gateway) {
  return std::make_unique<ClusterShop>(has_gateway);
}

}  // namespace sluice::test

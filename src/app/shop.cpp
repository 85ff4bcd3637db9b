// The record, opened by this process, as the place to import into.
#include "app/shop.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "app/cluster.h"
#include "app/server_file.h"
#include "app/shop_http.h"
#include "engine/blocking.h"
#include "engine/embedded.h"

namespace sluice::app {

namespace {

const char* reason_of(sale::OpenSaleOutcome outcome) {
  using enum sale::OpenSaleOutcome;
  switch (outcome) {
    case too_many:
      return "there would be too many sales or items";
    case invalid_id:
      return "an id is not valid";
    case duplicate_id:
      return "an id exists already";
    case invalid_text:
      return "a text is empty, too long or not clean UTF-8";
    case invalid_window:
      return "the window is not valid";
    case invalid_hold:
      return "the hold is not valid";
    case invalid_price:
      return "a price is not valid";
    case invalid_stock:
      return "a stock is not valid";
    case invalid_limit:
      return "a per-user limit is not valid";
    case opened:
      break;
  }
  return "";
}

const char* reason_of(sale::AddItemOutcome outcome) {
  using enum sale::AddItemOutcome;
  switch (outcome) {
    case unknown_sale:
      return "the sale does not exist";
    case ended:
      return "the sale has ended";
    case too_many:
      return "there would be too many items";
    case invalid_id:
      return "the id is not valid";
    case duplicate_id:
      return "the id exists already";
    case invalid_text:
      return "a text is empty, too long or not clean UTF-8";
    case invalid_price:
      return "the price is not valid";
    case invalid_stock:
      return "the stock is not valid";
    case invalid_limit:
      return "the per-user limit is not valid";
    case added:
      break;
  }
  return "";
}

class EngineShop : public Shop {
 public:
  EngineShop(engine::Engine& engine, std::string name, sale::Operator by)
      : engine_(engine), name_(std::move(name)), by_(std::move(by)) {}

  std::string name() const override { return name_; }

  Result<importing::Existing> existing() override {
    importing::Existing existing;
    const auto catalog = engine_.catalogs().current();
    for (const auto& sale : catalog->sales)
      existing.sales.emplace(sale->sale.id, sale->sale);
    for (const auto& item : catalog->items) {
      sale::Item copy = item->item;
      copy.counters = item->live->read();
      existing.items.emplace(copy.id, std::move(copy));
    }
    return existing;
  }

  Result<> apply(const importing::Step& step) override {
    return step.opens ? open(step.sale) : add(step.sale);
  }

 private:
  Result<> open(const importing::PlannedSale& planned) {
    sale::OpenSale command{
        by_, planned.id, planned.title, planned.starts_at, planned.ends_at, planned.hold, {}};
    for (const importing::PlannedItem& item : planned.items)
      command.items.push_back(item.draft);
    const auto reply = engine::call(engine_, std::move(command));
    if (!reply) return std::unexpected(reply.error());
    const auto outcome = std::get<sale::OpenSaleOutcome>(reply->outcome);
    if (outcome == sale::OpenSaleOutcome::opened) return {};
    return fail(fmt::format("the sale {} was refused: {}", planned.id, reason_of(outcome)));
  }

  Result<> add(const importing::PlannedSale& planned) {
    const auto catalog = engine_.catalogs().current();
    const engine::CatalogSale* sale = catalog->find_sale(planned.id);
    if (sale == nullptr) return fail(fmt::format("the sale {} is gone", planned.id));
    for (const importing::PlannedItem& item : planned.items) {
      const auto reply = engine::call(engine_, sale::AddItem{by_, sale->sale.no, item.draft});
      if (!reply) return std::unexpected(reply.error());
      const auto outcome = std::get<sale::AddItemOutcome>(reply->outcome);
      if (outcome == sale::AddItemOutcome::added) continue;
      return fail(fmt::format("the item {} was refused: {}", item.draft.id, reason_of(outcome)));
    }
    return {};
  }

  engine::Engine& engine_;
  const std::string name_;
  const sale::Operator by_;
};

struct OwnedEngine {
  std::unique_ptr<engine::Engine> engine;
};

/// A record that this process opened for it.
class RecordShop final : private OwnedEngine, public EngineShop {
 public:
  RecordShop(std::unique_ptr<engine::Engine> opened, const std::string& data)
      : OwnedEngine{std::move(opened)},
        EngineShop(*this->engine, "the record in " + data, {"import", "sluice import"}) {}
  RecordShop(const RecordShop&) = delete;
  RecordShop& operator=(const RecordShop&) = delete;
  ~RecordShop() override { engine->stop(); }
};

}  // namespace

std::unique_ptr<Shop> shop_of(engine::Engine& engine, std::string name, sale::Operator by) {
  return std::make_unique<EngineShop>(engine, std::move(name), std::move(by));
}

bool has_record(const std::string& data) {
  std::error_code error;
  return std::filesystem::exists(data + "/record.db", error);
}

Result<std::unique_ptr<Shop>> open_shop(const Config& config) {
  const std::string& data = config.text("server.data");
  std::string silence;
  if (const auto server = find_server(data)) {
    // A file left by a crash may name a process that is something else by now: ask first.
    const auto alive = answers(*server);
    if (alive) return connect_shop(config, *server);
    silence = fmt::format(" A server should run there, but: {}", alive.error().message);
  }
  if (is_cluster(config)) {
    return fail(fmt::format(
        "no server runs on {}: a cluster is filled through one of its nodes; start it first, and "
        "import on its machine{}",
        data, silence));
  }
  engine::EmbeddedOptions options;
  options.directory = data;
  // Whether the shop has a gateway is not known here: nothing is given up without asking it.
  options.settings.has_gateway = true;
  auto engine = engine::start_embedded(options);
  if (!engine) return fail(engine.error().message + silence);
  return std::make_unique<RecordShop>(std::move(*engine), data);
}

}  // namespace sluice::app

// The loop around a live table: read, plan, compare with what is there, put the rest on sale.
#include "app/goods_watch.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "app/cluster.h"
#include "app/logging.h"
#include "app/system.h"
#include "import/reconcile.h"
#include "mariadb/address.h"
#include "mariadb/connection.h"
#include "sale/catalog.h"

namespace sluice::app {

namespace {

constexpr const char* kLease = "goods-source";
/// Longer than most looks take; one that takes longer may be doubled by another node, whose steps
/// are then refused one by one because the ids exist.
constexpr Span kLeaseLength = Span::seconds(60);
constexpr std::size_t kMaxTableName = 64;  // bytes; MySQL's and MariaDB's limit
/// Remarks that are logged at one look; the rest is counted.
constexpr std::size_t kMostTold = 100;

}  // namespace

bool goods_source_configured(const Config& config) {
  return !config.text("goods_source.url").empty();
}

Result<importing::LiveTable> goods_source_table(const Config& config) {
  importing::LiveTable table;
  auto address = mariadb::parse_address(config.text("goods_source.url"));
  if (!address) return fail("goods_source.url: " + address.error().message);
  table.address = std::move(*address);
  table.name = config.text("goods_source.table");
  if (table.name.empty() || table.name.size() > kMaxTableName) {
    return fail(fmt::format("goods_source.table has {} bytes; the name of a table has 1 to {}",
                            table.name.size(), kMaxTableName));
  }
  const auto offset = importing::parse_utc_offset(config.text("goods_source.utc_offset"));
  if (!offset) return fail("goods_source.utc_offset: " + offset.error().message);
  table.utc_offset = *offset;
  const Span hold = config.span("goods_source.hold");
  if (hold < sale::kMinHold || hold > sale::kMaxHold || hold.ms % 1000 != 0) {
    return fail("goods_source.hold is not a whole number of seconds from 1s to 7d");
  }
  if (config.span("goods_source.every") < Span::seconds(1)) {
    return fail("goods_source.every is below 1s: reading the table again and again is no watch");
  }
  return table;
}

Result<importing::Plan> read_goods_source(const Config& config, Instant now) {
  const auto table = goods_source_table(config);
  if (!table) return std::unexpected(table.error());
  auto connection = mariadb::Connection::open(table->address);
  if (!connection) return std::unexpected(connection.error());
  importing::PlanOptions options;
  options.now = now;
  options.utc_offset = table->utc_offset;
  options.hold = config.span("goods_source.hold");
  options.place = "row";
  importing::Planner planner(options);
  if (auto read = importing::read_table(*connection, *table, planner); !read) {
    return std::unexpected(read.error());
  }
  return planner.finish();
}

Result<std::unique_ptr<GoodsWatch>> GoodsWatch::start(const Config& config,
                                                      engine::Engine& engine) {
  const auto table = goods_source_table(config);
  if (!table) return std::unexpected(table.error());
  std::unique_ptr<store::ClusterLeases> leases;
  if (is_cluster(config)) {
    const auto record = mariadb::parse_address(config.text("database.url"));
    if (!record) return fail("database.url: " + record.error().message);
    auto opened = store::ClusterLeases::open(*record);
    if (!opened) return fail("[goods_source]: " + opened.error().message);
    leases = std::move(*opened);
  }
  spdlog::info("{} at {} is looked at every {} s: what is new in it goes on sale",
               escaped(table->name), table->address.shown(),
               config.span("goods_source.every").ms / 1000);
  return std::unique_ptr<GoodsWatch>(new GoodsWatch(config, engine, std::move(leases)));
}

GoodsWatch::GoodsWatch(const Config& config, engine::Engine& engine,
                       std::unique_ptr<store::ClusterLeases> leases)
    : config_(config),
      engine_(engine),
      leases_(std::move(leases)),
      holder_(fmt::format("{:016x}{:016x}", random_seed(), random_seed())),
      shop_(shop_of(engine, "this server", {"goods source", config.text("goods_source.table")})),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

GoodsWatch::~GoodsWatch() {
  stop();
}

void GoodsWatch::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void GoodsWatch::run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "goods-source");
  const std::chrono::milliseconds every(config_.span("goods_source.every").ms);
  while (!stop.stop_requested()) {
    const auto looked = look(stop);
    if (!looked && !std::exchange(is_failing_, true)) {
      spdlog::warn("goods source: {}; it is tried again every {} s",
                   escaped(looked.error().message), every.count() / 1000);
    }
    if (looked && std::exchange(is_failing_, false)) spdlog::info("goods source: it works again");
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, every, [] { return false; });
  }
  // Best effort: the lease ends by itself.
  if (leases_) (void)leases_->give_back(kLease, holder_);
}

Result<bool> GoodsWatch::is_mine() {
  if (!leases_) return true;
  // The rest of the wait for the next look is part of what must not be two nodes' work.
  const Span length{kLeaseLength.ms + config_.span("goods_source.every").ms};
  const auto taken = leases_->take(kLease, holder_, length);
  if (!taken) return fail(taken.error().message);
  return *taken;
}

Result<> GoodsWatch::look(const std::stop_token& stop) {
  const auto mine = is_mine();
  if (!mine) return std::unexpected(mine.error());
  if (!*mine) return {};
  const Instant now = engine_.now();
  auto plan = read_goods_source(config_, now);
  if (!plan) return std::unexpected(plan.error());
  std::set<std::string> told;
  tell(plan->left_out, told);
  tell(plan->notes, told);
  auto existing = shop_->existing();
  if (!existing) return std::unexpected(existing.error());
  const auto todo = importing::reconcile(std::move(*plan), *existing, now);
  tell(todo.already_there, told);
  told_ = std::move(told);
  for (const importing::Step& step : todo.steps) {
    if (stop.stop_requested()) return {};
    if (auto applied = shop_->apply(step); !applied) return applied;
    spdlog::info("goods source: {} {} with {} items", step.opens ? "opened" : "added to",
                 step.sale.id, step.sale.items.size());
  }
  return {};
}

void GoodsWatch::tell(const std::vector<importing::Notice>& notices,
                      std::set<std::string>& now_told) const {
  std::size_t told = 0;
  for (const importing::Notice& notice : notices) {
    std::string text = fmt::format("row {}: {} {}", notice.line, notice.subject, notice.text);
    const bool is_new = !told_.contains(text);
    if (is_new && told++ < kMostTold) spdlog::info("goods source: {}", escaped(text));
    now_told.insert(std::move(text));
  }
  if (told > kMostTold) spdlog::info("goods source: … and {} more rows", told - kMostTold);
}

}  // namespace sluice::app

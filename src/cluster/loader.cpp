// What of each sale is in Redis, step by step towards open.
#include "cluster/loader.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "cluster/wanted.h"

namespace sluice::cluster {

namespace {

using redis::Refusal;

constexpr Span kLookEvery{250};
constexpr Span kDrainEvery{100};
constexpr Span kWaitEvery{50};
/// Entries that were handed to the gate are on their way for so long.
constexpr Span kAdoptEvery{200};
constexpr std::uint32_t kMostDrained = 256;
/// How long workers need for what they have in hand when the queue is empty.
constexpr Span kInHand = Span::seconds(1);
constexpr Span kFirstBackoff{100};
constexpr Span kLastBackoff{2000};
constexpr std::uint32_t kOrdersPerStep = 2048;
/// Epochs that one step raises at most: a record that was put back from a copy is behind Redis.
constexpr int kMostRaised = 64;

redis::Window window_of(const sale::Sale& sale, std::uint64_t version) {
  return {sale.starts_at, sale.ends_at, sale.hold, sale.paused, sale.cancelled, version};
}

redis::ItemDefinition definition_of(const sale::Item& item, std::uint64_t version) {
  return {item.no, item.price, item.per_user_limit.units, item.counters.stock, version};
}

redis::Standing standing_of(const store::FeedOrder& order) {
  using redis::Standing;
  if (sale::holds_unit(order.status)) return Standing::awaiting;
  if (order.unit_sold) return Standing::sold;
  // Late money went back, and never had a unit.
  const bool was_sold =
      order.status == sale::OrderStatus::refunded && order.reason != sale::EndReason::late_money;
  return was_sold ? Standing::refunded : Standing::released;
}

}  // namespace

redis::Reservation loaded_form(const store::FeedOrder& order) {
  redis::Reservation loaded;
  loaded.id = order.id;
  loaded.standing = standing_of(order);
  loaded.item = order.item;
  loaded.quantity = order.quantity;
  loaded.price = Money{order.amount.minor / std::max<std::int64_t>(order.quantity, 1)};
  loaded.created_at = order.created_at;
  loaded.expires_at = order.expires_at;
  loaded.request = order.request;
  loaded.user = order.user;
  return loaded;
}

Loader::Entry::Entry(SaleNo no, const std::string& id)
    : sale(no), calls(id), trouble(fmt::format("sale {} in Redis", id)) {}

void Loader::turn(Instant now) {
  const TurnBudget budget;
  if (now >= survey_at_) {
    survey_at_ = now + kLookEvery;
    if (!survey(now)) return;
  }
  auto at = entries_.lower_bound(next_);
  for (std::size_t count = entries_.size(); count > 0; --count) {
    if (at == entries_.end()) at = entries_.begin();
    if (now >= at->second.due) step(at->second, now);
    ++at;
    if (budget.is_spent()) break;
  }
  next_ = at == entries_.end() ? SaleNo{} : at->first;
}

/// Which sales there are to be, and what the record has of them.
bool Loader::survey(Instant now) {
  const auto loadings = feed_.loadings();
  if (!loadings) {
    record_trouble_.raise(loadings.error().message);
    return false;
  }
  record_trouble_.end();
  recorded_.clear();
  for (const store::Loading& loading : *loadings)
    recorded_.emplace(loading.sale, loading);
  const auto catalog = node_.catalogs.current();
  if (catalog->version == surveyed_ && now < windows_at_) return true;
  surveyed_ = catalog->version;
  // In time for every start, whatever is configured.
  windows_at_ = now + std::min(node_.options.preload_every, node_.options.preload_ahead);
  for (const auto& sale : catalog->sales) {
    const SaleNo no = sale->sale.no;
    const auto known = entries_.find(no);
    if (is_wanted(*sale, now, node_.options.preload_ahead)) {
      if (known == entries_.end()) entries_.try_emplace(no, no, sale->sale.id);
    } else if (known != entries_.end()) {
      forget_open(known->second);
      entries_.erase(known);
    }
  }
  return true;
}

void Loader::reload(SaleNo sale) {
  const auto known = entries_.find(sale);
  if (known != entries_.end()) known->second.reload = true;
}

void Loader::step(Entry& entry, Instant now) {
  switch (entry.step) {
    case Step::looking:
    case Step::open:
      return look(entry, now);
    case Step::draining:
      return drain(entry, now);
    case Step::waiting:
      return await_workers(entry, now);
    case Step::loading:
      return load(entry, now);
  }
}

void Loader::look(Entry& entry, Instant now) {
  entry.due = now + kLookEvery;
  const auto stats = ask(node_.redis, entry.calls, entry.calls.stats(), redis::read_stats);
  if (!stats && stats.error().kind != Refusal::Kind::not_loaded) {
    return failed(entry, text_of(stats.error()));
  }
  const auto recorded = recorded_.find(entry.sale);
  if (!stats) {
    if (entry.step == Step::open) spdlog::warn("{} is gone from Redis", entry.calls.key());
    wait(entry, now);
    return;
  }
  entry.epoch = stats->epoch;
  const bool is_current = recorded != recorded_.end() && recorded->second.epoch == stats->epoch;
  if (stats->state == "open" && stats->same_run && is_current && !entry.reload) {
    set_open(entry, stats->epoch, recorded->second.history);
    return update(entry, *stats);
  }
  spdlog::warn("{} is loaded anew: Redis has it {}{}{}", entry.calls.key(), stats->state,
               stats->same_run ? "" : ", from before its restart",
               is_current ? "" : ", under another epoch than the record");
  close(entry, stats->epoch, now);
}

/// Windows, items and stock that changed since Redis was told.
void Loader::update(Entry& entry, const redis::Stats& stats) {
  const auto catalog = node_.catalogs.current();
  if (entry.sale.value >= catalog->sales.size()) return;
  const engine::CatalogSale& sale = *catalog->sales[entry.sale.value];
  const redis::Stamp stamp{entry.epoch};
  if (entry.defined_version < catalog->version) {
    if (!define(entry, sale, catalog->version)) return failed(entry, "it takes no definition");
    entry.defined_version = catalog->version;
  }
  for (const engine::CatalogItem* item : sale.items) {
    const auto row = std::ranges::find(stats.items, item->item.no, &redis::ItemRow::item);
    const Quantity stock = item->item.counters.stock;
    if (row == stats.items.end() || row->counters.stock == stock) continue;
    // Below what is held it stays for now: the record refuses what Redis admitted meanwhile.
    const auto adjusted =
        ask(node_.redis, entry.calls, entry.calls.adjust(stamp, item->item.no, stock.units),
            redis::read_adjust);
    if (!adjusted) return refused(entry, adjusted.error());
  }
  entry.trouble.end();
  entry.backoff = {};
}

bool Loader::define(Entry& entry, const engine::CatalogSale& sale, std::uint64_t version) {
  const redis::Stamp stamp{entry.epoch};
  const auto tell = [&](redis::Command command) {
    return ask(node_.redis, entry.calls, std::move(command), redis::read_change).has_value();
  };
  if (!tell(entry.calls.define(stamp, window_of(sale.sale, version)))) return false;
  for (const engine::CatalogItem* item : sale.items) {
    const redis::ItemDefinition definition = definition_of(item->item, version);
    const auto told = entry.defined.find(definition.item);
    if (told != entry.defined.end() && told->second.price == definition.price &&
        told->second.per_user_limit == definition.per_user_limit) {
      continue;
    }
    if (!tell(entry.calls.define(stamp, definition))) return false;
    entry.defined.insert_or_assign(definition.item, definition);
  }
  return true;
}

/// Seals it: nobody is admitted from here to open_up().
void Loader::close(Entry& entry, std::uint64_t epoch, Instant now) {
  forget_open(entry);
  node_.loadings.drop(entry.sale, epoch);
  const auto sealed = ask(node_.redis, entry.calls, entry.calls.seal(epoch), redis::read_number);
  if (!sealed && sealed.error().kind == Refusal::Kind::not_loaded) return wait(entry, now);
  if (!sealed) return refused(entry, sealed.error());
  entry.step = Step::draining;
  entry.adopt_at = now;
  drain(entry, now);
}

void Loader::drain(Entry& entry, Instant now) {
  entry.due = now + kDrainEvery;
  const auto stats = ask(node_.redis, entry.calls, entry.calls.stats(), redis::read_stats);
  if (!stats && stats.error().kind == Refusal::Kind::not_loaded) return wait(entry, now);
  if (!stats) return failed(entry, text_of(stats.error()));
  if (stats->epoch != entry.epoch || (stats->state == "open" && stats->same_run)) {
    entry.step = Step::looking;  // somebody else was here
    return;
  }
  if (stats->outbox_entries == 0) return wait(entry, now);
  if (now < entry.adopt_at) return;
  entry.adopt_at = now + kAdoptEvery;
  auto entries = ask(node_.redis, entry.calls,
                     entry.calls.outbox_before(kLastInstant, kMostDrained), redis::read_outbox);
  if (!entries) return failed(entry, text_of(entries.error()));
  gate_.adopt(entry.sale, entry.epoch, std::move(*entries));
}

/// What Redis had to give is with the broker, or lost with Redis.
void Loader::wait(Entry& entry, Instant now) {
  forget_open(entry);
  node_.loadings.drop(entry.sale, entry.epoch);
  const bool was_loaded = recorded_.contains(entry.sale);
  entry.step = Step::waiting;
  entry.wait_until = was_loaded ? now + node_.options.rebuild_patience : now;
  entry.counted = times_counted();
  entry.empty_since.reset();
  entry.fewest.reset();
  await_workers(entry, now);
}

/// A broker that does not answer may have any number of grabs: it is waited for.
void Loader::await_workers(Entry& entry, Instant now) {
  entry.due = now + kWaitEvery;
  if (recorded_.contains(entry.sale)) {
    if (!node_.bus.healthy()) entry.wait_until = now + node_.options.rebuild_patience;
    node_.bus.recount();
    const auto waiting = waiting_grabs(entry);
    if (waiting != 0U) {
      entry.empty_since.reset();
    } else if (!entry.empty_since) {
      entry.empty_since = now;
    }
    if (waiting && (!entry.fewest || *waiting < *entry.fewest)) {
      entry.fewest = waiting;
      entry.wait_until = now + node_.options.rebuild_patience;
    }
    const bool is_written = entry.empty_since && now - *entry.empty_since >= kInHand;
    if (!is_written && now < entry.wait_until) return;
  }
  begin(entry, now);
}

std::uint64_t Loader::times_counted() const {
  const auto queues = node_.bus.queues();
  const auto grabs =
      std::ranges::find(queues, node_.options.names.grab_queue, &bus::Bus::QueueState::queue);
  return grabs == queues.end() ? 0 : grabs->counted;
}

/// Messages of grabs at the broker or with workers, by a count that began after the wait did: the
/// one under way then may be older. Empty: not counted yet.
std::optional<std::uint64_t> Loader::waiting_grabs(const Entry& entry) const {
  const auto queues = node_.bus.queues();
  const auto grabs =
      std::ranges::find(queues, node_.options.names.grab_queue, &bus::Bus::QueueState::queue);
  if (grabs == queues.end()) return std::nullopt;
  const bool is_fresh =
      grabs->counted == bus::Bus::kAlwaysCounted || grabs->counted >= entry.counted + 2;
  return is_fresh ? std::optional(grabs->ready + grabs->unacknowledged) : std::nullopt;
}

/// From here on the record takes nothing that was admitted under an earlier epoch.
void Loader::begin(Entry& entry, Instant now) {
  for (int raised = 0; raised < kMostRaised; ++raised) {
    auto loading = record_.begin_loading(entry.sale);
    if (!loading) return failed(entry, loading.error().message);
    entry.loading = *loading;
    if (entry.loading.epoch > entry.epoch) break;
  }
  if (entry.loading.epoch <= entry.epoch) return;  // the next step raises it further
  recorded_.insert_or_assign(entry.sale, entry.loading);
  if (node_.refresh_catalog) node_.refresh_catalog();
  const auto catalog = node_.catalogs.current();
  const engine::CatalogSale& sale = *catalog->sales[entry.sale.value];
  std::vector<redis::ItemDefinition> items;
  for (const engine::CatalogItem* item : sale.items)
    items.push_back(definition_of(item->item, catalog->version));
  const auto begun = ask(
      node_.redis, entry.calls,
      entry.calls.load_begin({entry.loading.epoch}, window_of(sale.sale, catalog->version), items),
      redis::read_change);
  if (!begun) return refused(entry, begun.error());
  if (*begun == redis::Change::unchanged) {
    entry.step = Step::looking;
    return;
  }
  entry.step = Step::loading;
  entry.due = now;
  entry.after = {};
  entry.orders = 0;
  entry.reload = false;
  entry.defined.clear();
  for (const redis::ItemDefinition& item : items)
    entry.defined.emplace(item.item, item);
  entry.defined_version = catalog->version;
}

void Loader::load(Entry& entry, Instant now) {
  entry.due = now;
  const auto page = feed_.orders_of_sale(entry.sale, entry.after, kOrdersPerStep);
  if (!page) return failed(entry, page.error().message);
  std::vector<redis::Reservation> orders;
  orders.reserve(page->size());
  std::ranges::transform(*page, std::back_inserter(orders), loaded_form);
  for (std::size_t at = 0; at < orders.size(); at += redis::kMaxBatch) {
    const auto part = std::span(orders).subspan(at, std::min(redis::kMaxBatch, orders.size() - at));
    const auto loaded =
        ask(node_.redis, entry.calls, entry.calls.load_orders({entry.loading.epoch}, part),
            redis::read_number);
    if (!loaded) return refused(entry, loaded.error());
  }
  entry.orders += static_cast<std::int64_t>(orders.size());
  if (!orders.empty()) entry.after = orders.back().id;
  if (orders.size() < kOrdersPerStep) open_up(entry, now);
}

void Loader::open_up(Entry& entry, Instant now) {
  const auto frozen = ask(node_.redis, entry.calls, entry.calls.load_open({entry.loading.epoch}),
                          redis::read_frozen);
  if (!frozen) return refused(entry, frozen.error());
  for (const ItemNo item : *frozen) {
    node_.counts.alarms.fetch_add(1, std::memory_order_relaxed);
    spdlog::critical("alarm: item number {} is frozen: the record has more orders of it than stock",
                     item.value);
  }
  entry.trouble.end();
  entry.backoff = {};
  entry.epoch = entry.loading.epoch;
  set_open(entry, entry.epoch, entry.loading.history);
  entry.due = now + kLookEvery;
  spdlog::info("{} is open in Redis under epoch {}, with {} orders", entry.calls.key(), entry.epoch,
               entry.orders);
}

void Loader::set_open(Entry& entry, std::uint64_t epoch, std::int64_t history) {
  entry.step = Step::open;
  entry.epoch = epoch;
  open_.insert_or_assign(entry.sale, OpenSale{entry.calls, epoch, history});
  node_.loadings.set(entry.sale, epoch);
}

void Loader::forget_open(const Entry& entry) {
  open_.erase(entry.sale);
}

/// The same step again in a while.
void Loader::failed(Entry& entry, std::string_view what) {
  entry.trouble.raise(what);
  entry.backoff = std::clamp(Span{entry.backoff.ms * 2}, kFirstBackoff, kLastBackoff);
  entry.due = node_.clock.now() + entry.backoff;  // the call may have taken long
}

/// Redis has something else than was thought: another look.
void Loader::refused(Entry& entry, const Refusal& refusal) {
  failed(entry, text_of(refusal));
  if (refusal.kind == Refusal::Kind::broken) return;
  forget_open(entry);
  entry.step = Step::looking;
}

}  // namespace sluice::cluster

// Sale by sale, until Redis and the record agree or the patience is over.
#include "cluster/redis_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "cluster/ask.h"
#include "cluster/wanted.h"
#include "engine/clock.h"
#include "redis/admission.h"
#include "redis/outbox.h"
#include "sale/state.h"
#include "store/cluster_feed.h"
#include "store/cluster_record.h"

namespace sluice::cluster {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};
constexpr std::size_t kMostFindings = 16;  // of one sale: the first show what is wrong

class Auditor {
 public:
  Auditor(const redis::Address& redis, store::ClusterRecord& record, store::ClusterFeed& feed)
      : redis_(redis, {}), record_(record), feed_(feed) {}

  Result<RedisAudit> run(Span patience) {
    const auto loadings = feed_.loadings();
    if (!loadings) return fail(loadings.error().message);
    for (const store::Loading& loading : *loadings) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience.ms);
      while (true) {
        if (auto looked = look(loading.sale); !looked) return std::unexpected(looked.error());
        if (findings_.empty() || std::chrono::steady_clock::now() >= until) break;
        std::this_thread::sleep_for(kBetweenLooks);
      }
      std::ranges::move(findings_, std::back_inserter(audit_.findings));
      if (is_loaded_) ++audit_.sales;
      audit_.orders += orders_;
    }
    return std::move(audit_);
  }

 private:
  Result<> look(SaleNo no) {
    findings_.clear();
    orders_ = 0;
    is_loaded_ = false;
    sale::State state{sale::Settings{}};
    if (auto read = record_.load_catalog(state); !read) return fail(read.error().message);
    const sale::Sale& sale = state.sales()[no.value];
    // Nobody tells Redis any more what happens to a sale that is over, and nobody asks it.
    const bool has_unpaid = std::ranges::any_of(state.items(), [&](const sale::Item& item) {
      return item.sale == no && item.counters.held.units > 0;
    });
    const Instant now{engine::TimeSource::system().wall_ms()};
    if (!is_wanted(sale, has_unpaid, now, Span{})) return {};
    const redis::SaleCalls calls(sale.id);
    const auto epoch = epoch_of(no);
    if (!epoch) return std::unexpected(epoch.error());
    const auto stats = ask(redis_, calls, calls.stats(), redis::read_stats);
    if (!stats && stats.error().kind != redis::Refusal::Kind::not_loaded) {
      return fail(text_of(stats.error()));
    }
    is_loaded_ = stats && stats->same_run && stats->state == "open" && stats->epoch == *epoch;
    if (!is_loaded_) {
      if (is_open(sale, now)) {
        found("sale {} is open, and not in Redis under the record's epoch {}", sale.id, *epoch);
      }
      return {};
    }
    if (stats->outbox_entries > 0) {
      found("{}: {} entries of the outbox wait for the broker", calls.key(), stats->outbox_entries);
    }
    compare_items(calls, state, no, stats->items);
    return compare_orders(calls, no);
  }

  /// Of the sale's latest loading, which may be later than the one that was listed.
  Result<std::uint64_t> epoch_of(SaleNo no) {
    const auto loadings = feed_.loadings();
    if (!loadings) return fail(loadings.error().message);
    const auto found = std::ranges::find(*loadings, no, &store::Loading::sale);
    return found == loadings->end() ? 0 : found->epoch;
  }

  void compare_items(const redis::SaleCalls& calls, const sale::State& state, SaleNo no,
                     std::span<const redis::ItemRow> rows) {
    for (const sale::Item& item : state.items()) {
      if (item.sale != no) continue;
      const auto row = std::ranges::find(rows, item.no, &redis::ItemRow::item);
      if (row == rows.end()) {
        found("{}: item {} is not in Redis", calls.key(), item.id);
        continue;
      }
      const sale::Counters& there = row->counters;
      const sale::Counters& here = item.counters;
      if (there.stock == here.stock && there.available == here.available &&
          there.held == here.held && there.sold == here.sold) {
        continue;
      }
      found(
          "{}: item {} has {} available, {} held, {} sold of {} in Redis, and {}, {}, {} of {} "
          "in the record",
          calls.key(), item.id, there.available.units, there.held.units, there.sold.units,
          there.stock.units, here.available.units, here.held.units, here.sold.units,
          here.stock.units);
    }
  }

  Result<> compare_orders(const redis::SaleCalls& calls, SaleNo no) {
    OrderId after{};
    while (true) {
      const auto page = feed_.orders_of_sale(no, after, store::ClusterFeed::kMaxPage);
      if (!page) return fail(page.error().message);
      for (std::size_t at = 0; at < page->size(); at += redis::kMaxBatch) {
        const auto part =
            std::span(*page).subspan(at, std::min(redis::kMaxBatch, page->size() - at));
        if (auto compared = compare_part(calls, part); !compared) return compared;
      }
      orders_ += page->size();
      if (page->size() < store::ClusterFeed::kMaxPage) return {};
      after = page->back().id;
    }
  }

  Result<> compare_part(const redis::SaleCalls& calls, std::span<const store::FeedOrder> part) {
    std::vector<OrderId> ids;
    ids.reserve(part.size());
    for (const store::FeedOrder& order : part)
      ids.push_back(order.id);
    const auto rows = ask(redis_, calls, calls.find(ids),
                          [&](const redis::Value& reply) { return redis::read_found(reply, ids); });
    if (!rows) return fail(text_of(rows.error()));
    for (std::size_t i = 0; i < part.size(); ++i) {
      const store::FeedOrder& order = part[i];
      const auto& row = (*rows)[i];
      if (!row) {
        found("{}: order {} of the record is not in Redis", calls.key(), to_text(order.id));
      } else if (row->item != order.item || row->quantity != order.quantity ||
                 row->user != order.user) {
        found("{}: order {} is another one in Redis", calls.key(), to_text(order.id));
      } else if (redis::correction(row->standing, order.status, order.unit_sold).kind !=
                 redis::Correction::Kind::nothing) {
        found("{}: order {} stands as \"{}\" in Redis, and is {} in the record", calls.key(),
              to_text(order.id), static_cast<char>(row->standing), to_text(order.status));
      }
    }
    return {};
  }

  template <class... Values>
  void found(fmt::format_string<Values...> format, Values&&... values) {
    if (findings_.size() < kMostFindings) {
      findings_.push_back(fmt::format(format, std::forward<Values>(values)...));
    }
  }

  redis::Client redis_;
  store::ClusterRecord& record_;
  store::ClusterFeed& feed_;
  RedisAudit audit_;
  // Of the sale in hand, by the last look at it.
  std::vector<std::string> findings_;
  std::uint64_t orders_ = 0;
  bool is_loaded_ = false;
};

}  // namespace

Result<RedisAudit> audit_redis(const mariadb::Address& record, const redis::Address& redis,
                               Span patience) {
  auto opened = store::ClusterRecord::open(record, {});
  if (!opened) return fail(opened.error().message);
  auto feed = store::ClusterFeed::open(record);
  if (!feed) return fail(feed.error().message);
  return Auditor(redis, **opened, **feed).run(patience);
}

}  // namespace sluice::cluster

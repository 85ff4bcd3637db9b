// Gathering of the evidence that the verdict is made from.
#include "rush/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

namespace sluice::rush {
namespace {

constexpr std::uint64_t kMaxForeign = 1'000;
constexpr Span kClockMargin = Span::seconds(2);

}  // namespace

std::vector<std::optional<ItemStats>> read_all_stats(const Plan& plan, const Control& control,
                                                     std::vector<std::string>& troubles) {
  std::map<std::string, Result<std::vector<ItemStats>>> by_sale;
  std::vector<std::optional<ItemStats>> all(plan.goods.size());
  for (std::size_t i = 0; i < plan.goods.size(); ++i) {
    const Goods& goods = plan.goods[i];
    auto found = by_sale.find(goods.sale_id);
    if (found == by_sale.end()) {
      found = by_sale.emplace(goods.sale_id, control.stats(goods.sale_id)).first;
      if (!found->second) troubles.push_back(found->second.error().message);
    }
    if (!found->second) continue;
    for (const ItemStats& one : *found->second) {
      if (one.item_id == goods.id) all[i] = one;
    }
  }
  return all;
}

Audit::Audit(const Plan& plan, const Control& control, Crowd& crowd, const Tally& tally,
             const Before& before)
    : plan_(plan), control_(control), crowd_(crowd), tally_(tally), before_(before) {}

Evidence Audit::gather() {
  evidence_ = {};
  evidence_.outcomes = tally_.outcomes;
  evidence_.duplicates = tally_.duplicates;
  evidence_.extra_grants = tally_.extra_grants_total;
  evidence_.unreadable_grants = tally_.unreadable_grants;
  evidence_.unexpected = tally_.unexpected;
  for (std::size_t i = 0; i < plan_.goods.size(); ++i) {
    const Goods& goods = plan_.goods[i];
    const ItemTally& seen = tally_.items[i];
    evidence_.items.push_back({goods.id, goods.title, goods.limit, before_.stats[i], std::nullopt,
                               seen.granted, 0, seen.sold_out, seen.granted_after_sold_out});
  }
  for (const ExtraGrant& extra : tally_.extra_grants)
    found_.push_back(extra.order);
  settle_queued();
  resolve_unknown();
  check_order_ids();
  read_back();
  try_foreign();
  read_stats();
  if (!counters_agree(evidence_)) read_record();
  return std::move(evidence_);
}

void Audit::ask(const Readback::Next& next, const Readback::OnAnswer& on_answer) {
  if (auto asked = Readback::ask(plan_.target, next, on_answer); !asked) {
    evidence_.troubles.push_back(asked.error().message);
  }
}

int Audit::goods_index(const std::string& item_id) const {
  for (std::size_t i = 0; i < plan_.goods.size(); ++i) {
    if (plan_.goods[i].id == item_id) return static_cast<int>(i);
  }
  return -1;
}

/// Waits until every queued order is decided; those that were not granted are no grants.
void Audit::settle_queued() {
  std::uint32_t index = 0;
  const auto next = [&](Question& question) {
    while (index < crowd_.size() && !crowd_.shopper(index).queued)
      ++index;
    if (index >= crowd_.size()) return false;
    question.path = "/api/v1/orders/" + to_text(crowd_.shopper(index).order);
    question.token = crowd_.token(index);
    question.subject = index++;
    ++evidence_.undecided;
    return true;
  };
  ask(next, [&](std::uint32_t subject, int status, std::string_view body) {
    Shopper& shopper = crowd_.shopper(subject);
    const auto order = status == 200 ? parse_order(body) : fail("");
    if (!order || order->status == "queued") return true;
    --evidence_.undecided;
    shopper.queued = false;
    if (order->status == "failed") {
      shopper.grants = 0;
      --evidence_.items[shopper.item].granted;
    }
    return false;
  });
}

/// Looks up the orders of shoppers who lost an answer, or were told of an order they know not of.
void Audit::resolve_unknown() {
  std::uint32_t index = 0;
  const auto wanted = [](const Shopper& shopper) {
    return shopper.unknown || (shopper.told_queued && shopper.grants == 0);
  };
  const auto next = [&](Question& question) {
    while (index < crowd_.size() && !wanted(crowd_.shopper(index)))
      ++index;
    if (index >= crowd_.size()) return false;
    question.path = "/api/v1/orders";
    question.token = crowd_.token(index);
    question.subject = index++;
    if (crowd_.shopper(question.subject).unknown) ++evidence_.unknown;
    return true;
  };
  ask(next, [&](std::uint32_t subject, int status, std::string_view body) {
    const auto page = status == 200 ? parse_orders(body) : fail("");
    if (page) {
      adopt(subject, page->orders);
    } else {
      ++evidence_.unresolved;
    }
    return false;
  });
}

void Audit::adopt(std::uint32_t index, const std::vector<ListedOrder>& orders) {
  Shopper& shopper = crowd_.shopper(index);
  for (const ListedOrder& order : orders) {
    const int goods = goods_index(order.item_id);
    if (goods < 0 || order.status == "failed") continue;  // not of this run
    if (shopper.grants > 0 && order.id == shopper.order) continue;
    if (std::find(found_.begin(), found_.end(), order.id) != found_.end()) continue;
    ItemEvidence& item = evidence_.items[static_cast<std::size_t>(goods)];
    ++item.granted;
    ++item.found_later;
    if (shopper.grants > 0) {
      ++evidence_.extra_grants;
      found_.push_back(order.id);
      continue;
    }
    shopper.grants = 1;
    shopper.order = order.id;
    shopper.item = static_cast<std::uint16_t>(goods);
  }
  if (shopper.unknown && shopper.grants > 0) ++evidence_.unknown_with_order;
  if (shopper.told_queued && shopper.grants == 0) ++evidence_.phantom_orders;
}

std::vector<OrderId> Audit::known_orders() {
  std::vector<OrderId> ids = found_;
  for (std::uint32_t i = 0; i < crowd_.size(); ++i) {
    const Shopper& shopper = crowd_.shopper(i);
    if (shopper.grants > 0 && shopper.order != OrderId{}) ids.push_back(shopper.order);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void Audit::check_order_ids() {
  const std::vector<OrderId> ids = known_orders();
  for (std::size_t i = 1; i < ids.size(); ++i) {
    if (ids[i] == ids[i - 1]) ++evidence_.repeated_order_ids;
  }
}

/// Reads an even sample of the granted orders, all of them where there are few enough.
void Audit::read_back() {
  std::uint64_t granted = 0;
  for (const ItemEvidence& item : evidence_.items)
    granted += item.granted;
  const std::uint64_t most = std::max<std::uint32_t>(plan_.options->read_back, 1);
  const std::uint64_t stride = (granted + most - 1) / most;
  std::uint32_t index = 0;
  std::uint64_t seen = 0;
  const auto next = [&](Question& question) {
    for (; index < crowd_.size(); ++index) {
      const Shopper& shopper = crowd_.shopper(index);
      if (shopper.grants == 0 || shopper.order == OrderId{} || seen++ % stride != 0) continue;
      question.path = "/api/v1/orders/" + to_text(shopper.order);
      question.token = crowd_.token(index);
      question.subject = index++;
      ++evidence_.readback.asked;
      return true;
    }
    return false;
  };
  ask(next, [&](std::uint32_t subject, int status, std::string_view body) {
    const Shopper& shopper = crowd_.shopper(subject);
    if (status == 0) return ++evidence_.readback.unanswered, false;
    const auto order = status == 200 ? parse_order(body) : fail("");
    if (order && order->id == shopper.order && order->status != "failed" &&
        order->item_id == plan_.goods[shopper.item].id) {
      ++evidence_.readback.matched;
      if (order->expires_at.ms > 0) {
        shortest_hold_ = std::min(shortest_hold_, order->expires_at - order->created_at);
      }
    } else {
      ++evidence_.readback.wrong;
    }
    return false;
  });
}

/// Asks for orders with the token of the next shopper: each must be told there is none.
void Audit::try_foreign() {
  if (crowd_.size() < 2) return;
  std::uint32_t index = 0;
  const auto next = [&](Question& question) {
    if (evidence_.readback.foreign_asked >= kMaxForeign) return false;
    while (index < crowd_.size() && crowd_.shopper(index).grants == 0)
      ++index;
    if (index >= crowd_.size()) return false;
    question.path = "/api/v1/orders/" + to_text(crowd_.shopper(index).order);
    question.token = crowd_.token((index + 1) % crowd_.size());
    question.subject = index++;
    ++evidence_.readback.foreign_asked;
    return true;
  };
  ask(next, [&](std::uint32_t, int status, std::string_view) {
    if (status != 404) ++evidence_.readback.foreign_leaked;
    return false;
  });
}

void Audit::read_stats() {
  const auto after = read_all_stats(plan_, control_, evidence_.troubles);
  for (std::size_t i = 0; i < evidence_.items.size(); ++i) {
    evidence_.items[i].after = after[i];
    const auto& before = evidence_.items[i].before;
    if (before && before->held > 0) evidence_.units_may_have_come_back = true;
  }
  const auto run_ms =
      static_cast<std::int64_t>((monotonic_ns() - before_.monotonic_ns) / 1'000'000);
  if (Span{run_ms} >= shortest_hold_) {
    evidence_.own_holds_may_have_ended = evidence_.units_may_have_come_back = true;
  }
}

/// The operator's list, newest first, back to the start of the run.
void Audit::read_record() {
  const std::vector<OrderId> known = known_orders();
  RecordEvidence record;
  std::uint64_t listed = 0;
  std::uint64_t found = 0;
  std::vector<std::string> sales;
  for (const Goods& goods : plan_.goods) {
    if (std::find(sales.begin(), sales.end(), goods.sale_id) == sales.end()) {
      sales.push_back(goods.sale_id);
    }
  }
  const Instant since = before_.server_time - kClockMargin;
  for (const std::string& sale : sales) {
    std::string token;
    bool more = true;
    while (more) {
      const auto page = control_.orders(sale, since, token);
      if (!page) {
        evidence_.troubles.push_back(page.error().message);
        return;
      }
      for (const ListedOrder& order : page->orders) {
        ++listed;
        const bool old = order.created_at < since;
        more = more && !old;
        if (old || goods_index(order.item_id) < 0) continue;
        if (!order.user.starts_with(crowd_.prefix())) {
          ++record.of_others;
          continue;
        }
        ++record.of_crowd;
        const bool told = std::binary_search(known.begin(), known.end(), order.id);
        ++(told ? found : record.never_told);
      }
      token = page->next_page_token;
      more = more && !token.empty();
      if (listed >= kMaxListedOrders) more = record.complete = false;
    }
  }
  record.missing = known.size() - std::min<std::uint64_t>(known.size(), found);
  evidence_.record = record;
}

}  // namespace sluice::rush

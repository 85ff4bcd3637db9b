// Which items are new, and where they go.
#include "import/reconcile.h"

#include <fmt/format.h>

#include <unordered_set>
#include <utility>

#include "base/text.h"

namespace sluice::importing {

namespace {

/// What the file says otherwise than the shop; empty: nothing.
std::string differences(const sale::ItemDraft& here, const sale::Item& there) {
  std::string text;
  const auto add = [&](const char* field, const std::string& was, const std::string& is) {
    if (was == is) return;
    text += fmt::format("{}{} is {} there and {} here", text.empty() ? "" : ", ", field, was, is);
  };
  const auto money = [](Money amount, Currency currency) {
    return fmt::format("{} {}", to_decimal(amount, currency), currency.code());
  };
  add("title", quote(there.title), quote(here.title));
  add("price", money(there.price, there.currency), money(here.price, here.currency));
  add("list price", money(there.list_price, there.currency), money(here.list_price, here.currency));
  add("stock", std::to_string(there.counters.stock.units), std::to_string(here.stock.units));
  add("per-user limit", std::to_string(there.per_user_limit.units),
      std::to_string(here.per_user_limit.units));
  if (there.image_url != here.image_url) add("image address", "another", "new");
  if (there.description != here.description) add("description", "another", "new");
  return text;
}

class Reconciler {
 public:
  Reconciler(const Existing& existing, Instant now) : existing_(existing), now_(now) {
    for (const auto& [id, item] : existing.items)
      ++items_in_[item.sale];
  }

  void take(PlannedSale&& sale) {
    std::erase_if(sale.items, [this](const PlannedItem& item) { return is_there(item); });
    if (sale.items.empty()) return;
    const std::string base = sale.id;
    for (std::size_t next = 2; !fits(sale); ++next)
      sale.id = fmt::format("{}-{}", base, next);
    used_.insert(sale.id);
    const bool opens = !existing_.sales.contains(sale.id);
    result_.steps.push_back({opens, std::move(sale)});
  }

  Reconciled finish() { return std::move(result_); }

 private:
  bool is_there(const PlannedItem& item) {
    const auto found = existing_.items.find(item.draft.id);
    if (found == existing_.items.end()) return false;
    const std::string differs = differences(item.draft, found->second);
    result_.already_there.push_back(
        {item.line, fmt::format("id {} {}", quote(item.draft.id), quote(item.draft.title)),
         differs.empty() ? "already there" : "already there and left alone, though " + differs});
    return true;
  }

  /// Whether the items may go under this sale id: a free one, or a sale that is the same.
  bool fits(const PlannedSale& sale) const {
    if (used_.contains(sale.id)) return false;
    const auto found = existing_.sales.find(sale.id);
    if (found == existing_.sales.end()) return true;
    const sale::Sale& there = found->second;
    const auto count = items_in_.find(there.no);
    const std::size_t items = count == items_in_.end() ? 0 : count->second;
    const bool is_same =
        sale.named || (there.starts_at == sale.starts_at && there.ends_at == sale.ends_at);
    return is_same && !there.cancelled && there.ends_at > now_ &&
           items + sale.items.size() <= sale::kMaxItemsPerSale;
  }

  const Existing& existing_;
  Instant now_;
  std::unordered_map<SaleNo, std::size_t> items_in_;
  std::unordered_set<std::string> used_;
  Reconciled result_;
};

}  // namespace

Reconciled reconcile(Plan&& plan, const Existing& existing, Instant now) {
  Reconciler reconciler(existing, now);
  for (PlannedSale& sale : plan.sales)
    reconciler.take(std::move(sale));
  return reconciler.finish();
}

}  // namespace sluice::importing

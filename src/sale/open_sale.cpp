// New sales and new items.
#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "sale/drafts.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

/// The first of "<letter><number>", counting from `number`, that `is_taken` does not know.
template <class IsTaken>
std::string free_id(char letter, std::size_t number, const IsTaken& is_taken) {
  std::string id;
  do {
    id = letter + std::to_string(number++);
  } while (is_taken(id));
  return id;
}

bool all_of(const std::vector<ItemDraft>& drafts, bool (*check)(const ItemDraft&)) {
  return std::all_of(drafts.begin(), drafts.end(), check);
}

bool has_duplicate(const State& state, const std::vector<ItemDraft>& drafts) {
  std::unordered_set<std::string_view> named;
  for (const ItemDraft& draft : drafts) {
    if (draft.id.empty()) continue;
    if (state.find_item(draft.id) != nullptr || !named.insert(draft.id).second) return true;
  }
  return false;
}

}  // namespace

ItemNo State::Parts::add_item(const ItemDraft& draft, std::string id, SaleNo sale,
                              const Operator& by, Instant now, Effects& effects) {
  Item item;
  item.no = ItemNo{static_cast<std::uint32_t>(items.size())};
  item.sale = sale;
  item.id = std::move(id);
  item.title = draft.title;
  item.image_url = draft.image_url;
  item.description = draft.description;
  item.price = draft.price;
  item.list_price = draft.list_price;
  item.currency = draft.currency;
  item.per_user_limit = draft.per_user_limit;
  item.counters.stock = draft.stock;
  item.counters.available = draft.stock;
  effects.audits.push_back(
      Audit{now,
            by.name,
            "item.add",
            item.id,
            by.reason,
            {{"sale", "", sales[sale.value].id},
             {"title", "", item.title},
             {"price", "", std::to_string(item.price.minor)},
             {"list_price", "", std::to_string(item.list_price.minor)},
             {"currency", "", std::string{item.currency.code()}},
             {"stock", "", std::to_string(draft.stock.units)},
             {"per_user_limit", "", std::to_string(item.per_user_limit.units)}}});
  item_by_id.emplace(item.id, item.no);
  ++items_of_sale[sale.value];
  items.push_back(std::move(item));
  touch(items.back().no, effects);
  return items.back().no;
}

OpenSaleOutcome State::apply(const OpenSale& command, Instant now, Effects& effects, SaleNo& out) {
  Parts& in = *parts_;
  const std::vector<ItemDraft>& drafts = command.items;
  const bool fits = in.sales.size() < kMaxSales && drafts.size() <= kMaxItemsPerSale &&
                    in.items.size() + drafts.size() <= kMaxItems;
  if (!fits) return OpenSaleOutcome::too_many;
  const bool valid_sale_id = command.id.empty() || valid_catalog_id(command.id);
  if (!valid_sale_id || !all_of(drafts, valid_id)) return OpenSaleOutcome::invalid_id;
  if (find_sale(command.id) != nullptr || has_duplicate(*this, drafts)) {
    return OpenSaleOutcome::duplicate_id;
  }
  if (!valid_title(command.title) || !all_of(drafts, valid_texts)) {
    return OpenSaleOutcome::invalid_text;
  }
  if (!valid_window(command.starts_at, command.ends_at)) return OpenSaleOutcome::invalid_window;
  if (!valid_hold(command.hold)) return OpenSaleOutcome::invalid_hold;
  if (!all_of(drafts, valid_prices)) return OpenSaleOutcome::invalid_price;
  if (!all_of(drafts, valid_stock)) return OpenSaleOutcome::invalid_stock;
  if (!all_of(drafts, valid_limit)) return OpenSaleOutcome::invalid_limit;

  Sale sale;
  sale.no = SaleNo{static_cast<std::uint32_t>(in.sales.size())};
  sale.id = !command.id.empty() ? command.id
                                : free_id('s', in.sales.size() + 1, [&](const std::string& id) {
                                    return find_sale(id) != nullptr;
                                  });
  sale.title = command.title;
  sale.starts_at = command.starts_at;
  sale.ends_at = command.ends_at;
  sale.hold = command.hold;
  effects.audits.push_back(Audit{now,
                                 command.by.name,
                                 "sale.open",
                                 sale.id,
                                 command.by.reason,
                                 {{"title", "", sale.title},
                                  {"starts_at", "", to_rfc3339(sale.starts_at)},
                                  {"ends_at", "", to_rfc3339(sale.ends_at)},
                                  {"hold_ms", "", std::to_string(sale.hold.ms)}}});
  out = sale.no;
  in.sale_by_id.emplace(sale.id, sale.no);
  in.items_of_sale.push_back(0);
  in.sales.push_back(std::move(sale));
  in.touch(out, effects);

  // Ids that the operator chose come first: an assigned one must not take them.
  std::unordered_set<std::string_view> chosen;
  for (const ItemDraft& draft : drafts)
    chosen.insert(draft.id);
  const auto is_taken = [&](const std::string& id) {
    return find_item(id) != nullptr || chosen.contains(id);
  };
  for (const ItemDraft& draft : drafts) {
    std::string id = draft.id.empty() ? free_id('i', in.items.size() + 1, is_taken) : draft.id;
    in.add_item(draft, std::move(id), out, command.by, now, effects);
  }
  return OpenSaleOutcome::opened;
}

AddItemOutcome State::apply(const AddItem& command, Instant now, Effects& effects, ItemNo& out) {
  Parts& in = *parts_;
  const ItemDraft& draft = command.item;
  if (command.sale.value >= in.sales.size()) return AddItemOutcome::unknown_sale;
  const Sale& sale = in.sales[command.sale.value];
  if (sale.phase(now) == Phase::ended) return AddItemOutcome::ended;
  const bool fits =
      in.items.size() < kMaxItems && in.items_of_sale[sale.no.value] < kMaxItemsPerSale;
  if (!fits) return AddItemOutcome::too_many;
  if (!valid_id(draft)) return AddItemOutcome::invalid_id;
  if (find_item(draft.id) != nullptr) return AddItemOutcome::duplicate_id;
  if (!valid_texts(draft)) return AddItemOutcome::invalid_text;
  if (!valid_prices(draft)) return AddItemOutcome::invalid_price;
  if (!valid_stock(draft)) return AddItemOutcome::invalid_stock;
  if (!valid_limit(draft)) return AddItemOutcome::invalid_limit;
  const auto is_taken = [&](const std::string& id) { return find_item(id) != nullptr; };
  std::string id = draft.id.empty() ? free_id('i', in.items.size() + 1, is_taken) : draft.id;
  out = in.add_item(draft, std::move(id), sale.no, command.by, now, effects);
  return AddItemOutcome::added;
}

}  // namespace sluice::sale

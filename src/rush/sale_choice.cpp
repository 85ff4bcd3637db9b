// Choosing from the server's list of sales.
#include "rush/sale_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace sluice::rush {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool has_named_item(const ListedSale& sale, const std::vector<std::string>& items) {
  return std::any_of(sale.items.begin(), sale.items.end(),
                     [&](const ListedItem& item) { return contains(items, item.id); });
}

/// Every name that was asked for must exist: a typing error must not play another sale.
Result<void> check_names(const Listing& listing, const Options& options) {
  for (const std::string& name : options.sales) {
    const bool known = std::any_of(listing.sales.begin(), listing.sales.end(),
                                   [&](const ListedSale& sale) { return sale.id == name; });
    if (!known) {
      return fail(fmt::format("there is no sale '{}'; GET /api/v1/sales lists {} others", name,
                              listing.sales.size()));
    }
  }
  for (const std::string& name : options.items) {
    const bool known =
        std::any_of(listing.sales.begin(), listing.sales.end(),
                    [&](const ListedSale& sale) { return has_named_item(sale, {name}); });
    if (!known) return fail(fmt::format("there is no item '{}' in any listed sale", name));
  }
  return {};
}

std::vector<const ListedSale*> pick_sales(const Listing& listing, const Options& options) {
  std::vector<const ListedSale*> named;
  std::vector<const ListedSale*> open;
  const ListedSale* next = nullptr;
  for (const ListedSale& sale : listing.sales) {
    const bool wanted = contains(options.sales, sale.id) ||
                        (options.sales.empty() && has_named_item(sale, options.items));
    if (wanted) named.push_back(&sale);
    if (sale.items.empty()) continue;
    if (sale.phase == "open") open.push_back(&sale);
    if (sale.phase == "upcoming" && (next == nullptr || sale.starts_at < next->starts_at)) {
      next = &sale;
    }
  }
  if (!options.sales.empty() || !options.items.empty()) return named;
  if (!open.empty()) return open;
  return next == nullptr ? std::vector<const ListedSale*>{} : std::vector{next};
}

}  // namespace

Result<Choice> choose_goods(const Listing& listing, const Options& options) {
  if (auto known = check_names(listing, options); !known) return std::unexpected(known.error());
  Choice choice;
  for (const ListedSale* sale : pick_sales(listing, options)) {
    for (const ListedItem& item : sale->items) {
      if (!options.items.empty() && !contains(options.items, item.id)) continue;
      choice.goods.push_back({item.id, sale->id, item.title, item.available, item.limit});
    }
    if (sale->phase == "upcoming") {
      choice.starts_at = std::max(choice.starts_at.value_or(sale->starts_at), sale->starts_at);
    }
  }
  if (choice.goods.empty()) {
    return fail(
        "nothing is on sale or about to be; import a sale (`sluice import FILE --starts-at now`), "
        "or start the server with --demo");
  }
  if (choice.goods.size() > kMaxGoods) {
    return fail(
        fmt::format("{} items are more than the {} that one crowd can want; name some with "
                    "--sale or --item",
                    choice.goods.size(), kMaxGoods));
  }
  if (choice.starts_at && *choice.starts_at - listing.now > options.wait) {
    return fail(
        fmt::format("the sale starts at {}, in {} s; that is more than the {} s that --wait allows",
                    to_rfc3339(*choice.starts_at), (*choice.starts_at - listing.now).ms / 1000,
                    options.wait.ms / 1000));
  }
  return choice;
}

}  // namespace sluice::rush

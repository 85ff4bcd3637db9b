// Ids by chance, and comparing a definition with what is there.
#include "cluster/definitions.h"

#include <algorithm>
#include <random>
#include <string>

namespace sluice::cluster {

namespace {

/// Of 32 characters: 65 bits.
constexpr int kIdDigits = 13;

std::string fresh_id(char first) {
  constexpr char kAlphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";  // none to be misread
  static_assert(sizeof(kAlphabet) == 32 + 1);
  std::random_device random;
  std::string id(1, first);
  for (int i = 0; i < kIdDigits; ++i)
    id += kAlphabet[random() % 32];
  return id;
}

bool is_that(const sale::ItemDraft& draft, const sale::Item& item) {
  return draft.id == item.id && draft.title == item.title && draft.price == item.price &&
         draft.currency == item.currency && draft.per_user_limit == item.per_user_limit;
}

bool is_that(const sale::OpenSale& wanted, const engine::CatalogSale& found) {
  return wanted.title == found.sale.title && wanted.starts_at == found.sale.starts_at &&
         wanted.ends_at == found.sale.ends_at && wanted.hold == found.sale.hold &&
         std::ranges::equal(wanted.items, found.items,
                            [](const sale::ItemDraft& draft, const engine::CatalogItem* item) {
                              return is_that(draft, item->item);
                            });
}

}  // namespace

void give_ids(sale::Command& command) {
  if (auto* open = std::get_if<sale::OpenSale>(&command)) {
    if (open->id.empty()) open->id = fresh_id('s');
    for (sale::ItemDraft& item : open->items) {
      if (item.id.empty()) item.id = fresh_id('i');
    }
  } else if (auto* add = std::get_if<sale::AddItem>(&command)) {
    if (add->item.id.empty()) add->item.id = fresh_id('i');
  }
}

void recognise(const sale::Command& command, const engine::Catalog& catalog, engine::Reply& reply) {
  if (const auto* open = std::get_if<sale::OpenSale>(&command)) {
    const auto* said = std::get_if<sale::OpenSaleOutcome>(&reply.outcome);
    if (said == nullptr || *said != sale::OpenSaleOutcome::duplicate_id) return;
    const engine::CatalogSale* found = catalog.find_sale(open->id);
    if (found == nullptr || !is_that(*open, *found)) return;
    reply.outcome = sale::OpenSaleOutcome::opened;
    reply.sale = found->sale.no;
  } else if (const auto* add = std::get_if<sale::AddItem>(&command)) {
    const auto* said = std::get_if<sale::AddItemOutcome>(&reply.outcome);
    if (said == nullptr || *said != sale::AddItemOutcome::duplicate_id) return;
    const engine::CatalogItem* found = catalog.find_item(add->item.id);
    if (found == nullptr || found->item.sale != add->sale || !is_that(add->item, found->item)) {
      return;
    }
    reply.outcome = sale::AddItemOutcome::added;
    reply.item = found->item.no;
  }
}

}  // namespace sluice::cluster

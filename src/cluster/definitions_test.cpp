// Definitions that may be repeated: ids that nobody else has, and knowing one's own again.
#include "cluster/definitions.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace sluice::cluster {
namespace {

sale::OpenSale draft(const std::string& id, const std::string& item) {
  sale::OpenSale open;
  open.id = id;
  open.title = "A sale";
  open.starts_at = Instant{1'000};
  open.ends_at = Instant{9'000};
  open.items.emplace_back();
  open.items.back().id = item;
  open.items.back().title = "An item";
  open.items.back().price = Money{100};
  return open;
}

/// What the record has after `open`.
std::shared_ptr<engine::Catalog> catalog_with(const sale::OpenSale& open) {
  auto catalog = std::make_shared<engine::Catalog>();
  sale::Sale sale{SaleNo{0}, open.id, open.title, open.starts_at, open.ends_at, open.hold};
  catalog->sales.push_back(std::make_unique<engine::CatalogSale>(engine::CatalogSale{sale, {}}));
  sale::Item item;
  item.id = open.items[0].id;
  item.title = open.items[0].title;
  item.price = open.items[0].price;
  catalog->items.push_back(std::make_unique<engine::CatalogItem>(
      engine::CatalogItem{item, catalog->sales[0].get(), nullptr}));
  catalog->sales[0]->items.push_back(catalog->items[0].get());
  catalog->sale_by_id.emplace(catalog->sales[0]->sale.id, catalog->sales[0].get());
  catalog->item_by_id.emplace(catalog->items[0]->item.id, catalog->items[0].get());
  return catalog;
}

TEST(Definitions, WhatHasNoIdGetsOneThatNobodyHas) {
  std::set<std::string> ids;
  for (int i = 0; i < 1'000; ++i) {
    sale::Command command = draft("", "");
    give_ids(command);
    const auto& open = std::get<sale::OpenSale>(command);
    for (const std::string& id : {open.id, open.items[0].id}) {
      EXPECT_TRUE(valid_catalog_id(id)) << id;
      EXPECT_TRUE(ids.insert(id).second) << id;
    }
  }
  sale::Command add = sale::AddItem{};
  give_ids(add);
  EXPECT_TRUE(valid_catalog_id(std::get<sale::AddItem>(add).item.id));
}

TEST(Definitions, GivenIdsStay) {
  sale::Command command = draft("sale", "item");
  give_ids(command);
  EXPECT_EQ(std::get<sale::OpenSale>(command).id, "sale");
  EXPECT_EQ(std::get<sale::OpenSale>(command).items[0].id, "item");
}

TEST(Definitions, OnesOwnIsKnownAgain) {
  const auto catalog = catalog_with(draft("sale", "item"));
  engine::Reply reply;
  reply.outcome = sale::OpenSaleOutcome::duplicate_id;
  reply.sale = SaleNo{9};
  recognise(draft("sale", "item"), *catalog, reply);
  EXPECT_EQ(std::get<sale::OpenSaleOutcome>(reply.outcome), sale::OpenSaleOutcome::opened);
  EXPECT_EQ(reply.sale, SaleNo{0});
  sale::AddItem add;
  add.item = draft("sale", "item").items[0];
  reply.outcome = sale::AddItemOutcome::duplicate_id;
  reply.item = ItemNo{9};
  recognise(add, *catalog, reply);
  EXPECT_EQ(std::get<sale::AddItemOutcome>(reply.outcome), sale::AddItemOutcome::added);
  EXPECT_EQ(reply.item, ItemNo{0});
}

TEST(Definitions, AnotherOneOfThatNameIsADuplicate) {
  const auto catalog = catalog_with(draft("sale", "item"));
  const auto answer = [&](const sale::Command& command, sale::Outcome said) {
    engine::Reply reply;
    reply.outcome = said;
    recognise(command, *catalog, reply);
    return reply.outcome.index() == said.index() ? reply : engine::Reply{};
  };
  const auto stays = [&](const sale::OpenSale& open) {
    const auto reply = answer(open, sale::OpenSaleOutcome::duplicate_id);
    return std::get<sale::OpenSaleOutcome>(reply.outcome) == sale::OpenSaleOutcome::duplicate_id;
  };
  EXPECT_TRUE(stays(draft("other", "item")));
  EXPECT_TRUE(stays(draft("sale", "other")));
  auto later = draft("sale", "item");
  later.ends_at = Instant{9'001};
  EXPECT_TRUE(stays(later));
  auto dearer = draft("sale", "item");
  dearer.items[0].price = Money{101};
  EXPECT_TRUE(stays(dearer));
  auto more = draft("sale", "item");
  more.items.push_back(more.items[0]);
  EXPECT_TRUE(stays(more));
  sale::AddItem elsewhere;
  elsewhere.sale = SaleNo{1};
  elsewhere.item = draft("sale", "item").items[0];
  const auto reply = answer(elsewhere, sale::AddItemOutcome::duplicate_id);
  EXPECT_EQ(std::get<sale::AddItemOutcome>(reply.outcome), sale::AddItemOutcome::duplicate_id);
  // Other answers are what they are.
  const auto bad = answer(draft("sale", "item"), sale::OpenSaleOutcome::invalid_text);
  EXPECT_EQ(std::get<sale::OpenSaleOutcome>(bad.outcome), sale::OpenSaleOutcome::invalid_text);
}

}  // namespace
}  // namespace sluice::cluster

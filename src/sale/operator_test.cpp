// What operators command: every outcome in order of precedence, audits, and hostile texts.
#include <gmock/gmock.h>

#include <functional>

#include "sale/testing.h"

namespace sluice::sale {
namespace {

using testing::by_olga;
using testing::draft;
using ::testing::ElementsAre;
using testing::kEnd;
using testing::kHold;
using testing::kOpen;
using testing::opening;
using testing::texts;
using testing::World;

// ---- opening -----------------------------------------------------------------------------------

struct Opened {
  OpenSaleOutcome outcome;
  SaleNo sale;
};
Opened open(World& world, const OpenSale& command) {
  world.effects.clear();
  Opened opened{};
  opened.outcome = world.state.apply(command, world.now, world.effects, opened.sale);
  return opened;
}

TEST(OpenSaleOutcome, InOrderOfPrecedence) {
  // Each step breaks one more rule, from the last to the first: the newest always wins.
  World world({draft(1, 1, "taken")});
  OpenSale command = opening({draft(1), draft(1)});
  const std::uint64_t before = world.state.digest();
  struct Step {
    OpenSaleOutcome outcome;
    std::function<void()> spoil;
  };
  const std::vector<Step> steps = {
      {OpenSaleOutcome::invalid_limit, [&] { command.items[1].per_user_limit = Quantity{0}; }},
      {OpenSaleOutcome::invalid_stock, [&] { command.items[1].stock = Quantity{-1}; }},
      {OpenSaleOutcome::invalid_price, [&] { command.items[1].price = Money{0}; }},
      {OpenSaleOutcome::invalid_hold, [&] { command.hold = Span{999}; }},
      {OpenSaleOutcome::invalid_window, [&] { command.ends_at = command.starts_at; }},
      {OpenSaleOutcome::invalid_text, [&] { command.title = ""; }},
      {OpenSaleOutcome::duplicate_id, [&] { command.items[0].id = "taken"; }},
      {OpenSaleOutcome::invalid_id, [&] { command.items[1].id = "no spaces"; }},
      {OpenSaleOutcome::too_many, [&] { command.items.resize(kMaxItemsPerSale + 1, draft(1)); }},
  };
  for (const Step& step : steps) {
    step.spoil();
    EXPECT_EQ(open(world, command).outcome, step.outcome) << static_cast<int>(step.outcome);
    EXPECT_TRUE(world.effects.empty());
    EXPECT_EQ(world.state.digest(), before);
  }
}

TEST(OpenSaleOutcome, Opened) {
  World world({});
  const Opened opened = open(world, opening({draft(5, 2, "gem"), draft(7)}, "mine"));
  ASSERT_EQ(opened.outcome, OpenSaleOutcome::opened);
  const Sale& sale = world.state.sales()[opened.sale.value];
  EXPECT_EQ(sale.id, "mine");
  EXPECT_EQ(sale.starts_at, kOpen);
  EXPECT_EQ(sale.hold, kHold);
  EXPECT_EQ(world.state.find_sale("mine"), &sale);
  EXPECT_EQ(world.state.find_sale("other"), nullptr);
  const Item* gem = world.state.find_item("gem");
  ASSERT_NE(gem, nullptr);
  EXPECT_EQ(gem->sale, opened.sale);
  EXPECT_EQ(gem->counters, units(5, 5, 0, 0));
  EXPECT_EQ(gem->per_user_limit, Quantity{2});
  EXPECT_EQ(world.state.find_item("nothing"), nullptr);
  ASSERT_EQ(world.effects.audits.size(), 3U);
  EXPECT_EQ(world.effects.audits[0].action, "sale.open");
  EXPECT_EQ(world.effects.audits[0].actor, "olga");
  EXPECT_EQ(world.effects.audits[0].reason, "because");
  EXPECT_EQ(world.effects.audits[0].subject, "mine");
  EXPECT_THAT(texts(world.effects.audits[0]),
              ElementsAre("title:  -> A sale", "starts_at:  -> 2027-01-15T08:00:00.000Z",
                          "ends_at:  -> 2027-01-15T10:00:00.000Z", "hold_ms:  -> 1800000"));
  EXPECT_EQ(world.effects.audits[1].action, "item.add");
  EXPECT_EQ(world.effects.audits[1].subject, "gem");
  EXPECT_THAT(world.effects.sales, ElementsAre(opened.sale));
  EXPECT_EQ(world.effects.items.size(), 2U);
}

TEST(OpenSale, AssignsIdsThatNobodyTook) {
  World world({draft(1), draft(1)});  // s1 with i1 and i2
  EXPECT_EQ(world.state.sales()[0].id, "s1");
  EXPECT_EQ(world.state.items()[1].id, "i2");
  // "i3" would be next, but the operator wants it for another item of the same sale.
  ASSERT_EQ(open(world, opening({draft(1), draft(1, 1, "i3"), draft(1)}, "s3")).outcome,
            OpenSaleOutcome::opened);
  EXPECT_EQ(world.state.items()[2].id, "i4");
  EXPECT_EQ(world.state.items()[3].id, "i3");
  EXPECT_EQ(world.state.items()[4].id, "i5");
  ASSERT_EQ(open(world, opening({})).outcome, OpenSaleOutcome::opened);
  EXPECT_EQ(world.state.sales()[2].id, "s4") << "s3 is taken";
}

TEST(OpenSale, DuplicateIds) {
  World world({draft(1, 1, "a")});
  EXPECT_EQ(open(world, opening({}, "s1")).outcome, OpenSaleOutcome::duplicate_id);
  EXPECT_EQ(open(world, opening({draft(1, 1, "a")})).outcome, OpenSaleOutcome::duplicate_id);
  EXPECT_EQ(open(world, opening({draft(1, 1, "b"), draft(1, 1, "b")})).outcome,
            OpenSaleOutcome::duplicate_id);
  EXPECT_EQ(open(world, opening({draft(1, 1, "A")}, "S1")).outcome, OpenSaleOutcome::opened)
      << "ids tell cases apart";
}

TEST(OpenSale, HostileIds) {
  World world({});
  for (const std::string& id : {std::string(65, 'x'), std::string("a/b"), std::string("."),
                                std::string("ü"), std::string("a\0b", 3), std::string(" ")}) {
    EXPECT_EQ(open(world, opening({}, id)).outcome, OpenSaleOutcome::invalid_id) << id;
    EXPECT_EQ(open(world, opening({draft(1, 1, id)})).outcome, OpenSaleOutcome::invalid_id) << id;
  }
}

TEST(OpenSale, HostileTexts) {
  World world({});
  const auto outcome_with = [&](const std::function<void(OpenSale&)>& spoil) {
    OpenSale command = opening({draft(1)});
    spoil(command);
    return open(world, command).outcome;
  };
  for (const std::string& title :
       {std::string(), std::string(kMaxTitleBytes + 1, 'x'), std::string("a\nb"),
        std::string("\xff"), std::string("\xed\xa0\x80"), std::string("a\0b", 3),
        std::string("\x1b[2J"), std::string("\x7f")}) {
    EXPECT_EQ(outcome_with([&](OpenSale& c) { c.title = title; }), OpenSaleOutcome::invalid_text);
    EXPECT_EQ(outcome_with([&](OpenSale& c) { c.items[0].title = title; }),
              OpenSaleOutcome::invalid_text);
  }
  for (const std::string& url :
       {std::string("javascript:alert(1)"), std::string("data:text/html,x"), std::string("x.png"),
        std::string("http:/x"), std::string("//host/x"), std::string("/\\host/x"),
        std::string("//"), std::string("HTTP//x"), std::string("https://x\n"),
        "https://" + std::string(kMaxUrlBytes, 'x'), std::string("/\xff")}) {
    EXPECT_EQ(outcome_with([&](OpenSale& c) { c.items[0].image_url = url; }),
              OpenSaleOutcome::invalid_text)
        << url;
  }
  for (const std::string& description :
       {std::string("a\rb"), std::string("\0", 1), std::string("\xc0\xaf"),
        std::string(kMaxDescriptionBytes + 1, 'x')}) {
    EXPECT_EQ(outcome_with([&](OpenSale& c) { c.items[0].description = description; }),
              OpenSaleOutcome::invalid_text);
  }
  EXPECT_EQ(outcome_with([](OpenSale& c) {
              c.title = std::string(kMaxTitleBytes, 'x');
              c.items[0].title = "秒杀 ＜script＞ 😀";
              c.items[0].image_url = "/images/1.png";
              c.items[0].description = "one\n\ttwo " + std::string(kMaxDescriptionBytes - 9, 'x');
            }),
            OpenSaleOutcome::opened);
  EXPECT_EQ(outcome_with([](OpenSale& c) { c.items[0].image_url = "http://x/y.png"; }),
            OpenSaleOutcome::opened);
}

TEST(OpenSale, BoundsOfNumbersAndTimes) {
  World world({});
  const auto outcome_with = [&](const std::function<void(OpenSale&)>& change) {
    OpenSale command = opening({draft(1)});
    change(command);
    return open(world, command).outcome;
  };
  using O = OpenSaleOutcome;
  EXPECT_EQ(outcome_with([](auto& c) { c.starts_at = Instant{-1}; }), O::invalid_window);
  EXPECT_EQ(outcome_with([](auto& c) { c.starts_at = Instant{0}; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.ends_at = kLastInstant; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.ends_at = kLastInstant + Span{1}; }), O::invalid_window);
  EXPECT_EQ(outcome_with([](auto& c) { c.hold = kMinHold; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.hold = kMaxHold; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.hold = Span{kMaxHold.ms + 1}; }), O::invalid_hold);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].price = kMaxPrice; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].price = Money{kMaxPrice.minor + 1}; }),
            O::invalid_price);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].list_price = Money{-1}; }), O::invalid_price);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].list_price = Money{0}; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].list_price = Money{kMaxPrice.minor + 1}; }),
            O::invalid_price);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].stock = kMaxStock; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].stock = kMaxStock + Quantity{1}; }),
            O::invalid_stock);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].stock = Quantity{0}; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].per_user_limit = kMaxStock; }), O::opened);
  EXPECT_EQ(outcome_with([](auto& c) { c.items[0].per_user_limit = kMaxStock + Quantity{1}; }),
            O::invalid_limit);
}

TEST(OpenSale, TooManySalesAndItems) {
  World world({});
  for (std::size_t i = 1; i < kMaxItems / kMaxItemsPerSale; ++i) {
    ASSERT_EQ(open(world, opening(std::vector<ItemDraft>(kMaxItemsPerSale, draft(1)))).outcome,
              OpenSaleOutcome::opened);
  }
  ASSERT_EQ(open(world, opening(std::vector<ItemDraft>(kMaxItemsPerSale - 1, draft(1)))).outcome,
            OpenSaleOutcome::opened);
  ASSERT_EQ(world.state.items().size(), kMaxItems - 1);
  EXPECT_EQ(open(world, opening({draft(1), draft(1)})).outcome, OpenSaleOutcome::too_many);
  ItemNo item;
  EXPECT_EQ(world.state.apply(AddItem{{}, SaleNo{0}, draft(1)}, world.now, world.effects, item),
            AddItemOutcome::added);
  EXPECT_EQ(world.state.apply(AddItem{{}, SaleNo{0}, draft(1)}, world.now, world.effects, item),
            AddItemOutcome::too_many);
  EXPECT_EQ(open(world, opening({draft(1)})).outcome, OpenSaleOutcome::too_many);
  while (world.state.sales().size() < kMaxSales) {
    ASSERT_EQ(open(world, opening({})).outcome, OpenSaleOutcome::opened);
  }
  EXPECT_EQ(open(world, opening({})).outcome, OpenSaleOutcome::too_many);
}

// ---- adding an item ----------------------------------------------------------------------------

TEST(AddItemOutcome, InOrderOfPrecedence) {
  World world({draft(1, 1, "taken")});
  AddItem command{by_olga(), SaleNo{0}, draft(1)};
  ItemNo added;
  const auto outcome = [&] {
    world.effects.clear();
    return world.state.apply(command, world.now, world.effects, added);
  };
  EXPECT_EQ(outcome(), AddItemOutcome::added);
  EXPECT_EQ(added, ItemNo{1});
  EXPECT_EQ(world.state.items()[1].id, "i2");
  EXPECT_EQ(world.effects.audits[0].action, "item.add");
  command.item.per_user_limit = Quantity{0};
  EXPECT_EQ(outcome(), AddItemOutcome::invalid_limit);
  command.item.stock = Quantity{-1};
  EXPECT_EQ(outcome(), AddItemOutcome::invalid_stock);
  command.item.price = Money{0};
  EXPECT_EQ(outcome(), AddItemOutcome::invalid_price);
  command.item.title = "";
  EXPECT_EQ(outcome(), AddItemOutcome::invalid_text);
  command.item.id = "taken";
  EXPECT_EQ(outcome(), AddItemOutcome::duplicate_id);
  command.item.id = "no/slash";
  EXPECT_EQ(outcome(), AddItemOutcome::invalid_id);
  World full(std::vector<ItemDraft>(kMaxItemsPerSale, draft(1)));
  EXPECT_EQ(full.state.apply(command, full.now, full.effects, added), AddItemOutcome::too_many);
  full.now = kEnd;
  EXPECT_EQ(full.state.apply(command, full.now, full.effects, added), AddItemOutcome::ended);
  command.sale = SaleNo{1};
  EXPECT_EQ(full.state.apply(command, full.now, full.effects, added), AddItemOutcome::unknown_sale);
  EXPECT_TRUE(full.effects.empty());
}

// ---- changing ----------------------------------------------------------------------------------

TEST(ChangeSaleOutcome, InOrderOfPrecedence) {
  World world({draft(1)});
  ChangeSale command{by_olga(), SaleNo{0}, {}, {}, {}, {}};
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::unchanged);
  command.title = "A sale";
  command.hold = kHold;
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::unchanged);
  EXPECT_TRUE(world.effects.empty());
  command.title = "Another";
  command.starts_at = kOpen + Span{1};
  command.ends_at = kEnd + Span{1};
  command.hold = Span::seconds(60);
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::changed);
  ASSERT_EQ(world.effects.audits.size(), 1U);
  EXPECT_EQ(world.effects.audits[0].action, "sale.change");
  EXPECT_THAT(texts(world.effects.audits[0]),
              ElementsAre("title: A sale -> Another",
                          "starts_at: 2027-01-15T08:00:00.000Z -> 2027-01-15T08:00:00.001Z",
                          "ends_at: 2027-01-15T10:00:00.000Z -> 2027-01-15T10:00:00.001Z",
                          "hold_ms: 1800000 -> 60000"));
  EXPECT_THAT(world.effects.sales, ElementsAre(SaleNo{0}));

  command.hold = Span{0};
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::invalid_hold);
  command.starts_at = command.ends_at;
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::invalid_window);
  command.title = "";
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::invalid_text);
  EXPECT_EQ(world.apply(CancelSale{{}, SaleNo{0}}), CancelSaleOutcome::cancelled);
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::cancelled);
  command.sale = SaleNo{7};
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::unknown_sale);
}

TEST(ChangeSale, OneEdgeOfTheWindowIsCheckedAgainstTheOther) {
  World world({draft(1)});
  ChangeSale command{{}, SaleNo{0}, {}, {}, {}, {}};
  command.starts_at = kEnd;
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::invalid_window);
  command.starts_at.reset();
  command.ends_at = kOpen;
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::invalid_window);
}

TEST(ChangeSale, AChangedHoldIsForOrdersFromNowOn) {
  World world({draft(2)});
  const OrderId before = world.win("ann");
  const ChangeSale command{{}, SaleNo{0}, {}, {}, {}, Span::seconds(60)};
  EXPECT_EQ(world.apply(command), ChangeSaleOutcome::changed);
  const OrderId after = world.win("bob");
  EXPECT_EQ(world.order(before).expires_at, kOpen + kHold);
  EXPECT_EQ(world.order(after).expires_at, kOpen + Span::seconds(60));
  world.now = kOpen + Span::seconds(61);
  EXPECT_EQ(world.pulse().expired, 1U);
  EXPECT_EQ(world.status(after), OrderStatus::expired);
}

TEST(ChangeItemOutcome, InOrderOfPrecedence) {
  World world({draft(1)});
  ChangeItem command{by_olga(), ItemNo{0}, {}, {}, {}, {}, {}, {}};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::unchanged);
  command.title = "B";
  command.image_url = "/b.png";
  command.description = "line\nline";
  command.price = Money{1};
  command.list_price = Money{0};
  command.per_user_limit = Quantity{3};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::changed);
  EXPECT_THAT(
      texts(world.effects.audits[0]),
      ElementsAre("title: A thing -> B", "image_url:  -> /b.png", "description:  -> line\nline",
                  "price: 1999 -> 1", "list_price: 2999 -> 0", "per_user_limit: 1 -> 3"));
  EXPECT_THAT(world.effects.items, ElementsAre(ItemNo{0}));
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::unchanged);
  EXPECT_TRUE(world.effects.empty());
  command.per_user_limit = Quantity{0};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_limit);
  command.price = Money{0};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_price);
  command.price = Money{1};
  command.list_price = Money{-1};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_price);
  command.description = "\x01";
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_text);
  command.description.reset();
  command.image_url = "ftp://x";
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_text);
  command.image_url.reset();
  command.title = "";
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::invalid_text);
  command.item = ItemNo{1};
  EXPECT_EQ(world.apply(command), ChangeItemOutcome::unknown_item);
}

TEST(ChangeItem, AChangedPriceIsForOrdersFromNowOn) {
  World world({draft(2)});
  const OrderId before = world.win("ann");
  EXPECT_EQ(world.apply(ChangeItem{{}, ItemNo{0}, {}, {}, {}, Money{5}, {}, {}}),
            ChangeItemOutcome::changed);
  EXPECT_EQ(world.order(before).amount, Money{1999});
  EXPECT_EQ(world.order(world.win("bob")).amount, Money{5});
  EXPECT_EQ(world.pay(before), PaymentOutcome::paid);
}

TEST(PauseSaleOutcome, InOrderOfPrecedence) {
  World world({draft(1)});
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{0}, false}), PauseSaleOutcome::unchanged);
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{0}, true}), PauseSaleOutcome::changed);
  EXPECT_EQ(world.effects.audits[0].action, "sale.pause");
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("paused: false -> true"));
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{0}, true}), PauseSaleOutcome::unchanged);
  EXPECT_TRUE(world.effects.empty());
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{0}, false}), PauseSaleOutcome::changed);
  EXPECT_EQ(world.effects.audits[0].action, "sale.resume");
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("paused: true -> false"));
  world.now = kEnd;
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{0}, false}), PauseSaleOutcome::ended);
  EXPECT_EQ(world.apply(PauseSale{by_olga(), SaleNo{9}, false}), PauseSaleOutcome::unknown_sale);
}

TEST(CancelSaleOutcome, InOrderOfPrecedence) {
  World world({draft(1)});
  EXPECT_EQ(world.apply(CancelSale{by_olga(), SaleNo{1}}), CancelSaleOutcome::unknown_sale);
  EXPECT_EQ(world.apply(CancelSale{by_olga(), SaleNo{0}}), CancelSaleOutcome::cancelled);
  EXPECT_EQ(world.effects.audits[0].action, "sale.cancel");
  EXPECT_EQ(world.apply(CancelSale{by_olga(), SaleNo{0}}), CancelSaleOutcome::unchanged);
  EXPECT_TRUE(world.effects.empty());
}

TEST(AdjustStockOutcome, InOrderOfPrecedence) {
  World world({draft(5, 2)});
  EXPECT_EQ(world.pay(world.win("ann", 0, 2)), PaymentOutcome::paid);
  world.win("bob");
  const auto adjust = [&](std::int64_t stock) {
    return world.apply(AdjustStock{by_olga(), ItemNo{0}, Quantity{stock}});
  };
  EXPECT_EQ(adjust(5), AdjustStockOutcome::unchanged);
  EXPECT_TRUE(world.effects.empty());
  EXPECT_EQ(adjust(3), AdjustStockOutcome::adjusted) << "down to what is held and sold";
  EXPECT_EQ(world.units(), units(3, 0, 1, 2));
  EXPECT_EQ(world.effects.audits[0].action, "item.stock");
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("stock: 5 -> 3"));
  EXPECT_EQ(adjust(2), AdjustStockOutcome::below_committed);
  EXPECT_EQ(adjust(0), AdjustStockOutcome::below_committed);
  EXPECT_EQ(adjust(-1), AdjustStockOutcome::invalid_stock);
  EXPECT_EQ(adjust(kMaxStock.units + 1), AdjustStockOutcome::invalid_stock);
  EXPECT_EQ(adjust(kMaxStock.units), AdjustStockOutcome::adjusted);
  EXPECT_EQ(world.grab("cid"), GrabOutcome::granted);
  StateTestAccess::counters(world.state, ItemNo{0}).available += Quantity{1};
  world.win("dan");
  EXPECT_EQ(adjust(-1), AdjustStockOutcome::frozen);
  EXPECT_EQ(world.apply(AdjustStock{{}, ItemNo{1}, Quantity{-1}}),
            AdjustStockOutcome::unknown_item);
}

TEST(NoteOutcome, NotedAndNothingElse) {
  World world({});
  const std::uint64_t before = world.state.digest();
  const Note note{{"olga", "because"}, "webhook.add", "https://shop.example/", {{"a", "", "b"}}};
  EXPECT_EQ(world.state.apply(note, kOpen, world.effects), NoteOutcome::noted);
  ASSERT_EQ(world.effects.audits.size(), 1U);
  EXPECT_EQ(world.effects.audits[0].actor, "olga");
  EXPECT_EQ(world.effects.audits[0].reason, "because");
  EXPECT_EQ(world.effects.audits[0].action, "webhook.add");
  EXPECT_EQ(world.effects.audits[0].subject, "https://shop.example/");
  EXPECT_THAT(texts(world.effects.audits[0]), ElementsAre("a:  -> b"));
  EXPECT_TRUE(world.effects.orders.empty() && world.effects.items.empty());
  EXPECT_EQ(world.state.digest(), before);
}

}  // namespace
}  // namespace sluice::sale

// A small stock of things that nobody needs.
#include "app/demo.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "engine/blocking.h"

namespace sluice::app {

namespace {

constexpr Span kUntilStart = Span::seconds(15);
constexpr Span kLength = Span::seconds(3600);
constexpr Span kHold = Span::seconds(120);
constexpr Span kBriefHold = Span::seconds(20);

struct DemoItem {
  const char* word;
  const char* title;
  const char* description;
  std::int64_t price_minor;
  std::int64_t list_price_minor;
  std::int64_t stock;
};
constexpr std::array<DemoItem, 4> kItems = {{
    {"kettle", "长嘴手冲壶 · Gooseneck kettle", "不锈钢，600 毫升 · stainless steel, 600 ml", 9'900,
     29'900, 20},
    {"lamp", "阅读灯 · Reading lamp", "三档色温 · three colour temperatures", 4'900, 15'900, 50},
    {"umbrella", "自动伞 · Automatic umbrella", "十骨抗风 · ten ribs, made for wind", 1'900, 7'900,
     200},
    {"print", "限量版画 · Numbered print", "只有三张 · there are three", 19'900, 19'900, 3},
}};
constexpr DemoItem kBriefItem = {
    "ticket",
    "即时票 · Brief ticket",
    "二十秒内付款，否则退回 · pay within twenty seconds, or it goes back",
    900,
    1'900,
    3};

sale::ItemDraft draft_of(const DemoItem& item, Instant now) {
  sale::ItemDraft draft;
  draft.id = fmt::format("{}-{}", item.word, now.ms / 1000);
  draft.title = item.title;
  draft.description = item.description;
  draft.price = Money{item.price_minor};
  draft.list_price = Money{item.list_price_minor};
  draft.stock = Quantity{item.stock};
  return draft;
}

Result<> open_sale(engine::Engine& engine, sale::OpenSale&& command) {
  const std::string id = command.id;
  const auto reply = engine::call(engine, std::move(command));
  if (!reply) return std::unexpected(reply.error());
  if (std::get<sale::OpenSaleOutcome>(reply->outcome) == sale::OpenSaleOutcome::opened) return {};
  return fail(
      fmt::format("the demo sale {} was refused; start again in a second, or use another "
                  "--data",
                  id));
}

}  // namespace

Result<DemoSale> open_demo_sale(engine::Engine& engine) {
  const Instant now = engine.now();
  DemoSale demo;
  demo.id = fmt::format("demo-{}", now.ms / 1000);
  demo.starts_at = now + kUntilStart;
  sale::OpenSale command{{"demo", "sluice serve --demo"},
                         demo.id,
                         "演示秒杀 · Demo sale",
                         demo.starts_at,
                         demo.starts_at + kLength,
                         kHold,
                         {}};
  for (const DemoItem& item : kItems) {
    command.items.push_back(draft_of(item, now));
    demo.items.push_back(command.items.back().id);
  }
  if (auto opened = open_sale(engine, std::move(command)); !opened) {
    return std::unexpected(opened.error());
  }
  sale::OpenSale brief{{"demo", "sluice serve --demo"}, demo.id + "-brief",
                       "二十秒演示 · Twenty seconds",   demo.starts_at,
                       demo.starts_at + kLength,        kBriefHold,
                       {draft_of(kBriefItem, now)}};
  demo.brief_item = brief.items.front().id;
  demo.brief_hold = kBriefHold;
  if (auto opened = open_sale(engine, std::move(brief)); !opened) {
    return std::unexpected(opened.error());
  }
  return demo;
}

}  // namespace sluice::app

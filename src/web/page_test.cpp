// The pages as functions: every state in words, and no text that becomes markup.
#include "web/pages.h"

#include <gtest/gtest.h>

#include <memory>

#include "web/parts.h"
#include "web/words.h"

namespace sluice::web {
namespace {

constexpr std::string_view kAttack = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&";
constexpr Instant kNow{1'795'348'800'000};

struct Shelf {
  engine::CatalogSale sale;
  engine::CatalogItem item;

  explicit Shelf(std::string_view text = "Lamp") {
    sale.sale.id = "s";
    sale.sale.title = text;
    sale.sale.starts_at = kNow - Span::seconds(10);
    sale.sale.ends_at = kNow + Span::seconds(3600);
    sale.sale.hold = Span::seconds(120);
    item.item.id = "lamp";
    item.item.title = text;
    item.item.description = text;
    item.item.image_url = text;
    item.item.price = Money{4900};
    item.item.list_price = Money{9900};
    item.sale = &sale;
    item.live = std::make_shared<engine::LiveCounters>();
    units(20, 0, 0);
    sale.items = {&item};
  }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  void units(std::int64_t available, std::int64_t held, std::int64_t sold) const {
    item.live->publish({{available + held + sold}, {available}, {held}, {sold}, {0}}, false);
  }
};

Visitor shopper(Language language = Language::en) {
  Visitor visitor;
  visitor.language = language;
  visitor.user = "alice";
  visitor.seal = "sealed";
  visitor.now = kNow;
  visitor.payments = true;
  return visitor;
}

sale::OrderView order(sale::OrderStatus status, std::string_view text = "Lamp") {
  sale::OrderView view;
  view.id = OrderId{42};
  view.user = "alice";
  view.item_id = "lamp";
  view.title = text;
  view.amount = Money{4900};
  view.status = status;
  view.created_at = kNow;
  view.expires_at = kNow + Span::seconds(90);
  view.transaction_id = text;
  return view;
}

testing::AssertionResult has(const std::string& html, std::string_view text) {
  if (html.contains(text)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << text << "\" in " << html;
}

void expect_harmless(const std::string& html) {
  EXPECT_FALSE(html.contains("<script>"));
  EXPECT_FALSE(html.contains("<img src=x"));
  EXPECT_FALSE(html.contains("\"'>"));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)"));
}

TEST(Pages, ShowScriptInEveryFieldAsText) {
  const Shelf shelf(kAttack);
  Visitor visitor = shopper();
  expect_harmless(sales_page(visitor, {{&shelf.sale}, {}}, true));
  expect_harmless(item_page(visitor, shelf.item));
  for (const auto status : {sale::OrderStatus::awaiting_payment, sale::OrderStatus::paid}) {
    expect_harmless(order_page(visitor, order(status, kAttack)));
    expect_harmless(orders_page(visitor, {{order(status, kAttack)}, {}}));
  }
  expect_harmless(payment_page(visitor, order(sale::OrderStatus::awaiting_payment, kAttack),
                               {"weixin://pay?x=1", kNow}));
  visitor.user = kAttack;
  visitor.seal = kAttack;
  visitor.path = "/?" + std::string(kAttack);
  expect_harmless(trouble_page(visitor, Trouble::not_found));
  SignIn form;
  form.next = "/?" + std::string(kAttack);
  form.offered = kAttack;
  form.offered_user = kAttack;
  expect_harmless(sign_in_page(visitor, form));
}

TEST(PaymentPage, LinksToNoScript) {
  const std::string html = payment_page(shopper(), order(sale::OrderStatus::awaiting_payment),
                                        {"javascript:alert(1)", kNow});
  EXPECT_FALSE(html.contains("javascript:"));
}

TEST(PaymentPage, ShowsCodeAmountNumberAndTime) {
  const std::string html = payment_page(shopper(), order(sale::OrderStatus::awaiting_payment),
                                        {"weixin://wxpay/x", kNow + Span::seconds(90)});
  EXPECT_TRUE(has(html, "¥49.00"));
  EXPECT_TRUE(has(html, "No42"));
  EXPECT_TRUE(has(html, ">01:30<"));
  EXPECT_TRUE(has(html, "role=\"img\" aria-label=\"QR code"));
  EXPECT_TRUE(has(html, "content=\"3\"></noscript>"));
  EXPECT_TRUE(has(html, "data-live=\"/orders/No42\""));
}

struct EndCase {
  GrabEnd end;
  int status;
  Word title;
};
class EndOfGrab : public testing::TestWithParam<EndCase> {};

TEST_P(EndOfGrab, IsToldInBothLanguages) {
  const Shelf shelf;
  const EndCase& expected = GetParam();
  EXPECT_EQ(status_of(expected.end), expected.status);
  for (const Language language : {Language::en, Language::zh}) {
    const std::string html =
        item_page(shopper(language), shelf.item, GrabVerdict{expected.end, {}});
    EXPECT_TRUE(has(html, std::string("<h2 id=\"verdict-title\">") +
                              std::string(say(expected.title, language))));
    EXPECT_FALSE(html.contains("http-equiv")) << "the answer stays to be read";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EndOfGrab,
    testing::Values(EndCase{GrabEnd::not_started, 425, Word::end_not_started},
                    EndCase{GrabEnd::ended, 410, Word::end_ended},
                    EndCase{GrabEnd::paused, 423, Word::end_paused},
                    EndCase{GrabEnd::already_queued, 409, Word::end_already_queued},
                    EndCase{GrabEnd::limit_reached, 409, Word::end_limit},
                    EndCase{GrabEnd::sold_out, 409, Word::end_sold_out},
                    EndCase{GrabEnd::invalid_quantity, 400, Word::end_quantity},
                    EndCase{GrabEnd::too_often, 429, Word::end_too_often},
                    EndCase{GrabEnd::busy, 503, Word::end_busy},
                    EndCase{GrabEnd::storage, 503, Word::end_storage}));

TEST(ItemPage, TellsOfUnitsThatMayComeBackOnlyWhileThereAreSome) {
  const Shelf shelf;
  const GrabVerdict sold_out{GrabEnd::sold_out, {}};
  shelf.units(0, 2, 18);
  EXPECT_TRUE(has(item_page(shopper(), shelf.item, sold_out), "not paid yet: 2."));
  EXPECT_TRUE(has(item_page(shopper(), shelf.item), "data-poll=\"3\""));
  shelf.units(0, 0, 20);
  EXPECT_TRUE(has(item_page(shopper(), shelf.item, sold_out), "Every unit is sold and paid."));
  EXPECT_TRUE(has(item_page(shopper(), shelf.item), "data-poll=\"15\""));
}

TEST(ItemPage, LeadsToTheOrderThatIsAlreadyThere) {
  const Shelf shelf;
  const std::string html =
      item_page(shopper(), shelf.item, GrabVerdict{GrabEnd::already_queued, OrderId{42}});
  EXPECT_TRUE(has(html, "href=\"/orders/No42\""));
}

TEST(ItemPage, OpensTheButtonOnlyWhenThereIsSomethingToGrab) {
  Shelf shelf;
  const std::string ready = "id=\"grab\" data-opens=\"\"";
  EXPECT_TRUE(has(item_page(shopper(), shelf.item), ready));
  shelf.units(0, 1, 0);
  EXPECT_TRUE(has(item_page(shopper(), shelf.item), "id=\"grab\" disabled"));
  shelf.units(1, 0, 0);
  shelf.sale.sale.paused = true;
  EXPECT_TRUE(has(item_page(shopper(), shelf.item), "id=\"grab\" disabled"));
  shelf.sale.sale.paused = false;
  shelf.sale.sale.starts_at = kNow + Span::seconds(5);
  const std::string upcoming = item_page(shopper(), shelf.item);
  EXPECT_TRUE(has(upcoming, "disabled data-opens=\"1795348805000\""));
  EXPECT_TRUE(has(upcoming, "content=\"6\"></noscript>"));
  EXPECT_TRUE(has(upcoming, "data-poll=\"\"")) << "nobody asks before the start";
  Visitor guest = shopper();
  guest.user.clear();
  EXPECT_TRUE(has(item_page(guest, shelf.item), "href=\"/signin?next=/items/lamp\""));
}

TEST(OrderPage, OffersWhatCanBeDone) {
  using sale::OrderStatus;
  const std::string open = order_page(shopper(), order(OrderStatus::awaiting_payment));
  EXPECT_TRUE(has(open, "action=\"/orders/No42/payment\""));
  EXPECT_TRUE(has(open, "action=\"/orders/No42/cancel\""));
  EXPECT_TRUE(has(open, "content=\"5\"></noscript>"));
  for (const auto status : {OrderStatus::queued, OrderStatus::closing, OrderStatus::needs_person,
                            OrderStatus::refunding}) {
    const std::string html = order_page(shopper(), order(status));
    EXPECT_FALSE(html.contains("/cancel\""));
    EXPECT_TRUE(has(html, "data-live=\"/orders/No42\""));
  }
  for (const auto status : {OrderStatus::paid, OrderStatus::expired, OrderStatus::cancelled,
                            OrderStatus::refunded, OrderStatus::failed}) {
    const std::string html = order_page(shopper(), order(status));
    EXPECT_FALSE(html.contains("<noscript>"));
    EXPECT_TRUE(has(html, "data-live=\"\""));
  }
  Visitor visitor = shopper();
  visitor.payments = false;
  EXPECT_FALSE(order_page(visitor, order(OrderStatus::awaiting_payment)).contains("/payment\""));
}

TEST(Parts, ReadAsPeopleExpect) {
  EXPECT_EQ(clock_text(Span{0}, Language::en), "00:00");
  EXPECT_EQ(clock_text(Span{-5}, Language::en), "00:00");
  EXPECT_EQ(clock_text(Span{1}, Language::en), "00:01");
  EXPECT_EQ(clock_text(Span::seconds(3723), Language::en), "1:02:03");
  EXPECT_EQ(clock_text(Span::seconds(90061), Language::zh), "1 天 01:01:01");
  EXPECT_EQ(span_text(Span::seconds(45), Language::en), "45 s");
  EXPECT_EQ(span_text(Span::seconds(1800), Language::zh), "30 分钟");
  EXPECT_EQ(span_text(Span::seconds(5400), Language::en), "1 h 30 min");
  EXPECT_EQ(money_text(Money{1999}, *Currency::parse("USD")), "$19.99");
  EXPECT_EQ(money_text(Money{1200}, *Currency::parse("CHF")), "CHF 12.00");
}

}  // namespace
}  // namespace sluice::web

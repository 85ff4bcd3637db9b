// What tests of the cluster's record have in common.
#include "support/cluster_world.h"

#include <utility>

namespace sluice::test::cluster {
namespace {

// docs/formats/cluster-record.md shows it: items whose counters are not what their orders say.
constexpr const char* kUnsound =
    "SELECT COUNT(*) FROM item_stock c LEFT JOIN (SELECT item_no, "
    "SUM(IF(status IN (2,3,4), quantity, 0)) AS held, SUM(IF(unit_sold, quantity, 0)) AS sold "
    "FROM orders GROUP BY item_no) o ON o.item_no = c.item_no "
    "WHERE c.held <> COALESCE(o.held, 0) OR c.sold <> COALESCE(o.sold, 0) "
    "OR c.available + c.held + c.sold <> c.stock OR c.available < 0";

}  // namespace

std::unique_ptr<store::ClusterRecord> open_record(const mariadb::Address& address,
                                                  store::ClusterOptions options) {
  return value(store::ClusterRecord::open(address, options));
}

sale::OpenSale sale_of(const std::string& id, int items, std::int64_t stock, std::int64_t limit) {
  sale::OpenSale open;
  open.by = {"operator", "test"};
  open.id = id;
  open.title = "秒杀 " + id;
  open.starts_at = Instant{kNow.ms - 1000};
  open.ends_at = Instant{kNow.ms + 86'400'000};
  open.hold = Span{kHoldMs};
  for (int i = 0; i < items; ++i) {
    sale::ItemDraft draft;
    draft.id = id + "-" + std::to_string(i);
    draft.title = "item";
    draft.price = Money{100};
    draft.list_price = Money{200};
    draft.currency = *Currency::parse("CNY");
    draft.stock = Quantity{stock};
    draft.per_user_limit = Quantity{limit};
    open.items.push_back(draft);
  }
  return open;
}

store::Reservation reservation(std::int64_t n, std::string user, std::uint32_t item,
                               std::int64_t quantity) {
  store::Reservation wanted;
  wanted.id = OrderId{kFirstId + n};
  wanted.user = std::move(user);
  wanted.item = ItemNo{item};
  wanted.quantity = quantity;
  wanted.amount = Money{100 * quantity};
  wanted.created_at = kNow;
  wanted.expires_at = kNow + Span{kHoldMs};
  return wanted;
}

std::vector<store::Reservation> crowd(std::int64_t from, std::int64_t count, std::uint32_t item) {
  std::vector<store::Reservation> all;
  for (std::int64_t n = from; n < from + count; ++n)
    all.push_back(reservation(n, "user-" + std::to_string(n), item));
  return all;
}

sale::PaymentSucceeded payment_of(std::int64_t n, const std::string& transaction) {
  return {OrderId{kFirstId + n}, transaction, Money{100}, *Currency::parse("CNY"), kNow};
}

std::vector<store::GrantOutcome> outcomes(const std::vector<store::GrantReply>& replies) {
  std::vector<store::GrantOutcome> all;
  for (const store::GrantReply& reply : replies)
    all.push_back(reply.outcome);
  return all;
}

std::string ClusterRecordTest::fingerprint() {
  std::string text;
  for (const char* table :
       {"sale", "item", "item_stock", "orders", "history", "audit", "seal", "head", "sale_epoch"}) {
    auto& connection = database_.connection();
    auto rows = value(connection.prepare("CHECKSUM TABLE " + std::string(table) + " EXTENDED"));
    if (auto asked = rows.query(); !asked) throw std::runtime_error(asked.error().message);
    if (!value(rows.next())) throw std::runtime_error("no checksum");
    text += std::string(rows.text(1)) + " ";
    rows.reset();
  }
  return text;
}

void ClusterRecordTest::expect_sound(const mariadb::Address& address) {
  const auto report = store::verify_cluster(address, directory_.path());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->finding_count, 0U);
  for (const store::Finding& finding : report->findings)
    ADD_FAILURE() << finding.check << ": " << finding.detail;
  auto connection = value(mariadb::Connection::open(address));
  EXPECT_EQ(value(connection.integer(kUnsound)), 0);
}

}  // namespace sluice::test::cluster

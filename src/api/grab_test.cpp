// POST /api/v1/items/{item}/orders over real HTTP: every row of the contract's table, in its order.
#include <gtest/gtest.h>

#include <string>

#include "api/testing.h"
#include "base/ids.h"

namespace sluice::api::testing {
namespace {

class GrabTest : public ApiTest {};

TEST_F(GrabTest, GrantedAtOnce) {
  ASSERT_EQ(open_sale("phone", 5).status, 201);
  const Answer answer = grab("phone", "alice");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto order = answer.json().as_object();
  const std::string id(order.at("id").as_string().c_str());
  EXPECT_TRUE(parse_order_id(id));
  EXPECT_EQ(answer.header("location"), "/api/v1/orders/" + id);
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(order.at("item_id").as_string(), "phone");
  EXPECT_EQ(order.at("title").as_string(), "Item phone");
  EXPECT_EQ(order.at("quantity").as_int64(), 1);
  EXPECT_EQ(order.at("amount").as_int64(), 1999);
  EXPECT_EQ(order.at("currency").as_string(), "CNY");
  EXPECT_EQ(order.at("status").as_string(), "awaiting_payment");
  EXPECT_EQ(order.at("status_code").as_int64(), 2);
  EXPECT_TRUE(order.at("reason").is_null());
  EXPECT_TRUE(order.at("paid_at").is_null());
  EXPECT_TRUE(order.at("transaction_id").is_null());
  EXPECT_EQ(order.at("created_at").as_string(), to_rfc3339(now()));
  EXPECT_EQ(order.at("expires_at").as_string(), to_rfc3339(now() + Span::seconds(60)));
  // The same order is read back, member for member.
  EXPECT_EQ(get("/api/v1/orders/" + id, "alice").json(), answer.json());
  EXPECT_EQ(get("/api/v1/items/phone").json().at("available").as_int64(), 4);
}

}  // namespace
}  // namespace sluice::api::testing

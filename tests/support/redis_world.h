// What the tests with a real Redis share: one server per program, one sale per test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/redis_node.h"
#include "support/redis_sale.h"

namespace sluice::test {

class RedisWorld : public testing::Test {
 protected:
  /// Of this program, started by the first who asks.
  static RedisNode& node() {
    static RedisNode one;
    return one;
  }
  /// So patient that a busy machine is no failure; and quick to connect again.
  static redis::ConnectionOptions patient() {
    redis::ConnectionOptions options;
    options.connect_timeout = Span::seconds(30);
    options.answer_timeout = Span::seconds(60);
    options.first_retry = Span{1};
    options.last_retry = Span{20};
    return options;
  }

  const std::string id =
      std::string("sale-") + testing::UnitTest::GetInstance()->current_test_info()->name();
  redis::Client client{node().address(), patient()};
  RedisSale sale{client, id};
};

}  // namespace sluice::test

// The one RabbitMQ of a test program.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "support/rabbit_node.h"

namespace sluice::test {

/// Started at the first call; stopped at the end of the program.
inline RabbitNode& broker() {
  static RabbitNode node;
  return node;
}

/// Waits until it is true; a minute is for a machine that is busy beyond measure.
template <class Condition>
testing::AssertionResult eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return testing::AssertionFailure() << "it did not come true within a minute";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return testing::AssertionSuccess();
}

}  // namespace sluice::test

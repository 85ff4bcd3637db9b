// For tests of the gateway: one over the fake protocol, and calls that wait for their answer.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "http/test_server.h"
#include "payment/fake_protocol.h"
#include "payment/script_server.h"
#include "payment/v3_test_support.h"

namespace sluice::payment {

inline GatewayOptions options_for(const std::string& url) {
  GatewayOptions options;
  options.base_url = url;
  options.breaker_failures = 1000;
  return options;
}

inline std::unique_ptr<Gateway> start_fake(GatewayOptions options, bool confirms = false) {
  auto gateway = start_gateway(std::make_unique<FakeProtocol>(confirms), std::move(options));
  EXPECT_TRUE(gateway) << gateway.error().message;
  return std::move(*gateway);
}

template <class T>
struct Answered {
  std::promise<Outcome<T>> promise;
  Gateway::Then<T> then() {
    return [this](Outcome<T> outcome) { promise.set_value(std::move(outcome)); };
  }
  Outcome<T> wait() {
    auto future = promise.get_future();
    if (future.wait_for(http::kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "the gateway never answered";
      std::abort();  // what it still holds refers to this frame
    }
    return future.get();
  }
};

inline Outcome<Trade> query(Gateway& gateway, std::string order = kTestOrder) {
  Answered<Trade> answered;
  gateway.query(std::move(order), answered.then());
  return answered.wait();
}
inline Outcome<CloseAnswer> close(Gateway& gateway) {
  Answered<CloseAnswer> answered;
  gateway.close(kTestOrder, answered.then());
  return answered.wait();
}

}  // namespace sluice::payment

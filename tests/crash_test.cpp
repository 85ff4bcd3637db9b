// SIGKILL at random moments of a rush, again and again: every acknowledged order is there after
// the restart, no unit is sold twice, conservation holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/server_process.h"
#include "support/wire.h"

namespace sluice::test {
namespace {

constexpr int kCrashes = 20;
constexpr int kShopperThreads = 16;
constexpr std::int64_t kStock = 40'000;

/// What the crowd was told. A shopper whose answer was lost in a crash is in `unanswered` until
/// asked again.
struct Ledger {
  std::mutex mutex;
  std::map<std::string, std::string> order_of;  ///< acknowledged: shopper -> order id
  std::set<std::string> unanswered;

  void acknowledged(const std::string& shopper, const std::string& order) {
    const std::lock_guard lock(mutex);
    order_of[shopper] = order;
    unanswered.erase(shopper);
  }
  void lost(const std::string& shopper) {
    const std::lock_guard lock(mutex);
    unanswered.insert(shopper);
  }
};

/// Every second shopper sends an idempotency key, so that both ways back to an order are tried.
std::string key_header(const std::string& shopper) {
  return std::hash<std::string>{}(shopper) % 2 == 0 ? "Idempotency-Key: \"" + shopper + "\"\r\n"
                                                    : std::string();
}

std::optional<Answer> grab(Wire& wire, const ServerProcess& server, const std::string& shopper) {
  return wire.request("POST", "/api/v1/items/item/orders", server.token(shopper), {},
                      key_header(shopper));
}

class CrashTest : public testing::Test {
 protected:
  CrashTest() {
    const char* given = std::getenv("SLUICE_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
  }

  void open_sale(const ServerProcess& server) {
    const std::string body = R"({"title":"Crash","starts_at":"2020-01-01T00:00:00Z",)"
                             R"("ends_at":"2099-01-01T00:00:00Z","hold_seconds":86400,"items":[)"
                             R"({"id":"item","title":"Unit","price":100,"list_price":200,)"
                             R"("currency":"CNY","stock":)" +
                             std::to_string(kStock) + R"(,"per_user_limit":1}]})";
    Wire wire(server.port());
    const auto answer = wire.request("POST", "/api/v1/admin/sales", server.token("op", true), body);
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->status, 201) << answer->body;
    sale_ = answer->member("id");
  }

  /// A crowd that grabs until the server dies under it.
  void crowd_until_killed(ServerProcess& server, int round) {
    std::atomic<int> granted{0};
    std::vector<std::thread> shoppers;
    for (int t = 0; t < kShopperThreads; ++t) {
      shoppers.emplace_back([&, t] {
        Wire wire(server.port());
        for (int i = 0;; ++i) {
          const std::string shopper =
              std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
          const auto answer = grab(wire, server, shopper);
          if (!answer) {
            ledger_.lost(shopper);
            return;
          }
          if (answer->status == 201) {
            ledger_.acknowledged(shopper, answer->member("id"));
            ++granted;
          } else if (answer->status != 409) {
            ADD_FAILURE() << answer->status << " " << answer->body;
            return;
          }
        }
      });
    }
    const int after = std::uniform_int_distribution<int>(1, 1500)(random_);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (granted < after && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    server.kill();
    for (std::thread& shopper : shoppers)
      shopper.join();
    EXPECT_GE(granted.load(), after) << "the crowd was stuck";
  }

  void expect_acknowledged_orders(const ServerProcess& server) {
    Wire wire(server.port());
    for (const auto& [shopper, order] : ledger_.order_of) {
      if (!checked_.insert(order).second) continue;
      const auto answer = wire.request("GET", "/api/v1/orders/" + order, server.token(shopper));
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->status, 200) << "acknowledged order " << order << " is gone";
      ASSERT_EQ(answer->member("status"), "awaiting_payment");
    }
  }

  /// Those whose answer was lost ask again: with a key they get their order back, without one they
  /// are told of it, and if the crash came first they win one now.
  void ask_again(const ServerProcess& server) {
    Wire wire(server.port());
    const std::set<std::string> unanswered = ledger_.unanswered;
    for (const std::string& shopper : unanswered) {
      const auto answer = grab(wire, server, shopper);
      ASSERT_TRUE(answer.has_value());
      if (answer->status == 409) {
        ASSERT_EQ(answer->member("code"), "already_queued") << answer->body;
        ASSERT_EQ(answer->member("legacy_code"), "100") << answer->body;
        ledger_.acknowledged(shopper, answer->member("order_id"));
      } else {
        ASSERT_EQ(answer->status, 201) << answer->body;
        ledger_.acknowledged(shopper, answer->member("id"));
      }
    }
  }

  void expect_conservation(const ServerProcess& server) {
    Wire wire(server.port());
    const auto answer =
        wire.request("GET", "/api/v1/admin/sales/" + sale_ + "/stats", server.token("op", true));
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->status, 200) << answer->body;
    const auto held = static_cast<std::int64_t>(ledger_.order_of.size());
    EXPECT_NE(answer->body.find("\"held\":" + std::to_string(held)), std::string::npos)
        << held << " orders are known, the server says " << answer->body;
    EXPECT_NE(answer->body.find("\"available\":" + std::to_string(kStock - held)),
              std::string::npos)
        << answer->body;
    EXPECT_NE(answer->body.find("\"conserved\":true"), std::string::npos) << answer->body;
  }

  std::uint64_t seed_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  Ledger ledger_;
  std::set<std::string> checked_;
  std::string sale_;
};

TEST_F(CrashTest, KilledTwentyTimesInARushNothingAcknowledgedIsLost) {
  SCOPED_TRACE("replay with SLUICE_SEED=" + std::to_string(seed_));
  const std::string data = directory_.path() + "/data";
  {
    ServerProcess server(data);
    open_sale(server);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(server.terminate(), 0);
  }
  for (int crash = 0; crash < kCrashes; ++crash) {
    SCOPED_TRACE("crash " + std::to_string(crash));
    {
      ServerProcess server(data);
      crowd_until_killed(server, crash);
    }
    EXPECT_EQ(run_sluice({"verify", "--data", data}, directory_.path() + "/verify.txt"), 0);
    ServerProcess server(data);
    expect_acknowledged_orders(server);
    ask_again(server);
    expect_conservation(server);
    ASSERT_FALSE(HasFailure());
    EXPECT_EQ(server.terminate(), 0);
  }
  std::set<std::string> distinct;
  for (const auto& [shopper, order] : ledger_.order_of)
    distinct.insert(order);
  EXPECT_EQ(distinct.size(), ledger_.order_of.size()) << "one order was given to two shoppers";
  EXPECT_EQ(run_sluice({"verify", "--data", data}), 0);
}

}  // namespace
}  // namespace sluice::test

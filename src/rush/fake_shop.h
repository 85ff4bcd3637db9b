// For tests: a small shop that keeps the contract, over the real HTTP server, and breaks it on
// demand in the ways a verdict must notice.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/server.h"
#include "http/token.h"

namespace sluice::rush {

/// What is wrong with the shop; all false: nothing.
struct ShopFaults {
  bool oversells = false;           ///< one unit more than there are
  bool wastes_a_unit = false;       ///< says sold out one unit too early
  bool forgets_duplicates = false;  ///< grants a shopper again and again
  bool duplicates_without_100 = false;
  bool loses_orders = false;  ///< every third order cannot be read afterwards
  bool shows_orders_to_anyone = false;
  bool repeats_ids = false;    ///< every order has the same number
  bool answers_500 = false;    ///< now and then
  bool miscounts = false;      ///< its statistics hide one order
  bool drops_answers = false;  ///< every tenth grab is done, but the connection closed
};

inline constexpr const char* kShopSecret = "a-secret-for-the-tests-of-rush";

class FakeShop {
 public:
  /// Sells `stock` units of each of `items` items ("item-0", …) of the open sale "sale-1".
  FakeShop(std::size_t items, std::int64_t stock, ShopFaults faults);
  ~FakeShop();

  std::string url() const;
  std::size_t orders() const;

 private:
  class Door;
  struct Order {
    std::string id;
    std::string user;
    std::size_t item;
    std::int64_t created_ms;
  };

  http::Response handle(const http::Request& request, const std::string& user, bool admin);
  http::Response grab(const std::string& user, std::string_view item, std::string_view key);
  http::Response read_order(const std::string& user, std::string_view id);
  http::Response list_orders(const std::string& user);
  http::Response list_all_orders();
  http::Response stats();
  http::Response sales();
  std::string order_json(const Order& order) const;

  mutable std::mutex mutex_;
  std::int64_t stock_;
  ShopFaults faults_;
  std::vector<std::int64_t> available_;
  std::vector<Order> orders_;
  std::map<std::string, std::size_t, std::less<>> by_user_;
  std::uint64_t grabs_ = 0;
  std::unique_ptr<http::Server> server_;
};

}  // namespace sluice::rush

// The control plane: what rush asks the server before and after the crowd, over its public API.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "base/result.h"
#include "http/client.h"

namespace sluice::rush {

struct ListedItem {
  std::string id;
  std::string title;
  std::int64_t stock = 0;
  std::int64_t available = 0;
  std::int64_t limit = 1;
};

struct ListedSale {
  std::string id;
  std::string title;
  std::string phase;
  Instant starts_at;
  Instant ends_at;
  std::vector<ListedItem> items;
};

struct Listing {
  Instant now;  ///< the server's clock
  std::vector<ListedSale> sales;
  std::string next_page_token;  ///< empty: the list ended
};

struct ItemStats {
  std::string item_id;
  std::int64_t stock = 0;
  std::int64_t available = 0;
  std::int64_t held = 0;
  std::int64_t sold = 0;
  std::int64_t refunded = 0;
  bool conserved = false;
};

/// An order as the operator's list or its owner sees it.
struct ListedOrder {
  OrderId id;
  std::string user;  ///< empty in a shopper's own view
  std::string item_id;
  std::string status;
  std::int64_t quantity = 1;
  Instant created_at;
  Instant expires_at;
};

struct OrderPage {
  std::vector<ListedOrder> orders;
  std::string next_page_token;  ///< empty: the list ended
};

/// Pure readers of the answers; hostile input gives an error that names what is missing.
Result<Listing> parse_listing(std::string_view json);
Result<std::vector<ItemStats>> parse_stats(std::string_view json);
Result<ListedOrder> parse_order(std::string_view json);
Result<OrderPage> parse_orders(std::string_view json);

using Fetch = std::function<Result<http::ClientResponse>(const http::ClientRequest&)>;

/// Talks to one server. Every call blocks for at most some tens of seconds: an overloaded or
/// restarting server (503, no connection) is asked again for a while.
class Control {
 public:
  /// `admin_url` is where the operator API listens; often the same as `url`.
  Control(std::string url, std::string admin_url, std::string admin_token,
          Fetch fetch = http::perform);

  Result<Listing> sales() const;
  Result<std::vector<ItemStats>> stats(const std::string& sale_id) const;
  /// A page of the sale's orders made at `from` or later, newest first.
  Result<OrderPage> orders(const std::string& sale_id, Instant from,
                           const std::string& page_token) const;

 private:
  Result<std::string> get(const std::string& path, bool as_admin, int attempts) const;

  std::string url_;
  std::string admin_url_;
  std::string admin_token_;
  Fetch fetch_;
};

/// Orders per page asked of the operator's list.
inline constexpr unsigned kOrdersPerPage = 1000;

}  // namespace sluice::rush

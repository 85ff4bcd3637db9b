// Calls to the server's API and the reading of their JSON.
#include "rush/control.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

namespace sluice::rush {
namespace {

namespace json = boost::json;

constexpr int kAttempts = 20;
constexpr int kMaxSalePages = 100;
constexpr std::chrono::milliseconds kBetweenAttempts{250};

/// Reads members of one object and remembers the first thing that was wrong.
class Reader {
 public:
  Reader(const json::value& value, const char* what) : what_(what) {
    if (const auto* object = value.if_object()) {
      object_ = object;
    } else {
      problem_ = fmt::format("{} is not a JSON object", what);
    }
  }

  std::string text(const char* name) {
    const json::value* value = find(name);
    if (value == nullptr) return {};
    if (const auto* found = value->if_string()) return std::string(*found);
    return wrong(name, "text"), std::string{};
  }

  std::int64_t number(const char* name) {
    const json::value* value = find(name);
    if (value == nullptr) return 0;
    if (const auto* found = value->if_int64()) return *found;
    return wrong(name, "a whole number"), 0;
  }

  bool truth(const char* name) {
    const json::value* value = find(name);
    if (value == nullptr) return false;
    if (const auto* found = value->if_bool()) return *found;
    return wrong(name, "true or false"), false;
  }

  Instant instant(const char* name) {
    const auto at = parse_rfc3339(text(name));
    if (!at) wrong(name, "an RFC 3339 time");
    return at.value_or(Instant{});
  }

  const json::array& array(const char* name) {
    static const json::array kNone;
    const json::value* value = find(name);
    if (value == nullptr) return kNone;
    if (const auto* found = value->if_array()) return *found;
    wrong(name, "a list");
    return kNone;
  }

  bool has(const char* name) const {
    const json::value* value = object_ == nullptr ? nullptr : object_->if_contains(name);
    return value != nullptr && !value->is_null();
  }

  void wrong(const char* name, const char* wanted) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" of {} is not {}", name, what_, wanted);
  }
  void take_problem_of(const Reader& part) {
    if (problem_.empty()) problem_ = part.problem_;
  }
  const std::string& problem() const { return problem_; }

 private:
  const json::value* find(const char* name) {
    if (object_ == nullptr) return nullptr;
    const json::value* value = object_->if_contains(name);
    if (value == nullptr && problem_.empty()) {
      problem_ = fmt::format("{} has no \"{}\"", what_, name);
    }
    return value;
  }

  const json::object* object_ = nullptr;
  const char* what_;
  std::string problem_;
};

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code wrong;
  json::value value = json::parse(text, wrong);
  if (!wrong) return value;
  return fail(fmt::format("the server's answer is not JSON ({}): {}", wrong.message(),
                          text.substr(0, 200)));
}

template <class T>
Result<T> checked(T value, const Reader& reader) {
  if (reader.problem().empty()) return value;
  return fail(fmt::format("the server's answer is not as expected: {}", reader.problem()));
}

ListedItem read_item(Reader& item) {
  return {item.text("id"), item.text("title"), item.number("stock"), item.number("available"),
          item.has("per_user_limit") ? item.number("per_user_limit") : 1};
}

ListedOrder read_order(Reader& order) {
  ListedOrder read;
  const auto id = parse_order_id(order.text("id"));
  if (!id) order.wrong("id", "an order id");
  read.id = id.value_or(OrderId{});
  if (order.has("user")) read.user = order.text("user");
  read.item_id = order.text("item_id");
  read.status = order.text("status");
  if (order.has("quantity")) read.quantity = order.number("quantity");
  read.created_at = order.instant("created_at");
  if (order.has("expires_at")) read.expires_at = order.instant("expires_at");
  return read;
}

template <class T>
Result<T> parsed(const Result<std::string>& body, Result<T> (*parse)(std::string_view)) {
  if (!body) return std::unexpected(body.error());
  return parse(*body);
}

}  // namespace

Result<Listing> parse_listing(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return std::unexpected(value.error());
  Reader top(*value, "the list of sales");
  Listing listing;
  listing.now = top.instant("now");
  for (const json::value& entry : top.array("sales")) {
    Reader sale(entry, "a sale");
    ListedSale listed{sale.text("id"),           sale.text("title"),      sale.text("phase"),
                      sale.instant("starts_at"), sale.instant("ends_at"), {}};
    for (const json::value& part : sale.array("items")) {
      Reader item(part, "an item");
      listed.items.push_back(read_item(item));
      sale.take_problem_of(item);
    }
    top.take_problem_of(sale);
    listing.sales.push_back(std::move(listed));
  }
  if (top.has("next_page_token")) listing.next_page_token = top.text("next_page_token");
  return checked(std::move(listing), top);
}

Result<std::vector<ItemStats>> parse_stats(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return std::unexpected(value.error());
  Reader top(*value, "the statistics");
  std::vector<ItemStats> stats;
  for (const json::value& entry : top.array("items")) {
    Reader item(entry, "an item's statistics");
    stats.push_back({item.text("item_id"), item.number("stock"), item.number("available"),
                     item.number("held"), item.number("sold"), item.number("refunded"),
                     item.truth("conserved")});
    top.take_problem_of(item);
  }
  return checked(std::move(stats), top);
}

Result<ListedOrder> parse_order(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return std::unexpected(value.error());
  Reader order(*value, "an order");
  ListedOrder read = read_order(order);
  return checked(std::move(read), order);
}

Result<OrderPage> parse_orders(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return std::unexpected(value.error());
  Reader top(*value, "the list of orders");
  OrderPage page;
  for (const json::value& entry : top.array("orders")) {
    Reader order(entry, "an order");
    page.orders.push_back(read_order(order));
    top.take_problem_of(order);
  }
  if (top.has("next_page_token")) page.next_page_token = top.text("next_page_token");
  return checked(std::move(page), top);
}

Control::Control(std::string url, std::string admin_url, std::string admin_token, Fetch fetch)
    : url_(std::move(url)),
      admin_url_(std::move(admin_url)),
      admin_token_(std::move(admin_token)),
      fetch_(std::move(fetch)) {}

Result<std::string> Control::get(const std::string& path, bool as_admin, int attempts) const {
  http::ClientRequest request;
  request.url = (as_admin ? admin_url_ : url_) + path;
  if (as_admin) request.headers.push_back("Authorization: Bearer " + admin_token_);
  std::string problem;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kBetweenAttempts);
    auto answer = fetch_(request);
    if (answer && answer->status == 200) return std::move(answer->body);
    problem = answer ? fmt::format("GET {} answered {}: {}", request.url, answer->status,
                                   answer->body.substr(0, 300))
                     : answer.error().message;
    const bool may_pass = !answer || answer->status == 503 || answer->status == 429;
    if (!may_pass) break;
  }
  return fail(std::move(problem));
}

Result<Listing> Control::sales() const {
  Listing all;
  std::string path = "/api/v1/sales";
  for (int page = 0; page < kMaxSalePages; ++page) {
    // The first call of a run: a server that is not there should be said at once.
    auto part = parsed(get(path, false, page == 0 ? 1 : kAttempts), parse_listing);
    if (!part) return part;
    all.now = part->now;
    std::move(part->sales.begin(), part->sales.end(), std::back_inserter(all.sales));
    if (part->next_page_token.empty()) break;
    path = "/api/v1/sales?page_token=" + part->next_page_token;
  }
  return all;
}

Result<std::vector<ItemStats>> Control::stats(const std::string& sale_id) const {
  return parsed(get(fmt::format("/api/v1/admin/sales/{}/stats", sale_id), true, kAttempts),
                parse_stats);
}

Result<OrderPage> Control::orders(const std::string& sale_id, Instant from,
                                  const std::string& page_token) const {
  std::string path = fmt::format("/api/v1/admin/orders?sale={}&from={}&limit={}", sale_id,
                                 to_rfc3339(from), kOrdersPerPage);
  if (!page_token.empty()) path += "&page_token=" + page_token;
  return parsed(get(path, true, kAttempts), parse_orders);
}

}  // namespace sluice::rush

// The shop's rules, in the order of the contract, with a fault here and there.
#include "rush/fake_shop.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "base/text.h"

namespace sluice::rush {
namespace {

Instant wall_now() {
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()};
}

http::Response json(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::Response refusal(int status, std::string_view code, std::string_view more = "") {
  return json(status, fmt::format(R"({{"status":{},"code":"{}"{}}})", status, code, more));
}

}  // namespace

/// One I/O thread's entrance: checks the token and hands the request to the shop.
class FakeShop::Door : public http::Service {
 public:
  explicit Door(FakeShop& shop) : shop_(shop) {
    http::TokenOptions options;
    options.hs256_secret = kShopSecret;
    verifier_ = *http::TokenVerifier::create(options);
  }

  void handle(const http::Request& request, http::Responder responder) override {
    http::Claims claims;
    const bool known = verifier_->verify(request.authorization, wall_now(), claims).has_value();
    if (!known && request.path != "/api/v1/sales") {
      return responder.send(refusal(401, "unauthenticated"));
    }
    http::Response response =
        shop_.handle(request, claims.user, known && claims.role == http::Role::admin);
    responder.send(std::move(response));
  }

 private:
  FakeShop& shop_;
  std::unique_ptr<http::TokenVerifier> verifier_;
};

FakeShop::FakeShop(std::size_t items, std::int64_t stock, ShopFaults faults)
    : stock_(stock), faults_(faults), available_(items, stock) {
  http::ServerOptions options;
  options.listen.port = 0;
  auto server = http::Server::start(
      options, [this](http::IoThread&) { return std::make_unique<Door>(*this); });
  if (!server) throw std::runtime_error(server.error().message);
  server_ = std::move(*server);
}

FakeShop::~FakeShop() {
  server_->stop(Span::seconds(1));
}

std::string FakeShop::url() const {
  return fmt::format("http://127.0.0.1:{}", server_->port());
}

std::size_t FakeShop::orders() const {
  const std::lock_guard lock(mutex_);
  return orders_.size();
}

http::Response FakeShop::handle(const http::Request& request, const std::string& user, bool admin) {
  constexpr std::string_view kItems = "/api/v1/items/";
  constexpr std::string_view kOrders = "/api/v1/orders";
  const std::string_view path = request.path;
  const std::lock_guard lock(mutex_);
  if (request.method == http::Method::post && path.starts_with(kItems)) {
    const std::string_view item = path.substr(kItems.size());
    return grab(user, item.substr(0, item.find('/')), request.idempotency_key);
  }
  if (path == "/api/v1/sales") return sales();
  if (path == kOrders) return list_orders(user);
  if (path.starts_with(kOrders)) return read_order(user, path.substr(kOrders.size() + 1));
  if (!admin) return refusal(403, "forbidden");
  if (path == "/api/v1/admin/sales/sale-1/stats") return stats();
  if (path == "/api/v1/admin/orders" && request.query.starts_with("sale=sale-1&from=")) {
    return list_all_orders();
  }
  return refusal(404, "not_found");
}

http::Response FakeShop::grab(const std::string& user, std::string_view item,
                              std::string_view key) {
  ++grabs_;
  if (faults_.answers_500 && grabs_ % 10 == 0) return refusal(500, "internal");
  const auto index = parse_uint(item.substr(item.find('-') + 1), 1'000'000);
  if (!index || static_cast<std::size_t>(*index) >= available_.size()) {
    return refusal(404, "unknown_item");
  }
  std::int64_t& available = available_[static_cast<std::size_t>(*index)];
  if (const auto held = by_user_.find(user);
      held != by_user_.end() && !faults_.forgets_duplicates) {
    const Order& order = orders_[held->second];
    if (!key.empty()) {
      return json(201, order_json(order)).add("Idempotency-Replayed", "true");
    }
    const std::string id = fmt::format(R"(,"order_id":"{}")", order.id);
    return refusal(409, "already_queued",
                   faults_.duplicates_without_100 ? id : id + R"(,"legacy_code":100)");
  }
  const std::int64_t last = faults_.oversells ? -1 : faults_.wastes_a_unit ? 1 : 0;
  if (available <= last) return refusal(409, "sold_out");
  --available;
  const std::size_t number = faults_.repeats_ids ? 1 : orders_.size() + 1;
  orders_.push_back(
      {fmt::format("No{}", number), user, static_cast<std::size_t>(*index), wall_now().ms});
  by_user_.emplace(user, orders_.size() - 1);
  http::Response response = json(201, order_json(orders_.back()));
  // The shortest way to an answer that never arrives: a body that is announced but refused.
  if (faults_.drops_answers && grabs_ % 10 == 0) response.add("Transfer-Encoding", "x");
  return response;
}

std::string FakeShop::order_json(const Order& order) const {
  return fmt::format(
      R"({{"id":"{}","item_id":"item-{}","sale_id":"sale-1","quantity":1,"user":"{}",)"
      R"("status":"awaiting_payment","created_at":"{}","expires_at":"{}"}})",
      order.id, order.item, order.user, to_rfc3339(Instant{order.created_ms}),
      to_rfc3339(Instant{order.created_ms + 1'800'000}));
}

http::Response FakeShop::read_order(const std::string& user, std::string_view id) {
  for (const Order& order : orders_) {
    if (order.id != id || (order.user != user && !faults_.shows_orders_to_anyone)) continue;
    if (faults_.loses_orders && id.ends_with('3')) break;
    return json(200, order_json(order));
  }
  return refusal(404, "unknown_order");
}

http::Response FakeShop::list_orders(const std::string& user) {
  const auto found = by_user_.find(user);
  const std::string inside = found == by_user_.end() ? "" : order_json(orders_[found->second]);
  return json(200, fmt::format(R"({{"orders":[{}],"next_page_token":null}})", inside));
}

http::Response FakeShop::list_all_orders() {
  std::string inside;
  for (const Order& order : orders_) {
    if (!inside.empty()) inside.insert(0, 1, ',');
    inside.insert(0, order_json(order));
  }
  return json(200, fmt::format(R"({{"orders":[{}]}})", inside));
}

http::Response FakeShop::stats() {
  std::string inside;
  for (std::size_t i = 0; i < available_.size(); ++i) {
    std::int64_t held = stock_ - available_[i];
    std::int64_t available = available_[i];
    if (faults_.miscounts && held > 0) {
      --held;
      ++available;
    }
    inside += fmt::format(
        R"({}{{"item_id":"item-{}","stock":{},"available":{},"held":{},"sold":0,"refunded":0,)"
        R"("conserved":true}})",
        i == 0 ? "" : ",", i, stock_, available, held);
  }
  return json(200, fmt::format(R"({{"now":"{}","items":[{}]}})", to_rfc3339(wall_now()), inside));
}

http::Response FakeShop::sales() {
  std::string inside;
  for (std::size_t i = 0; i < available_.size(); ++i) {
    inside +=
        fmt::format(R"({}{{"id":"item-{}","title":"<b>Tea & cake</b>","stock":{},"available":{},)"
                    R"("per_user_limit":1}})",
                    i == 0 ? "" : ",", i, stock_, available_[i]);
  }
  const Instant now = wall_now();
  return json(
      200, fmt::format(R"({{"now":"{}","sales":[{{"id":"sale-1","title":"A sale","phase":"open",)"
                       R"("starts_at":"{}","ends_at":"{}","items":[{}]}}]}})",
                       to_rfc3339(now), to_rfc3339(now - Span::seconds(1)),
                       to_rfc3339(now + Span::seconds(3600)), inside));
}

}  // namespace sluice::rush

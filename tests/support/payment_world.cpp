// Starting both sides, and reading what each believes.
#include "support/payment_world.h"

#include <boost/json.hpp>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "http/client.h"
#include "http/token.h"

namespace sluice::test {

namespace {

namespace json = boost::json;

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream in(row);
  for (std::string cell; std::getline(in, cell, ',');)
    cells.push_back(cell);
  return cells;
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Answer Caller::ask(std::string_view method, std::string_view path, std::string_view token,
                   std::string_view body) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < until) {
    if (!wire_ || !wire_->connected()) wire_ = std::make_unique<Wire>(port_);
    if (wire_->connected()) {
      if (auto answer = wire_->request(method, path, token, body)) return *answer;
    }
    wire_.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("no answer to " + std::string(method) + " " + std::string(path));
}

PaymentWorld::PaymentWorld(const std::string& api)
    : data_(directory_.path() + "/data"),
      busy_(api == "v2" ? "SYSTEMERROR" : "SYSTEM_ERROR"),
      port_(free_port()) {
  sandbox::SandboxOptions options;
  options.keys_directory = directory_.path() + "/sandbox";
  options.notify_url = "http://127.0.0.1:" + std::to_string(port_) + "/weixin/pay/notify/url";
  options.api = api;
  auto started = sandbox::Sandbox::start(options);
  if (!started) throw std::runtime_error(started.error().message);
  sandbox_ = std::move(*started);
  // A day of the gateway's retry schedule takes a minute and a half.
  at_sandbox("PUT", "/_sandbox/clock", R"({"speed":1000})");
  start_server();
  admin_ = server_->token("operator", true);
  key_ = server_->secret();
  while (!key_.empty() && (key_.back() == '\n' || key_.back() == '\r'))
    key_.pop_back();
}

PaymentWorld::~PaymentWorld() {
  server_.reset();
  sandbox_->stop();
}

void PaymentWorld::start_server() {
  server_ = std::make_unique<ServerProcess>(
      data_,
      std::vector<std::string>{"--config", sandbox_->settings_file(), "--set",
                               "payment.close_attempts=" + std::to_string(kCloseAttempts), "--set",
                               "payment.close_retry=500ms", "--set", "payment.reconcile_after=1s"},
      port_);
}

void PaymentWorld::kill_server() {
  server_->kill();
}

int PaymentWorld::stop_server() {
  return server_->terminate();
}

int PaymentWorld::verify_record() const {
  return run_sluice({"verify", "--data", data_}, directory_.path() + "/verify.txt");
}

std::string PaymentWorld::token(const std::string& user) const {
  http::TokenRequest request;
  request.user = user;
  request.issued_at = Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count()};
  return http::sign_hs256(request, key_);
}

std::string PaymentWorld::open_sale(const std::string& item, std::int64_t stock, int hold_seconds,
                                    std::int64_t price) {
  const Answer opened = operate(
      "POST", "/api/v1/admin/sales",
      R"({"title":"Sale","starts_at":"2020-01-01T00:00:00Z","ends_at":"2099-01-01T00:00:00Z",)"
      R"("hold_seconds":)" +
          std::to_string(hold_seconds) + R"(,"reason":"test","items":[{"id":")" + item +
          R"(","title":"Unit","currency":"CNY","price":)" + std::to_string(price) +
          R"(,"list_price":9999,"stock":)" + std::to_string(stock) + R"(,"per_user_limit":1}]})");
  if (opened.status != 201) throw std::runtime_error(opened.body);
  return opened.member("id");
}

void PaymentWorld::faults(const std::string& body) {
  const Answer answer = at_sandbox("PUT", "/_sandbox/faults", body);
  if (answer.status != 200) throw std::runtime_error(body + ": " + answer.body);
}

Answer PaymentWorld::operate(std::string_view method, const std::string& path,
                             std::string_view body) {
  return Caller(port_).ask(method, path, admin_, body);
}

Answer PaymentWorld::at_sandbox(std::string_view method, const std::string& path,
                                std::string_view body) {
  return Caller(sandbox_->port()).ask(method, path, {}, body);
}

std::map<std::string, RecordedOrder> PaymentWorld::recorded() const {
  http::ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port_) + "/api/v1/admin/orders.csv";
  request.headers = {"Authorization: Bearer " + admin_};
  request.direct = true;
  request.timeout = Span::seconds(60);
  const auto answer = http::perform(request);
  if (!answer) throw std::runtime_error(answer.error().message);
  std::istringstream rows(answer->body);
  std::string row;
  std::getline(rows, row);
  std::map<std::string, RecordedOrder> orders;
  while (std::getline(rows, row)) {
    const auto cells = cells_of(row);
    orders[cells.at(0)] = {cells.at(1),
                           cells.at(3),
                           cells.at(8),
                           cells.at(14),
                           std::stoll(cells.at(6)),
                           std::stoll(cells.at(5))};
  }
  return orders;
}

std::map<std::string, GatewayOrder> PaymentWorld::at_gateway() {
  std::map<std::string, GatewayOrder> orders;
  std::string before = "0";
  while (!before.empty()) {
    const auto page =
        json::parse(at_sandbox("GET", "/_sandbox/orders?limit=2000&before=" + before).body);
    for (const json::value& entry : page.at("orders").as_array()) {
      const json::object& order = entry.as_object();
      orders[text(order, "out_trade_no")] = {
          text(order, "trade_state"), text(order, "transaction_id"),
          order.at("total").to_number<std::int64_t>(), order.at("paid").to_number<std::int64_t>(),
          order.at("refunded").to_number<std::int64_t>()};
    }
    const json::value& next = page.at("next_before");
    before = next.is_null() ? "" : std::to_string(next.to_number<std::int64_t>());
  }
  return orders;
}

std::vector<std::string> PaymentWorld::for_a_person() {
  std::vector<std::string> orders;
  std::string token;
  do {
    const auto page =
        json::parse(operate("GET", "/api/v1/admin/attention?limit=1000" + token).body).as_object();
    for (const json::value& order : page.at("orders").as_array())
      orders.push_back(text(order.as_object(), "id"));
    const std::string next = text(page, "next_page_token");
    token = next.empty() ? "" : "&page_token=" + next;
  } while (!token.empty());
  return orders;
}

int PaymentWorld::closes_refused(const std::string& order, std::string_view with) {
  const auto detail = json::parse(at_sandbox("GET", "/_sandbox/orders/" + order).body);
  int times = 0;
  for (const json::value& entry : detail.at("events").as_array()) {
    const json::object& event = entry.as_object();
    if (text(event, "event") != "close_refused" || text(event, "detail") != with) continue;
    const json::value* repeated = event.if_contains("times");
    times += repeated == nullptr ? 1 : static_cast<int>(repeated->to_number<std::int64_t>());
  }
  return times;
}

}  // namespace sluice::test

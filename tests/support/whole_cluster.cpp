// Starting services and nodes, and asking them.
#include "support/whole_cluster.h"

#include <signal.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "http/token.h"

namespace sluice::test {

namespace {

constexpr std::chrono::seconds kPatience{60};

void write_private(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

/// Asks again, on a new connection, while nobody answers.
Answer ask(std::uint16_t port, std::string_view method, const std::string& path,
           std::string_view token, std::string_view body) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    Wire wire(port);
    if (wire.connected()) {
      const auto answer = wire.request(method, path, token, body);
      if (answer && answer->status != 503) return *answer;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("no answer to " + std::string(method) + " " + path);
}

}  // namespace

WholeCluster::WholeCluster() : key_(64, 'k') {
  for (std::uint16_t& port : ports_)
    port = free_port();
  sandbox::SandboxOptions options;
  options.keys_directory = directory_.path() + "/sandbox";
  options.notify_url = "http://127.0.0.1:" + std::to_string(ports_[0]) + "/weixin/pay/notify/url";
  options.api = "v2";
  auto started = sandbox::Sandbox::start(options);
  if (!started) throw std::runtime_error(started.error().message);
  sandbox_ = std::move(*started);
  write_private(directory_.path() + "/password", "a password of operators\n");
  for (std::size_t node = 0; node < kNodes; ++node)
    start_node(node);
}

WholeCluster::~WholeCluster() {
  for (auto& node : nodes_)
    node.reset();
  sandbox_->stop();
}

std::vector<std::string> WholeCluster::settings() const {
  std::vector<std::string> arguments{"--config", sandbox_->settings_file()};
  for (const std::string& one :
       {std::string("engine.kind=cluster"), std::string("server.roles=sale,pay,worker,console"),
        "redis.url=redis://127.0.0.1:" + std::to_string(redis_proxy_.port()),
        "rabbitmq.url=" + rabbit_.url(), "database.url=" + url_of(mariadb_.admin()),
        "auth.console_password_file=" + directory_.path() + "/password",
        std::string("payment.close_retry=500ms"), std::string("payment.reconcile_after=1s")}) {
    arguments.insert(arguments.end(), {"--set", one});
  }
  return arguments;
}

void WholeCluster::start_node(std::size_t node) {
  const std::string data = directory_.path() + "/node-" + std::to_string(node);
  const std::string key_file = data + "/keys/hs256_secret";
  if (!std::filesystem::exists(key_file)) write_private(key_file, key_);
  auto arguments = settings();
  arguments.insert(arguments.end(), {"--set", "auth.hs256_secret_file=" + key_file});
  nodes_.at(node) = std::make_unique<ServerProcess>(data, arguments, ports_.at(node));
}

void WholeCluster::suspend_node(std::size_t node) const {
  ::kill(nodes_.at(node)->pid(), SIGSTOP);
}

void WholeCluster::resume_node(std::size_t node) const {
  ::kill(nodes_.at(node)->pid(), SIGCONT);
}

bool WholeCluster::is_ready(std::size_t node) const {
  const auto answer = Wire(ports_.at(node)).request("GET", "/readyz");
  return answer && answer->status == 200;
}

std::string WholeCluster::token(const std::string& user, bool admin) const {
  http::TokenRequest request;
  request.user = user;
  request.role = admin ? http::Role::admin : http::Role::shopper;
  request.issued_at = Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count()};
  return http::sign_hs256(request, key_);
}

void WholeCluster::open_sale(const std::string& item, std::int64_t stock, int hold_seconds) {
  const Answer opened = operate(
      "POST", "/api/v1/admin/sales",
      R"({"title":"Sale","starts_at":"2020-01-01T00:00:00Z","ends_at":"2099-01-01T00:00:00Z",)"
      R"("hold_seconds":)" +
          std::to_string(hold_seconds) + R"(,"reason":"test","items":[{"id":")" + item +
          R"(","title":"Unit","currency":"CNY","price":100,"list_price":9999,"stock":)" +
          std::to_string(stock) + R"(,"per_user_limit":1}]})");
  if (opened.status != 201) throw std::runtime_error(opened.body);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (std::size_t node = 0; node < kNodes; ++node) {
    while (ask(port(node), "GET", "/api/v1/items/" + item, {}, {}).status != 200 ||
           !is_ready(node)) {
      if (std::chrono::steady_clock::now() > until) throw std::runtime_error(item + " is not seen");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

Answer WholeCluster::operate(std::string_view method, const std::string& path,
                             std::string_view body) {
  return ask(port(0), method, path, token("operator", true), body);
}

Answer WholeCluster::at_gateway(std::string_view method, const std::string& path,
                                std::string_view body) {
  return ask(sandbox_->port(), method, path, {}, body);
}

bool WholeCluster::is_quiet() {
  for (std::size_t node = 0; node < kNodes; ++node) {
    if (!is_ready(node)) return false;
    const auto answer =
        Wire(port(node)).request("GET", "/api/v1/admin/queues", token("operator", true));
    boost::system::error_code error;
    const auto queues = boost::json::parse(answer ? answer->body : "", error);
    if (error) return false;
    for (const auto& queue : queues.at("queues").as_array()) {
      if (queue.at("queue").as_string() != "seckillOrderQueue") continue;
      if (queue.at("ready").to_number<int>() + queue.at("unacknowledged").to_number<int>() > 0) {
        return false;
      }
    }
  }
  return true;
}

int WholeCluster::verify(std::string& output) {
  const std::string file = directory_.path() + "/verify.txt";
  std::ofstream(file, std::ios::trunc).close();
  auto arguments = settings();
  arguments.insert(arguments.begin(), "verify");
  arguments.insert(arguments.end(), {"--data", directory_.path() + "/node-0"});
  const int status = run_sluice(arguments, file);
  std::ifstream in(file, std::ios::binary);
  output.assign(std::istreambuf_iterator<char>(in), {});
  return status;
}

std::int64_t WholeCluster::number(std::string_view sql) {
  auto connection = mariadb::Connection::open(mariadb_.admin());
  if (!connection) throw std::runtime_error(connection.error().message);
  const auto value = connection->integer(sql);
  if (!value) throw std::runtime_error(value.error().message);
  return *value;
}

}  // namespace sluice::test

// The harness of the API's tests.
#include "api/testing.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace sluice::api::testing {

boost::json::value Answer::json() const {
  boost::json::error_code error;
  auto value = boost::json::parse(body, error);
  if (error) throw std::runtime_error("not JSON: " + body);
  return value;
}

std::string Answer::text(std::string_view member) const {
  const auto value = json();
  const auto* found = value.as_object().if_contains({member.data(), member.size()});
  if (found == nullptr || !found->is_string()) return {};
  return found->as_string().c_str();
}

std::string Answer::code() const {
  return header("content-type") == "application/problem+json" ? text("code") : "";
}

std::string Answer::detail() const {
  return text("detail");
}

int send_only(std::uint16_t port, const Ask& request) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) throw std::runtime_error("no socket");
  const timeval timeout{10, 0};
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(socket_fd);
    throw std::runtime_error("cannot connect");
  }
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n",
                                 request.method, request.path);
  if (!request.token.empty()) text += "Authorization: Bearer " + request.token + "\r\n";
  for (const std::string& header : request.headers)
    text += header + "\r\n";
  if (!request.body.empty() || request.method != "GET") {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  text += "\r\n" + request.body;
  if (send(socket_fd, text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    close(socket_fd);
    throw std::runtime_error("cannot send");
  }
  return socket_fd;
}

std::string read_until(int socket, std::string_view until) {
  std::string text;
  std::array<char, 16384> buffer;
  while (until.empty() || !text.contains(until)) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

Answer ask(std::uint16_t port, const Ask& request) {
  const int socket_fd = send_only(port, request);
  const std::string text = read_until(socket_fd, "");
  close(socket_fd);
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    throw std::runtime_error("no answer to " + request.path + ": " + text);
  }
  Answer answer;
  answer.status = std::stoi(text.substr(9, 3));
  std::size_t at = text.find("\r\n") + 2;
  while (at < end + 2) {
    const std::size_t line_end = text.find("\r\n", at);
    const std::string line = text.substr(at, line_end - at);
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] =
        line.substr(std::min(line.find_first_not_of(' ', colon + 1), line.size()));
    at = line_end + 2;
  }
  answer.body = text.substr(end + 4);
  return answer;
}

std::string ApiTest::make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-api-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return name;
}

void ApiTest::start(ApiOptions options) {
  if (server_ != nullptr) {
    server_->stop(Span{1000});
    engine_->stop();
    server_.reset();
    engine_.reset();
  }
  engine::EmbeddedOptions embedded;
  embedded.directory = directory_;
  embedded.time = test_time();
  auto engine = engine::start_embedded(embedded);
  if (!engine) throw std::runtime_error(engine.error().message);
  engine_ = wrap_(std::move(*engine));
  options.tokens.hs256_secret = kSecret;
  options.version = "test";
  options.seed = 7;
  auto api = Api::create(*engine_, options);
  if (!api) throw std::runtime_error(api.error().message);
  api_ = std::move(*api);
  http::ServerOptions listening;
  listening.listen.port = 0;
  auto server = http::Server::start(listening, services_(*api_));
  if (!server) throw std::runtime_error(server.error().message);
  server_ = std::move(*server);
  api_->observe([this] { return server_->counts(); });
}

void ApiTest::stop() {
  if (server_ != nullptr) server_->stop(Span{1000});
  if (engine_ != nullptr) engine_->stop();
  server_.reset();
  engine_.reset();
  api_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string ApiTest::token(std::string_view user, http::Role role) {
  http::TokenRequest request;
  request.user = user;
  request.role = role;
  request.issued_at = now();
  request.lifetime = Span::seconds(24 * 3600);
  return http::sign_hs256(request, kSecret);
}

Answer ApiTest::get(const std::string& path, std::string_view user) {
  return ask(port(), Ask{"GET", path, {}, user.empty() ? "" : token(user), {}});
}

Answer ApiTest::post(const std::string& path, std::string_view user, const std::string& body,
                     std::vector<std::string> headers) {
  return ask(port(), Ask{"POST", path, body, user.empty() ? "" : token(user), std::move(headers)});
}

Answer ApiTest::admin(const std::string& method, const std::string& path, const std::string& body) {
  return ask(port(), Ask{method, path, body, token("boss", http::Role::admin), {}});
}

Answer ApiTest::open_sale(const std::string& item, std::int64_t stock, std::int64_t limit,
                          Span starts_in, Span lasts) {
  const Instant starts_at = now() + starts_in;
  return admin(
      "POST", "/api/v1/admin/sales",
      fmt::format(R"({{"title":"Sale of {0}","starts_at":"{1}","ends_at":"{2}",)"
                  R"("hold_seconds":60,"items":[{{"id":"{0}","title":"Item {0}",)"
                  R"("price":1999,"list_price":2999,"stock":{3},"per_user_limit":{4}}}]}})",
                  item, to_rfc3339(starts_at), to_rfc3339(starts_at + lasts), stock, limit));
}

}  // namespace sluice::api::testing

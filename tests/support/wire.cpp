// Blocking sockets with a timeout, and just enough HTTP to read an answer.
#include "support/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <utility>

namespace sluice::test {

namespace {

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_ignoring_case(line.substr(0, colon), name)) {
      continue;
    }
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' '))
      value.remove_prefix(1);
    return std::string(value);
  }
  return {};
}

std::string Answer::member(std::string_view name) const {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(body, error);
  if (error || !parsed.is_object()) return {};
  const boost::json::value* found = parsed.as_object().if_contains(name);
  if (found == nullptr) return {};
  if (found->is_string()) return std::string(found->as_string());
  return boost::json::serialize(*found);
}

Wire::Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

Wire::~Wire() {
  if (socket_ >= 0) ::close(socket_);
}

bool Wire::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<Answer> Wire::receive() {
  const auto fill = [this] {
    char chunk[16384];
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    buffered_.append(chunk, static_cast<std::size_t>(got));
    return true;
  };
  std::size_t head_end = 0;
  while ((head_end = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  Answer answer;
  answer.head = buffered_.substr(0, head_end + 2);
  std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
  std::size_t length = 0;
  const std::string stated = answer.header("Content-Length");
  std::from_chars(stated.data(), stated.data() + stated.size(), length);
  const std::size_t end = head_end + 4 + length;
  while (buffered_.size() < end) {
    if (!fill()) return std::nullopt;
  }
  answer.body = buffered_.substr(head_end + 4, length);
  buffered_.erase(0, end);
  return answer;
}

std::string Wire::read_until(std::string_view text) {
  char chunk[16384];
  while (!buffered_.contains(text)) {
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got <= 0) break;
    buffered_.append(chunk, static_cast<std::size_t>(got));
  }
  return std::exchange(buffered_, {});
}

std::optional<Answer> Wire::request(std::string_view method, std::string_view path,
                                    std::string_view token, std::string_view body,
                                    std::string_view extra_headers) {
  std::string bytes(method);
  bytes.append(" ").append(path).append(" HTTP/1.1\r\nHost: test\r\n");
  if (!token.empty()) bytes.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!body.empty()) bytes.append("Content-Type: application/json\r\n");
  bytes.append(extra_headers);
  bytes.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  bytes.append(body);
  if (!connected() || !send(bytes)) return std::nullopt;
  return receive();
}

}  // namespace sluice::test

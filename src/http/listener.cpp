// Accepts connections on one thread, within the bound of the server, and survives running out of
// descriptors.
#include "http/listener.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/detail/socket_option.hpp>
#include <chrono>

namespace sluice::http {

namespace net = boost::asio;
using Error = boost::system::error_code;

namespace {

/// How long accepting rests after an error such as EMFILE: connections wait in the backlog.
constexpr std::chrono::milliseconds kPause{50};
constexpr Refusal kFull{503, "overloaded", "Too many connections; try again in a moment."};
using ReusePort = net::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// Without the IPv6 form of IPv4 addresses, so that limits per address know one from the other.
std::string text_of(const net::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

std::string bind_failure(const net::ip::tcp::endpoint& endpoint, const Error& error) {
  const std::string address = endpoint.address().to_string();
  if (error == net::error::address_in_use) {
    return fmt::format(
        "cannot listen on {} port {}: the address is in use; stop the other program or choose "
        "another port",
        address, endpoint.port());
  }
  if (error == net::error::access_denied) {
    return fmt::format(
        "cannot listen on {} port {}: permission denied; ports below 1024 need a privilege, choose "
        "a higher port",
        address, endpoint.port());
  }
  return fmt::format("cannot listen on {} port {}: {}; give an address of this machine", address,
                     endpoint.port(), error.message());
}

}  // namespace

Listener::Listener(Worker& worker, net::ssl::context* tls)
    : worker_(worker), tls_(tls), acceptor_(worker.io()), pause_(worker.io()) {}

Result<> Listener::open(const net::ip::tcp::endpoint& endpoint, bool shared_port) {
  Error error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
  if (!error && shared_port) acceptor_.set_option(ReusePort(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(Acceptor::max_listen_connections, error);
  if (error) return fail(bind_failure(endpoint, error));
  return {};
}

std::uint16_t Listener::port() const {
  Error ignored;
  return acceptor_.local_endpoint(ignored).port();
}

void Listener::stop() {
  Error ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Listener::accept() {
  acceptor_.async_accept([this](const Error& error, Socket socket) {
    if (!acceptor_.is_open()) return;
    if (error == net::error::connection_aborted || !error) {
      if (!error) accepted(std::move(socket));
      return accept();
    }
    pause_.expires_after(kPause);
    pause_.async_wait([this](const Error& cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  });
}

void Listener::accepted(Socket&& socket) {
  Error error;
  const auto peer = socket.remote_endpoint(error);
  if (!error) socket.non_blocking(true, error);
  if (!error) socket.set_option(net::ip::tcp::no_delay(true), error);
  if (error) return;  // gone before it was served
  ServerShared& shared = worker_.shared();
  if (shared.connections_open.fetch_add(1, std::memory_order_relaxed) >=
      shared.options.max_connections) {
    shared.connections_open.fetch_sub(1, std::memory_order_relaxed);
    return refuse(std::move(socket));
  }
  auto session = tls_ != nullptr ? make_tls_session(worker_, std::move(socket), *tls_)
                                 : make_plain_session(worker_, std::move(socket));
  Session& started = *session;
  started.start(std::move(session), text_of(peer.address()));
}

/// Over the bound: what has arrived is read so that closing does not reset the answer away, and no
/// session is made. A TLS peer gets no answer, only the close.
void Listener::refuse(Socket&& socket) {
  bump(worker_.counters.connections_total);
  bump(worker_.counters.refused_requests);
  if (tls_ != nullptr) return;
  Error ignored;
  std::array<char, 4096> unread;
  socket.read_some(net::buffer(unread), ignored);
  std::string answer;
  append_response(answer, problem(kFull), WireOptions{worker_.common_fields(), false, false});
  socket.write_some(net::buffer(answer), ignored);
  socket.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace sluice::http

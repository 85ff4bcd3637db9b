// The two transports of a session: plain TCP, which tries every write at once, and TLS.
#include "http/transport.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>

namespace sluice::http {

namespace {

namespace net = boost::asio;

class PlainSession final : public Session {
 public:
  PlainSession(Worker& worker, Socket&& socket) : Session(worker), socket_(std::move(socket)) {}

 private:
  void start_handshake() override {
    operation_started();
    on_handshake(Error());
  }
  void start_read(char* to, std::size_t capacity) override {
    socket_->async_read_some(net::buffer(to, capacity),
                             [this](const Error& error, std::size_t n) { on_read(error, n); });
  }
  std::size_t write_now(std::string_view bytes, Error& error) override {
    const std::size_t sent = socket_->write_some(net::buffer(bytes), error);
    if (error == net::error::would_block) error.clear();
    return sent;
  }
  void start_write(std::string_view bytes) override {
    socket_->async_write_some(net::buffer(bytes),
                              [this](const Error& error, std::size_t n) { on_written(error, n); });
  }
  void start_half_close() override {
    Error ignored;  // the peer may be gone already
    socket_->shutdown(Socket::shutdown_send, ignored);
  }
  void close_transport() override {
    Error ignored;
    socket_->close(ignored);
  }
  void drop_transport() override { socket_.reset(); }

  std::optional<Socket> socket_;
};

class TlsSession final : public Session {
 public:
  TlsSession(Worker& worker, Socket&& socket, net::ssl::context& tls)
      : Session(worker), stream_(std::in_place, std::move(socket), tls) {}

 private:
  void start_handshake() override {
    operation_started();
    stream_->async_handshake(net::ssl::stream_base::server,
                             [this](const Error& error) { on_handshake(error); });
  }
  void start_read(char* to, std::size_t capacity) override {
    stream_->async_read_some(net::buffer(to, capacity), [this](const Error& error, std::size_t n) {
      on_read(error == net::ssl::error::stream_truncated ? net::error::eof : error, n);
    });
  }
  std::size_t write_now(std::string_view /*bytes*/, Error& /*error*/) override { return 0; }
  void start_write(std::string_view bytes) override {
    stream_->async_write_some(net::buffer(bytes),
                              [this](const Error& error, std::size_t n) { on_written(error, n); });
  }
  void start_half_close() override {
    operation_started();
    stream_->async_shutdown([this](const Error& /*error*/) { on_half_closed(); });
  }
  void close_transport() override {
    Error ignored;
    stream_->next_layer().close(ignored);
  }
  void drop_transport() override { stream_.reset(); }

  std::optional<net::ssl::stream<Socket>> stream_;
};

}  // namespace

std::shared_ptr<Session> make_plain_session(Worker& worker, Socket&& socket) {
  return std::make_shared<PlainSession>(worker, std::move(socket));
}

std::shared_ptr<Session> make_tls_session(Worker& worker, Socket&& socket, net::ssl::context& tls) {
  return std::make_shared<TlsSession>(worker, std::move(socket), tls);
}

}  // namespace sluice::http

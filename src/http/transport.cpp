// The two transports of a session: plain TCP, one recv and one send per batch, and TLS by Asio.
#include "http/transport.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cerrno>
#include <optional>

namespace sluice::http {

namespace {

namespace net = boost::asio;

class PlainSession final : public Session, public ReadySet::Member {
 public:
  PlainSession(Worker& worker, int descriptor) : Session(worker), descriptor_(descriptor) {}
  PlainSession(const PlainSession&) = delete;
  PlainSession& operator=(const PlainSession&) = delete;
  ~PlainSession() override { PlainSession::drop_transport(); }

 private:
  void start_handshake() override {
    operation_started();
    watched_ = EPOLLIN;
    const bool added = worker_.ready_set().add(descriptor_, watched_, *this);
    on_handshake(added ? Error() : Error(net::error::no_descriptors));
  }

  void start_read(char* to, std::size_t capacity) override {
    read_to_ = to;
    read_capacity_ = capacity;
    if ((watched_ & EPOLLIN) == 0) watch(watched_ | EPOLLIN);
  }

  std::size_t write_now(std::string_view bytes, Error& error) override {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (!try_later(errno)) error = Error(errno, boost::system::system_category());
    return 0;
  }

  void start_write(std::string_view bytes) override {
    to_write_ = bytes;
    if ((watched_ & EPOLLOUT) == 0) watch(watched_ | EPOLLOUT);
  }

  void start_half_close() override { ::shutdown(descriptor_, SHUT_WR); }

  void close_transport() override {
    worker_.ready_set().remove(descriptor_);
    drop_transport();
    // Whoever waits is told later, as with any other transport; nothing in the set's current round
    // of events is destroyed before.
    if (read_to_ != nullptr) {
      net::post(worker_.io(), [this] { on_read(net::error::operation_aborted, 0); });
    }
    if (!to_write_.empty()) {
      net::post(worker_.io(), [this] { on_written(net::error::operation_aborted, 0); });
    }
  }

  void drop_transport() override {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  void on_ready(std::uint32_t events) override {
    if (descriptor_ < 0) return;  // closed earlier in this round
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 && !to_write_.empty()) write_ready();
    if (descriptor_ < 0 || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
    if (read_to_ != nullptr) return read_ready();
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close();
    watch(watched_ & ~static_cast<std::uint32_t>(EPOLLIN));  // until there is room again
  }

  void read_ready() {
    const ssize_t received = ::recv(descriptor_, read_to_, read_capacity_, 0);
    if (received < 0 && try_later(errno)) return;
    const Error failed = received < 0    ? Error(errno, boost::system::system_category())
                         : received == 0 ? Error(net::error::eof)
                                         : Error();
    read_to_ = nullptr;
    on_read(failed, received < 0 ? 0 : static_cast<std::size_t>(received));
  }

  void write_ready() {
    Error error;
    const std::size_t sent = write_now(to_write_, error);
    if (!error && sent == 0) return;
    to_write_ = {};
    on_written(error, sent);
    if (descriptor_ >= 0 && to_write_.empty()) {
      watch(watched_ & ~static_cast<std::uint32_t>(EPOLLOUT));
    }
  }

  void watch(std::uint32_t events) {
    watched_ = events;
    worker_.ready_set().change(descriptor_, watched_, *this);
  }

  static bool try_later(int number) {
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
  }

  int descriptor_;
  std::uint32_t watched_ = 0;
  char* read_to_ = nullptr;  ///< null: no read is pending
  std::size_t read_capacity_ = 0;
  std::string_view to_write_;  ///< empty: no write is pending
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
  return std::make_shared<PlainSession>(worker, socket.release());
}

std::shared_ptr<Session> make_tls_session(Worker& worker, Socket&& socket, net::ssl::context& tls) {
  return std::make_shared<TlsSession>(worker, std::move(socket), tls);
}

}  // namespace sluice::http

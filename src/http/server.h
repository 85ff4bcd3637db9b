// The HTTP/1.1 server: I/O threads of one io_context each, parsing in place, one write per batch of
// requests, bounded in every direction. It knows nothing of sales.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "http/message.h"

namespace sluice::http {

class Session;

/// Writes a body piece by piece: server-sent events, exports. Lives on one I/O thread. Pieces that
/// the peer does not read within the write timeout, or more than kMaxStreamBacklog bytes waiting,
/// end the connection.
class Stream {
 public:
  virtual ~Stream() = default;
  /// False once the peer is gone or the backlog bound was passed; then the stream is over.
  virtual bool write(std::string piece) = 0;
  /// Ends the body; the connection closes after what was written has been sent.
  virtual void finish() = 0;
  /// Runs once, on the I/O thread, when the peer goes away or the server stops.
  virtual void on_closed(std::move_only_function<void()> handler) = 0;
  /// Runs each time the backlog has been sent in full: the moment to write more of a long body.
  virtual void on_drained(std::move_only_function<void()> handler) = 0;
};
inline constexpr std::size_t kMaxStreamBacklog = 1024 * 1024;

/// The duty to answer one request, once, on the I/O thread that it came in on. Move-only; small
/// enough to live inside a std::move_only_function without allocating. Dropping one unanswered
/// answers 500, so no client ever hangs on a bug of ours.
class Responder {
 public:
  Responder() = default;
  explicit Responder(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  void send(Response&& response);
  /// Sends the head now; the body follows through the stream (`Connection: close`, no length).
  std::shared_ptr<Stream> stream(Response&& head);

 private:
  std::shared_ptr<Session> session_;
};

/// One event loop and its thread.
class IoThread {
 public:
  virtual ~IoThread() = default;
  /// Runs `job` on this thread, soon. Any thread. Jobs posted after stop are dropped.
  virtual void post(std::move_only_function<void()> job) = 0;
  /// Runs `job` on this thread every `period` until the server stops. This thread only.
  virtual void every(Span period, std::move_only_function<void()> job) = 0;
  virtual std::size_t index() const = 0;
};

/// What answers requests: one object per I/O thread, used by that thread only, so it needs no lock.
class Service {
 public:
  virtual ~Service() = default;
  virtual void handle(const Request& request, Responder responder) = 0;
  /// Asked when `head` (a request without its body) announces a body above kMaxBodyBytes: how many
  /// bytes it may have, at most kMaxUploadBytes. Whoever may not ask for it at all should get no
  /// more than anyone.
  virtual std::size_t most_body_bytes(const Request& /*head*/) { return kMaxBodyBytes; }
};
using ServiceFactory = std::function<std::unique_ptr<Service>(IoThread&)>;

struct ListenOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;     ///< 0: any free one, see Server::port
  std::string certificate_file;  ///< PEM; with a key file: TLS
  std::string private_key_file;
};

struct ServerOptions {
  ListenOptions listen;
  std::size_t threads = 1;
  std::size_t max_connections = 20'000;     ///< per server; more are accepted and closed with 503
  Span header_timeout = Span::seconds(10);  ///< first byte of a request to its last
  Span upload_timeout = Span::seconds(60);  ///< the same with a body above kMaxBodyBytes
  Span idle_timeout = Span::seconds(75);    ///< between requests; before the first: header_timeout
  Span write_timeout = Span::seconds(30);   ///< for the peer to take what was written
};

/// Numbers of one server, readable from any thread.
struct ServerCounts {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused_requests =
      0;  ///< answered by the server itself: malformed, too large, slow
};

class Server {
 public:
  /// Binds and starts the threads. Errors: address in use (names the remedy), bad address, bad
  /// certificate or key.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                               const ServiceFactory& factory);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  virtual ServerCounts counts() const = 0;
  /// Stops accepting, lets requests in flight be answered for up to `grace`, closes idle
  /// connections at once, joins the threads.
  virtual void stop(Span grace) = 0;
};

}  // namespace sluice::http

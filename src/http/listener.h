// Accepts connections on one thread and turns them into sessions.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "http/transport.h"

namespace sluice::http {

class Listener {
 public:
  /// `tls` may be null: plain. It must outlive the listener.
  Listener(Worker& worker, boost::asio::ssl::context* tls);

  /// Binds and listens; with `shared_port` several listeners may have the same port, and the kernel
  /// spreads connections over them.
  Result<> open(const boost::asio::ip::tcp::endpoint& endpoint, bool shared_port);
  std::uint16_t port() const;
  void start() { accept(); }
  void stop();

 private:
  void accept();
  void accepted(Socket&& socket);
  void refuse(Socket&& socket);

  Worker& worker_;
  boost::asio::ssl::context* tls_;
  Acceptor acceptor_;
  boost::asio::steady_timer pause_;
};

}  // namespace sluice::http

// Starts the threads of a server and stops them.
#include "http/server.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <future>
#include <thread>

#include "http/listener.h"
#include "http/worker.h"

namespace sluice::http {

namespace net = boost::asio;
using Error = boost::system::error_code;

namespace {

Result<net::ip::tcp::endpoint> endpoint_of(const ListenOptions& listen) {
  Error error;
  const std::string address = listen.address == "localhost" ? "127.0.0.1" : listen.address;
  const auto parsed = net::ip::make_address(address, error);
  if (error) {
    return fail(fmt::format(
        "cannot listen on \"{}\": not an IP address; give one such as 127.0.0.1, 0.0.0.0 or ::",
        listen.address));
  }
  return net::ip::tcp::endpoint(parsed, listen.port);
}

Result<std::unique_ptr<net::ssl::context>> tls_of(const ListenOptions& listen) {
  if (listen.certificate_file.empty() && listen.private_key_file.empty()) return nullptr;
  if (listen.certificate_file.empty() || listen.private_key_file.empty()) {
    return fail("TLS needs a certificate file and a private key file; only one of them is given");
  }
  auto tls = std::make_unique<net::ssl::context>(net::ssl::context::tls_server);
  tls->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_sslv2 |
                   net::ssl::context::no_sslv3 | net::ssl::context::no_tlsv1 |
                   net::ssl::context::no_tlsv1_1);
  // An idle connection gives its buffers back: ten thousand of them are to cost little.
  SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  Error error;
  tls->use_certificate_chain_file(listen.certificate_file, error);
  if (error) {
    return fail(
        fmt::format("cannot use the certificate file {}: {}; give a PEM file that holds "
                    "the certificate and its chain",
                    listen.certificate_file, error.message()));
  }
  tls->use_private_key_file(listen.private_key_file, net::ssl::context::pem, error);
  if (error) {
    return fail(
        fmt::format("cannot use the private key file {}: {}; give the PEM file of the key "
                    "that belongs to the certificate",
                    listen.private_key_file, error.message()));
  }
  return tls;
}

class ThreadedServer final : public Server {
 public:
  ThreadedServer(const ServerOptions& options, std::unique_ptr<net::ssl::context> tls)
      : tls_(std::move(tls)) {
    shared_.options = options;
    for (std::size_t i = 0; i < options.threads; ++i) {
      workers_.push_back(std::make_unique<Worker>(i, shared_));
      listeners_.push_back(std::make_unique<Listener>(*workers_.back(), tls_.get()));
    }
  }
  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;
  ~ThreadedServer() override { ThreadedServer::stop(Span{0}); }

  Result<> open(net::ip::tcp::endpoint endpoint) {
    const bool shared_port = workers_.size() > 1;
    if (shared_port && endpoint.port() != 0) {
      // With SO_REUSEPORT a second server would silently share the port of the first: ask first.
      Listener probe(*workers_.front(), nullptr);
      if (auto free = probe.open(endpoint, false); !free) return free;
    }
    for (const auto& listener : listeners_) {
      if (auto opened = listener->open(endpoint, shared_port); !opened) return opened;
      endpoint.port(listener->port());
    }
    port_ = endpoint.port();
    return {};
  }

  void start_threads(const ServiceFactory& factory) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      std::promise<void> promise;
      auto started = promise.get_future();
      threads_.emplace_back([this, i, factory, &promise] {
        workers_[i]->run(factory, *listeners_[i], [&promise](std::exception_ptr failure) {
          if (failure) {
            promise.set_exception(std::move(failure));
          } else {
            promise.set_value();
          }
        });
      });
      started.get();
    }
  }

  std::uint16_t port() const override { return port_; }

  ServerCounts counts() const override {
    ServerCounts total;
    total.connections_open = shared_.connections_open.load(std::memory_order_relaxed);
    for (const auto& worker : workers_) {
      const auto& counters = worker->counters;
      total.connections_total += counters.connections_total.load(std::memory_order_relaxed);
      total.requests += counters.requests.load(std::memory_order_relaxed);
      total.refused_requests += counters.refused_requests.load(std::memory_order_relaxed);
    }
    return total;
  }

  void stop(Span grace) override {
    if (stopped_.exchange(true)) return;
    for (const auto& worker : workers_)
      worker->begin_stop(grace);
    for (std::thread& thread : threads_)
      thread.join();
  }

 private:
  ServerShared shared_;
  std::unique_ptr<net::ssl::context> tls_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::thread> threads_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                              const ServiceFactory& factory) {
  if (options.threads == 0 || options.threads > 256) {
    return fail(fmt::format("{} I/O threads; give 1 to 256", options.threads));
  }
  auto endpoint = endpoint_of(options.listen);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto tls = tls_of(options.listen);
  if (!tls) return std::unexpected(tls.error());
  auto server = std::make_unique<ThreadedServer>(options, std::move(*tls));
  if (auto opened = server->open(*endpoint); !opened) return std::unexpected(opened.error());
  server->start_threads(factory);
  return server;
}

}  // namespace sluice::http

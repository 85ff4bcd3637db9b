// The floor under every request: the server of this project with a handler that does nothing, to
// hold against nginx `return 200` on the same core (bench/http_floor/compare).
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "http/server.h"

namespace {

class Trivial final : public sluice::http::Service {
 public:
  void handle(const sluice::http::Request& /*request*/,
              sluice::http::Responder responder) override {
    sluice::http::Response response;
    response.content_type = "text/plain";
    response.body = "ok\n";
    responder.send(std::move(response));
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto port = sluice::parse_uint(argc > 1 ? argv[1] : "0", 65535);
  if (!port) {
    std::fputs("usage: http_floor [PORT]\n", stderr);
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  sluice::http::ServerOptions options;
  options.listen.port = static_cast<std::uint16_t>(*port);
  auto server = sluice::http::Server::start(
      options, [](sluice::http::IoThread&) { return std::make_unique<Trivial>(); });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("http://127.0.0.1:%u/\n", static_cast<unsigned>((*server)->port()));
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  (*server)->stop(sluice::Span{100});
  return 0;
}

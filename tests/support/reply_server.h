// For tests: a server that takes the greeting of Redis's clients and then answers each function
// call with bytes of the test's choice.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace sluice::test {

class ReplyServer {
 public:
  /// After `reply` the connection stays, or is ended.
  enum class Then : std::uint8_t { stay, end };
  /// "{port}" in `reply` becomes the port of this server.
  ReplyServer(std::string reply, Then then);
  ~ReplyServer();
  ReplyServer(const ReplyServer&) = delete;
  ReplyServer& operator=(const ReplyServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// How many function calls came.
  int calls() const { return calls_; }

 private:
  void run();
  void serve(int socket);

  std::string reply_;
  const Then then_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int stop_ = -1;
  std::atomic<int> calls_{0};
  std::thread thread_;
};

}  // namespace sluice::test

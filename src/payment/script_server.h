// For tests: an HTTP server on a free port that does what a script says, hanging and resetting
// included, and remembers what it was asked.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::payment {

struct ScriptRequest {
  std::string method;
  std::string target;
  std::string head;
  std::string body;
};

class ScriptServer {
 public:
  /// The bytes to send, or one of the next two. Runs on the server's thread.
  using Script = std::function<std::string(const ScriptRequest&)>;
  static const std::string kHang;   ///< say nothing, keep the connection
  static const std::string kReset;  ///< end the connection with a reset

  explicit ScriptServer(Script script);
  ~ScriptServer();
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  std::string url() const;
  std::vector<ScriptRequest> requests() const;
  std::size_t connections() const;
  /// Requests that hang now get this answer.
  void release(const std::string& bytes);

 private:
  struct Connection {
    int socket = -1;
    std::string input;
    bool hangs = false;
  };
  void run();
  bool serve(Connection& connection);
  bool answer(Connection& connection);

  Script script_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<ScriptRequest> requests_;
  std::size_t connections_ = 0;
  std::string release_;
  bool stopping_ = false;
  std::vector<Connection> open_;  ///< the thread's own
  std::thread thread_;
};

/// A whole answer with its length.
std::string http_answer(int status, const std::string& body, const std::string& headers = "");

}  // namespace sluice::payment

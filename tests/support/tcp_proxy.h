// A TCP proxy that breaks connections on command: at once, or in the middle of a reply.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

namespace sluice::test {

/// Listens on a free port of the loopback and passes everything on to `target` there.
class TcpProxy {
 public:
  explicit TcpProxy(std::uint16_t target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const { return port_; }
  /// Ends every connection with a reset.
  void cut();
  /// Passes `bytes` more from the target to its clients, then cuts. Once.
  void cut_reply_after(std::size_t bytes);
  /// While true, connections are ended as soon as they are made.
  void refuse(bool on) { refusing_ = on; }
  /// How often connections were ended by `cut_reply_after`.
  std::size_t replies_cut() const { return replies_cut_; }

 private:
  struct Pair {
    int client = -1;
    int target = -1;
  };
  void run();
  void accept_one();
  /// False: one side has ended.
  bool pass(int from, int to, bool is_reply);
  void end(const Pair& pair);
  void end_all();
  void wake() const;

  const std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wakeup_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> refusing_{false};
  std::atomic<bool> cut_now_{false};
  std::atomic<std::size_t> replies_cut_{0};
  std::mutex mutex_;
  std::optional<std::size_t> reply_bytes_;  ///< until the cut
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace sluice::test

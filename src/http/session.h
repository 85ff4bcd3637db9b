// One connection: reads requests, hands them to the service in order, gathers the responses of what
// arrived together into one write, and keeps every deadline. The transport is left to a subclass.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/parser.h"
#include "http/server.h"
#include "http/wire.h"
#include "http/worker.h"

namespace sluice::http {

/// What an idle connection keeps for the next request; most fit.
inline constexpr std::size_t kIdleBufferBytes = 2 * 1024;
/// A head with a long token and a browser's fields fits; such buffers are always given, so that
/// large bodies of some cannot take the room of everybody's heads. Bounded by the connections.
inline constexpr std::size_t kUncountedBufferBytes = 8 * 1024;
/// All read buffers of one thread above that; beyond it, growing requests get 503.
inline constexpr std::size_t kMaxGrownBytes = 64 * 1024 * 1024;
/// What the peers of one thread have not taken yet; beyond it, a connection that adds to it is cut
/// off. Small answers fit the kernel's buffers and never count.
inline constexpr std::size_t kMaxUnwrittenBytes = 64 * 1024 * 1024;
/// Responses gathered before a write is started even though more requests wait.
inline constexpr std::size_t kMaxBatchBytes = 64 * 1024;
/// Read and thrown away after a last response, so that it is not lost to a connection reset.
inline constexpr std::size_t kMaxLingerBytes = 256 * 1024;
inline constexpr Span kLingerTimeout = Span::seconds(2);

/// Lives on one I/O thread. Owns itself from start() until it is closed and none of its operations
/// is under way; responders and streams may keep it longer, then it does nothing.
class Session : public SessionHook {
 public:
  explicit Session(Worker& worker) : worker_(worker) {}
  virtual ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start(std::shared_ptr<Session> self, std::string remote_address);

  // For Responder.
  void answer(Response&& response);
  void drop();  ///< the responder went away unused
  void begin_stream(Response&& head);

  // For the stream of this session.
  bool stream_write(std::string_view piece);
  void stream_finish();
  void stream_on_closed(std::move_only_function<void()> handler);
  void stream_on_drained(std::move_only_function<void()> handler);

  // For the worker.
  void on_sweep();
  void on_stop();  ///< closes unless a request is in flight
  void close();

 protected:
  using Error = boost::system::error_code;

  // The transport. Each start_… calls its on_… later, never from inside.
  virtual void start_handshake() = 0;
  virtual void start_read(char* to, std::size_t capacity) = 0;
  /// Writes what fits without waiting and returns how much; sets `error` when the peer is gone.
  virtual std::size_t write_now(std::string_view bytes, Error& error) = 0;
  virtual void start_write(std::string_view bytes) = 0;
  /// Says that nothing more will be written.
  virtual void start_half_close() = 0;
  /// Cancels what is under way and gives the descriptor back.
  virtual void close_transport() = 0;
  /// Forgets the event loop, which responders may outlive. Nothing is under way any more.
  virtual void drop_transport() = 0;

  void on_handshake(const Error& error);
  void on_read(const Error& error, std::size_t bytes);
  void on_written(const Error& error, std::size_t bytes);
  void on_half_closed();
  /// To be counted by the transport for each start_handshake and start_half_close that is pending.
  void operation_started() { ++operations_; }

  Worker& worker_;

 private:
  enum class Phase : std::uint8_t { handshake, idle, reading, busy, streaming, lingering, closed };

  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  WireOptions wire_options(bool keep_alive) const;
  void process();
  void parse_buffered();
  bool allow_upload();
  void handle_request();
  void refuse(const Refusal& refusal);
  void after_batch();
  void flush();
  void write_out(std::string_view bytes);
  void stream_bytes(std::string_view bytes);
  void start_pending_write();
  bool count_unwritten();
  void read_more();
  enum class Room : std::uint8_t { some, later, never };
  Room make_room();
  void resize_buffer(std::size_t capacity);
  void begin_linger();
  void on_peer_finished();
  void on_drained();
  void post_drained();
  void operation_done();
  void release();

  struct StreamHooks {
    std::move_only_function<void()> closed;
    std::move_only_function<void()> drained;
    bool drained_posted = false;
    bool written = false;  ///< since `drained` last ran
  };

  std::shared_ptr<Session> self_;
  RequestParser parser_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string writing_;  ///< what start_write works on
  std::string queued_;   ///< what comes after it
  std::size_t written_ = 0;
  std::size_t unwritten_ = 0;  ///< bytes of writing_ and queued_ in the thread's count
  std::size_t lingered_ = 0;
  std::int64_t deadline_ms_ = 0;
  std::int64_t write_deadline_ms_ = 0;
  std::unique_ptr<StreamHooks> hooks_;
  std::string remote_address_;
  int operations_ = 0;
  Phase phase_ = Phase::handshake;
  bool reading_ = false;        ///< start_read is pending
  bool write_pending_ = false;  ///< start_write is pending
  bool peer_finished_ = false;
  bool closing_ = false;  ///< close once everything is written
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool continue_sent_ = false;
  bool released_ = false;
};

}  // namespace sluice::http

// One connection to a RabbitMQ by rabbitmq-c: what is sent and received, and no decisions.
#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bus/amqp_events.h"
#include "bus/amqp_url.h"
#include "bus/publish_window.h"
#include "bus/topology.h"

namespace sluice::bus {

/// What rabbitmq-c's parts are told apart by.
inline constexpr amqp_channel_t kWorkChannel = 1;
/// Questions whose answer may be that there is none, which ends a channel.
inline constexpr amqp_channel_t kAskChannel = 2;

/// One thread at a time. After an error nothing but destruction is of use. Messages of errors say
/// what the broker said, and the remedy where there is one.
class AmqpConnection {
 public:
  struct Server {
    std::string product;  ///< "RabbitMQ"
    std::string version;
  };

  /// Connects, signs in and opens the channels; blocks for at most a few seconds.
  static Result<std::unique_ptr<AmqpConnection>> open(const AmqpUrl& url,
                                                      std::string_view connection_name);
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  // These wait for the broker's answer.
  Result<> declare(const Topology& topology);
  Result<> declare(const QueueSpec& queue);
  /// The same where a refusal, whose text this gives, must not end what is under way here: other
  /// publishes of the connection.
  Result<std::optional<std::string>> declare_apart(const QueueSpec& queue);
  Result<> select_confirms();
  Result<> consume(const std::string& queue, std::size_t prefetch);
  /// How many messages are ready in it; none: there is no such queue.
  Result<std::optional<std::uint64_t>> count(const std::string& queue);

  Result<bool> has_exchange(const std::string& exchange);

  // These do not.
  Result<> publish(const Outgoing& outgoing, std::uint64_t tag);
  Result<> acknowledge(std::uint64_t delivery);
  /// To its queue, or (requeue false) to where its dead letters go.
  Result<> reject(std::uint64_t delivery, bool requeue);

  /// The next that has arrived; none: nothing has. Never waits. Sends heartbeats as well: call it
  /// at least every kHeartbeat / 2.
  Result<std::optional<AmqpEvent>> receive();

  int descriptor() const;
  const Server& server() const { return server_; }
  /// In order, so that the broker logs no broken connection.
  void close();

  static constexpr int kHeartbeatSeconds = 10;

 private:
  /// A message whose parts are still arriving.
  struct Assembly {
    AmqpEvent event;  ///< Arrived or Returned
    bool has_header = false;
    std::uint64_t missing = 0;
  };

  explicit AmqpConnection(AmqpUrl url);
  Result<> connect(std::string_view connection_name);
  Result<> open_channel(amqp_channel_t channel);
  /// After a refusal on kAskChannel, which ended it.
  Result<> renew_ask_channel();
  Result<> declare(const QueueSpec& queue, amqp_channel_t channel);
  /// After a refusal on kAskChannel: true where it was that there is no such thing.
  Result<bool> was_not_found(std::string_view doing);
  Result<> check(std::string_view doing, const amqp_rpc_reply_t& reply) const;
  Result<> check(std::string_view doing, int status) const;
  std::string remedy(int code) const;
  Result<std::optional<AmqpEvent>> read(const amqp_frame_t& frame);
  Result<std::optional<AmqpEvent>> read_method(const amqp_frame_t& frame);
  void read_header(const amqp_frame_t& frame);
  void read_body(const amqp_frame_t& frame);
  std::optional<AmqpEvent> complete();

  AmqpUrl url_;
  Server server_;
  amqp_connection_state_t state_ = nullptr;
  std::optional<Assembly> assembly_;
};

}  // namespace sluice::bus

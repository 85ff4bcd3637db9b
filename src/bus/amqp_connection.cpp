// Connecting, declaring and sending.
#include "bus/amqp_connection.h"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <sys/time.h>

#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "bus/amqp_text.h"

namespace sluice::bus {

namespace {

constexpr timeval kConnectTimeout{5, 0};
constexpr timeval kAnswerTimeout{10, 0};
constexpr int kChannels = 8;
constexpr int kFrameBytes = 131'072;
constexpr std::uint8_t kPersistent = 2;

/// What we understand beyond the standard: to be told of memory alarms and of deleted queues.
struct ClientProperties {
  explicit ClientProperties(std::string_view name) {
    constexpr std::array<std::string_view, 3> known = {
        "connection.blocked", "consumer_cancel_notify", "authentication_failure_close"};
    for (std::size_t i = 0; i < known.size(); ++i) {
      capabilities[i].key = bytes_of(known[i]);
      capabilities[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
      capabilities[i].value.value.boolean = 1;
    }
    entries[0] = text_entry("connection_name", name);
    entries[1].key = bytes_of("capabilities");
    entries[1].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[1].value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
    table = {static_cast<int>(entries.size()), entries.data()};
  }
  ClientProperties(const ClientProperties&) = delete;
  ClientProperties& operator=(const ClientProperties&) = delete;

  std::array<amqp_table_entry_t, 3> capabilities{};
  std::array<amqp_table_entry_t, 2> entries{};
  amqp_table_t table{};
};

amqp_table_entry_t entry_of(const Argument& argument) {
  if (const auto* text = std::get_if<std::string>(&argument.second)) {
    return text_entry(argument.first, *text);
  }
  return number_entry(argument.first, std::get<std::int64_t>(argument.second));
}

std::string text_of_server(const amqp_table_t& table, std::string_view key) {
  for (int i = 0; i < table.num_entries; ++i) {
    const amqp_table_entry_t& entry = table.entries[i];
    if (view_of(entry.key) == key &&
        (entry.value.kind == AMQP_FIELD_KIND_UTF8 || entry.value.kind == AMQP_FIELD_KIND_BYTES)) {
      return std::string{view_of(entry.value.value.bytes)};
    }
  }
  return {};
}

}  // namespace

AmqpConnection::AmqpConnection(AmqpUrl url) : url_(std::move(url)), state_(amqp_new_connection()) {}

AmqpConnection::~AmqpConnection() {
  if (state_ != nullptr) amqp_destroy_connection(state_);
}

Result<std::unique_ptr<AmqpConnection>> AmqpConnection::open(const AmqpUrl& url,
                                                             std::string_view connection_name) {
  std::unique_ptr<AmqpConnection> connection(new AmqpConnection(url));
  if (auto connected = connection->connect(connection_name); !connected) {
    return std::unexpected(connected.error());
  }
  return connection;
}

Result<> AmqpConnection::connect(std::string_view connection_name) {
  amqp_socket_t* socket = state_ == nullptr ? nullptr : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return fail("There is no memory for a connection to RabbitMQ.");
  const int opened =
      amqp_socket_open_noblock(socket, url_.host.c_str(), url_.port, &kConnectTimeout);
  if (opened != AMQP_STATUS_OK) {
    return fail(
        fmt::format("RabbitMQ cannot be reached at {}: {}; check that it runs there, and "
                    "rabbitmq.url.",
                    url_.place(), amqp_error_string2(opened)));
  }
  amqp_set_handshake_timeout(state_, &kAnswerTimeout);
  amqp_set_rpc_timeout(state_, &kAnswerTimeout);
  const ClientProperties properties(connection_name);
  const auto login = amqp_login_with_properties(
      state_, url_.vhost.c_str(), kChannels, kFrameBytes, kHeartbeatSeconds, &properties.table,
      AMQP_SASL_METHOD_PLAIN, url_.user.c_str(), url_.password.c_str());
  if (auto signed_in = check("signing in", login); !signed_in) return signed_in;
  if (const amqp_table_t* table = amqp_get_server_properties(state_); table != nullptr) {
    server_ = {text_of_server(*table, "product"), text_of_server(*table, "version")};
  }
  if (auto channel = open_channel(kWorkChannel); !channel) return channel;
  return open_channel(kAskChannel);
}

Result<> AmqpConnection::open_channel(amqp_channel_t channel) {
  amqp_channel_open(state_, channel);
  return check("opening a channel", amqp_get_rpc_reply(state_));
}

void AmqpConnection::close() {
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
}

int AmqpConnection::descriptor() const {
  return amqp_get_sockfd(state_);
}

std::string AmqpConnection::remedy(int code) const {
  switch (code) {
    case AMQP_ACCESS_REFUSED:
      return fmt::format(
          "; check user and password of rabbitmq.url, and the account's rights: "
          "rabbitmqctl set_permissions -p {} {} '.*' '.*' '.*'",
          quote(url_.vhost), quote(url_.user));
    case AMQP_NOT_ALLOWED:
      return fmt::format(
          "; make the vhost and give the account rights on it: rabbitmqctl "
          "add_vhost {}",
          quote(url_.vhost));
    case AMQP_PRECONDITION_FAILED:
      return "; something of this name exists with other properties: choose rabbitmq.queue_type "
             "as it was made with, or another name, or empty it and delete it (rabbitmqctl "
             "delete_queue NAME)";
    case AMQP_RESOURCE_LOCKED:
      return "; another program holds it exclusively";
    default:
      return {};
  }
}

Result<> AmqpConnection::check(std::string_view doing, const amqp_rpc_reply_t& reply) const {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    const Refusal refusal = refusal_of(reply.reply.id, reply.reply.decoded);
    return fail(fmt::format("RabbitMQ at {} refused {}: {}{}.", url_.place(), doing, refusal.text,
                            remedy(refusal.code)));
  }
  return check(doing, reply.library_error);
}

Result<> AmqpConnection::check(std::string_view doing, int status) const {
  if (status == AMQP_STATUS_OK) return {};
  return fail(fmt::format("The connection to RabbitMQ at {} broke while {}: {}.", url_.place(),
                          doing, amqp_error_string2(status)));
}

Result<> AmqpConnection::declare(const Topology& topology) {
  for (const std::string& exchange : topology.exchanges) {
    amqp_exchange_declare(state_, kWorkChannel, bytes_of(exchange), bytes_of("direct"), 0, 1, 0, 0,
                          amqp_empty_table);
    auto declared = check(fmt::format("declaring the exchange {}", quote(exchange)),
                          amqp_get_rpc_reply(state_));
    if (!declared) return declared;
  }
  for (const QueueSpec& queue : topology.queues) {
    if (auto declared = declare(queue); !declared) return declared;
  }
  for (const Binding& binding : topology.bindings) {
    amqp_queue_bind(state_, kWorkChannel, bytes_of(binding.queue), bytes_of(binding.exchange),
                    bytes_of(binding.routing_key), amqp_empty_table);
    auto bound = check(
        fmt::format("binding the queue {} to {}", quote(binding.queue), quote(binding.exchange)),
        amqp_get_rpc_reply(state_));
    if (!bound) return bound;
  }
  return {};
}

Result<> AmqpConnection::declare(const QueueSpec& queue) {
  return declare(queue, kWorkChannel);
}

Result<std::optional<std::string>> AmqpConnection::declare_apart(const QueueSpec& queue) {
  auto declared = declare(queue, kAskChannel);
  if (declared) return std::nullopt;
  const amqp_rpc_reply_t reply = amqp_get_rpc_reply(state_);
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
      reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD) {
    return std::unexpected(std::move(declared.error()));
  }
  if (auto renewed = renew_ask_channel(); !renewed) return std::unexpected(renewed.error());
  return std::move(declared.error().message);
}

Result<> AmqpConnection::declare(const QueueSpec& queue, amqp_channel_t channel) {
  const std::vector<Argument> arguments = arguments_of(queue);
  std::vector<amqp_table_entry_t> entries;
  for (const Argument& argument : arguments)
    entries.push_back(entry_of(argument));
  const amqp_table_t table{static_cast<int>(entries.size()), entries.data()};
  amqp_queue_declare(state_, channel, bytes_of(queue.name), 0, 1, 0, 0, table);
  return check(fmt::format("declaring the queue {}", quote(queue.name)),
               amqp_get_rpc_reply(state_));
}

Result<> AmqpConnection::select_confirms() {
  amqp_confirm_select(state_, kWorkChannel);
  return check("turning publisher confirms on", amqp_get_rpc_reply(state_));
}

Result<> AmqpConnection::consume(const std::string& queue, std::size_t prefetch) {
  amqp_basic_qos(state_, kWorkChannel, 0, static_cast<std::uint16_t>(prefetch), 0);
  if (auto set = check("setting the prefetch", amqp_get_rpc_reply(state_)); !set) return set;
  amqp_basic_consume(state_, kWorkChannel, bytes_of(queue), bytes_of(queue), 0, 0, 0,
                     amqp_empty_table);
  return check(fmt::format("consuming the queue {}", quote(queue)), amqp_get_rpc_reply(state_));
}

Result<std::optional<std::uint64_t>> AmqpConnection::count(const std::string& queue) {
  const amqp_queue_declare_ok_t* found =
      amqp_queue_declare(state_, kAskChannel, bytes_of(queue), 1, 0, 0, 0, amqp_empty_table);
  if (found != nullptr) {
    const std::uint64_t messages = found->message_count;
    amqp_maybe_release_buffers_on_channel(state_, kAskChannel);
    return messages;
  }
  const auto missing = was_not_found("asking for a queue's length");
  if (!missing) return std::unexpected(missing.error());
  return std::nullopt;
}

Result<bool> AmqpConnection::has_exchange(const std::string& exchange) {
  const auto* found = amqp_exchange_declare(state_, kAskChannel, bytes_of(exchange),
                                            bytes_of("direct"), 1, 0, 0, 0, amqp_empty_table);
  if (found != nullptr) return true;
  const auto missing = was_not_found("asking for an exchange");
  if (!missing) return std::unexpected(missing.error());
  return false;
}

Result<bool> AmqpConnection::was_not_found(std::string_view doing) {
  const amqp_rpc_reply_t reply = amqp_get_rpc_reply(state_);
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
      refusal_of(reply.reply.id, reply.reply.decoded).code != AMQP_NOT_FOUND) {
    return std::unexpected(check(doing, reply).error());
  }
  if (auto renewed = renew_ask_channel(); !renewed) return std::unexpected(renewed.error());
  return true;
}

Result<> AmqpConnection::renew_ask_channel() {
  amqp_channel_close_ok_t closed{};
  amqp_send_method(state_, kAskChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed);
  return open_channel(kAskChannel);
}

Result<> AmqpConnection::publish(const Outgoing& outgoing, std::uint64_t tag) {
  std::array<amqp_table_entry_t, 3> headers = {
      number_entry(kSequenceHeader, static_cast<std::int64_t>(tag)),
      number_entry(kTimestampHeader, outgoing.message.timestamp.ms),
      number_entry(kAttemptsHeader, outgoing.attempts)};
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                      AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
                      AMQP_BASIC_HEADERS_FLAG;
  properties.delivery_mode = kPersistent;
  properties.message_id = bytes_of(outgoing.message.id);
  properties.content_type = bytes_of(outgoing.message.content_type);
  properties.timestamp = static_cast<std::uint64_t>(outgoing.message.timestamp.ms / 1000);
  properties.headers = {outgoing.attempts > 0 ? 3 : 2, headers.data()};
  std::string expiration;
  if (outgoing.expiration) {
    expiration = std::to_string(outgoing.expiration->ms);
    properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
    properties.expiration = bytes_of(expiration);
  }
  return check("publishing", amqp_basic_publish(state_, kWorkChannel, bytes_of(outgoing.exchange),
                                                bytes_of(outgoing.routing_key), 1, 0, &properties,
                                                bytes_of(outgoing.message.body)));
}

Result<> AmqpConnection::acknowledge(std::uint64_t delivery) {
  return check("acknowledging", amqp_basic_ack(state_, kWorkChannel, delivery, 0));
}

Result<> AmqpConnection::reject(std::uint64_t delivery, bool requeue) {
  return check("giving a message back",
               amqp_basic_reject(state_, kWorkChannel, delivery, requeue ? 1 : 0));
}

}  // namespace sluice::bus

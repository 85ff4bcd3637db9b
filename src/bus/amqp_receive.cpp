// Reading what a broker sends: frames become events, messages are put together from their parts.
#include "bus/amqp_connection.h"

#include <amqp_framing.h>
#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "bus/amqp_text.h"

namespace sluice::bus {

Result<std::optional<AmqpEvent>> AmqpConnection::receive() {
  while (true) {
    amqp_frame_t frame{};
    const timeval no_time{0, 0};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &no_time);
    if (status == AMQP_STATUS_TIMEOUT) return std::nullopt;
    if (auto read = check("listening", status); !read) return std::unexpected(read.error());
    auto event = read(frame);
    amqp_maybe_release_buffers(state_);
    if (!event || event->has_value()) return event;
  }
}

Result<std::optional<AmqpEvent>> AmqpConnection::read(const amqp_frame_t& frame) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      return read_method(frame);
    case AMQP_FRAME_HEADER:
      if (assembly_) read_header(frame);
      return complete();
    case AMQP_FRAME_BODY:
      if (assembly_) read_body(frame);
      return complete();
    default:
      return std::nullopt;
  }
}

Result<std::optional<AmqpEvent>> AmqpConnection::read_method(const amqp_frame_t& frame) {
  const void* decoded = frame.payload.method.decoded;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(decoded);
      return Acked{ack->delivery_tag, ack->multiple != 0};
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<const amqp_basic_nack_t*>(decoded);
      return Nacked{nack->delivery_tag, nack->multiple != 0};
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto* back = static_cast<const amqp_basic_return_t*>(decoded);
      assembly_ = Assembly{
          Returned{0, fmt::format("RabbitMQ has no queue for the routing key {} of exchange {} "
                                  "({}): the binding is gone; it is declared again now.",
                                  quote(view_of(back->routing_key)), quote(view_of(back->exchange)),
                                  quote(view_of(back->reply_text)))},
          false, 0};
      return std::nullopt;
    }
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto* deliver = static_cast<const amqp_basic_deliver_t*>(decoded);
      Arrived arrived;
      arrived.consumer = view_of(deliver->consumer_tag);
      arrived.tag = deliver->delivery_tag;
      arrived.redelivered = deliver->redelivered != 0;
      assembly_ = Assembly{std::move(arrived), false, 0};
      return std::nullopt;
    }
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto* blocked = static_cast<const amqp_connection_blocked_t*>(decoded);
      return Blocked{
          fmt::format("the broker takes no publishes ({})", quote(view_of(blocked->reason)))};
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      return Unblocked{};
    case AMQP_BASIC_CANCEL_METHOD:
      return fail(fmt::format(
          "RabbitMQ at {} ended a consumer: the queue {} was deleted or moved.", url_.place(),
          quote(view_of(static_cast<const amqp_basic_cancel_t*>(decoded)->consumer_tag))));
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const Refusal refusal = refusal_of(frame.payload.method.id, decoded);
      return fail(fmt::format(
          "RabbitMQ at {} ended the {}: {}{}.", url_.place(),
          frame.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD ? "channel" : "connection",
          refusal.text, remedy(refusal.code)));
    }
    default:
      return std::nullopt;
  }
}

void AmqpConnection::read_header(const amqp_frame_t& frame) {
  const auto* properties =
      static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
  assembly_->has_header = true;
  assembly_->missing = frame.payload.properties.body_size;
  const bool has_headers = (properties->_flags & AMQP_BASIC_HEADERS_FLAG) != 0;
  if (auto* returned = std::get_if<Returned>(&assembly_->event)) {
    if (has_headers) returned->tag = number_of(properties->headers, kSequenceHeader);
    return;
  }
  auto& arrived = std::get<Arrived>(assembly_->event);
  if ((properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) {
    arrived.message.id = view_of(properties->message_id);
  }
  if ((properties->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0) {
    arrived.message.content_type = view_of(properties->content_type);
  }
  if ((properties->_flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0 &&
      properties->timestamp <= static_cast<std::uint64_t>(kLastInstant.ms) / 1000) {
    arrived.message.timestamp = Instant{static_cast<std::int64_t>(properties->timestamp) * 1000};
  }
  if (has_headers) {
    arrived.deliveries = number_of(properties->headers, "x-delivery-count");
    arrived.attempts = number_of(properties->headers, kAttemptsHeader);
    // Only where it is the same moment: a stranger may have copied our headers.
    const std::uint64_t exact_ms = number_of(properties->headers, kTimestampHeader);
    if (exact_ms / 1000 * 1000 == static_cast<std::uint64_t>(arrived.message.timestamp.ms)) {
      arrived.message.timestamp = Instant{static_cast<std::int64_t>(exact_ms)};
    }
  }
  arrived.too_large = assembly_->missing > kMaxMessageBytes;
  if (!arrived.too_large) arrived.message.body.reserve(assembly_->missing);
}

void AmqpConnection::read_body(const amqp_frame_t& frame) {
  const std::string_view part = view_of(frame.payload.body_fragment);
  assembly_->missing -= std::min<std::uint64_t>(assembly_->missing, part.size());
  auto* arrived = std::get_if<Arrived>(&assembly_->event);
  if (arrived != nullptr && !arrived->too_large) arrived->message.body += part;
}

std::optional<AmqpEvent> AmqpConnection::complete() {
  if (!assembly_ || !assembly_->has_header || assembly_->missing > 0) return std::nullopt;
  return std::move(std::exchange(assembly_, std::nullopt)->event);
}

}  // namespace sluice::bus

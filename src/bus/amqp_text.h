// Small conversions between rabbitmq-c's types and ours.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace sluice::bus {

/// The number of the publish on its channel; a returned message is known by it.
inline constexpr std::string_view kSequenceHeader = "x-sluice-sequence";
/// Deliveries before the message was put aside to be tried again.
inline constexpr std::string_view kAttemptsHeader = "x-sluice-attempts";
/// The timestamp in milliseconds; AMQP's own counts whole seconds.
inline constexpr std::string_view kTimestampHeader = "x-sluice-timestamp-ms";

/// Not owned: valid as long as the text is.
inline amqp_bytes_t bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view view_of(const amqp_bytes_t& bytes) {
  if (bytes.len == 0) return {};
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

inline amqp_table_entry_t text_entry(std::string_view key, std::string_view text) {
  amqp_table_entry_t entry{};
  entry.key = bytes_of(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = bytes_of(text);
  return entry;
}
inline amqp_table_entry_t number_entry(std::string_view key, std::int64_t number) {
  amqp_table_entry_t entry{};
  entry.key = bytes_of(key);
  entry.value.kind = AMQP_FIELD_KIND_I64;
  entry.value.value.i64 = number;
  return entry;
}

/// A header's whole number of zero or more; 0 where there is none.
inline std::uint64_t number_of(const amqp_table_t& table, std::string_view key) {
  const auto positive = [](std::int64_t number) {
    return static_cast<std::uint64_t>(number < 0 ? 0 : number);
  };
  for (int i = 0; i < table.num_entries; ++i) {
    const amqp_table_entry_t& entry = table.entries[i];
    if (view_of(entry.key) != key) continue;
    switch (entry.value.kind) {
      case AMQP_FIELD_KIND_I64:
        return positive(entry.value.value.i64);
      case AMQP_FIELD_KIND_U64:
        return entry.value.value.u64;
      case AMQP_FIELD_KIND_I32:
        return positive(entry.value.value.i32);
      case AMQP_FIELD_KIND_U32:
        return entry.value.value.u32;
      case AMQP_FIELD_KIND_I16:
        return positive(entry.value.value.i16);
      case AMQP_FIELD_KIND_U16:
        return entry.value.value.u16;
      case AMQP_FIELD_KIND_I8:
        return positive(entry.value.value.i8);
      case AMQP_FIELD_KIND_U8:
        return entry.value.value.u8;
      default:
        return 0;
    }
  }
  return 0;
}

struct Refusal {
  int code = 0;
  std::string text;  ///< as the broker says it, safe to print
};
/// The reason in a channel.close or connection.close.
inline Refusal refusal_of(amqp_method_number_t method, const void* decoded) {
  const auto read = [](const auto* close) {
    // The broker repeats names that strangers may have chosen; longer than quote() would show.
    std::string text{view_of(close->reply_text)};
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return Refusal{close->reply_code, std::move(text)};
  };
  if (method == AMQP_CHANNEL_CLOSE_METHOD) {
    return read(static_cast<const amqp_channel_close_t*>(decoded));
  }
  if (method == AMQP_CONNECTION_CLOSE_METHOD) {
    return read(static_cast<const amqp_connection_close_t*>(decoded));
  }
  return {0, "an answer that does not belong here"};
}

}  // namespace sluice::bus

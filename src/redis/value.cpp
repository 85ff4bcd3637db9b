// Commands as bytes, replies as values.
#include "redis/value.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <iterator>

#include "base/assert.h"
#include "base/text.h"

namespace sluice::redis {

namespace {

Value to_value(const redisReply& reply) {
  Value value;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      value.kind = Value::Kind::integer;
      value.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      value.kind = Value::Kind::text;
      value.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ERROR:
      value.kind = Value::Kind::error;
      value.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ARRAY:
      value.kind = Value::Kind::array;
      value.items.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i)
        value.items.push_back(to_value(*reply.element[i]));
      break;
    default:
      break;
  }
  return value;
}

}  // namespace

void append_command(std::string& out, const Command& command) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", command.size());
  for (const std::string& part : command) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", part.size());
    out += part;
    out += "\r\n";
  }
}

void ReplyReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

ReplyReader::ReplyReader() : reader_(redisReaderCreate()) {
  SLUICE_ASSERT(reader_ != nullptr, "memory for a reader of replies");
}

bool ReplyReader::feed(std::string_view bytes) {
  unread_bytes_ += bytes.size();
  return unread_bytes_ <= kMaxReplyBytes &&
         redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

Result<std::optional<Value>> ReplyReader::next() {
  void* found = nullptr;
  if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
    return fail(fmt::format("Redis sent what is no reply: {}", quote(reader_->errstr)));
  }
  if (found == nullptr) return std::optional<Value>{};
  auto* reply = static_cast<redisReply*>(found);
  Value value = to_value(*reply);
  freeReplyObject(reply);
  unread_bytes_ = reader_->len - reader_->pos;
  return value;
}

}  // namespace sluice::redis

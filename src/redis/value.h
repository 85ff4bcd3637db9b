// What goes over the wire to Redis and back: commands as bytes, replies as values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct redisReader;

namespace sluice::redis {

/// A command and its arguments, any bytes.
using Command = std::vector<std::string>;

/// One reply. `text` is set for text and error, `items` for an array.
struct Value {
  enum class Kind : std::uint8_t { nil, integer, text, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Value> items;

  bool is(Kind wanted) const { return kind == wanted; }
};

/// Appends `command` as an array of bulk strings.
void append_command(std::string& out, const Command& command);

/// A reply longer than this is a fault of the server or of the wire.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{64} << 20;

/// Bytes in, values out; hiredis does the parsing. One thread at a time.
class ReplyReader {
 public:
  ReplyReader();

  /// Takes what arrived. False: what is being read has become longer than kMaxReplyBytes.
  bool feed(std::string_view bytes);
  /// The next whole reply; empty: more bytes are needed. An error ends the connection: where the
  /// next reply begins is not known any more.
  Result<std::optional<Value>> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  std::size_t unread_bytes_ = 0;  ///< fed since the last whole reply
};

}  // namespace sluice::redis

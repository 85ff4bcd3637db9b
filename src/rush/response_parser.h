// An incremental HTTP/1.1 response parser for a client that keeps one request in flight: it finds
// where an answer ends and refuses whatever it cannot be sure of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::rush {

/// One complete answer. The views point into the buffer that was given to the last feed().
struct Answer {
  int status = 0;
  std::string_view head;  ///< status line and header fields, up to and with the empty line
  std::string_view body;
  bool close = false;  ///< the server will close the connection
};

inline constexpr std::size_t kMaxAnswerHead = 16 * 1024;
inline constexpr std::size_t kMaxAnswerBody = 1024 * 1024;

/// Give it everything received since the last answer each time more has come; it remembers how far
/// it has looked. Interim answers (1xx) are skipped. No allocation.
class ResponseParser {
 public:
  enum class State : std::uint8_t { more, done, bad };

  State feed(std::string_view buffered);
  const Answer& answer() const { return answer_; }    ///< after done
  std::size_t consumed() const { return consumed_; }  ///< after done: bytes of the buffer used
  const char* problem() const { return problem_; }    ///< after bad: what was wrong
  /// Bytes the buffer must be able to hold for the current answer; 0 while unknown.
  std::size_t wanted() const { return head_end_ == 0 ? 0 : head_end_ + body_length_; }
  /// Ready for the next answer, which starts at the front of the next buffer.
  void reset();

 private:
  State bad(const char* problem);
  State read_head(std::string_view buffered);
  bool read_status_line(std::string_view line);
  bool read_field(std::string_view line);
  bool read_length(std::string_view value);

  Answer answer_;
  const char* problem_ = "";
  std::size_t start_ = 0;     ///< where the current answer begins (after interim ones)
  std::size_t scanned_ = 0;   ///< the end of the head is not before this
  std::size_t head_end_ = 0;  ///< 0: not found yet
  std::size_t body_length_ = 0;
  std::size_t consumed_ = 0;
  bool has_length_ = false;
  bool http10_ = false;
  bool keep_alive_ = false;
};

/// The value of header `name` in an answer's head, without surrounding blanks; empty where absent.
/// Case-insensitive.
std::string_view header_value(std::string_view head, std::string_view name);

}  // namespace sluice::rush

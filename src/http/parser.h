// Parses HTTP/1.x requests in place: views into the caller's buffer, no allocation per field. Knows
// no sockets. Stricter than RFC 9112 asks wherever leniency has led to request smuggling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sluice::http {

/// Why a request is refused; the connection closes after the answer. All text is literal.
struct Refusal {
  int status = 400;
  std::string_view code;    ///< stable, for `code` of the problem
  std::string_view detail;  ///< a sentence with the limit or the remedy
};

enum class Progress : std::uint8_t {
  need_head,   ///< the head is not complete yet
  need_body,   ///< the head is good; size() says how many bytes the whole request has
  large_body,  ///< the head is good; refusal() holds unless allow_body() comes before the next
               ///< parse()
  complete,
  refused,  ///< see refusal()
};

/// One request at a time; reset() between two. A request that arrives in pieces costs a scan of
/// each new piece and one more parse when it is complete.
class RequestParser {
 public:
  /// `input` starts at the first byte of the request and holds all that has arrived of it (and
  /// perhaps of the next). Fills `request` when the answer is complete; its views point into
  /// `input`, `remote_address` is left alone.
  Progress parse(std::string_view input, Request& request);
  void reset() { *this = RequestParser(); }
  /// Raises the limit of this request's body from kMaxBodyBytes to `bytes`, at most
  /// kMaxUploadBytes. False: the body is still above it.
  bool allow_body(std::size_t bytes);

  /// Head and body in bytes once the head is good, until then 0.
  std::size_t size() const { return head_good_ ? head_bytes_ + body_bytes_ : 0; }
  bool keep_alive() const { return keep_alive_; }
  bool http_1_0() const { return http_1_0_; }
  bool expects_continue() const { return expects_continue_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  Progress refuse(int status, std::string_view code, std::string_view detail);
  Progress bad(std::string_view detail) { return refuse(400, "bad_request", detail); }
  Progress body_progress();
  Progress parse_lines(std::string_view input, Request& request);
  Progress scan_for_end(std::string_view input);
  Progress check_unfinished(std::string_view input);
  Progress request_line(std::string_view line, Request& request);
  Progress request_target(std::string_view target, Request& request);
  Progress field_line(std::string_view line, Request& request);
  Progress known_field(const Field& field, Request& request);
  Progress content_length(std::string_view value);
  Progress connection(std::string_view value);

  std::size_t line_start_ = 0;  ///< where the first line begins that has not ended yet
  std::size_t head_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t body_limit_ = kMaxBodyBytes;
  bool head_good_ = false;
  bool in_fields_ = false;  ///< line_start_ is past the request line
  bool http_1_0_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool has_length_ = false;
  bool has_host_ = false;
  Refusal refusal_;
};

}  // namespace sluice::http

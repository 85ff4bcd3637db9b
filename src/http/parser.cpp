// Parses HTTP/1.x requests in place (RFC 9112), line by line in one pass over the bytes.
#include "http/parser.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "http/ascii.h"

namespace sluice::http {

namespace {

/// Method, spaces and version around a target of kMaxTargetBytes.
constexpr std::size_t kMaxRequestLineBytes = kMaxTargetBytes + 64;
constexpr std::size_t kMaxMethodBytes = 24;
constexpr auto kNpos = std::string_view::npos;

/// Whether `text` holds a control character other than a tab; eight bytes at a time.
bool has_bad_control(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = kOnes * 0x80;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    const std::uint64_t hits = ((word - kOnes * 0x20) & ~word) | ((del - kOnes) & ~del);
    if ((hits & kHigh) != 0) break;
  }
  for (; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
  }
  return false;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

Method method_of(std::string_view name) {
  if (name == "GET") return Method::get;
  if (name == "POST") return Method::post;
  if (name == "HEAD") return Method::head;
  if (name == "PUT") return Method::put;
  if (name == "PATCH") return Method::patch;
  if (name == "DELETE") return Method::del;
  if (name == "OPTIONS") return Method::options;
  return Method::other;
}

/// Characters that may stand in a Host value: reg-name, IP literal and port (RFC 3986).
bool valid_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           std::string_view("-._~%!$&'()*+;=:[]").contains(c);
  });
}

}  // namespace

Progress RequestParser::refuse(int status, std::string_view code, std::string_view detail) {
  refusal_ = Refusal{status, code, detail};
  return Progress::refused;
}

Progress RequestParser::parse(std::string_view input, Request& request) {
  if (head_good_ && input.size() < size()) return body_progress();
  if (!head_good_) {
    // A head that did not come in one piece is parsed once its end is there, so that a request
    // sent byte by byte costs no more than a scan of its bytes.
    if (line_start_ > 0 || in_fields_) {
      const Progress scanned = scan_for_end(input);
      if (scanned != Progress::complete) return scanned;
    }
  }
  const Progress progress = parse_lines(input, request);
  if (progress != Progress::complete) return progress;
  head_good_ = true;
  if (input.size() < size() || body_bytes_ > body_limit_) return body_progress();
  request.body = input.substr(head_bytes_, body_bytes_);
  return Progress::complete;
}

Progress RequestParser::body_progress() {
  if (body_bytes_ <= body_limit_) return Progress::need_body;
  refuse(413, "body_too_large",
         body_limit_ == kMaxBodyBytes ? "The request body is limited to 65536 bytes."
                                      : "The request body is limited to 2162688 bytes.");
  return Progress::large_body;
}

bool RequestParser::allow_body(std::size_t bytes) {
  body_limit_ = std::clamp(bytes, kMaxBodyBytes, kMaxUploadBytes);
  return body_progress() == Progress::need_body;
}

/// Looks for the empty line from where the last look ended.
Progress RequestParser::scan_for_end(std::string_view input) {
  while (line_start_ < input.size()) {
    const std::size_t end = input.find('\n', line_start_);
    if (end == kNpos) break;
    if (end == line_start_ || input[end - 1] != '\r') return bad("A line must end with CR LF.");
    const bool empty = end == line_start_ + 1;
    line_start_ = end + 1;
    if (line_start_ > kMaxHeaderBytes) break;
    if (empty && in_fields_) return Progress::complete;
    if (empty) return bad("A request starts with a method; this is an empty line.");
    in_fields_ = true;
  }
  return check_unfinished(input);
}

/// What can be said of a head whose end has not come: it may already be too long or no HTTP.
Progress RequestParser::check_unfinished(std::string_view input) {
  const std::string_view line = input.substr(std::min(line_start_, input.size()));
  if (!in_fields_) {
    if (line.size() > kMaxRequestLineBytes) {
      return refuse(414, "uri_too_long", "The request target is limited to 4096 bytes.");
    }
    const std::string_view method = line.substr(0, std::min(line.find(' '), line.size()));
    const bool is_line_end = method == "\r" && line_start_ == 0;  // a stray CR LF before a request
    const bool is_token = std::ranges::all_of(method, [](char c) { return is_token_char(c); });
    if (!is_line_end && (!is_token || method.size() > kMaxMethodBytes)) {
      return bad("A request starts with a method; this is not HTTP/1.1.");
    }
  }
  if (input.size() > kMaxHeaderBytes) {
    return refuse(431, "header_too_large", "The request head is limited to 16384 bytes.");
  }
  return Progress::need_head;
}

/// Parses from the start; `complete` means that the head is good.
Progress RequestParser::parse_lines(std::string_view input, Request& request) {
  request.fields.clear();
  request.authorization = request.content_type = request.accept_language = {};
  request.idempotency_key = request.body = {};
  has_length_ = has_host_ = expects_continue_ = false;
  body_bytes_ = 0;
  line_start_ = 0;
  in_fields_ = false;
  if (input.starts_with("\r\n")) line_start_ = 2;  // RFC 9112 section 2.2: one may be ignored
  while (true) {
    const std::size_t end = input.find('\n', line_start_);
    if (end == kNpos) return check_unfinished(input);
    if (end == line_start_ || input[end - 1] != '\r') return bad("A line must end with CR LF.");
    const std::string_view line = input.substr(line_start_, end - 1 - line_start_);
    if (end + 1 > kMaxHeaderBytes) {
      return refuse(431, "header_too_large", "The request head is limited to 16384 bytes.");
    }
    Progress progress = Progress::need_head;
    if (!in_fields_) {
      progress = request_line(line, request);
      in_fields_ = true;
    } else if (line.empty()) {
      if (!has_host_ && !http_1_0_) return bad("An HTTP/1.1 request needs a Host header.");
      head_bytes_ = end + 1;
      return Progress::complete;
    } else {
      progress = field_line(line, request);
    }
    if (progress == Progress::refused) return progress;
    line_start_ = end + 1;
  }
}

Progress RequestParser::request_line(std::string_view line, Request& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, std::min(first, line.size()));
  if (method.empty() || method.size() > kMaxMethodBytes ||
      !std::ranges::all_of(method, [](char c) { return is_token_char(c); })) {
    return bad("A request starts with a method; this is not HTTP/1.1.");
  }
  if (first == kNpos || first == last) {
    return bad("The request line has the form: method, target, HTTP/1.1. HTTP/0.9 is not served.");
  }
  const std::string_view version = line.substr(last + 1);
  if (version == "HTTP/1.1") {
    http_1_0_ = false;
  } else if (version == "HTTP/1.0") {
    http_1_0_ = true;
  } else if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.') {
    return refuse(505, "http_version_not_supported", "This server speaks HTTP/1.1 and HTTP/1.0.");
  } else {
    return bad("The request line must end with HTTP/1.1.");
  }
  keep_alive_ = !http_1_0_;
  if (method == "CONNECT") {
    return refuse(501, "not_implemented", "This server is no proxy: CONNECT is not served.");
  }
  request.method = method_of(method);
  return request_target(line.substr(first + 1, last - first - 1), request);
}

Progress RequestParser::request_target(std::string_view target, Request& request) {
  if (target.size() > kMaxTargetBytes) {
    return refuse(414, "uri_too_long", "The request target is limited to 4096 bytes.");
  }
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7f || c == '#') {
      return bad("The request target holds a character that must be percent-encoded.");
    }
  }
  request.target = target;
  if (!target.starts_with('/')) {
    // The absolute form is for proxies, but every server must take it (RFC 9112 section 3.2.2).
    const std::size_t scheme = target.find("://");
    const std::string_view name = target.substr(0, std::min(scheme, target.size()));
    if (equal_ignoring_case(name, "http") || equal_ignoring_case(name, "https")) {
      const std::string_view rest = target.substr(std::min(name.size() + 3, target.size()));
      const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
      if (!valid_host(rest.substr(0, end))) return bad("The target names no valid host.");
      target = rest.substr(end);
      if (!target.starts_with('/')) {
        request.path = "/";
        request.query = target.empty() ? target : target.substr(1);
        return Progress::need_head;
      }
    } else if (target != "*" || request.method != Method::options) {
      return bad("The request target must be a path that starts with '/'.");
    }
  }
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == kNpos ? std::string_view() : target.substr(mark + 1);
  return Progress::need_head;
}

Progress RequestParser::field_line(std::string_view line, Request& request) {
  if (line.front() == ' ' || line.front() == '\t') {
    return bad("A header line must not start with white space (folding is obsolete).");
  }
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon]))
    ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return bad("A header line has the form: name, colon, value.");
  }
  const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (has_bad_control(field.value)) return bad("A header value holds a control character.");
  if (request.fields.size() == kMaxFields) {
    return refuse(431, "header_too_large", "A request is limited to 64 header fields.");
  }
  request.fields.push_back(field);
  return known_field(field, request);
}

Progress RequestParser::known_field(const Field& field, Request& request) {
  const auto is = [&](std::string_view name) { return equal_ignoring_case(field.name, name); };
  const auto once = [&](std::string_view& slot) {
    if (slot.data() != nullptr) return bad("This header must not be repeated.");
    slot = field.value;
    return Progress::need_head;
  };
  switch (field.name.size()) {
    case 4:
      if (!is("host")) break;
      if (has_host_) return bad("There must be exactly one Host header.");
      if (!valid_host(field.value)) return bad("The Host header is not a host name and port.");
      has_host_ = true;
      break;
    case 6:
      if (!is("expect") || http_1_0_) break;
      if (!equal_ignoring_case(field.value, "100-continue")) {
        return refuse(417, "expectation_failed", "Only Expect: 100-continue is understood.");
      }
      expects_continue_ = true;
      break;
    case 10:
      if (is("connection")) return connection(field.value);
      break;
    case 12:
      if (is("content-type")) return once(request.content_type);
      break;
    case 13:
      if (is("authorization")) return once(request.authorization);
      break;
    case 14:
      if (is("content-length")) return content_length(field.value);
      break;
    case 15:
      if (is("idempotency-key")) return once(request.idempotency_key);
      if (is("accept-language") && request.accept_language.empty()) {
        request.accept_language = field.value;
      }
      break;
    case 17:
      // Whatever the coding, and whether or not a length is given beside it: two ideas of where a
      // request ends are what request smuggling is made of, and no client of ours needs chunks.
      if (!is("transfer-encoding")) break;
      return refuse(501, "not_implemented",
                    "Transfer-Encoding is not served on requests; send a Content-Length.");
    default:
      break;
  }
  return Progress::need_head;
}

Progress RequestParser::content_length(std::string_view value) {
  if (has_length_) return bad("There must be at most one Content-Length.");
  has_length_ = true;
  if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
    return bad("Content-Length must be decimal digits alone.");
  }
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 16;
  for (const char c : value) {
    if (body_bytes_ < kMost) body_bytes_ = body_bytes_ * 10 + static_cast<std::size_t>(c - '0');
  }
  return Progress::need_head;
}

Progress RequestParser::connection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (equal_ignoring_case(option, "close")) {
      keep_alive_ = false;
      return Progress::need_head;
    }
    if (http_1_0_ && equal_ignoring_case(option, "keep-alive")) keep_alive_ = true;
  }
  return Progress::need_head;
}

}  // namespace sluice::http

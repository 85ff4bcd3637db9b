// Parsing of answers: status line, the few header fields that decide framing, and the body.
#include "rush/response_parser.h"

#include <algorithm>

namespace sluice::rush {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether `text` is `word` without regard to case; `word` is lower-case.
bool same(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether the comma-separated list `text` holds `word` (lower-case).
bool lists(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (same(trim(text.substr(0, comma)), word)) return true;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return false;
}

}  // namespace

void ResponseParser::reset() {
  *this = ResponseParser{};
}

ResponseParser::State ResponseParser::bad(const char* problem) {
  problem_ = problem;
  return State::bad;
}

ResponseParser::State ResponseParser::feed(std::string_view buffered) {
  while (head_end_ == 0) {
    const std::size_t from = std::max(start_, scanned_ < 3 ? 0 : scanned_ - 3);
    const std::size_t end = buffered.find("\r\n\r\n", from);
    if (end == std::string_view::npos) {
      scanned_ = buffered.size();
      if (buffered.size() - start_ > kMaxAnswerHead) return bad("the answer's head is too long");
      return State::more;
    }
    if (end + 4 - start_ > kMaxAnswerHead) return bad("the answer's head is too long");
    head_end_ = end + 4;
    if (const State state = read_head(buffered); state != State::done) return state;
    if (answer_.status >= 100 && answer_.status < 200) {
      if (answer_.status == 101) return bad("the server switched protocols");
      const std::size_t next = head_end_;
      reset();
      start_ = scanned_ = next;
    }
  }
  if (buffered.size() - head_end_ < body_length_) return State::more;
  answer_.head = buffered.substr(start_, head_end_ - start_);
  answer_.body = buffered.substr(head_end_, body_length_);
  consumed_ = head_end_ + body_length_;
  return State::done;
}

ResponseParser::State ResponseParser::read_head(std::string_view buffered) {
  std::string_view head = buffered.substr(start_, head_end_ - 2 - start_);
  bool first = true;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (!(first ? read_status_line(line) : read_field(line))) return State::bad;
    first = false;
  }
  answer_.close = answer_.close || (http10_ && !keep_alive_);
  const bool no_body = answer_.status < 200 || answer_.status == 204 || answer_.status == 304;
  if (no_body) {
    body_length_ = 0;
  } else if (!has_length_) {
    return bad("the answer has no Content-Length");
  }
  return State::done;
}

bool ResponseParser::read_status_line(std::string_view line) {
  // "HTTP/1.1 200 OK"; the reason may be missing.
  const bool shaped = line.size() >= 12 && line.starts_with("HTTP/1.") &&
                      (line[7] == '0' || line[7] == '1') && line[8] == ' ' && digit(line[9]) &&
                      digit(line[10]) && digit(line[11]) && (line.size() == 12 || line[12] == ' ');
  if (!shaped || line[9] < '1' || line[9] > '5') {
    problem_ = "the answer does not start with an HTTP/1 status line";
    return false;
  }
  http10_ = line[7] == '0';
  answer_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return true;
}

bool ResponseParser::read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    problem_ = "a header line of the answer has no name";
    return false;
  }
  // Three names matter; their lengths tell them apart from nearly all others.
  const std::string_view name = line.substr(0, colon);
  if (name.size() == 14 && same(name, "content-length")) {
    return read_length(trim(line.substr(colon + 1)));
  }
  if (name.size() == 10 && same(name, "connection")) {
    const std::string_view value = trim(line.substr(colon + 1));
    if (lists(value, "close")) answer_.close = true;
    if (lists(value, "keep-alive")) keep_alive_ = true;
  } else if (name.size() == 17 && same(name, "transfer-encoding")) {
    problem_ = "the answer has a Transfer-Encoding, which this client does not read";
    return false;
  }
  return true;
}

bool ResponseParser::read_length(std::string_view value) {
  std::size_t length = 0;
  const bool plain =
      !value.empty() && value.size() <= 9 && std::all_of(value.begin(), value.end(), digit);
  if (plain) {
    for (const char c : value)
      length = length * 10 + static_cast<std::size_t>(c - '0');
  }
  if (!plain || length > kMaxAnswerBody) {
    problem_ = "the answer's Content-Length is not a number up to 1048576";
    return false;
  }
  if (has_length_ && length != body_length_) {
    problem_ = "the answer has two different Content-Lengths";
    return false;
  }
  has_length_ = true;
  body_length_ = length;
  return true;
}

std::string_view header_value(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon != name.size()) continue;
    const auto equal = [](char a, char b) { return lower(a) == lower(b); };
    if (std::equal(name.begin(), name.end(), line.begin(), equal)) {
      return trim(line.substr(colon + 1));
    }
  }
  return {};
}

}  // namespace sluice::rush

// A plain blocking HTTP/1.1 client on one keep-alive connection, for tests that must see each byte
// go out and each connection break.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::test {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  /// The value of a header, or empty.
  std::string header(std::string_view name) const;
  /// The text or number of a top-level member of a JSON object body, or empty.
  std::string member(std::string_view name) const;
};

/// Not thread-safe. Every operation is bounded by a ten-second socket timeout.
class Wire {
 public:
  explicit Wire(std::uint16_t port);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool connected() const { return socket_ >= 0; }

  /// Sends bytes as they are; false when the peer is gone.
  bool send(std::string_view bytes) const;
  /// Reads one response; empty when the connection ended before it was complete.
  std::optional<Answer> receive();
  /// Reads until `text` was seen or the peer ended; everything that was read, for streams.
  std::string read_until(std::string_view text);
  /// One request with a bearer token (empty: none) and a JSON body (empty: none).
  std::optional<Answer> request(std::string_view method, std::string_view path,
                                std::string_view token = {}, std::string_view body = {},
                                std::string_view extra_headers = {});

 private:
  int socket_ = -1;
  std::string buffered_;
};

}  // namespace sluice::test

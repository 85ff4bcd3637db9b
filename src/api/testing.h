// A real server over a real embedded engine in a folder of its own, and a client that speaks to it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "engine/embedded.h"
#include "http/server.h"
#include "http/token.h"

namespace sluice::api::testing {

inline constexpr std::string_view kSecret = "a secret for the tests of the API";

/// 2026-11-22 about noon, moved by the tests: no test waits for a clock.
inline std::atomic<std::int64_t> g_wall_ms{1'795'348'800'000};
inline engine::TimeSource test_time() {
  return {[] { return g_wall_ms.load(); }, [] { return g_wall_ms.load(); }};
}
inline Instant now() {
  return Instant{g_wall_ms.load()};
}
inline void pass(Span time) {
  g_wall_ms += time.ms;
}

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  boost::json::value json() const;
  std::string code() const;  ///< of a problem; empty where there is none
  std::string detail() const;
  std::string text(std::string_view member) const;  ///< a text member of the body, or ""
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Ask {
  std::string method = "GET";
  std::string path;
  std::string body;
  std::string token;                 ///< without "Bearer "
  std::vector<std::string> headers;  ///< "Name: value"
};

/// One connection per request. Throws where there is no well-formed answer within ten seconds.
Answer ask(std::uint16_t port, const Ask& request);
/// Sends the request and gives back the socket, for streams. The caller closes it.
int send_only(std::uint16_t port, const Ask& request);
/// Reads until `until` was seen or the peer closed; what was read.
std::string read_until(int socket, std::string_view until);

class ApiTest : public ::testing::Test {
 public:
  ApiTest() { start({}); }
  ~ApiTest() override { stop(); }
  ApiTest(const ApiTest&) = delete;
  ApiTest& operator=(const ApiTest&) = delete;

 protected:
  /// Starts anew with other options, on the same record.
  void start(ApiOptions options);
  void stop();

  static std::string token(std::string_view user, http::Role role = http::Role::shopper);
  Answer get(const std::string& path, std::string_view user = {});
  Answer post(const std::string& path, std::string_view user, const std::string& body = {},
              std::vector<std::string> headers = {});
  Answer admin(const std::string& method, const std::string& path, const std::string& body = {});
  /// Creates a sale of one item that is open now; the item's id is `item`.
  Answer open_sale(const std::string& item, std::int64_t stock, std::int64_t limit = 1,
                   Span starts_in = Span{-1000}, Span lasts = Span::seconds(3600));
  Answer grab(const std::string& item, std::string_view user, const std::string& body = {},
              std::vector<std::string> headers = {}) {
    return post("/api/v1/items/" + item + "/orders", user, body, std::move(headers));
  }
  std::uint16_t port() const { return server_->port(); }

  /// What the server serves; start() asks.
  std::function<http::ServiceFactory(Api&)> services_ = [](Api& api) { return api.services(); };
  /// Puts another engine before the one that start() makes.
  std::function<std::unique_ptr<engine::Engine>(std::unique_ptr<engine::Engine>)> wrap_ =
      [](std::unique_ptr<engine::Engine> engine) { return engine; };
  std::string directory_ = make_directory();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<http::Server> server_;

 private:
  static std::string make_directory();
};

}  // namespace sluice::api::testing

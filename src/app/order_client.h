// One shopper's view of a running server, for `sluice order`.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/server_file.h"
#include "base/result.h"

namespace sluice::app {

/// Where the server is and who asks.
struct OrderAccess {
  ServerFile server;
  std::string token;
};

/// The server of `server.data`, or the one at `url` where that is not empty.
Result<ServerFile> locate_server(const Config& config, const std::string& url);

class OrderClient {
 public:
  explicit OrderClient(OrderAccess access) : access_(std::move(access)) {}

  struct Answer {
    int status = 0;
    boost::json::object body;

    std::string text(std::string_view member) const;  ///< empty where it is absent or null
    std::int64_t number(std::string_view member) const;
    bool good() const { return status >= 200 && status < 300; }
    /// The server's own words for what went wrong.
    std::string complaint() const;
  };
  /// Errors: no connection, or an answer that is no JSON object.
  Result<Answer> ask(const char* method, const std::string& path, std::string body = {}) const;

 private:
  OrderAccess access_;
};

}  // namespace sluice::app

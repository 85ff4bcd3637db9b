// The gateway emulator: answers the merchant's side of WeChat Pay v2 and v3 with the documented
// checks and errors, notifies with the retry schedule, and plays faults on demand. For development
// and tests, never for money.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace sluice::sandbox {

struct SandboxOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;      ///< 0: any free one
  std::string keys_directory;  ///< created on first start with what both sides need
  std::string notify_url;      ///< written to wechat.toml; empty: kept, first the shop's default
  std::string api = "v3";      ///< written to wechat.toml; empty: kept, first v3
  std::string base_url = {};   ///< how others reach it; empty: http:// with address and port
  bool allow_remote = false;   ///< whether `address` may be another one than the loopback's
};

class Sandbox {
 public:
  /// Makes missing keys, binds, starts the threads. Errors: keys, an address that is in use or that
  /// other machines reach without allow_remote.
  static Result<std::unique_ptr<Sandbox>> start(const SandboxOptions& options);
  virtual ~Sandbox() = default;
  virtual std::uint16_t port() const = 0;
  /// The `[wechat]` table that a server reads to use this gateway.
  virtual std::string settings_file() const = 0;
  /// Where this gateway is reached, without a slash at the end.
  virtual std::string base_url() const = 0;
  virtual void stop() = 0;
};

}  // namespace sluice::sandbox

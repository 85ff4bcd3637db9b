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
  std::string notify_url;      ///< written to wechat.toml; empty: the shop's default address
  std::string api = "v3";      ///< written to wechat.toml
};

class Sandbox {
 public:
  /// Makes missing keys, binds, starts the threads.
  static Result<std::unique_ptr<Sandbox>> start(const SandboxOptions& options);
  virtual ~Sandbox() = default;
  virtual std::uint16_t port() const = 0;
  /// The `[wechat]` table that a server reads to use this gateway.
  virtual std::string settings_file() const = 0;
  virtual void stop() = 0;
};

}  // namespace sluice::sandbox

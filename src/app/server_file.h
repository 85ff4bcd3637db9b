// <data>/server.json: how other commands find the server that runs on a data directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::app {

struct ServerFile {
  std::string url;        ///< of the shop
  std::string admin_url;  ///< of the operator API; often the same
  std::int64_t pid = 0;
  std::string version;
  Instant started_at;
  std::string certificate = {};  ///< absolute path of the PEM file it serves with; empty: no TLS
};

/// Replaces the file as a whole.
Result<> write_server_file(const std::string& data, const ServerFile& file);

/// The file of a process that is alive; empty where there is none.
std::optional<ServerFile> find_server(const std::string& data);

/// Removes the file if it speaks of this process.
void remove_server_file(const std::string& data);

}  // namespace sluice::app

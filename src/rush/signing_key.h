// Where the crowd's signing key comes from: the server's data folder, its configuration, or a file.
#pragma once

#include <string>

#include "base/result.h"
#include "rush/rush.h"
#include "rush/shoppers.h"

namespace sluice::rush {

/// The exact text of DATA/keys/hs256_secret without the end of line, or [auth] hs256_secret or
/// hs256_secret_file of the configuration, which goes first.
Result<std::string> find_secret(const std::string& data, const std::string& config);

/// The first line of `path`, at most 4 KiB, not empty.
Result<std::string> read_secret_file(const std::string& path);

/// The key for a run: the secret from `secret_file` when given, else from `source`; issuer and
/// audience from the configuration's [auth] table when there is one.
Result<SigningKey> find_signing_key(const std::string& data, const std::string& config,
                                    const std::string& secret_file, const SecretSource& source);

/// Where a server is reached.
struct Addresses {
  std::string url;
  std::string admin_url;  ///< the operator API; the same unless it has a listener of its own
};

/// What a server wrote to DATA/server.json, else the default http://127.0.0.1:8080.
Addresses find_addresses(const std::string& data);

}  // namespace sluice::rush

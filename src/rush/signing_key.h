// What signs the tokens of the crowd, and where it is asked for.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace sluice::rush {

struct SigningKey {
  std::string secret;    ///< the exact bytes of the HMAC key
  std::string issuer;    ///< empty: no `iss`
  std::string audience;  ///< empty: no `aud`
};

/// What the command line said of a server's key; each may be empty.
struct KeyPlace {
  std::string data;         ///< the server's data folder
  std::string config;       ///< its configuration file
  std::string secret_file;  ///< a file that holds the key, which goes first
};

/// Finds the key by the program's own rules of configuration, which this room does not know.
using KeySource = std::function<Result<SigningKey>(const KeyPlace&)>;

}  // namespace sluice::rush

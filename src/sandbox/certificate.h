// Makes an RSA key and a self-signed certificate for it.
#pragma once

#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::sandbox {

struct KeyPair {
  std::string key_pem;
  std::string certificate_pem;
};

/// RSA with 2048 bits; valid for ten years from a day before `now`, so that clocks may differ.
Result<KeyPair> make_key_pair(std::string_view common_name, Instant now);

}  // namespace sluice::sandbox

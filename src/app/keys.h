// The server's own signing key, for a start without configuration.
#pragma once

#include <string>

#include "app/config.h"
#include "base/result.h"
#include "http/token.h"

namespace sluice::app {

/// Where the generated key of a data directory is.
std::string key_path(const std::string& data);

/// Makes `<data>/keys/hs256_secret` (mode 0600, directory 0700): 32 random bytes in hexadecimal.
/// Errors: the directory or the file cannot be written, or the file exists.
Result<std::string> create_key(const std::string& data);

/// The HS256 key of that server: configured, else generated earlier. Errors: there is neither, with
/// the remedy.
Result<std::string> find_key(const Config& config);

/// Issuer and audience by configuration, `key`, and the Ed25519 key if there is one.
Result<http::TokenOptions> token_options(const Config& config, std::string key);

/// A token signed with that server's key.
Result<std::string> mint_token(const Config& config, const std::string& user, http::Role role,
                               Span lifetime);

/// The wall clock.
Instant wall_now();

}  // namespace sluice::app

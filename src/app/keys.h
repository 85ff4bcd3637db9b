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

/// Where the hash of the console's password is.
std::string console_password_path(const std::string& data);

struct ConsolePassword {
  std::string hash;
  std::string fresh;  ///< the password itself, when it was just made
};
/// The hash in `<data>/keys/console_password` (mode 0600). Where there is none, or where it is not
/// of the `configured` password, it is written anew; without either, a password is made.
Result<ConsolePassword> prepare_console_password(const std::string& data,
                                                 const std::string& configured);

/// Issuer and audience by configuration, `key`, and the Ed25519 key if there is one.
Result<http::TokenOptions> token_options(const Config& config, std::string key);

/// A token signed with that server's key.
Result<std::string> mint_token(const Config& config, const std::string& user, http::Role role,
                               Span lifetime);

/// The wall clock.
Instant wall_now();

}  // namespace sluice::app

// Creating, finding and using the key that tokens are signed with.
#include "app/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "app/files.h"
#include "base/text.h"
#include "console/password.h"

namespace sluice::app {

namespace {

namespace fs = std::filesystem;

std::unexpected<Error> errno_failure(const std::string& path, const char* what) {
  return fail(fmt::format("{} cannot be {}: {}", path, what, std::strerror(errno)));
}

Result<> make_key_directory(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) fs::permissions(directory, fs::perms::owner_all, error);
  if (error) return fail(fmt::format("{} cannot be made: {}", directory, error.message()));
  return {};
}

/// Writes and syncs a new file that only this user may read.
Result<> write_private(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno_failure(path, "created");
  const ssize_t written = write(file, text.data(), text.size());
  const bool is_whole = written == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
  const int why = errno;
  close(file);
  if (is_whole) return {};
  unlink(path.c_str());
  errno = why;
  return errno_failure(path, "written");
}

}  // namespace

std::string key_path(const std::string& data) {
  return data + "/keys/hs256_secret";
}

Result<std::string> create_key(const std::string& data) {
  std::array<std::uint8_t, 32> random{};
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return fail("the system gave no random bytes for a key");
  }
  const std::string directory = data + "/keys";
  if (auto made = make_key_directory(directory); !made) return std::unexpected(made.error());
  std::string secret = to_hex(random);
  if (auto written = write_private(key_path(data), secret + "\n"); !written) {
    return std::unexpected(written.error());
  }
  return secret;
}

Result<std::string> find_key(const Config& config) {
  if (const std::string& secret = config.text("auth.hs256_secret"); !secret.empty()) return secret;
  const std::string path = key_path(config.text("server.data"));
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return fail(
        fmt::format("there is no key at {}; start sluice serve there once, name the "
                    "directory with --data, or the configuration with --config",
                    path));
  }
  auto secret = read_secret(path);
  if (!secret) return secret;
  if (secret->size() < 16) {
    return fail(
        fmt::format("the key in {} has {} bytes and needs 16; delete the file and start "
                    "sluice serve to make a new one",
                    path, secret->size()));
  }
  return secret;
}

std::string console_password_path(const std::string& data) {
  return data + "/keys/console_password";
}

Result<ConsolePassword> prepare_console_password(const std::string& data,
                                                 const std::string& configured) {
  const std::string path = console_password_path(data);
  std::error_code ignored;
  ConsolePassword password;
  if (fs::exists(path, ignored)) {
    auto hash = read_secret(path);
    if (!hash) return std::unexpected(hash.error());
    if (!console::is_password_hash(*hash)) {
      return fail(
          fmt::format("{} does not hold the hash of a password; delete it, and the next start "
                      "makes a new one",
                      path));
    }
    password.hash = std::move(*hash);
    if (configured.empty() || console::verify_password(password.hash, configured)) return password;
  }
  if (configured.empty()) password.fresh = console::generate_password();
  auto hash = console::hash_password(configured.empty() ? password.fresh : configured);
  if (!hash) return fail("auth.console_password: " + hash.error().message);
  password.hash = std::move(*hash);
  if (auto made = make_key_directory(data + "/keys"); !made) return std::unexpected(made.error());
  fs::remove(path, ignored);
  if (auto written = write_private(path, password.hash + "\n"); !written) {
    return std::unexpected(written.error());
  }
  return password;
}

Result<http::TokenOptions> token_options(const Config& config, std::string key) {
  http::TokenOptions options;
  options.hs256_secret = std::move(key);
  options.issuer = config.text("auth.issuer");
  options.audience = config.text("auth.audience");
  const std::string& pem = config.text("auth.ed25519_public_key_file");
  if (pem.empty()) return options;
  auto text = read_limited(pem, kMaxSecretBytes);
  if (!text) return fail("auth.ed25519_public_key_file: " + text.error().message);
  options.ed25519_public_pem = std::move(*text);
  return options;
}

Result<std::string> mint_token(const Config& config, const std::string& user, http::Role role,
                               Span lifetime) {
  const auto key = find_key(config);
  if (!key) return std::unexpected(key.error());
  return http::sign_hs256(
      {user, role, wall_now(), lifetime, config.text("auth.issuer"), config.text("auth.audience")},
      *key);
}

Instant wall_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Instant{std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

}  // namespace sluice::app

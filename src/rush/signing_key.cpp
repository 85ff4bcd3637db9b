// Reading of the few settings that rush shares with a server on the same machine.
#include "rush/signing_key.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

namespace sluice::rush {
namespace {

constexpr std::size_t kMaxSecretBytes = 4 * 1024;
constexpr std::size_t kMaxSettingsBytes = 1024 * 1024;
constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(fmt::format("cannot open '{}'; does it exist, and may you read it?", path));
  std::string text(limit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > limit) {
    return fail(fmt::format("'{}' is longer than {} bytes; is it the right file?", path, limit));
  }
  return text;
}

/// [auth] key as text; empty where absent.
std::string auth_value(const toml::table& settings, const char* key) {
  return settings["auth"][key].value_or(std::string{});
}

Result<toml::table> read_settings(const std::string& path) {
  auto text = read_file(path, kMaxSettingsBytes);
  if (!text) return std::unexpected(text.error());
  try {
    return toml::parse(*text, path);
  } catch (const toml::parse_error& wrong) {
    return fail(fmt::format("'{}' is not TOML: {} (line {})", path, wrong.description(),
                            wrong.source().begin.line));
  }
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path) {
  auto text = read_file(path, kMaxSecretBytes);
  if (!text) return text;
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  if (text->empty()) return fail(fmt::format("the key file '{}' has an empty first line", path));
  return text;
}

Result<std::string> find_secret(const std::string& data, const std::string& config) {
  std::string folder = data;
  if (!config.empty()) {
    const auto settings = read_settings(config);
    if (!settings) return std::unexpected(settings.error());
    if (std::string secret = auth_value(*settings, "hs256_secret"); !secret.empty()) return secret;
    const std::string file = auth_value(*settings, "hs256_secret_file");
    if (!file.empty()) return read_secret_file(file);
    folder = (*settings)["server"]["data"].value_or(folder);
  }
  auto secret = read_secret_file(folder + "/keys/hs256_secret");
  if (secret) return secret;
  return fail(fmt::format(
      "no signing key: {}; name the server's data folder with --data, its configuration with "
      "--config, or the key itself with --secret-file",
      secret.error().message));
}

Result<SigningKey> find_signing_key(const std::string& data, const std::string& config,
                                    const std::string& secret_file, const SecretSource& source) {
  SigningKey key;
  auto secret = secret_file.empty() ? source(data, config) : read_secret_file(secret_file);
  if (!secret) return std::unexpected(secret.error());
  key.secret = std::move(*secret);
  if (!config.empty()) {
    const auto settings = read_settings(config);
    if (!settings) return std::unexpected(settings.error());
    key.issuer = auth_value(*settings, "issuer");
    key.audience = auth_value(*settings, "audience");
  }
  return key;
}

Addresses find_addresses(const std::string& data) {
  Addresses standard{kDefaultUrl, kDefaultUrl};
  const auto text = read_file(data + "/server.json", kMaxSettingsBytes);
  if (!text) return standard;
  boost::system::error_code wrong;
  const auto json = boost::json::parse(*text, wrong);
  if (wrong || !json.is_object()) return standard;
  const auto word = [&json](const char* name) {
    const auto* value = json.as_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  };
  Addresses found{word("url"), word("admin_url")};
  if (found.url.empty()) return standard;
  if (found.admin_url.empty()) found.admin_url = found.url;
  return found;
}

}  // namespace sluice::rush

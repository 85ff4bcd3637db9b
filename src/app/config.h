// The configuration: one table of keys, and their values from flags, environment, file or default.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/result.h"

namespace sluice::app {

enum class KeyType : std::uint8_t {
  text,
  path,
  integer,  ///< within [least, most]
  boolean,
  duration,  ///< parse_span
  choice,    ///< one of `choices`
  list,      ///< any of `choices` (none: any words), comma-separated
  endpoint,  ///< HOST:PORT; may be empty where the default is
};

/// One key of the configuration. Everything a person is told about it comes from here.
struct Key {
  std::string_view name;  ///< "section.key"
  KeyType type = KeyType::text;
  std::string_view fallback;
  std::string_view description;
  bool secret = false;  ///< masked when printed, and may be given as `<name>_file`
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string_view choices = {};  ///< comma-separated
};

/// All keys, by section.
std::span<const Key> config_keys();

struct Setting {
  const Key* key = nullptr;
  std::string value;   ///< as text, valid for the key's type
  std::string origin;  ///< "default", "file sluice.toml line 3", "environment …", "flag …"
};

/// Where values come from, in falling precedence.
struct ConfigSources {
  struct Flag {
    std::string key;
    std::string value;
    std::string shown;  ///< the flag as the user knows it, such as "--listen"
  };
  std::vector<Flag> flags;
  std::vector<std::pair<std::string, std::string>> environment;  ///< names begin with SLUICE_
  std::optional<std::string> file;
};

/// The SLUICE_ variables of this process.
std::vector<std::pair<std::string, std::string>> sluice_environment();

class Config {
 public:
  /// The error lists every problem, one a line: unknown keys with the nearest known one, wrong
  /// types, values out of bounds, unreadable files, keys that contradict each other.
  static Result<Config> load(const ConfigSources& sources);

  // The key must exist and be of that type: anything else is a bug and asserts.
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  bool truth(std::string_view name) const;
  Span span(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

  bool is_default(std::string_view name) const { return find(name).origin == "default"; }
  std::span<const Setting> settings() const { return settings_; }

 private:
  const Setting& find(std::string_view name) const;
  std::vector<Setting> settings_;  ///< in the order of config_keys()
};

/// The value as it may be shown: secrets and passwords inside URLs replaced by stars.
std::string shown(const Setting& setting);

struct Endpoint {
  std::string host;  ///< without the brackets of an IPv6 address; "localhost" becomes 127.0.0.1
  std::uint16_t port = 0;

  bool is_loopback() const;
  bool is_any() const;       ///< 0.0.0.0 or ::
  std::string text() const;  ///< with brackets where needed
};
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace sluice::app

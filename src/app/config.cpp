// Reads the sources in order of precedence, then checks every value by the type of its key.
#include "app/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "app/config_values.h"
#include "app/files.h"
#include "base/assert.h"
#include "base/text.h"

namespace sluice::app {

namespace {

constexpr std::size_t kMaxConfigBytes = 1024UL * 1024;
constexpr std::string_view kFileSuffix = "_file";

std::string variable_of(std::string_view key) {
  std::string name = "SLUICE_";
  for (const char c : key) {
    if (c == '.') {
      name += '_';
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

/// One pass over all sources; collects every problem instead of stopping at the first.
class Loader {
 public:
  Loader() {
    for (const Key& key : config_keys()) {
      settings_.push_back({&key, std::string(key.fallback), "default"});
      names_.emplace_back(key.name);
      if (key.secret) names_.push_back(std::string(key.name) + std::string(kFileSuffix));
    }
  }

  void read_file(const std::string& path) {
    const auto text = read_limited(path, kMaxConfigBytes);
    if (!text) return problem("the configuration " + text.error().message);
    toml::table root;
    try {
      root = toml::parse(*text, path);
    } catch (const toml::parse_error& error) {
      return problem(
          fmt::format("{} line {}: {}", path, error.source().begin.line, error.description()));
    }
    begin_source();
    for (const auto& [section, node] : root)
      read_section(path, section.str(), node);
  }

  void read_environment(const std::vector<std::pair<std::string, std::string>>& variables) {
    begin_source();
    for (const auto& [name, value] : variables) {
      const auto known = std::ranges::find_if(
          names_, [&name = name](const std::string& key) { return variable_of(key) == name; });
      if (known != names_.end()) {
        set(*known, value, "environment " + name);
      } else if (in_known_section(name)) {
        unknown("environment variable", name,
                [](std::string_view key) { return variable_of(key); });
      }
    }
  }

  void read_flags(const std::vector<ConfigSources::Flag>& flags) {
    begin_source();
    for (const ConfigSources::Flag& flag : flags) {
      if (std::ranges::find(names_, flag.key) == names_.end()) {
        unknown("key", flag.key, [](std::string_view key) { return std::string(key); });
      } else {
        set(flag.key, flag.value, "flag " + flag.shown);
      }
    }
  }

  void check_values() {
    for (const Setting& setting : settings_) {
      if (setting.origin == "default" || valid_value(*setting.key, setting.value)) continue;
      problem(fmt::format("{} ({}) is {}; it must be {}", setting.key->name, setting.origin,
                          setting.key->secret ? "not usable" : quote(setting.value),
                          bounds_of(*setting.key)));
    }
  }

  void problem(const std::string& text) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += text;
  }

  const std::string& problems() const { return problems_; }
  std::vector<Setting> take() { return std::move(settings_); }

 private:
  void begin_source() { set_here_.clear(); }

  void read_section(const std::string& path, std::string_view section, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      return problem(fmt::format("{} line {}: {} is not a section; write [section] and keys below",
                                 path, node.source().begin.line, quote(section)));
    }
    for (const auto& [word, value] : *table) {
      const std::string name = fmt::format("{}.{}", section, word.str());
      const auto line = value.source().begin.line;
      if (std::ranges::find(names_, name) == names_.end()) {
        unknown(fmt::format("{} line {}: key", path, line), name,
                [](std::string_view key) { return std::string(key); });
        continue;
      }
      const auto text = to_text(name, value);
      if (!text) {
        problem(fmt::format("{} line {}: {} has the wrong type; it must be {}", path, line, name,
                            bounds_of(*find(name).key)));
      } else {
        set(name, *text, fmt::format("file {} line {}", path, line));
      }
    }
  }

  /// The value as text, if its TOML type suits the key.
  std::optional<std::string> to_text(std::string_view name, const toml::node& value) const {
    const KeyType type = is_file_key(name) ? KeyType::path : find(name).key->type;
    if (type == KeyType::boolean) {
      const auto* truth = value.as_boolean();
      return truth == nullptr ? std::nullopt
                              : std::optional<std::string>(truth->get() ? "true" : "false");
    }
    if (type == KeyType::integer || (type == KeyType::duration && value.is_integer())) {
      const auto* number = value.as_integer();
      return number == nullptr ? std::nullopt : std::optional(std::to_string(number->get()));
    }
    if (const auto* text = value.as_string()) return text->get();
    const toml::array* array = value.as_array();
    if (type != KeyType::list || array == nullptr) return std::nullopt;
    std::string joined;
    for (const toml::node& element : *array) {
      const auto* word = element.as_string();
      if (word == nullptr) return std::nullopt;
      if (!joined.empty()) joined += ',';
      joined += word->get();
    }
    return joined;
  }

  /// Whether `name` is the _file form of a secret (and not a key that merely ends so).
  static bool is_file_key(std::string_view name) {
    if (!name.ends_with(kFileSuffix)) return false;
    const std::string_view base = name.substr(0, name.size() - kFileSuffix.size());
    return std::ranges::any_of(config_keys(),
                               [base](const Key& key) { return key.secret && key.name == base; });
  }

  /// `name` is one of names_.
  std::size_t index_of(std::string_view name) const {
    if (is_file_key(name)) name.remove_suffix(kFileSuffix.size());
    const auto found = std::ranges::find_if(
        settings_, [name](const Setting& setting) { return setting.key->name == name; });
    return static_cast<std::size_t>(found - settings_.begin());
  }
  const Setting& find(std::string_view name) const { return settings_[index_of(name)]; }

  void set(std::string_view name, std::string value, std::string origin) {
    Setting& setting = settings_[index_of(name)];
    const std::string other = setting.key->name == name
                                  ? std::string(name) + std::string(kFileSuffix)
                                  : std::string(setting.key->name);
    if (std::ranges::find(set_here_, other) != set_here_.end()) {
      return problem(fmt::format("{} and {} are both given; keep one", name, other));
    }
    set_here_.emplace_back(name);
    if (is_file_key(name)) {
      const auto secret = read_secret(value);
      if (!secret) return problem(fmt::format("{} ({}): {}", name, origin, secret.error().message));
      origin += fmt::format(" ({})", value);
      value = *secret;
    }
    setting.value = std::move(value);
    setting.origin = std::move(origin);
  }

  static bool in_known_section(std::string_view variable) {
    return std::ranges::any_of(config_keys(), [variable](const Key& key) {
      const std::string_view section = key.name.substr(0, key.name.find('.') + 1);
      return variable.starts_with(variable_of(section));
    });
  }

  template <class Form>
  void unknown(std::string_view what, std::string_view name, Form form) {
    std::vector<std::string> shapes;
    shapes.reserve(names_.size());
    for (const std::string& known : names_)
      shapes.push_back(form(known));
    const std::vector<std::string_view> views(shapes.begin(), shapes.end());
    const auto meant = nearest(name, views);
    problem(fmt::format("{} {} is unknown{}", what, quote(name),
                        meant ? fmt::format("; did you mean {}?", *meant)
                              : "; sluice check --keys lists all keys"));
  }

  std::vector<Setting> settings_;
  std::vector<std::string> names_;     ///< of keys and of _file forms
  std::vector<std::string> set_here_;  ///< by the source that is being read
  std::string problems_;
};

/// What no key can know alone.
void check_together(const Config& config, Loader& loader) {
  if (config.text("server.tls_certificate").empty() !=
      config.text("server.tls_private_key").empty()) {
    loader.problem(
        "server.tls_certificate and server.tls_private_key belong together; give both "
        "or none");
  }
  const std::string& secret = config.text("auth.hs256_secret");
  if (!config.is_default("auth.hs256_secret") && secret.size() < 16) {
    loader.problem(
        fmt::format("auth.hs256_secret has {} bytes; it needs at least 16 (openssl rand "
                    "-hex 32 makes a good one)",
                    secret.size()));
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sluice_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (!text.starts_with("SLUICE_") || equals == std::string_view::npos) continue;
    found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

Result<Config> Config::load(const ConfigSources& sources) {
  Loader loader;
  if (sources.file) loader.read_file(*sources.file);
  loader.read_environment(sources.environment);
  loader.read_flags(sources.flags);
  loader.check_values();
  Config config;
  config.settings_ = loader.take();
  if (loader.problems().empty()) check_together(config, loader);
  if (!loader.problems().empty()) return fail(loader.problems());
  return config;
}

const Setting& Config::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      settings_, [name](const Setting& setting) { return setting.key->name == name; });
  SLUICE_ASSERT(found != settings_.end(), "the key is in the table");
  return *found;
}

const std::string& Config::text(std::string_view name) const {
  return find(name).value;
}

std::int64_t Config::integer(std::string_view name) const {
  const Setting& setting = find(name);
  const auto number = parse_uint(setting.value, setting.key->most);
  SLUICE_ASSERT(setting.key->type == KeyType::integer && number, "a checked whole number");
  return *number;
}

bool Config::truth(std::string_view name) const {
  const Setting& setting = find(name);
  SLUICE_ASSERT(setting.key->type == KeyType::boolean, "a boolean key");
  return setting.value == "true";
}

Span Config::span(std::string_view name) const {
  const auto span = parse_span(find(name).value);
  SLUICE_ASSERT(span.has_value(), "a checked duration");
  return *span;
}

std::vector<std::string> Config::list(std::string_view name) const {
  const auto words = split(find(name).value);
  return {words.begin(), words.end()};
}

std::string shown(const Setting& setting) {
  if (!setting.key->secret || setting.value.empty()) return setting.value;
  const std::size_t scheme = setting.value.find("://");
  const std::size_t at = setting.value.rfind('@');
  if (scheme == std::string::npos) return "********";
  if (at == std::string::npos) return setting.value;
  const std::size_t colon = setting.value.find(':', scheme + 3);
  if (colon == std::string::npos || colon > at) return setting.value;
  return setting.value.substr(0, colon) + ":********" + setting.value.substr(at);
}

}  // namespace sluice::app

// The folder of keys.
#include "sandbox/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "payment/signature.h"
#include "sandbox/certificate.h"

namespace sluice::sandbox {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 64UL * 1024;
constexpr const char* kSettingsName = "wechat.toml";

fs::path absolute_folder(const std::string& directory) {
  std::error_code ignored;
  return fs::absolute(directory, ignored).lexically_normal();
}

Result<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) {
    return fail(
        fmt::format("cannot read {}; give it back or remove the whole folder, then new "
                    "keys are made",
                    path.string()));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) {
    return fail(fmt::format("{} is larger than {} bytes", path.string(), kMaxFileBytes));
  }
  return text;
}

/// Written aside and renamed, so that a reader never sees half of it; readable by its owner alone.
Result<> write_file(const fs::path& path, std::string_view text) {
  const std::string aside = path.string() + ".new";
  const int file = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int cause = errno;
  if (file >= 0) ::close(file);
  if (!written || ::rename(aside.c_str(), path.c_str()) != 0) {
    return fail(
        fmt::format("cannot write {}: {}", path.string(), std::strerror(written ? errno : cause)));
  }
  return {};
}

struct PemPair {
  std::string key;
  std::string certificate;
};

Result<PemPair> open_pair(const fs::path& folder, const std::string& who,
                          const std::string& common_name, Instant now) {
  const fs::path key_path = folder / (who + "_key.pem");
  const fs::path certificate_path = folder / (who + "_cert.pem");
  std::error_code ignored;
  const bool has_key = fs::exists(key_path, ignored);
  const bool has_certificate = fs::exists(certificate_path, ignored);
  if (has_key != has_certificate) {
    return fail(fmt::format("{} is there without {}; remove it, then both are made",
                            (has_key ? key_path : certificate_path).string(),
                            (has_key ? certificate_path : key_path).filename().string()));
  }
  if (!has_key) {
    auto made = make_key_pair(common_name, now);
    if (!made) return std::unexpected(made.error());
    if (auto written = write_file(key_path, made->key_pem); !written) {
      return std::unexpected(written.error());
    }
    if (auto written = write_file(certificate_path, made->certificate_pem); !written) {
      return std::unexpected(written.error());
    }
    return PemPair{std::move(made->key_pem), std::move(made->certificate_pem)};
  }
  auto key = read_file(key_path);
  if (!key) return std::unexpected(key.error());
  auto certificate = read_file(certificate_path);
  if (!certificate) return std::unexpected(certificate.error());
  return PemPair{std::move(*key), std::move(*certificate)};
}

/// What wechat.toml holds that is not made anew at each start.
struct Kept {
  std::string appid;
  std::string mch_id;
  std::string api_key;
  std::string api_v3_key;
  std::string notify_url;
  std::string api;
};

std::string digits(std::size_t count) {
  std::string text = payment::random_nonce(count);
  for (char& c : text)
    c = static_cast<char>('0' + static_cast<unsigned char>(c) % 10);
  return text;
}

Kept made_up() {
  return {"wx" + payment::md5_hex(payment::random_nonce()).substr(0, 16),
          "19" + digits(8),
          payment::random_nonce(32),
          payment::random_nonce(payment::kAesKeyBytes),
          std::string(kDefaultNotifyUrl),
          "v3"};
}

Result<Kept> read_settings(const fs::path& path) {
  Kept kept = made_up();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return kept;
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  try {
    const toml::table root = toml::parse(*text, path.string());
    const toml::node_view<const toml::node> section = root["wechat"];
    const auto take = [&section](const char* key, std::string& into) {
      if (const auto value = section[key].value<std::string>()) into = *value;
    };
    take("appid", kept.appid);
    take("mch_id", kept.mch_id);
    take("api_key", kept.api_key);
    take("api_v3_key", kept.api_v3_key);
    take("notify_url", kept.notify_url);
    take("api", kept.api);
  } catch (const toml::parse_error& error) {
    return fail(fmt::format("{} line {}: {}", path.string(), error.source().begin.line,
                            std::string(error.description())));
  }
  if (kept.api_v3_key.size() != payment::kAesKeyBytes) {
    return fail(fmt::format("{}: api_v3_key has {} bytes; it must have {}", path.string(),
                            kept.api_v3_key.size(), payment::kAesKeyBytes));
  }
  return kept;
}

/// A basic TOML string. What is written here has no control characters.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string settings_text(const Account& account, std::string_view base_url,
                          const fs::path& folder) {
  std::string out =
      "# The merchant account of this sandbox, for `sluice serve --config` and for other clients.\n"
      "# base_url is brought up to date at each start of `sluice sandbox`.\n[wechat]\n";
  const auto line = [&out](std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), "{} = {}\n", key, quoted(value));
  };
  line("api", account.api);
  line("base_url", base_url);
  line("appid", account.appid);
  line("mch_id", account.mch_id);
  line("notify_url", account.notify_url);
  line("api_key", account.api_key);
  line("api_v3_key", account.api_v3_key);
  line("merchant_serial", account.merchant_serial);
  line("merchant_private_key_file", (folder / "merchant_key.pem").string());
  line("platform_serial", account.platform_serial);
  line("platform_public_key_file", (folder / "platform_cert.pem").string());
  return out;
}

Result<Account> build(const Kept& kept, const PemPair& merchant, const PemPair& platform) {
  const auto merchant_facts = payment::read_certificate(merchant.certificate);
  if (!merchant_facts) return fail("merchant_cert.pem: " + merchant_facts.error().message);
  const auto platform_facts = payment::read_certificate(platform.certificate);
  if (!platform_facts) return fail("platform_cert.pem: " + platform_facts.error().message);
  auto merchant_key = payment::PublicKey::from_pem(merchant.certificate);
  if (!merchant_key) return fail("merchant_cert.pem: " + merchant_key.error().message);
  auto platform_key = payment::PrivateKey::from_pem(platform.key);
  if (!platform_key) return fail("platform_key.pem: " + platform_key.error().message);
  // Not the platform's, so whatever it signs as the platform is forged.
  auto wrong_key = payment::PrivateKey::from_pem(merchant.key);
  if (!wrong_key) return fail("merchant_key.pem: " + wrong_key.error().message);
  return Account{kept.appid,
                 kept.mch_id,
                 kept.api_key,
                 kept.api_v3_key,
                 merchant_facts->serial,
                 platform_facts->serial,
                 std::move(*merchant_key),
                 std::move(*platform_key),
                 std::move(*wrong_key),
                 platform.certificate,
                 platform_facts->valid_from,
                 platform_facts->valid_until,
                 kept.notify_url,
                 kept.api};
}

}  // namespace

Result<Account> open_account(const std::string& directory, std::string_view notify_url,
                             std::string_view api, Instant now) {
  std::error_code error;
  const fs::path folder = absolute_folder(directory);
  if (fs::create_directories(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  if (error) return fail(fmt::format("cannot make {}: {}", folder.string(), error.message()));
  auto kept = read_settings(folder / kSettingsName);
  if (!kept) return std::unexpected(kept.error());
  if (!notify_url.empty()) kept->notify_url = notify_url;
  if (!api.empty()) kept->api = api;
  const auto merchant = open_pair(folder, "merchant", "Merchant " + kept->mch_id, now);
  if (!merchant) return std::unexpected(merchant.error());
  const auto platform = open_pair(folder, "platform", "Sandbox platform", now);
  if (!platform) return std::unexpected(platform.error());
  return build(*kept, *merchant, *platform);
}

Result<> write_settings(const std::string& directory, const Account& account,
                        std::string_view base_url) {
  for (const std::string_view address : {base_url, std::string_view(account.notify_url)}) {
    if (has_control(address) || !valid_utf8(address)) {
      return fail(fmt::format("{} is no address", quote(address)));
    }
  }
  const fs::path folder = absolute_folder(directory);
  return write_file(folder / kSettingsName, settings_text(account, base_url, folder));
}

std::string settings_path(const std::string& directory) {
  return (absolute_folder(directory) / kSettingsName).string();
}

}  // namespace sluice::sandbox

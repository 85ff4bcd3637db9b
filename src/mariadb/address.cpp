// Takes a mysql:// URL apart, from left to right; what is wrong is named by its part.
#include "mariadb/address.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"

namespace sluice::mariadb {
namespace {

constexpr std::size_t kMaxUrlBytes = 4096;
constexpr std::size_t kMaxNameBytes = 256;  ///< of user and database: 64 and 128 characters there
constexpr const char* kForm = "write mysql://user:password@host:port/name";

/// The part before `separator`, which is taken away together with it; all of it where there is no
/// separator.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

Result<std::string> name(std::string_view text, const char* what) {
  const auto plain = percent_decoded(text);
  if (!plain || plain->empty() || plain->size() > kMaxNameBytes || !valid_utf8(*plain) ||
      has_control(*plain)) {
    return fail(
        fmt::format("the {} {} of the database's address is empty, above {} bytes, or not "
                    "clean UTF-8; {}",
                    what, quote(text), kMaxNameBytes, kForm));
  }
  return *plain;
}

Result<> read_host(std::string_view text, Address& address) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return fail(fmt::format("the host {} of the database's address lacks a closing bracket",
                              quote(text)));
    }
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    has_port = port.starts_with(':');
    if (!has_port && !port.empty()) {
      return fail(
          fmt::format("after the host {} of the database's address comes a colon and a "
                      "port; {}",
                      quote(host), kForm));
    }
    if (has_port) port.remove_prefix(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  const bool is_clean = host.find_first_of(" %\\\"'@") == std::string_view::npos;
  if (host.empty() || host.size() > 255 || has_control(host) || !valid_utf8(host) || !is_clean) {
    return fail(fmt::format("the host {} of the database's address is empty or not a name; {}",
                            quote(host), kForm));
  }
  address.host = host;
  if (!has_port) return {};
  const auto number = parse_uint(port, 65535);
  if (!number || *number == 0) {
    return fail(fmt::format("the port {} of the database's address is not a number from 1 to 65535",
                            quote(port)));
  }
  address.port = static_cast<std::uint16_t>(*number);
  return {};
}

Result<> read_option(std::string_view option, Address& address) {
  const std::string_view key = cut(option, '=');
  if (key == "tls") {
    if (option == "off") {
      address.tls = Tls::off;
    } else if (option == "required") {
      address.tls = Tls::required;
    } else if (option == "verify") {
      address.tls = Tls::verify;
    } else {
      return fail(
          fmt::format("tls={} of the database's address is not known; there are off, "
                      "required and verify",
                      quote(option)));
    }
    return {};
  }
  if (key == "tls_ca") {
    const auto path = percent_decoded(option);
    if (!path || path->empty() || has_control(*path)) {
      return fail(fmt::format("tls_ca={} of the database's address is no path", quote(option)));
    }
    address.tls_ca = *path;
    return {};
  }
  return fail(
      fmt::format("the option {} of the database's address is not known; there are tls and "
                  "tls_ca",
                  quote(key)));
}

}  // namespace

std::string Address::shown() const {
  const bool is_six = host.find(':') != std::string::npos;
  return fmt::format("{}@{}{}{}:{}/{}", user, is_six ? "[" : "", host, is_six ? "]" : "", port,
                     database);
}

bool Address::is_loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<Address> parse_address(std::string_view url) {
  if (url.size() > kMaxUrlBytes) {
    return fail(fmt::format("the database's address is above {} bytes; {}", kMaxUrlBytes, kForm));
  }
  const std::size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos || (scheme != "mysql" && scheme != "mariadb")) {
    return fail(fmt::format("the database's address does not begin with mysql:// or mariadb://; {}",
                            kForm));
  }
  std::string_view options = url.substr(scheme_end + 3);
  std::string_view place = cut(options, '?');
  const std::size_t at = place.rfind('@');
  if (at == std::string_view::npos) {
    return fail(fmt::format("the database's address names no user; {}", kForm));
  }
  std::string_view account = place.substr(0, at);
  place.remove_prefix(at + 1);

  Address address;
  const auto user = name(cut(account, ':'), "user");
  if (!user) return std::unexpected(user.error());
  address.user = *user;
  const auto password = percent_decoded(account);
  if (!password || password->find('\0') != std::string::npos) {
    return fail(
        "the password of the database's address is not usable: write a percent sign as "
        "%25, or give the password by a file");
  }
  address.password = *password;
  if (auto host = read_host(cut(place, '/'), address); !host) return std::unexpected(host.error());
  const auto database = name(place, "database name");
  if (!database) return std::unexpected(database.error());
  address.database = *database;
  bool says_tls = false;
  while (!options.empty()) {
    const std::string_view option = cut(options, '&');
    says_tls = says_tls || option.starts_with("tls=");
    if (auto done = read_option(option, address); !done) return std::unexpected(done.error());
  }
  if (!address.tls_ca.empty()) {
    if (says_tls && address.tls != Tls::verify) {
      return fail(
          "tls_ca of the database's address is looked at with tls=verify only; take tls "
          "away, or tls_ca");
    }
    address.tls = Tls::verify;
  }
  return address;
}

}  // namespace sluice::mariadb

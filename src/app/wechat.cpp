// Checking and using the gateway's configuration.
#include "app/wechat.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "app/files.h"
#include "base/text.h"
#include "payment/protocol.h"

namespace sluice::app {

namespace {

constexpr std::size_t kMaxNotifyUrl = 255;  ///< v3's limit; v2 takes 256
constexpr std::size_t kMaxId = 32;
constexpr std::size_t kMaxName = 127;  ///< of an exchange or a queue, as AMQP has it

bool is_v2(const Config& config) {
  return config.text("wechat.api") == "v2";
}

/// Collects what is wrong, so that a person mends it in one go.
class Problems {
 public:
  explicit Problems(const Config& config) : config_(config) {}

  void need(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (!config_.text(name).empty()) continue;
      add(fmt::format("wechat.api = \"{}\" needs {}", config_.text("wechat.api"), name));
    }
  }
  void limit(std::string_view name, std::size_t most) {
    const std::string& value = config_.text(name);
    if (value.size() > most) {
      add(fmt::format("{} has {} bytes; at most {} are allowed", name, value.size(), most));
    }
  }
  void url(std::string_view name) {
    const std::string& value = config_.text(name);
    if (value.empty() || value.starts_with("https://") || value.starts_with("http://")) return;
    add(fmt::format("{} is {}; it must start with https:// (or http:// for a sandbox)", name,
                    quote(value)));
  }
  void together(std::string_view one, std::string_view other) {
    if (config_.text(one).empty() == config_.text(other).empty()) return;
    add(fmt::format("{} and {} belong together; give both or none", one, other));
  }
  void add(const std::string& text) {
    if (!text_.empty()) text_ += '\n';
    text_ += text;
  }
  Result<> result() const {
    if (text_.empty()) return {};
    return fail(text_);
  }

 private:
  const Config& config_;
  std::string text_;
};

void check_addresses(const Config& config, Problems& problems) {
  problems.url("wechat.base_url");
  problems.url("wechat.notify_url");
  const std::string& base = config.text("wechat.base_url");
  const std::size_t host = base.find("://");
  if (host != std::string::npos && base.find_first_of("/?#", host + 3) != std::string::npos) {
    problems.add(fmt::format("wechat.base_url is {}; give scheme, host and port without a path",
                             quote(base)));
  }
  if (config.text("wechat.notify_url").contains('?')) {
    problems.add("wechat.notify_url has a query string, which the provider does not take");
  }
  problems.limit("wechat.notify_url", kMaxNotifyUrl);
}

Result<std::unique_ptr<payment::Protocol>> make_v2(const Config& config) {
  return payment::wechat_v2({config.text("wechat.appid"), config.text("wechat.mch_id"),
                             config.text("wechat.api_key"), config.text("wechat.notify_url"),
                             config.text("wechat.sign_type") == "HMAC-SHA256"});
}

Result<std::unique_ptr<payment::Protocol>> make_v3(const Config& config) {
  payment::WechatV3Account account;
  account.appid = config.text("wechat.appid");
  account.mch_id = config.text("wechat.mch_id");
  account.api_v3_key = config.text("wechat.api_v3_key");
  account.notify_url = config.text("wechat.notify_url");
  account.merchant_serial = config.text("wechat.merchant_serial");
  account.platform_serial = config.text("wechat.platform_serial");
  const auto read = [&config](const char* name, std::string& into) -> Result<> {
    if (config.text(name).empty()) return {};
    auto pem = read_limited(config.text(name), kMaxSecretBytes);
    if (!pem) return fail(fmt::format("{}: {}", name, pem.error().message));
    into = std::move(*pem);
    return {};
  };
  if (auto done = read("wechat.merchant_private_key_file", account.merchant_private_key_pem);
      !done) {
    return std::unexpected(done.error());
  }
  if (auto done = read("wechat.platform_public_key_file", account.platform_public_key_pem); !done) {
    return std::unexpected(done.error());
  }
  return payment::wechat_v3(std::move(account));
}

Result<std::unique_ptr<payment::Protocol>> make_protocol(const Config& config) {
  return is_v2(config) ? make_v2(config) : make_v3(config);
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && !name.contains('/') && !has_control(name);
}

}  // namespace

bool wechat_configured(const Config& config) {
  return std::ranges::any_of(config.settings(), [](const Setting& setting) {
    return setting.key->name.starts_with("wechat.") && setting.origin != "default";
  });
}

Result<> check_wechat(const Config& config) {
  Problems problems(config);
  problems.need({"wechat.base_url", "wechat.appid", "wechat.mch_id", "wechat.notify_url"});
  problems.limit("wechat.appid", kMaxId);
  problems.limit("wechat.mch_id", kMaxId);
  check_addresses(config, problems);
  if (is_v2(config)) {
    problems.need({"wechat.api_key"});
    if (!config.text("wechat.merchant_certificate_file").empty()) {
      problems.need({"wechat.merchant_private_key_file"});
    }
  } else {
    problems.need(
        {"wechat.api_v3_key", "wechat.merchant_serial", "wechat.merchant_private_key_file"});
    problems.together("wechat.platform_serial", "wechat.platform_public_key_file");
  }
  if (auto so_far = problems.result(); !so_far) return so_far;
  if (const auto made = make_protocol(config); !made)
    return fail("[wechat] " + made.error().message);
  return {};
}

std::optional<std::string> refund_remark(const Config& config) {
  if (!wechat_configured(config) || !is_v2(config)) return std::nullopt;
  if (!config.text("wechat.merchant_certificate_file").empty()) return std::nullopt;
  // The provider asks for the certificate in the TLS handshake; a sandbox without TLS cannot.
  if (!config.text("wechat.base_url").starts_with("https://")) return std::nullopt;
  return "wechat.api = \"v2\": without wechat.merchant_certificate_file refunds are refused; "
         "money that comes too late is left to a person";
}

Result<std::unique_ptr<payment::Gateway>> start_wechat(const Config& config) {
  auto protocol = make_protocol(config);
  if (!protocol) return fail("[wechat] " + protocol.error().message);
  payment::GatewayOptions options;
  options.base_url = config.text("wechat.base_url");
  options.timeout = config.span("payment.timeout");
  if (is_v2(config)) {
    options.client_certificate_file = config.text("wechat.merchant_certificate_file");
    if (!options.client_certificate_file.empty()) {
      options.client_key_file = config.text("wechat.merchant_private_key_file");
    }
  }
  return payment::start_gateway(std::move(*protocol), std::move(options));
}

Result<std::vector<bus::Binding>> destinations(const Config& config) {
  std::vector<bus::Binding> places;
  const auto add = [&places](std::string_view key, std::string_view exchange,
                             std::string_view queue) -> Result<> {
    if (!valid_name(exchange) || !valid_name(queue)) {
      return fail(fmt::format(
          "{}: {} and {} cannot name an exchange and a queue; each is 1 to {} bytes without / and "
          "control characters",
          key, quote(exchange), quote(queue), kMaxName));
    }
    const bool twice = std::ranges::any_of(places, [&](const bus::Binding& place) {
      return place.exchange == exchange && place.queue == queue;
    });
    if (twice) return fail(fmt::format("{}: {}/{} is a destination twice", key, exchange, queue));
    places.push_back({std::string(exchange), std::string(queue), std::string(queue)});
    return {};
  };
  const std::string& exchange = config.text("payment.exchange");
  for (const char* key : {"payment.sale_queue", "payment.order_queue"}) {
    if (auto added = add(key, exchange, config.text(key)); !added) {
      return std::unexpected(added.error());
    }
  }
  for (const std::string& place : config.list("payment.destinations")) {
    const std::size_t slash = place.find('/');
    const std::string_view text(place);
    const std::string_view queue =
        slash == std::string::npos ? std::string_view() : text.substr(slash + 1);
    if (auto added = add("payment.destinations", text.substr(0, slash), queue); !added) {
      return std::unexpected(added.error());
    }
  }
  return places;
}

std::string wechat_name(const Config& config) {
  return fmt::format("WeChat Pay {} at {}", config.text("wechat.api"),
                     config.text("wechat.base_url"));
}

}  // namespace sluice::app

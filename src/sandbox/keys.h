// The one merchant account of the sandbox: keys, certificates and secrets of both sides, made on
// the first start and kept in a folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"
#include "payment/crypto.h"

namespace sluice::sandbox {

struct Account {
  std::string appid;
  std::string mch_id;
  std::string api_key;
  std::string api_v3_key;
  std::string merchant_serial;
  std::string platform_serial;
  payment::PublicKey merchant_key;   ///< verifies what the merchant signs
  payment::PrivateKey platform_key;  ///< signs what the gateway says
  payment::PrivateKey wrong_key;     ///< signs forgeries
  std::string platform_certificate;  ///< PEM
  Instant platform_valid_from;
  Instant platform_valid_until;
  std::string notify_url;  ///< of wechat.toml; orders bring their own
  std::string api;         ///< the same
};

inline constexpr std::string_view kDefaultNotifyUrl = "http://127.0.0.1:8080/weixin/pay/notify/url";

/// The account in `directory`. Makes what is missing: the directory (mode 0700), merchant_key.pem,
/// merchant_cert.pem, platform_key.pem and platform_cert.pem. Secrets, notify_url and api are those
/// of wechat.toml where there is one; `notify_url` and `api` replace the latter two unless they are
/// empty. Errors: a file that cannot be read, written or understood, a key without its certificate.
Result<Account> open_account(const std::string& directory, std::string_view notify_url,
                             std::string_view api, Instant now);

/// Writes wechat.toml, with absolute paths.
Result<> write_settings(const std::string& directory, const Account& account,
                        std::string_view base_url);

/// The absolute path of wechat.toml.
std::string settings_path(const std::string& directory);

}  // namespace sluice::sandbox

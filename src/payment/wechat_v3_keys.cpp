// WeChat Pay v3: the platform's certificates, downloaded with the API v3 key.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <vector>

#include "base/text.h"
#include "payment/json_tree.h"
#include "payment/wechat_v3.h"

namespace sluice::payment {

namespace {

struct Downloaded {
  std::string serial;
  PublicKey key;
  Instant valid_until;
};

/// Empty where the certificate is not valid now: it may be the next one or the last.
Result<std::optional<Downloaded>> valid_key(std::string_view pem, std::string_view stated_serial,
                                            Instant now) {
  const auto facts = read_certificate(pem);
  if (!facts) return std::unexpected(facts.error());
  const std::string serial(stated_serial);
  KeyRing same;
  auto key = PublicKey::from_pem(pem);
  if (!key) return std::unexpected(key.error());
  same.add_configured(facts->serial, *key);
  if (!same.find(serial)) {
    return fail(fmt::format("the certificate {} came under the serial {}", quote(facts->serial),
                            quote(serial)));
  }
  if (now < facts->valid_from || now >= facts->valid_until) return std::nullopt;
  return Downloaded{facts->serial, std::move(*key), facts->valid_until};
}

}  // namespace

bool WechatV3::lacks_key(const HttpAnswer& answer) const {
  const auto stamp = v3_stamp(answer.headers);
  if (!stamp || keys_.find(stamp->serial) || !KeyRing::downloadable(stamp->serial)) return false;
  keys_.miss(stamp->serial);
  return true;
}

HttpCall WechatV3::fetch_keys(const Moment& moment) const {
  keys_.download_begins(moment.now);
  return call("GET", "/v3/certificates", "", moment);
}

/// The first download is signed with a key that it brings itself. What makes it trustworthy is that
/// each certificate is sealed with the API v3 key, which the provider and this shop alone know.
Outcome<void> WechatV3::read_keys(const HttpAnswer& answer, Instant now) const {
  using wechat::untrusted;
  if (answer.status != 200) return std::unexpected(refusal(answer, now));
  const auto stamp = v3_stamp(answer.headers);
  if (!stamp) return std::unexpected(untrusted("the certificates: " + stamp.error().message));
  const auto tree = parse_object(answer.body);
  const auto* data = tree ? tree->if_contains("data") : nullptr;
  if (data == nullptr || !data->is_array() || data->as_array().size() > KeyRing::kMaxKeys) {
    return std::unexpected(untrusted("the answer is no list of certificates"));
  }
  KeyRing candidates;
  std::vector<Downloaded> downloaded;
  for (const auto& entry : data->as_array()) {
    const auto* object = entry.if_object();
    const auto* sealed = object == nullptr ? nullptr : object_in(*object, "encrypt_certificate");
    if (sealed == nullptr) {
      return std::unexpected(untrusted("a certificate of the list is not encrypted"));
    }
    const auto pem = opened(*sealed);
    if (!pem) return std::unexpected(untrusted("a certificate: " + pem.error().message));
    auto key = valid_key(*pem, text_in(*object, "serial_no"), now);
    if (!key) return std::unexpected(untrusted("a certificate: " + key.error().message));
    if (!*key) continue;
    candidates.add_configured((*key)->serial, (*key)->key);
    downloaded.push_back(std::move(**key));
  }
  auto signer = keys_.find(stamp->serial);
  if (!signer) signer = candidates.find(stamp->serial);
  if (!signer) {
    return std::unexpected(untrusted(fmt::format(
        "the certificates are signed with {}, which is not among them", quote(stamp->serial))));
  }
  if (const auto proof = v3_verify(*stamp, answer.body, *signer, now); !proof) {
    return std::unexpected(untrusted("the certificates: " + proof.error().message));
  }
  for (const Downloaded& key : downloaded)
    keys_.add_downloaded(key.serial, key.key, key.valid_until);
  return {};
}

}  // namespace sluice::payment

// Signatures of WeChat Pay v2 and v3.
#include "payment/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "payment/xml.h"

namespace sluice::payment {

namespace {

constexpr std::size_t kMd5SignBytes = 32;
constexpr std::size_t kHmacSignBytes = 64;
constexpr std::string_view kScheme = "WECHATPAY2-SHA256-RSA2048";
constexpr std::size_t kMaxStampBytes = 1024;  // the longest, a signature of RSA 4096, has 684
constexpr std::int64_t kLastSecond = kLastInstant.ms / 1000;

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, &to_upper, &to_upper);
}

}  // namespace

std::string_view name_of(SignType type) {
  return type == SignType::md5 ? "MD5" : "HMAC-SHA256";
}

std::string v2_sign(const Fields& fields, std::string_view api_key, SignType type) {
  std::vector<const Fields::value_type*> sorted;
  sorted.reserve(fields.size());
  for (const auto& field : fields) {
    if (!field.second.empty() && field.first != "sign") sorted.push_back(&field);
  }
  std::ranges::sort(sorted, {},
                    [](const auto* field) -> const std::string& { return field->first; });
  std::string text;
  for (const auto* field : sorted)
    text.append(field->first).append("=").append(field->second).append("&");
  text.append("key=").append(api_key);
  std::string sign = type == SignType::md5 ? md5_hex(text) : hmac_sha256_hex(api_key, text);
  std::ranges::transform(sign, sign.begin(), &to_upper);
  return sign;
}

Result<SignType> v2_verify(const Fields& fields, std::string_view api_key) {
  const auto sign = field_of(fields, "sign");
  if (!sign || sign->empty()) return fail("it has no sign");
  if (sign->size() != kMd5SignBytes && sign->size() != kHmacSignBytes) {
    return fail(fmt::format("its sign has {} characters; MD5 has {} and HMAC-SHA256 {}",
                            sign->size(), kMd5SignBytes, kHmacSignBytes));
  }
  const SignType type = sign->size() == kMd5SignBytes ? SignType::md5 : SignType::hmac_sha256;
  const auto stated = field_of(fields, "sign_type");
  if (stated && !stated->empty() && *stated != name_of(type)) {
    return fail(fmt::format("its sign_type is {}, but its sign has the length of {}",
                            quote(*stated), name_of(type)));
  }
  if (!equal_in_constant_time(*sign, v2_sign(fields, api_key, type))) {
    return fail(
        fmt::format("its {} sign does not match; it is forged or changed, or the API key "
                    "is another",
                    name_of(type)));
  }
  return type;
}

std::string v3_request_message(std::string_view method, std::string_view target,
                               std::string_view timestamp, std::string_view nonce,
                               std::string_view body) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n", method, target, timestamp, nonce, body);
}

std::string v3_answer_message(std::string_view timestamp, std::string_view nonce,
                              std::string_view body) {
  return fmt::format("{}\n{}\n{}\n", timestamp, nonce, body);
}

std::string to_text(const V3Authorization& authorization) {
  return fmt::format(
      "{} mchid=\"{}\",nonce_str=\"{}\",timestamp=\"{}\",serial_no=\"{}\",signature=\"{}\"",
      kScheme, authorization.mchid, authorization.nonce, authorization.timestamp,
      authorization.serial, authorization.signature);
}

Result<V3Authorization> parse_v3_authorization(std::string_view header) {
  if (!header.starts_with(kScheme) || !header.substr(kScheme.size()).starts_with(' ')) {
    return fail(fmt::format("the Authorization header's scheme is not {}", kScheme));
  }
  header.remove_prefix(kScheme.size());
  V3Authorization parts;
  const std::array<std::pair<std::string_view, std::string*>, 5> known{
      {{"mchid", &parts.mchid},
       {"nonce_str", &parts.nonce},
       {"timestamp", &parts.timestamp},
       {"serial_no", &parts.serial},
       {"signature", &parts.signature}}};
  while (true) {
    header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
    const std::size_t opens = header.find("=\"");
    if (opens == std::string_view::npos) return fail("the Authorization header has a bad part");
    const std::size_t closes = header.find('"', opens + 2);
    if (closes == std::string_view::npos) return fail("the Authorization header has an open quote");
    const auto* part = std::ranges::find(known, header.substr(0, opens),
                                         &std::pair<std::string_view, std::string*>::first);
    if (part == known.end() || !part->second->empty()) {
      return fail(fmt::format("the Authorization header has an unknown or repeated part {}",
                              quote(header.substr(0, opens))));
    }
    *part->second = header.substr(opens + 2, closes - opens - 2);
    header.remove_prefix(closes + 1);
    if (header.empty()) break;
    if (!header.starts_with(',')) return fail("the Authorization header lacks a comma");
    header.remove_prefix(1);
  }
  for (const auto& [name, value] : known) {
    if (value->empty()) return fail(fmt::format("the Authorization header has no {}", name));
  }
  return parts;
}

Result<V3Stamp> v3_stamp(const std::vector<std::pair<std::string, std::string>>& headers) {
  V3Stamp stamp;
  const std::array<std::pair<std::string_view, std::string*>, 4> known{
      {{"Wechatpay-Timestamp", &stamp.timestamp},
       {"Wechatpay-Nonce", &stamp.nonce},
       {"Wechatpay-Serial", &stamp.serial},
       {"Wechatpay-Signature", &stamp.signature}}};
  for (const auto& [name, value] : headers) {
    for (const auto& [wanted, into] : known) {
      if (!same_name(name, wanted)) continue;
      if (!into->empty()) return fail(fmt::format("the header {} came twice", wanted));
      if (value.size() > kMaxStampBytes) {
        return fail(fmt::format("the header {} has {} bytes; the limit is {}", wanted, value.size(),
                                kMaxStampBytes));
      }
      *into = value;
    }
  }
  for (const auto& [wanted, value] : known) {
    if (value->empty()) return fail(fmt::format("it is not signed: no header {}", wanted));
  }
  return stamp;
}

Result<> v3_verify(const V3Stamp& stamp, std::string_view body, const PublicKey& key, Instant now) {
  const auto seconds = parse_uint(stamp.timestamp, kLastSecond);
  if (!seconds) return fail(fmt::format("its timestamp {} is no time", quote(stamp.timestamp)));
  const Span off = now - Instant{*seconds * 1000};
  if (off >= kV3Freshness || off <= Span{-kV3Freshness.ms}) {
    return fail(
        fmt::format("its timestamp is {} s off; the limit is {} s: it is replayed, or this "
                    "machine's clock is wrong",
                    off.ms / 1000, kV3Freshness.ms / 1000));
  }
  if (stamp.signature.starts_with(kV3ProbePrefix)) {
    return fail("its signature is a probe of the provider, which must fail");
  }
  const auto signature = from_base64(stamp.signature);
  if (!signature ||
      !key.verifies(v3_answer_message(stamp.timestamp, stamp.nonce, body), *signature)) {
    return fail(fmt::format("its signature does not match the key {}; it is forged or changed",
                            quote(stamp.serial)));
  }
  return {};
}

}  // namespace sluice::payment

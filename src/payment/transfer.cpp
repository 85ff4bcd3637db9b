// One HTTP exchange with libcurl.
#include "payment/transfer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <mutex>
#include <string_view>

#include "base/assert.h"
#include "base/text.h"
#include "payment/wechat.h"

namespace sluice::payment {

namespace {

constexpr std::chrono::milliseconds kConnectTimeout{3000};

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Result<> readable(const std::string& file, std::string_view what) {
  if (file.empty() || ::access(file.c_str(), R_OK) == 0) return {};
  return fail(
      fmt::format("{} {} cannot be read; check the path and its permissions", what, quote(file)));
}

}  // namespace

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Result<TransferSetup> transfer_setup(const GatewayOptions& options) {
  TransferSetup setup{options.base_url, options.client_certificate_file, options.client_key_file,
                      false};
  if (setup.base_url.ends_with('/')) setup.base_url.pop_back();
  const auto wrong = [&] {
    return fail(
        fmt::format("wechat.base_url {} must be http:// or https://, a host and perhaps a "
                    "port, such as https://api.mch.weixin.qq.com",
                    quote(options.base_url)));
  };
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), &curl_url_cleanup);
  SLUICE_ASSERT(url != nullptr, "memory for a URL");
  if (curl_url_set(url.get(), CURLUPART_URL, setup.base_url.c_str(), 0) != CURLUE_OK) {
    return wrong();
  }
  const auto part = [&url](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(url.get(), which, &text, 0) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  const bool bare = part(CURLUPART_PATH) == "/" && part(CURLUPART_QUERY).empty() &&
                    part(CURLUPART_FRAGMENT).empty() && part(CURLUPART_USER).empty() &&
                    part(CURLUPART_PASSWORD).empty();
  if ((scheme != "http" && scheme != "https") || !bare) return wrong();
  if (auto read = readable(setup.client_certificate_file, "the client certificate"); !read) {
    return std::unexpected(read.error());
  }
  if (auto read = readable(setup.client_key_file, "the client certificate's key"); !read) {
    return std::unexpected(read.error());
  }
  setup.direct = is_loopback(part(CURLUPART_HOST));
  return setup;
}

Transfer::Transfer(const TransferSetup& setup, HttpCall call, std::chrono::milliseconds timeout)
    : call_(std::move(call)),
      url_(setup.base_url + call_.target),
      handle_(curl_easy_init(), &curl_easy_cleanup),
      headers_(nullptr, &curl_slist_free_all) {
  SLUICE_ASSERT(handle_ != nullptr, "memory for a transfer");
  set_up(setup, timeout);
}

void Transfer::set_up(const TransferSetup& setup, std::chrono::milliseconds timeout) {
  CURL* handle = handle_.get();
  const auto append = [this](const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  };
  for (const auto& [name, value] : call_.headers)
    append(fmt::format("{}: {}", name, value));
  append("Expect:");  // no extra round trip for bodies of a few hundred bytes
  if (call_.body.empty()) append("Content-Type:");
  curl_easy_setopt(handle, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason_.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(timeout, kConnectTimeout).count()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  if (setup.direct) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  if (call_.method != "GET") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call_.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(call_.body.size()));
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
  }
  if (call_.with_client_certificate && !setup.client_certificate_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_SSLCERT, setup.client_certificate_file.c_str());
    curl_easy_setopt(handle, CURLOPT_SSLKEY, setup.client_key_file.c_str());
  }
}

std::size_t Transfer::take_body(char* data, std::size_t /*one*/, std::size_t bytes,
                                void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  if (self.answer_.body.size() + bytes > kMaxAnswerBytes) {
    self.too_large_ = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  self.answer_.body.append(data, bytes);
  return bytes;
}

std::size_t Transfer::take_header(char* data, std::size_t /*one*/, std::size_t bytes,
                                  void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  std::string_view line(data, bytes);
  self.header_bytes_ += bytes;
  if (line.starts_with("HTTP/")) self.answer_.headers.clear();  // of a proxy, or an interim answer
  if (self.header_bytes_ > kMaxAnswerHeaderBytes ||
      self.answer_.headers.size() >= kMaxAnswerHeaders) {
    self.too_large_ = true;
    return 0;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  const auto trim = [](std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return std::string_view();
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  };
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n'))
    value.remove_suffix(1);
  self.answer_.headers.emplace_back(line.substr(0, colon), trim(value));
  return bytes;
}

Outcome<HttpAnswer> Transfer::result(CURLcode code) {
  if (too_large_) {
    return std::unexpected(
        wechat::untrusted(fmt::format("the answer is larger than {} bytes of body or {} of headers",
                                      kMaxAnswerBytes, kMaxAnswerHeaderBytes)));
  }
  if (code != CURLE_OK) {
    const std::string_view why = reason_[0] != '\0' ? reason_.data() : curl_easy_strerror(code);
    std::string message = fmt::format("the provider cannot be asked: {}", why);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      return std::unexpected(wechat::untrusted(std::move(message)));
    }
    return std::unexpected(Fault{Fault::Kind::retry, {}, std::move(message)});
  }
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  answer_.status = static_cast<int>(status);
  return std::move(answer_);
}

}  // namespace sluice::payment

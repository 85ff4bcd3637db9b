// A small blocking HTTP client over libcurl.
#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <memory>
#include <mutex>

namespace sluice::http {

namespace {

constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;

struct Collected {
  std::string body;
  bool too_large = false;
};

std::size_t collect(char* data, std::size_t /*one*/, std::size_t bytes, void* into) {
  auto& collected = *static_cast<Collected*>(into);
  if (collected.body.size() + bytes > kMaxAnswerBytes) {
    collected.too_large = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  collected.body.append(data, bytes);
  return bytes;
}

/// libcurl wants one call before any other, from one thread.
void initialise() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

HeaderList header_list(const ClientRequest& request) {
  HeaderList list(nullptr, &curl_slist_free_all);
  const auto append = [&](const char* line) {
    list.reset(curl_slist_append(list.release(), line));
  };
  for (const std::string& line : request.headers)
    append(line.c_str());
  append("Expect:");  // no extra round trip for bodies of a few hundred bytes
  return list;
}

/// The hash of the certificate's public key in the form of CURLOPT_PINNEDPUBLICKEY; empty where the
/// file holds no certificate.
std::string public_key_pin(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"),
                                                               &std::fclose);
  if (!stream) return {};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_X509(stream.get(), nullptr, nullptr, nullptr), &X509_free);
  if (!certificate) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  unsigned char* key = nullptr;
  const int bytes = i2d_PUBKEY(X509_get0_pubkey(certificate.get()), &key);
  const bool hashed = bytes > 0 && EVP_Digest(key, static_cast<std::size_t>(bytes), hash.data(),
                                              &size, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(key);
  if (!hashed) return {};
  std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(size));
  return "sha256//" + std::string(text.begin(), text.begin() + length);
}

/// False where the file to pin cannot be used.
bool set_trust(CURL* handle, const ClientRequest& request) {
  if (request.direct) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  if (request.pinned_certificate_file.empty()) return true;
  const std::string pin = public_key_pin(request.pinned_certificate_file);
  if (pin.empty()) return false;
  // The key itself is compared, so neither the name nor the issuer has anything to add.
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(handle, CURLOPT_PINNEDPUBLICKEY, pin.c_str());
  return true;
}

void set_body(CURL* handle, const ClientRequest& request) {
  if (request.body.empty() && request.method == "GET") return;
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

Result<ClientResponse> perform(const ClientRequest& request) {
  initialise();
  const Handle handle(curl_easy_init(), &curl_easy_cleanup);
  if (!handle) return fail(fmt::format("cannot ask {}: out of memory", request.url));
  const HeaderList headers = header_list(request);
  Collected collected;
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.ms));
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &collected);
  set_body(handle.get(), request);
  if (!set_trust(handle.get(), request)) {
    return fail(fmt::format("cannot ask {}: {} holds no readable certificate", request.url,
                            request.pinned_certificate_file));
  }
  const CURLcode code = curl_easy_perform(handle.get());
  if (collected.too_large) {
    return fail(fmt::format("cannot ask {}: the answer is larger than {} bytes", request.url,
                            kMaxAnswerBytes));
  }
  if (code != CURLE_OK) {
    const std::string_view cause = reason[0] != '\0' ? reason : curl_easy_strerror(code);
    return fail(fmt::format("cannot ask {}: {}", request.url, cause));
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  return ClientResponse{static_cast<int>(status), std::move(collected.body)};
}

}  // namespace sluice::http

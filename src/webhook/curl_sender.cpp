// One easy handle per attempt under one multi handle.
#include "webhook/curl_sender.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "webhook/address.h"
#include "webhook/protocol.h"

namespace sluice::webhook {

namespace {

constexpr long kMaxIdleConnections = 64;

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// Past any proxy that the environment names.
bool is_loopback(const std::string& url) {
  const std::string_view rest = std::string_view(url).substr(url.find("://") + 3);
  const std::string host(
      rest.substr(0, rest.find_first_of(rest.starts_with('[') ? "/?#" : ":/?#")));
  if (host == "localhost" || host == "[::1]" || host.starts_with("[::1]:")) return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

}  // namespace

class CurlSender::Transfer {
 public:
  Transfer(Parcel&& parcel, const SenderOptions& options)
      : parcel_(std::move(parcel)),
        options_(options),
        at_(options.now()),
        handle_(curl_easy_init(), &curl_easy_cleanup),
        headers_(nullptr, &curl_slist_free_all) {
    SLUICE_ASSERT(handle_ != nullptr, "memory for a transfer");
    set_up();
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return handle_.get(); }
  Verdict verdict(CURLcode code);

 private:
  static std::size_t take_body(char*, std::size_t, std::size_t bytes, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  void set_up();
  void add_headers();

  Parcel parcel_;
  const SenderOptions& options_;
  Instant at_;
  std::size_t body_bytes_ = 0;
  std::string_view refused_;
  std::array<char, CURL_ERROR_SIZE> reason_{};
  std::unique_ptr<CURL, void (*)(CURL*)> handle_;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers_;
};

void CurlSender::Transfer::add_headers() {
  const Delivery& delivery = parcel_.delivery;
  const auto append = [this](const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
  };
  append("Content-Type: application/json");
  append("Expect:");
  append(fmt::format("Sluice-Event: {}", to_text(delivery.type)));
  append(fmt::format("Sluice-Event-Id: {}", delivery.event_id));
  append(fmt::format("Sluice-Attempt: {}", delivery.attempts + 1));
  append("Sluice-Signature: " + signature(parcel_.secret, at_, delivery.body));
}

void CurlSender::Transfer::set_up() {
  CURL* handle = handle_.get();
  const std::string& body = parcel_.delivery.body;
  add_headers();
  curl_easy_setopt(handle, CURLOPT_URL, parcel_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason_.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.ms));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.timeout.ms));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  // A proxy would be what is connected to, and could lead anywhere.
  if (options_.public_only || is_loopback(parcel_.url)) curl_easy_setopt(handle, CURLOPT_PROXY, "");
}

std::size_t CurlSender::Transfer::take_body(char* /*data*/, std::size_t /*one*/, std::size_t bytes,
                                            void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.body_bytes_ += bytes;
  return self.body_bytes_ > kMaxAnswerBytes ? 0 : bytes;  // 0 ends the transfer
}

curl_socket_t CurlSender::Transfer::open_socket(void* transfer, curlsocktype /*purpose*/,
                                                curl_sockaddr* address) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.refused_ = refused_address(address->addr, self.options_.public_only);
  if (!self.refused_.empty()) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Verdict CurlSender::Transfer::verdict(CURLcode code) {
  Attempt attempt;
  attempt.at = at_;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_TOTAL_TIME_T, &microseconds);
  attempt.took = Span{static_cast<std::int64_t>(microseconds / 1000)};
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  // Who answered has answered, however long the rest of it takes or gets: nothing of it is used.
  const bool answered =
      status >= 200 && (code == CURLE_OK || code == CURLE_WRITE_ERROR || body_bytes_ > 0);
  if (answered) {
    attempt.status = static_cast<int>(status);
    attempt.error = status_error(attempt.status);
  } else if (!refused_.empty()) {
    attempt.error = refused_;
  } else {
    attempt.error = reason_[0] != '\0' ? reason_.data() : curl_easy_strerror(code);
    // What a peer says must neither break a log line nor the JSON of the delivery log.
    if (has_control(attempt.error) || !valid_utf8(attempt.error)) {
      attempt.error = quote(attempt.error);
    }
  }
  return Verdict{std::move(parcel_.delivery), std::move(attempt)};
}

CurlSender::CurlSender(SenderOptions options)
    : options_(std::move(options)), multi_(nullptr, &curl_multi_cleanup) {
  initialise_curl();
  multi_.reset(curl_multi_init());
  SLUICE_ASSERT(multi_ != nullptr, "memory for libcurl");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
}

CurlSender::~CurlSender() {
  for (auto& [handle, transfer] : active_)
    curl_multi_remove_handle(multi_.get(), handle);
}

void CurlSender::send(Parcel&& parcel) {
  auto transfer = std::make_unique<Transfer>(std::move(parcel), options_);
  CURL* handle = transfer->handle();
  curl_multi_add_handle(multi_.get(), handle);
  active_.emplace(handle, std::move(transfer));
}

void CurlSender::pump(const std::function<void(Verdict&&)>& done) {
  int running = 0;
  curl_multi_perform(multi_.get(), &running);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): libcurl says which member it is
    const CURLcode code = message->data.result;
    auto node = active_.extract(message->easy_handle);
    SLUICE_ASSERT(!node.empty(), "libcurl ends only what was begun");
    curl_multi_remove_handle(multi_.get(), node.key());
    done(node.mapped()->verdict(code));
  }
}

void CurlSender::wait(Span most) {
  const auto bounded = std::clamp<std::int64_t>(most.ms, 0, 60'000);
  curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(bounded), nullptr);
}

void CurlSender::wake() {
  curl_multi_wakeup(multi_.get());
}

}  // namespace sluice::webhook

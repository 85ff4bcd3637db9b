// The event loop around libcurl's multi interface.
#include "sandbox/notifier.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "sandbox/payload.h"

namespace sluice::sandbox {

namespace {

/// Read of an answer; the rest of a longer one is thrown away.
constexpr std::size_t kMaxReadBytes = 4 * 1024;
/// The longest sleep; changes wake the thread earlier.
constexpr std::int64_t kMaxSleepMs = 1'000;
/// Bodies of attempts with copies; beyond it they are built again.
constexpr std::size_t kMaxBodiesKept = 4'096;

struct Multi {
  CURLM* handle = curl_multi_init();
  Multi() = default;
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  ~Multi() { curl_multi_cleanup(handle); }
};

/// One request under way, with its handle and everything that libcurl points into.
struct Transfer {
  CURL* easy = curl_easy_init();
  curl_slist* headers = nullptr;
  Outbox::Task task;
  Api api = Api::v3;
  std::shared_ptr<const Payload> payload;
  Instant started;
  std::string answer;
  char reason[CURL_ERROR_SIZE] = "";

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
  }
};

std::size_t collect(char* data, std::size_t /*one*/, std::size_t bytes, void* into) {
  auto& answer = *static_cast<std::string*>(into);
  answer.append(data, std::min(bytes, kMaxReadBytes - answer.size()));
  return bytes;
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

void prepare(Transfer& transfer) {
  const Payload& payload = *transfer.payload;
  curl_slist_free_all(transfer.headers);
  transfer.headers = nullptr;
  for (const std::string& line : payload.headers)
    transfer.headers = curl_slist_append(transfer.headers, line.c_str());
  transfer.headers = curl_slist_append(transfer.headers, "Expect:");
  transfer.answer.clear();
  transfer.reason[0] = '\0';
  CURL* easy = transfer.easy;
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, payload.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (is_loopback(payload.url)) {
    // A server on this machine has a certificate of its own making; the notification is signed.
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "Mozilla/4.0");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(payload.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, payload.body.data());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.reason);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(kNotifyTimeout.ms));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer.answer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
}

class CurlNotifier final : public Notifier {
 public:
  CurlNotifier(Emulator& emulator, const Account& account)
      : emulator_(emulator), account_(account) {
    curl_multi_setopt(multi_.handle, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(kMaxNotificationsUnderWay));
    emulator_.on_change([this] { curl_multi_wakeup(multi_.handle); });
    thread_ = std::thread([this] { run(); });
  }
  CurlNotifier(const CurlNotifier&) = delete;
  CurlNotifier& operator=(const CurlNotifier&) = delete;
  ~CurlNotifier() override { stop(); }

  void stop() override {
    if (!thread_.joinable()) return;
    stopping_ = true;
    curl_multi_wakeup(multi_.handle);
    thread_.join();
    emulator_.on_change(nullptr);
  }

 private:
  void run() {
    while (!stopping_) {
      int running = 0;
      curl_multi_perform(multi_.handle, &running);
      finish_transfers();
      start_transfers();
      curl_multi_poll(multi_.handle, nullptr, 0, sleep_ms(), nullptr);
    }
    for (const auto& transfer : under_way_)
      curl_multi_remove_handle(multi_.handle, transfer->easy);
    under_way_.clear();
  }

  int sleep_ms() const {
    if (under_way_.size() >= kMaxNotificationsUnderWay) return kMaxSleepMs;
    const auto due = emulator_.next_due();
    if (!due) return kMaxSleepMs;
    const std::int64_t wait = (*due - emulator_.now()).ms;
    return static_cast<int>(std::clamp<std::int64_t>(wait, 0, kMaxSleepMs));
  }

  void start_transfers() {
    const auto tasks = emulator_.take(kMaxNotificationsUnderWay - under_way_.size());
    for (const Outbox::Task& task : tasks)
      start_one(task);
  }

  void start_one(const Outbox::Task& task) {
    std::unique_ptr<Transfer> transfer;
    if (spare_.empty()) {
      transfer = std::make_unique<Transfer>();
    } else {
      transfer = std::move(spare_.back());
      spare_.pop_back();
    }
    transfer->task = task;
    transfer->started = emulator_.now();
    if (!find_payload(*transfer)) {
      // Its order has made room for others; nobody waits for it any more.
      emulator_.answered(task, {false, 0, transfer->started, Span{}, "the order is forgotten"});
      spare_.push_back(std::move(transfer));
      return;
    }
    prepare(*transfer);
    curl_multi_add_handle(multi_.handle, transfer->easy);
    under_way_.push_back(std::move(transfer));
  }

  /// Copies are the same bytes as the attempt that they belong to.
  bool find_payload(Transfer& transfer) {
    const Outbox::Task& task = transfer.task;
    const auto known = bodies_.find(task.notice);
    if (task.kind == Attempt::Kind::copy && known != bodies_.end() &&
        known->second.attempt == task.attempt) {
      transfer.payload = known->second.payload;
      transfer.api = known->second.api;
      return true;
    }
    const auto subject = emulator_.subject(task);
    if (!subject) return false;
    transfer.api = subject->trade.asked.api;
    if (task.kind == Attempt::Kind::forged) {
      transfer.payload = std::make_shared<const Payload>(
          forgery(*subject, account_, emulator_.now(), forgeries_++));
      return true;
    }
    transfer.payload =
        std::make_shared<const Payload>(notification(*subject, account_, emulator_.now()));
    if (bodies_.size() >= kMaxBodiesKept) bodies_.clear();
    bodies_[task.notice] = {task.attempt, transfer.api, transfer.payload};
    return true;
  }

  void finish_transfers() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.handle, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): libcurl's message
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.handle, transfer->easy);
      tell(*transfer, code);
      const auto place = std::ranges::find_if(
          under_way_, [transfer](const auto& candidate) { return candidate.get() == transfer; });
      spare_.push_back(std::move(*place));
      *place = std::move(under_way_.back());
      under_way_.pop_back();
    }
  }

  void tell(Transfer& transfer, CURLcode code) {
    Emulator::Answer answer;
    answer.asked_at = transfer.started;
    answer.took = emulator_.now() - transfer.started;
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
      answer.status = static_cast<int>(status);
      answer.acknowledged = acknowledges(transfer.api, answer.status, transfer.answer);
      answer.text = transfer.answer;
    } else {
      answer.text = transfer.reason[0] != '\0' ? transfer.reason : curl_easy_strerror(code);
    }
    emulator_.answered(transfer.task, answer);
  }

  struct Body {
    std::size_t attempt = 0;
    Api api = Api::v3;
    std::shared_ptr<const Payload> payload;
  };

  Emulator& emulator_;
  const Account& account_;
  Multi multi_;
  std::vector<std::unique_ptr<Transfer>> under_way_;
  std::vector<std::unique_ptr<Transfer>> spare_;
  std::map<std::uint64_t, Body> bodies_;
  std::size_t forgeries_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

bool is_loopback(const std::string& url) {
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK) {
    return false;
  }
  std::string host(text);
  curl_free(text);
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  in_addr address{};
  const bool is_v4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "[::1]" || (is_v4 && ntohl(address.s_addr) >> 24U == 127);
}

Result<std::unique_ptr<Notifier>> Notifier::start(Emulator& emulator, const Account& account) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<CurlNotifier>(emulator, account);
}

}  // namespace sluice::sandbox

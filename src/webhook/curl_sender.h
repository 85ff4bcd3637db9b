// Deliveries over HTTP and HTTPS with libcurl: bounded in time and in what is read, no redirects,
// certificates verified, addresses checked where the connection is made.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/instant.h"
#include "webhook/sender.h"

namespace sluice::webhook {

/// What is read of an answer; only its status counts.
inline constexpr std::size_t kMaxAnswerBytes = 64 * 1024;

struct SenderOptions {
  std::string user_agent = "Sluice";
  Span timeout = Span::seconds(10);  ///< of one attempt, connecting included
  bool public_only = false;          ///< see refused_address()
  std::function<Instant()> now;      ///< the wall clock: receivers compare it with theirs
};

/// All calls from one thread but wake().
class CurlSender final : public Sender {
 public:
  explicit CurlSender(SenderOptions options);
  ~CurlSender() override;
  CurlSender(const CurlSender&) = delete;
  CurlSender& operator=(const CurlSender&) = delete;

  void send(Parcel&& parcel) override;
  /// Moves bytes and hands over what came to an end.
  void pump(const std::function<void(Verdict&&)>& done);
  /// Waits until there is something to pump, wake() was called, or `most` has passed.
  void wait(Span most);
  /// Any thread.
  void wake();

 private:
  class Transfer;

  const SenderOptions options_;
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> active_;
};

}  // namespace sluice::webhook

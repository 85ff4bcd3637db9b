// One HTTP exchange with libcurl: sets a handle up for a call and collects the answer within
// bounds.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "payment/protocol.h"

namespace sluice::payment {

inline constexpr std::size_t kMaxAnswerBytes = 1024 * 1024;
inline constexpr std::size_t kMaxAnswerHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMaxAnswerHeaders = 128;

using Multi = std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)>;

/// What every exchange of a gateway shares.
struct TransferSetup {
  std::string base_url;  ///< without a slash at the end
  std::string client_certificate_file;
  std::string client_key_file;
  bool direct = false;  ///< to this machine, past any proxy that the environment names
};

/// Errors: base_url is not scheme, host and port; a certificate file cannot be read.
Result<TransferSetup> transfer_setup(const GatewayOptions& options);

/// libcurl wants one call before any other.
void initialise_curl();

class Transfer {
 public:
  Transfer(const TransferSetup& setup, HttpCall call, std::chrono::milliseconds timeout);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return handle_.get(); }
  /// The answer, or why there is none.
  Outcome<HttpAnswer> result(CURLcode code);

 private:
  static std::size_t take_body(char* data, std::size_t one, std::size_t bytes, void* transfer);
  static std::size_t take_header(char* data, std::size_t one, std::size_t bytes, void* transfer);
  void set_up(const TransferSetup& setup, std::chrono::milliseconds timeout);

  HttpCall call_;
  HttpAnswer answer_;
  std::string url_;
  std::size_t header_bytes_ = 0;
  bool too_large_ = false;
  std::array<char, CURL_ERROR_SIZE> reason_{};
  std::unique_ptr<CURL, void (*)(CURL*)> handle_;
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers_;
};

}  // namespace sluice::payment

// For tests: a sandbox without sockets under a clock that the test moves, an account, and our own
// client's protocols to talk to it.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "payment/protocol.h"
#include "payment/xml.h"
#include "sandbox/control.h"
#include "sandbox/keys.h"
#include "sandbox/page.h"
#include "sandbox/v2.h"
#include "sandbox/v3.h"

namespace sluice::sandbox {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sandbox-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string content_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Keys take a while to make: one folder for all tests of a program.
class TestKeys {
 public:
  static const TestKeys& instance() {
    static const TestKeys keys;
    return keys;
  }
  const Account& account() const { return *account_; }
  std::string merchant_key() const { return content_of_file(folder_.path() + "/merchant_key.pem"); }
  std::string platform_certificate() const {
    return content_of_file(folder_.path() + "/platform_cert.pem");
  }

 private:
  TestKeys() : account_(open_account(folder_.path(), "", "", Instant{1'700'000'000'000})) {
    EXPECT_TRUE(account_.has_value());
  }
  TemporaryFolder folder_;
  Result<Account> account_;
};

inline constexpr Instant kStart{1'700'000'000'000};
inline constexpr std::string_view kBase = "http://sandbox.test";
inline constexpr const char* kNotifyUrl = "http://127.0.0.1:1/weixin/pay/notify/url";

class SandboxTest : public ::testing::Test {
 protected:
  const Account& account() const { return TestKeys::instance().account(); }

  std::unique_ptr<payment::Protocol> v2_client(bool hmac = false) const {
    return payment::wechat_v2(
        {account().appid, account().mch_id, account().api_key, kNotifyUrl, hmac});
  }
  std::unique_ptr<payment::Protocol> v3_client() const {
    const TestKeys& keys = TestKeys::instance();
    auto made = payment::wechat_v3({account().appid, account().mch_id, account().api_v3_key,
                                    kNotifyUrl, account().merchant_serial, keys.merchant_key(),
                                    account().platform_serial, keys.platform_certificate()});
    EXPECT_TRUE(made.has_value());
    return std::move(*made);
  }

  payment::Moment moment() const { return {now_, "nonce0123456789"}; }

  /// Where the call goes, by its target alone, as the router does.
  payment::HttpAnswer send(const payment::HttpCall& call) const {
    const std::string_view target = call.target;
    const std::string_view path = target.substr(0, target.find('?'));
    http::Request request;
    request.method = call.method == "POST" ? http::Method::post : http::Method::get;
    request.target = target;
    request.path = path;
    if (path.size() < target.size()) request.query = target.substr(path.size() + 1);
    request.body = call.body;
    for (const auto& [name, value] : call.headers) {
      if (name == "Authorization") request.authorization = value;
    }
    return answer_of(route(path, request));
  }

  static payment::HttpAnswer answer_of(const http::Response& response) {
    payment::HttpAnswer answer{response.status, {}, response.body};
    std::istringstream lines(response.headers);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t colon = line.find(": ");
      answer.headers.emplace_back(line.substr(0, colon),
                                  line.substr(colon + 2, line.size() - colon - 3));
    }
    return answer;
  }

  http::Response route(std::string_view path, const http::Request& request) const {
    constexpr std::string_view by_number = "/v3/pay/transactions/out-trade-no/";
    constexpr std::string_view refunds = "/v3/refund/domestic/refunds/";
    if (path == "/pay/unifiedorder") return v2_.handle(V2::Call::unified_order, request);
    if (path == "/pay/orderquery") return v2_.handle(V2::Call::order_query, request);
    if (path == "/pay/closeorder") return v2_.handle(V2::Call::close_order, request);
    if (path == "/secapi/pay/refund") return v2_.handle(V2::Call::refund, request);
    if (path == "/pay/refundquery") return v2_.handle(V2::Call::refund_query, request);
    if (path == "/v3/pay/transactions/native") return v3_.handle(V3::Call::native, request, "");
    if (path == "/v3/certificates") return v3_.handle(V3::Call::certificates, request, "");
    if (path == "/v3/refund/domestic/refunds") return v3_.handle(V3::Call::refund, request, "");
    if (path.starts_with(refunds)) {
      return v3_.handle(V3::Call::query_refund, request, path.substr(refunds.size()));
    }
    if (path.ends_with("/close")) {
      path.remove_suffix(6);
      return v3_.handle(V3::Call::close, request, path.substr(by_number.size()));
    }
    return v3_.handle(V3::Call::query_by_number, request, path.substr(by_number.size()));
  }

  payment::NewPayment new_payment(const std::string& number) const {
    return {number,
            Money{1990},
            Currency(),
            "Kettle <&> 水壶",
            R"({"queue":"q"})",
            now_ + Span::seconds(600),
            "127.0.0.1"};
  }
  OrderRequest order_request(const std::string& number, Api api = Api::v3) const {
    OrderRequest request;
    request.api = api;
    request.out_trade_no = number;
    request.description = "Kettle";
    request.notify_url = kNotifyUrl;
    request.total = Money{1990};
    request.time_expire = now_ + Span::seconds(600);
    return request;
  }

  static boost::json::object json(const http::Response& response) {
    return boost::json::parse(response.body).as_object();
  }
  boost::json::object shown(const std::string& number) const { return json(control_.show(number)); }
  /// The names of what happened to an order.
  std::vector<std::string> events(const std::string& number) const {
    std::vector<std::string> names;
    const boost::json::object order = shown(number);
    for (const auto& event : order.at("events").as_array())
      names.emplace_back(event.at("event").as_string());
    return names;
  }

  Instant now_ = kStart;
  Emulator emulator_{[this] { return now_; }};
  V2 v2_{emulator_, TestKeys::instance().account(), [] { return std::string(kBase); }};
  V3 v3_{emulator_, TestKeys::instance().account(), [] { return std::string(kBase); }};
  Control control_{emulator_, [] { return std::string(kBase); }};
  Page page_{emulator_, TestKeys::instance().account()};
};

}  // namespace sluice::sandbox

// The running sandbox: its files, its address, its notifications over the wire, its end.
#include "sandbox/sandbox.h"

#include <sys/stat.h>

#include <atomic>

#include "http/client.h"
#include "http/test_server.h"
#include "sandbox/notifier.h"
#include "sandbox/testing.h"

namespace sluice::sandbox {
namespace {

using ::testing::HasSubstr;

int mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777U) : -1;
}

class RunningTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Sandbox>> start(const std::string& address = "127.0.0.1") {
    SandboxOptions options;
    options.address = address;
    options.keys_directory = folder_.path() + "/keys";
    return Sandbox::start(options);
  }
  std::string file(const std::string& name) const { return folder_.path() + "/keys/" + name; }

  TemporaryFolder folder_;
};

TEST_F(RunningTest, MakesWhatBothSidesNeedAndKeepsItOverARestart) {
  auto first = start();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const std::string key = content_of_file(file("platform_key.pem"));
  const std::string settings = content_of_file(file("wechat.toml"));
  EXPECT_THAT(settings, HasSubstr("base_url = \"" + (*first)->base_url() + "\""));
  EXPECT_THAT(settings, HasSubstr("platform_public_key_file = \"" + file("platform_cert.pem")));
  EXPECT_EQ((*first)->settings_file(), file("wechat.toml"));
  EXPECT_EQ(mode_of(folder_.path() + "/keys"), 0700);
  for (const char* name : {"merchant_key.pem", "platform_key.pem", "wechat.toml"})
    EXPECT_EQ(mode_of(file(name)), 0600) << name;
  (*first)->stop();
  auto second = start();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(content_of_file(file("platform_key.pem")), key);
  const auto line = [](const std::string& text, const std::string& name) {
    const std::size_t at = text.find(name);
    return text.substr(at, text.find('\n', at) - at);
  };
  const std::string again = content_of_file(file("wechat.toml"));
  for (const char* name : {"appid", "mch_id", "api_key", "api_v3_key", "merchant_serial"})
    EXPECT_EQ(line(again, name), line(settings, name));
}

TEST_F(RunningTest, AKeyWithoutItsCertificateIsNamed) {
  ASSERT_TRUE(start().has_value());
  std::filesystem::remove(file("merchant_cert.pem"));
  const auto refused = start();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("merchant_key.pem is there without"));
}

TEST_F(RunningTest, BrokenFilesAreNamed) {
  ASSERT_TRUE(start().has_value());
  const std::string settings = content_of_file(file("wechat.toml"));
  std::ofstream(file("wechat.toml")) << "[wechat\n";
  EXPECT_THAT(start().error().message, HasSubstr("wechat.toml line 1"));
  std::ofstream(file("wechat.toml")) << "[wechat]\napi_v3_key = \"short\"\n";
  EXPECT_THAT(start().error().message, HasSubstr("api_v3_key has 5 bytes"));
  std::ofstream(file("wechat.toml")) << settings;
  std::ofstream(file("platform_key.pem")) << "no key";
  EXPECT_THAT(start().error().message, HasSubstr("platform_key.pem"));
}

TEST_F(RunningTest, OtherMachinesReachItOnlyWhereThatWasAllowed) {
  const auto refused = start("0.0.0.0");
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("--allow-remote"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/keys")) << "nothing was made";
}

/// A merchant whose answers the test decides.
class RunningWithMerchant : public RunningTest {
 protected:
  void SetUp() override {
    auto sandbox = start();
    ASSERT_TRUE(sandbox.has_value()) << sandbox.error().message;
    sandbox_ = std::move(*sandbox);
    start_merchant({});
  }
  void start_merchant(http::ServerOptions options) {
    merchant_ = http::start(
        [this](const http::Request&, http::Responder responder, http::IoThread&) {
          ++received_;
          if (hang_) {
            held_.push_back(std::move(responder));
            return;
          }
          http::Response response;
          response.status = status_;
          responder.send(std::move(response));
        },
        std::move(options));
  }
  void TearDown() override {
    if (sandbox_) sandbox_->stop();
    merchant_->stop(Span{});
  }

  boost::json::object control(const std::string& method, const std::string& target,
                              const std::string& body = "") const {
    const auto answer = http::perform({.method = method,
                                       .url = sandbox_->base_url() + "/_sandbox" + target,
                                       .body = body,
                                       .direct = true});
    EXPECT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200) << answer->body;
    return boost::json::parse(answer->body).as_object();
  }
  /// Creates an order over the wire, signed as a merchant signs.
  void create(const std::string& number) const {
    const auto account = open_account(folder_.path() + "/keys", "", "", kStart);
    const auto client = payment::wechat_v2(
        {account->appid, account->mch_id, account->api_key,
         scheme_ + "://127.0.0.1:" + std::to_string(merchant_->port()) + "/notify", false});
    const payment::NewPayment payment{
        number, Money{100}, Currency(), "x", "", Instant{4'000'000'000'000}, "127.0.0.1"};
    const auto call = client->create(payment, {Instant{}, "n"});
    const auto answer = http::perform({.method = "POST",
                                       .url = sandbox_->base_url() + call.target,
                                       .body = call.body,
                                       .direct = true});
    ASSERT_TRUE(answer.has_value());
    ASSERT_THAT(answer->body, HasSubstr("code_url"));
  }

  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<http::Server> merchant_;
  std::string scheme_ = "http";
  std::atomic<int> received_ = 0;
  std::atomic<int> status_ = 500;
  std::atomic<bool> hang_ = false;
  std::vector<http::Responder> held_;  ///< of the merchant's I/O thread, until that has ended
};

TEST_F(RunningWithMerchant, ANotificationIsRepeatedUntilTheScheduleEnds) {
  control("PUT", "/clock", R"({"speed":1000000})");
  create("No1000");
  control("POST", "/orders/No1000/pay");
  ASSERT_TRUE(http::eventually([&] { return received_ == 16; }));
  ASSERT_TRUE(http::eventually(
      [&] { return control("GET", "/orders/No1000").at("notifications").at("open") == 0; }));
  const auto order = control("GET", "/orders/No1000");
  EXPECT_EQ(order.at("attempts").as_array().size(), 16U);
  EXPECT_EQ(order.at("events").as_array().back().at("event"), "notify_given_up");
}

TEST_F(RunningWithMerchant, ServersOfThisMachineMayHaveACertificateOfTheirOwnMaking) {
  merchant_->stop(Span{});
  http::ServerOptions options;
  options.listen.certificate_file = file("merchant_cert.pem");
  options.listen.private_key_file = file("merchant_key.pem");
  start_merchant(options);
  scheme_ = "https";
  create("No1000");
  control("POST", "/orders/No1000/pay");
  ASSERT_TRUE(http::eventually([&] { return received_ > 0; }));
}

TEST(Loopback, IsThisMachineAloneHoweverItIsWritten) {
  for (const char* url : {"https://127.0.0.1/x", "https://127.9.8.7:8443/x", "https://[::1]:1/",
                          "https://localhost/", "https://user@LOCALHOST:1/"})
    EXPECT_TRUE(is_loopback(url)) << url;
  for (const char* url :
       {"https://127.0.0.1.example/", "https://localhost.example/", "https://127.0.0.1@example/",
        "https://shop.example/127.0.0.1", "https://128.0.0.1/", "https://[::2]/", "no URL", ""})
    EXPECT_FALSE(is_loopback(url)) << url;
}

TEST_F(RunningWithMerchant, CopiesArriveByTheThousand) {
  control("PUT", "/faults", R"({"notify":{"duplicate":1000}})");
  create("No1000");
  control("POST", "/orders/No1000/pay");
  ASSERT_TRUE(http::eventually([&] { return received_ == 1'001; }));
}

TEST_F(RunningWithMerchant, EndsAtOnceThoughAMerchantHangs) {
  hang_ = true;
  create("No1000");
  control("POST", "/orders/No1000/pay");
  ASSERT_TRUE(http::eventually([&] { return received_ == 1; }));
  sandbox_->stop();
  sandbox_.reset();
}

TEST_F(RunningWithMerchant, UnknownPathsMethodsAndOtherSitesAreRefused) {
  const auto ask = [&](const std::string& method, const std::string& target,
                       std::vector<std::string> headers = {}) {
    return http::perform({.method = method,
                          .url = sandbox_->base_url() + target,
                          .headers = std::move(headers),
                          .direct = true})
        ->status;
  };
  EXPECT_EQ(ask("GET", "/nothing"), 404);
  EXPECT_EQ(ask("DELETE", "/_sandbox/orders"), 405);
  EXPECT_EQ(ask("GET", "/pay/unifiedorder"), 200) << "v2 answers in XML, whatever the method";
  EXPECT_EQ(ask("POST", "/pay/anycode", {"Sec-Fetch-Site: cross-site"}), 403);
  EXPECT_EQ(ask("POST", "/pay/anycode"), 404);
  EXPECT_EQ(ask("GET", "/"), 200);
}

}  // namespace
}  // namespace sluice::sandbox

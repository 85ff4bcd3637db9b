// What [wechat] and [payment] may say, tried with an account that the sandbox made.
#include "app/wechat.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/support.h"
#include "sandbox/sandbox.h"

namespace sluice::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WechatConfigTest : public ::testing::Test {
 protected:
  WechatConfigTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wechat-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~WechatConfigTest() override { std::filesystem::remove_all(folder_); }

  /// A valid account, changed by `overrides` ("" takes a key away).
  Config account(const std::string& api, const std::map<std::string, std::string>& overrides = {}) {
    sandbox::SandboxOptions options;
    options.keys_directory = folder_ + "/keys";
    options.notify_url = "http://127.0.0.1:1/weixin/pay/notify/url";
    options.api = api;
    auto sandbox = sandbox::Sandbox::start(options);
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    ConfigSources sources;
    sources.file = (*sandbox)->settings_file();
    (*sandbox)->stop();
    for (const auto& [key, value] : overrides)
      sources.flags.push_back({key, value, "--set"});
    auto config = Config::load(sources);
    EXPECT_TRUE(config) << config.error().message;
    return *config;
  }

  std::string problem(const std::string& api,
                      const std::map<std::string, std::string>& overrides = {}) {
    const auto checked = check_wechat(account(api, overrides));
    return checked ? "" : checked.error().message;
  }

  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string folder_;
};

TEST_F(WechatConfigTest, NothingGivenIsNoGateway) {
  const auto config = Config::load({});
  ASSERT_TRUE(config);
  EXPECT_FALSE(wechat_configured(*config));
  EXPECT_TRUE(check_supported(*config));
  EXPECT_TRUE(has_role(*config, "pay"));
}

TEST_F(WechatConfigTest, TheSandboxesAccountIsComplete) {
  for (const char* api : {"v2", "v3"}) {
    const Config config = account(api);
    EXPECT_TRUE(wechat_configured(config));
    const auto supported = check_supported(config);
    EXPECT_TRUE(supported) << supported.error().message;
    EXPECT_TRUE(unused_settings(config).empty());
    EXPECT_THAT(wechat_name(config), HasSubstr(api));
  }
}

TEST_F(WechatConfigTest, NamesEverythingThatIsMissing) {
  const auto only_id = Config::load({{{"wechat.mch_id", "1900000109", "--set"}}, {}, {}});
  ASSERT_TRUE(only_id);
  const auto v3 = check_wechat(*only_id);
  ASSERT_FALSE(v3);
  EXPECT_THAT(v3.error().message,
              AllOf(HasSubstr("needs wechat.appid"), HasSubstr("needs wechat.notify_url"),
                    HasSubstr("needs wechat.api_v3_key"), HasSubstr("needs wechat.merchant_serial"),
                    HasSubstr("needs wechat.merchant_private_key_file")));
  EXPECT_THAT(problem("v2", {{"wechat.api_key", ""}}),
              HasSubstr("wechat.api = \"v2\" needs wechat.api_key"));
  EXPECT_THAT(problem("v3", {{"wechat.platform_serial", ""}}), HasSubstr("belong together"));
  EXPECT_THAT(problem("v2", {{"wechat.merchant_certificate_file", "cert.pem"},
                             {"wechat.merchant_private_key_file", ""}}),
              HasSubstr("needs wechat.merchant_private_key_file"));
}

TEST_F(WechatConfigTest, RefusesWhatTheProviderDoesNotTake) {
  EXPECT_THAT(problem("v3", {{"wechat.base_url", "api.mch.weixin.qq.com"}}),
              HasSubstr("must start with https://"));
  EXPECT_THAT(problem("v3", {{"wechat.base_url", "https://api.mch.weixin.qq.com/v3"}}),
              HasSubstr("without a path"));
  EXPECT_THAT(problem("v3", {{"wechat.notify_url", "https://shop/notify?a=1"}}),
              HasSubstr("query string"));
  EXPECT_THAT(problem("v3", {{"wechat.notify_url", "https://" + std::string(250, 'h')}}),
              HasSubstr("at most 255"));
  EXPECT_THAT(problem("v2", {{"wechat.mch_id", std::string(33, '1')}}), HasSubstr("at most 32"));
  EXPECT_THAT(problem("v3", {{"wechat.api_v3_key", "too short"}}), HasSubstr("[wechat]"));
  EXPECT_THAT(problem("v3", {{"wechat.merchant_private_key_file", folder_ + "/none"}}),
              HasSubstr("wechat.merchant_private_key_file: "));
  EXPECT_THAT(problem("v3", {{"wechat.merchant_private_key_file", file("no.pem", "no key")}}),
              HasSubstr("[wechat]"));
  EXPECT_THAT(problem("v3", {{"wechat.platform_public_key_file", file("no.pem", "no key")}}),
              HasSubstr("[wechat]"));
}

TEST_F(WechatConfigTest, V2RefundsNeedTheMerchantsCertificate) {
  const std::map<std::string, std::string> real{
      {"wechat.base_url", "https://api.mch.weixin.qq.com"},
      {"wechat.merchant_certificate_file", ""}};
  ASSERT_TRUE(check_wechat(account("v2", real))) << "payments work without";
  const auto remark = refund_remark(account("v2", real));
  ASSERT_TRUE(remark);
  EXPECT_THAT(*remark, HasSubstr("wechat.merchant_certificate_file"));
  EXPECT_FALSE(refund_remark(account("v2"))) << "a sandbox without TLS asks for none";
  auto whole = real;
  whole["wechat.merchant_certificate_file"] = "cert.pem";
  EXPECT_FALSE(refund_remark(account("v2", whole)));
  EXPECT_FALSE(refund_remark(account("v3", real)));
  EXPECT_FALSE(refund_remark(*Config::load({})));
}

TEST_F(WechatConfigTest, IsNotUsedWithoutTheRole) {
  const Config config = account("v3", {{"server.roles", "sale,console"}});
  const auto remarks = unused_settings(config);
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_THAT(remarks.front(), HasSubstr("lacks pay"));
}

std::string places(const std::map<std::string, std::string>& values) {
  ConfigSources sources;
  for (const auto& [key, value] : values)
    sources.flags.push_back({key, value, "--set"});
  const auto config = Config::load(sources);
  if (!config) return config.error().message;
  const auto found = destinations(*config);
  if (!found) return found.error().message;
  std::string text;
  for (const bus::Binding& place : *found) {
    EXPECT_EQ(place.routing_key, place.queue);
    text += place.exchange + "/" + place.queue + " ";
  }
  return text;
}

TEST_F(WechatConfigTest, NotificationsGoWhereTheListSays) {
  EXPECT_EQ(places({}), "exchange.order/queueSeckillOrder exchange.order/queue.order ");
  EXPECT_EQ(places({{"payment.exchange", "pay"}, {"payment.destinations", "gift/cards,gift/food"}}),
            "pay/queueSeckillOrder pay/queue.order gift/cards gift/food ");
  EXPECT_THAT(places({{"payment.order_queue", "queueSeckillOrder"}}), HasSubstr("twice"));
  for (const char* bad : {"gift", "gift/", "/cards", "gift/a/b", ","}) {
    EXPECT_THAT(places({{"payment.destinations", bad}}), HasSubstr("cannot name")) << bad;
  }
  EXPECT_THAT(places({{"payment.sale_queue", ""}}), HasSubstr("cannot name"));
}

}  // namespace
}  // namespace sluice::app

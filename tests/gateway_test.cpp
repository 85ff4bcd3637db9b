// The real gateway against the running sandbox, every call in both versions, over sockets.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "http/client.h"
#include "payment/protocol.h"
#include "sandbox/sandbox.h"

namespace sluice::payment {
namespace {

enum class Mode : std::uint8_t { v2_md5, v2_hmac, v3_key, v3_certificates };

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class GatewayOverSandbox : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "gateway-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    sandbox::SandboxOptions options;
    options.keys_directory = folder_;
    auto started = sandbox::Sandbox::start(options);
    ASSERT_TRUE(started) << started.error().message;
    sandbox_ = std::move(*started);
    settings_ = content(sandbox_->settings_file());
    GatewayOptions gateway;
    gateway.base_url = sandbox_->base_url();
    auto opened = start_gateway(protocol(), gateway);
    ASSERT_TRUE(opened) << opened.error().message;
    gateway_ = std::move(*opened);
  }
  void TearDown() override {
    if (gateway_) gateway_->stop();
    if (sandbox_) sandbox_->stop();
    std::filesystem::remove_all(folder_);
  }

  std::string setting(const std::string& key) const {
    const std::string begin = "\n" + key + " = \"";
    const std::size_t at = settings_.find(begin);
    EXPECT_NE(at, std::string::npos) << key;
    const std::size_t from = at + begin.size();
    return settings_.substr(from, settings_.find('"', from) - from);
  }
  std::unique_ptr<Protocol> protocol() const {
    const Mode mode = GetParam();
    if (mode == Mode::v2_md5 || mode == Mode::v2_hmac) {
      return wechat_v2({setting("appid"), setting("mch_id"), setting("api_key"),
                        setting("notify_url"), mode == Mode::v2_hmac});
    }
    WechatV3Account account{
        setting("appid"),           setting("mch_id"),
        setting("api_v3_key"),      setting("notify_url"),
        setting("merchant_serial"), content(setting("merchant_private_key_file")),
        setting("platform_serial"), content(setting("platform_public_key_file"))};
    if (mode == Mode::v3_certificates) {
      account.platform_serial.clear();
      account.platform_public_key_pem.clear();
    }
    return wechat_v3(account).value();
  }

  template <class T, class Call>
  static Outcome<T> wait(Call call) {
    std::promise<Outcome<T>> promise;
    call([&promise](Outcome<T> outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get();  // the gateway's own timeout bounds this
  }
  Outcome<CreatedPayment> create(const std::string& order) {
    return wait<CreatedPayment>([&](auto then) {
      gateway_->create({order, Money{1999}, Currency(), "一件商品 ]]> & <b>", "{\"q\":\"深圳\"}",
                        expires_at_, "127.0.0.1"},
                       std::move(then));
    });
  }
  Outcome<Trade> query(const std::string& order) {
    return wait<Trade>([&](auto then) { gateway_->query(order, std::move(then)); });
  }
  Outcome<CloseAnswer> close(const std::string& order) {
    return wait<CloseAnswer>([&](auto then) { gateway_->close(order, std::move(then)); });
  }
  void pay(const std::string& order) const {
    http::ClientRequest request;
    request.method = "POST";
    request.url = fmt::format("{}/_sandbox/orders/{}/pay", sandbox_->base_url(), order);
    request.body = "{}";
    request.direct = true;
    const auto answer = http::perform(request);
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->status / 100, 2) << answer->body;
  }

  std::string folder_;
  std::string settings_;
  /// One moment for all: a repeated creation has the same parameters.
  const Instant expires_at_ = Instant{std::chrono::duration_cast<std::chrono::milliseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count()} +
                              Span::seconds(1800);
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_P(GatewayOverSandbox, PaidThenRefunded) {
  const std::string order = "No382966440002584576";
  const auto created = create(order);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_FALSE(created->code_url.empty());
  EXPECT_EQ(create(order)->code_url, created->code_url) << "the same request, the same answer";
  ASSERT_TRUE(query(order));
  EXPECT_EQ(query(order)->state, Trade::State::not_paid);
  pay(order);
  const auto paid = query(order);
  ASSERT_TRUE(paid && paid->payment) << (paid ? "no payment" : paid.error().message);
  EXPECT_EQ(paid->state, Trade::State::paid);
  EXPECT_EQ(paid->payment->amount, Money{1999});
  EXPECT_EQ(paid->payment->attach, "{\"q\":\"深圳\"}");
  EXPECT_EQ(close(order), CloseAnswer::already_paid);

  const RefundOrder refund{
      order,     paid->payment->transaction_id, "R" + order, Money{1999}, Money{999}, Currency(),
      "too late"};
  for (int i = 0; i < 2; ++i) {  // idempotent
    const auto refunded =
        wait<RefundProgress>([&](auto then) { gateway_->refund(refund, std::move(then)); });
    ASSERT_TRUE(refunded) << refunded.error().message;
    EXPECT_NE(refunded->state, RefundProgress::State::failed);
  }
  const auto followed = [&](const std::string& number) {
    return wait<RefundProgress>(
        [&](auto then) { gateway_->query_refund(order, number, std::move(then)); });
  };
  ASSERT_TRUE(followed(refund.out_refund_no)) << followed(refund.out_refund_no).error().message;
  EXPECT_EQ(followed(refund.out_refund_no)->state, RefundProgress::State::succeeded);
  ASSERT_TRUE(followed("R-unknown")) << followed("R-unknown").error().message;
  EXPECT_EQ(followed("R-unknown")->state, RefundProgress::State::not_found);
  EXPECT_EQ(query(order)->state, Trade::State::refunded);
}

TEST_P(GatewayOverSandbox, ClosedAndUnknown) {
  const std::string order = "No382966440002584577";
  ASSERT_TRUE(create(order));
  EXPECT_EQ(close(order), CloseAnswer::closed);
  EXPECT_EQ(query(order)->state, Trade::State::closed);
  const auto again = close(order);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*again == CloseAnswer::closed || *again == CloseAnswer::already_closed);
  EXPECT_EQ(create(order).error().kind, Fault::Kind::refused) << "a closed order is not reopened";
  EXPECT_EQ(query("No382966440002584578")->state, Trade::State::not_found);
  EXPECT_EQ(close("No382966440002584578"), CloseAnswer::not_found);
}

std::string name_of(const testing::TestParamInfo<Mode>& mode) {
  switch (mode.param) {
    case Mode::v2_md5:
      return "v2_md5";
    case Mode::v2_hmac:
      return "v2_hmac";
    case Mode::v3_key:
      return "v3_key";
    case Mode::v3_certificates:
      break;
  }
  return "v3_certificates";
}

INSTANTIATE_TEST_SUITE_P(Modes, GatewayOverSandbox,
                         testing::Values(Mode::v2_md5, Mode::v2_hmac, Mode::v3_key,
                                         Mode::v3_certificates),
                         &name_of);

}  // namespace
}  // namespace sluice::payment

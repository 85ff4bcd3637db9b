// Notifications of v3 and the keys that verify them: what is taken, and every forgery refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "payment/v3_test_support.h"
#include "payment/xml.h"

namespace sluice::payment {
namespace {

class WechatV3Notify : public testing::Test {
 protected:
  std::unique_ptr<Protocol> v3_ = wechat_v3(test_account()).value();

  Result<Notification> parse(const std::string& body) const {
    return v3_->parse(test_notification(body), kTestNow);
  }
  std::string refusal(const RawNotification& raw, Instant now = kTestNow) const {
    const auto read = v3_->parse(raw, now);
    EXPECT_FALSE(read);
    return read ? "" : read.error().message;
  }
  static std::string& header(RawNotification& raw, std::string_view name) {
    return std::ranges::find(raw.headers, name, &Headers::value_type::first)->second;
  }
  static bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(WechatV3Notify, Payment) {
  const auto read = parse(test_notice(test_trade()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, Notification::Kind::payment);
  EXPECT_TRUE(read->succeeded);
  EXPECT_EQ(read->event_id, "EV-2018022511223320873");
  EXPECT_EQ(read->out_trade_no, kTestOrder);
  EXPECT_EQ(read->attach, "{\"q\":1}");
  ASSERT_TRUE(read->payment);
  EXPECT_EQ(read->payment->amount, Money{888});
  EXPECT_EQ(read->payment->transaction_id, "1217752501201407033233368018");
  EXPECT_EQ(field_of(read->fields, "payer.openid"), "oUpF8uMuAJO");
  for (const auto& [name, value] : Fields{{"return_code", "SUCCESS"},
                                          {"result_code", "SUCCESS"},
                                          {"total_fee", "888"},
                                          {"fee_type", "CNY"},
                                          {"time_end", "20180608103456"},
                                          {"mch_id", "1900009191"}})
    EXPECT_EQ(field_of(read->fields, name), value) << name;
}

TEST_F(WechatV3Notify, AssociatedDataMayBeEmptyOrMissing) {
  EXPECT_TRUE(parse(test_notice(test_trade(), "TRANSACTION.SUCCESS", "")));
}

TEST_F(WechatV3Notify, FailedPayment) {
  const auto read = parse(test_notice(test_trade("SUCCESS", "PAYERROR"), "TRANSACTION.FAIL"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->succeeded);
  EXPECT_FALSE(read->payment);
  EXPECT_FALSE(parse(test_notice(test_trade("SUCCESS", "NOTPAY")))) << "not the end of a payment";
}

TEST_F(WechatV3Notify, Refund) {
  const std::string plain =
      R"({"mchid":"1900009191","transaction_id":"1008450740201411110005820873",)"
      R"("out_trade_no":"No20150806125346","refund_id":"50200207182018070300011301001",)"
      R"("out_refund_no":"R1","refund_status":"SUCCESS",)"
      R"("success_time":"2018-06-08T10:34:56+08:00","amount":{"total":888,"refund":500}})";
  const auto read = parse(test_notice(plain, "REFUND.SUCCESS", "refund"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, Notification::Kind::refund);
  EXPECT_TRUE(read->succeeded);
  EXPECT_EQ(read->out_refund_no, "R1");
  std::string abnormal = plain;
  abnormal.replace(abnormal.find("SUCCESS"), 7, "ABNORMAL");
  const auto failed = parse(test_notice(abnormal, "REFUND.ABNORMAL", "refund"));
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->succeeded);
  std::string processing = plain;
  processing.replace(processing.find("SUCCESS"), 7, "PROCESSING");
  EXPECT_FALSE(parse(test_notice(processing, "REFUND.SUCCESS", "refund")));
}

TEST_F(WechatV3Notify, UnsignedOldProbedAndForeignAreRefused) {
  const RawNotification good = test_notification(test_notice(test_trade()));
  ASSERT_TRUE(v3_->parse(good, kTestNow));
  EXPECT_TRUE(says(refusal({{}, good.body}), "not signed"));
  EXPECT_TRUE(says(refusal(good, kTestNow + kV3Freshness), "timestamp"));
  EXPECT_TRUE(says(refusal(good, kTestNow - kV3Freshness), "timestamp"));
  RawNotification probe = good;
  header(probe, "Wechatpay-Signature").insert(0, kV3ProbePrefix);
  EXPECT_TRUE(says(refusal(probe), "probe"));
  RawNotification serial = good;
  header(serial, "Wechatpay-Serial") = "7257F09EFDC096DE";
  EXPECT_TRUE(says(refusal(serial), "serial"));
  RawNotification lower = good;
  header(lower, "Wechatpay-Serial") = "5157f09efdc096de";
  EXPECT_TRUE(v3_->parse(lower, kTestNow)) << "serials have no case";
  const RawNotification resigned{stamped(merchant_key(), platform_key().serial, good.body),
                                 good.body};
  EXPECT_TRUE(says(refusal(resigned), "signature"));
}

TEST_F(WechatV3Notify, EveryChangedByteIsRefused) {
  const RawNotification good = test_notification(test_notice(test_trade()));
  for (std::size_t at = 0; at < good.body.size(); at += 7) {
    RawNotification changed = good;
    changed.body[at] = static_cast<char>(changed.body[at] ^ 1);
    EXPECT_FALSE(v3_->parse(changed, kTestNow)) << at;
    changed.body = good.body.substr(0, at);
    EXPECT_FALSE(v3_->parse(changed, kTestNow)) << at;
  }
  RawNotification spaced = good;
  spaced.body.insert(1, " ");  // the same JSON, written again
  EXPECT_FALSE(v3_->parse(spaced, kTestNow));
}

/// Signed by the platform all the same: each must fall at its own check.
TEST_F(WechatV3Notify, WhatIsInsideIsChecked) {
  const std::string good = test_notice(test_trade());
  const auto changed = [&good](std::string_view from, std::string_view to) {
    std::string body = good;
    return body.replace(body.find(from), from.size(), to);
  };
  const auto refused = [this](const std::string& body) { return refusal(test_notification(body)); };
  EXPECT_TRUE(says(refused(changed("AEAD_AES_256_GCM", "AEAD_SM4_GCM")), "algorithm"));
  EXPECT_TRUE(says(
      refused(changed("\"associated_data\":\"transaction\"", "\"associated_data\":\"refund\"")),
      "cannot be read"));
  EXPECT_TRUE(says(refused(changed("uluk4a9R25RW", "uluk4a9R25RX")), "cannot be read"));
  EXPECT_TRUE(says(refused(changed("uluk4a9R25RW", "uluk")), "cannot be read"));
  EXPECT_TRUE(
      says(refused(changed("\"ciphertext\":\"", "\"ciphertext\":\"AAAA")), "cannot be read"));
  EXPECT_TRUE(says(refused(changed("\"ciphertext\":\"", "\"ciphertext\":\"!")), "base64"));
  EXPECT_TRUE(says(refused(changed("encrypt-resource", "plain")), "encrypted resource"));
  EXPECT_TRUE(says(refused(changed("EV-2018022511223320873", "")), "no id"));
  EXPECT_TRUE(says(refused(changed("TRANSACTION.SUCCESS", "PAYSCORE.USER_PAID")), "event_type"));
  EXPECT_TRUE(says(refused("[]"), "no object"));
  EXPECT_TRUE(says(refused(std::string(60'000, '[')), "JSON"));
  EXPECT_TRUE(says(refused(std::string(65'537, ' ')), "limit of 65536") ||
              says(refused(std::string(65'537, ' ')), "the limit is 65536"));
  const auto sealed_refusal = [&](std::string_view from, std::string_view to) {
    return refused(test_notice(test_trade(from, to)));
  };
  EXPECT_TRUE(says(sealed_refusal("1900009191", "1900009192"), "another merchant"));
  EXPECT_TRUE(says(sealed_refusal("wxd678efh567hg6787", "wx2"), "another application"));
  EXPECT_TRUE(says(sealed_refusal("\"total\":888", "\"total\":888.5"), "amount.total"));
  EXPECT_TRUE(says(sealed_refusal("\"total\":888", "\"total\":0"), "amount.total"));
  EXPECT_TRUE(says(sealed_refusal("No20150806125346", "No 2"), "out_trade_no"));
  EXPECT_TRUE(says(refused(test_notice("not json")), "JSON"));
}

TEST_F(WechatV3Notify, Acknowledgements) {
  EXPECT_EQ(v3_->acknowledge(Receipt::stored, "").status, 200);
  const Acknowledgement refused = v3_->acknowledge(Receipt::refused, "a \"bad\"\nthing");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(v3_->acknowledge(Receipt::not_stored, "").status, 500);
  EXPECT_EQ(refused.body, R"({"code":"FAIL","message":"a \"bad\" thing"})");
}

class WechatV3Keys : public WechatV3Notify {
 protected:
  static WechatV3Account certificate_mode() {
    WechatV3Account account = test_account();
    account.platform_serial.clear();
    account.platform_public_key_pem.clear();
    return account;
  }
  /// GET /v3/certificates, signed by `signer`.
  Outcome<void> read_keys(const TestKey& signer, const std::string& body) const {
    return v3_->read_keys(signed_answer(signer, 200, body), kTestNow);
  }
  static ListedCertificate own(const TestKey& key) { return {&key, key.serial}; }
};

TEST_F(WechatV3Keys, CertificateModeDownloadsFirst) {
  v3_ = wechat_v3(certificate_mode()).value();
  EXPECT_TRUE(v3_->wants_keys(kTestNow));
  const RawNotification good = test_notification(test_notice(test_trade()));
  EXPECT_FALSE(v3_->parse(good, kTestNow));
  const HttpCall call = v3_->fetch_keys({kTestNow, "n"});
  EXPECT_EQ(call.method, "GET");
  EXPECT_EQ(call.target, "/v3/certificates");
  EXPECT_FALSE(v3_->wants_keys(kTestNow)) << "not again at once";
  const auto done = read_keys(platform_key(), test_certificates({own(platform_key())}));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(v3_->parse(good, kTestNow));
  EXPECT_FALSE(v3_->wants_keys(kTestNow + Span::seconds(3600)));
}

TEST_F(WechatV3Keys, AnUnknownSerialAsksForADownloadAndBothKeysServe) {
  EXPECT_FALSE(v3_->wants_keys(kTestNow));
  const HttpAnswer next = signed_answer(next_platform_key(), 200, test_trade());
  EXPECT_TRUE(v3_->lacks_key(next));
  EXPECT_TRUE(v3_->wants_keys(kTestNow));
  ASSERT_TRUE(read_keys(platform_key(),
                        test_certificates({own(platform_key()), own(next_platform_key())})));
  EXPECT_FALSE(v3_->lacks_key(next));
  EXPECT_TRUE(v3_->read_trade(kTestOrder, next, kTestNow));
  EXPECT_TRUE(
      v3_->read_trade(kTestOrder, signed_answer(platform_key(), 200, test_trade()), kTestNow));
}

TEST_F(WechatV3Keys, ForgedSerialsDoNotMakeAStorm) {
  for (int i = 0; i < 1000; ++i) {
    RawNotification forged = test_notification("{}");
    header(forged, "Wechatpay-Serial") = fmt::format("{:X}", 1000 + i);
    EXPECT_FALSE(v3_->parse(forged, kTestNow));
  }
  ASSERT_TRUE(v3_->wants_keys(kTestNow));
  v3_->fetch_keys({kTestNow, "n"});
  RawNotification forged = test_notification("{}");
  header(forged, "Wechatpay-Serial") = "FFFF";
  EXPECT_FALSE(v3_->parse(forged, kTestNow));
  EXPECT_FALSE(v3_->wants_keys(kTestNow + Span{59'999}));
  EXPECT_TRUE(v3_->wants_keys(kTestNow + Span::seconds(60)));
  EXPECT_TRUE(v3_->wants_keys(kTestNow - Span::seconds(60))) << "the clock was set back";
}

TEST_F(WechatV3Keys, PublicKeyIdsCannotBeDownloaded) {
  RawNotification other = test_notification("{}");
  header(other, "Wechatpay-Serial") = "PUB_KEY_ID_0114232134912410000000000000";
  EXPECT_FALSE(v3_->parse(other, kTestNow));
  EXPECT_FALSE(v3_->wants_keys(kTestNow));
}

TEST_F(WechatV3Keys, ForgedCertificateListsAreRefused) {
  v3_ = wechat_v3(certificate_mode()).value();
  const std::string good = test_certificates({own(platform_key())});
  EXPECT_FALSE(read_keys(merchant_key(), good)) << "signed with a key that is not in it";
  const HttpAnswer bare{200, {}, good};
  EXPECT_FALSE(v3_->read_keys(bare, kTestNow)) << "unsigned";
  EXPECT_FALSE(v3_->read_keys(signed_answer(platform_key(), 200, good), kTestNow + kV3Freshness));
  EXPECT_FALSE(read_keys(platform_key(), test_certificates({{&platform_key(), "FFFF"}})))
      << "under another serial";
  std::string tampered = good;
  tampered.replace(tampered.find("\"ciphertext\":\"") + 20, 1, "!");
  EXPECT_FALSE(read_keys(platform_key(), tampered));
  for (const char* body : {"{}", "[]", "", R"({"data":{}})", R"({"data":[1]})", R"({"data":[{}]})"})
    EXPECT_FALSE(read_keys(platform_key(), body)) << body;
  EXPECT_EQ(v3_->read_keys({502, {}, "<html>"}, kTestNow).error().kind, Fault::Kind::retry);
  EXPECT_FALSE(v3_->parse(test_notification(test_notice(test_trade())), kTestNow))
      << "none of them gave a key";
}

TEST_F(WechatV3Keys, ExpiredCertificatesAreLeftOut) {
  v3_ = wechat_v3(certificate_mode()).value();
  const TestKey old = make_test_key("0FED", Instant{0}, kTestNow);
  EXPECT_FALSE(read_keys(old, test_certificates({own(old)})));
  ASSERT_TRUE(read_keys(platform_key(), test_certificates({own(old), own(platform_key())})));
  EXPECT_TRUE(v3_->lacks_key(signed_answer(old, 200, "{}")));
}

}  // namespace
}  // namespace sluice::payment

// Signatures of v2 and v3 against published vectors, and forgeries refused.
#include "payment/signature.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "payment/test_keys.h"

namespace sluice::payment {
namespace {

constexpr std::string_view kKey = "192006250b4c09247ec02edce69f6a2d";
constexpr std::string_view kShort =
    "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&"
    "nonce_str=ibuaiVcKdpRxkhJA";
constexpr std::string_view kLong =
    "appid=wxd930ea5d5a258f4f&attach=深圳分店&body=腾讯充值中心-QQ会员充值&mch_id=10000100&"
    "nonce_str=5K8264ILTKCH16CQ2502SI8ZNMTM67VS&notify_url=http://127.0.0.1:8080/wxpay/notify&"
    "out_trade_no=20150806125346&product_id=12235413214070356458058&"
    "spbill_create_ip=127.0.0.1&total_fee=888&trade_type=NATIVE";

TEST(V2Signature, Vectors) {
  EXPECT_EQ(v2_sign(fields_from(kShort), kKey, SignType::md5), "9A0A8659F005D6984697E2CA0A9CF3B7");
  EXPECT_EQ(v2_sign(fields_from(kShort), kKey, SignType::hmac_sha256),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6");
  Fields md5 = fields_from(kLong);
  md5.emplace_back("sign_type", "MD5");
  EXPECT_EQ(v2_sign(md5, kKey, SignType::md5), "B119BFEAAB02E964E7F3F4E65E382C5C");
  Fields hmac = fields_from(kLong);
  hmac.emplace_back("sign_type", "HMAC-SHA256");
  EXPECT_EQ(v2_sign(hmac, kKey, SignType::hmac_sha256),
            "AEDA39E0F01FD9F3574ED35BDE1D61E02E630AAAE9A20ED44318936A26584357");
}

TEST(V2Signature, OrderEmptyValuesAndTheSignDoNotMatter) {
  Fields fields = fields_from(kShort);
  std::ranges::reverse(fields);
  fields.emplace_back("attach", "");
  fields.emplace_back("sign", "something");
  EXPECT_EQ(v2_sign(fields, kKey, SignType::md5), "9A0A8659F005D6984697E2CA0A9CF3B7");
}

TEST(V2Signature, KeysAreSortedByBytes) {
  const Fields fields{{"b", "1"}, {"B", "2"}, {"a_1", "3"}, {"a", "4"}, {"a1", "5"}};
  EXPECT_EQ(
      v2_sign(fields, "k", SignType::md5),
      v2_sign({{"B", "2"}, {"a", "4"}, {"a1", "5"}, {"a_1", "3"}, {"b", "1"}}, "k", SignType::md5));
}

TEST(V2Signature, TypeComesFromTheFieldOrTheLength) {
  for (const SignType type : {SignType::md5, SignType::hmac_sha256}) {
    EXPECT_EQ(v2_verify(with_sign(fields_from(kShort), kKey, type), kKey), type);
    Fields stated = fields_from(kShort);
    stated.emplace_back("sign_type", name_of(type));
    EXPECT_EQ(v2_verify(with_sign(stated, kKey, type), kKey), type);
  }
}

TEST(V2Signature, SignedWithAnotherTypeThanStated) {
  Fields fields = fields_from(kShort);
  fields.emplace_back("sign_type", "HMAC-SHA256");
  const auto verified = v2_verify(with_sign(fields, kKey, SignType::md5), kKey);
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().message.find("length"), std::string::npos);
  fields.back().second = "SM3";
  EXPECT_FALSE(v2_verify(with_sign(fields, kKey, SignType::md5), kKey));
}

TEST(V2Signature, ForgeriesAreRefused) {
  const Fields good = with_sign(fields_from(kShort), kKey, SignType::hmac_sha256);
  ASSERT_TRUE(v2_verify(good, kKey));
  EXPECT_FALSE(v2_verify(good, "292006250b4c09247ec02edce69f6a2d"));
  for (std::size_t at = 0; at + 1 < good.size(); ++at) {
    Fields changed = good;
    changed[at].second += "0";
    EXPECT_FALSE(v2_verify(changed, kKey)) << changed[at].first;
  }
  Fields added = good;
  added.emplace_back("unknown", "1");
  EXPECT_FALSE(v2_verify(added, kKey)) << "unknown fields are signed too";
  Fields unsigned_fields = fields_from(kShort);
  EXPECT_FALSE(v2_verify(unsigned_fields, kKey));
  for (const std::string_view sign : {"", "0", "9A0A8659F005D6984697E2CA0A9CF3B"}) {
    unsigned_fields.emplace_back("sign", sign);
    EXPECT_FALSE(v2_verify(unsigned_fields, kKey)) << sign;
    unsigned_fields.pop_back();
  }
}

TEST(V2Signature, TheErrorDoesNotTellTheRightSign) {
  Fields fields = fields_from(kShort);
  fields.emplace_back("sign", std::string(32, 'A'));
  const auto verified = v2_verify(fields, kKey);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().message.find("9A0A"), std::string::npos);
  EXPECT_EQ(verified.error().message.find(kKey), std::string::npos);
}

TEST(V3Signature, Messages) {
  EXPECT_EQ(v3_request_message("GET", "/v3/certificates", "1554208460", "abc", ""),
            "GET\n/v3/certificates\n1554208460\nabc\n\n");
  EXPECT_EQ(v3_answer_message("1", "n", "{}"), "1\nn\n{}\n");
}

TEST(V3Signature, AuthorizationIsReadByName) {
  const V3Authorization parts{"1900009191", "593BEC0C930BF1AFEB40B4A08C8FB242", "1554208460",
                              "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C", "c2ln+/8="};
  const auto read = parse_v3_authorization(to_text(parts));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->mchid, parts.mchid);
  EXPECT_EQ(read->signature, parts.signature);
  const auto turned = parse_v3_authorization(
      "WECHATPAY2-SHA256-RSA2048 signature=\"s\", serial_no=\"1\",timestamp=\"2\", mchid=\"m\","
      "nonce_str=\"n\"");
  ASSERT_TRUE(turned) << turned.error().message;
  EXPECT_EQ(turned->nonce, "n");
  for (const std::string_view bad :
       {"", "Bearer x", "WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SHA256-RSA2048 ",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\"",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",mchid=\"2\",nonce_str=\"n\",timestamp=\"2\","
        "serial_no=\"1\",signature=\"s\"",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",nonce_str=\"n\",timestamp=\"2\",serial_no=\"1\","
        "signature=\"s",
        "WECHATPAY2-SHA256-RSA2048 mchid=1,nonce_str=\"n\",timestamp=\"2\",serial_no=\"1\","
        "signature=\"s\"",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",nonce_str=\"n\",timestamp=\"2\",serial_no=\"1\","
        "signature=\"s\",more=\"1\"",
        "WECHATPAY2-SHA256-RSA2048 mchid=\"1\" nonce_str=\"n\",timestamp=\"2\",serial_no=\"1\","
        "signature=\"s\""})
    EXPECT_FALSE(parse_v3_authorization(bad)) << bad;
}

/// A whole notification of the official Go SDK's tests: certificate, headers and body. (Its AES
/// key has 16 bytes, so only the signature can be checked here.)
TEST(V3Signature, NotificationVector) {
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\n"
      "MIIDVzCCAj+gAwIBAgIJANfOWdH1ItcBMA0GCSqGSIb3DQEBCwUAMEIxCzAJBgNV\n"
      "BAYTAlhYMRUwEwYDVQQHDAxEZWZhdWx0IENpdHkxHDAaBgNVBAoME0RlZmF1bHQg\n"
      "Q29tcGFueSBMdGQwHhcNMjEwNDI3MDg1NTIzWhcNMzEwNDI1MDg1NTIzWjBCMQsw\n"
      "CQYDVQQGEwJYWDEVMBMGA1UEBwwMRGVmYXVsdCBDaXR5MRwwGgYDVQQKDBNEZWZh\n"
      "dWx0IENvbXBhbnkgTHRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n"
      "2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXag\n"
      "HQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOm\n"
      "DeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B83\n"
      "4uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGf\n"
      "y8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtk\n"
      "aSef4FdEEgEXJiw0VAJT8wIDAQABo1AwTjAdBgNVHQ4EFgQUT1c7nd/SUO76HSoZ\n"
      "umNUJv1R5PwwHwYDVR0jBBgwFoAUT1c7nd/SUO76HSoZumNUJv1R5PwwDAYDVR0T\n"
      "BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfTjxKRQMzNB/U6ZoCUS+BSNfa2Oh\n"
      "0plMN6ZuzwiVVZwg1jywvv5yv04koS7Pd4i9E4gt9ZBUQXlpq+A3oOCEEHNRR6b2\n"
      "kyazGRM7s0OP5X21WrbpSmKmU6K7hkfx30yYs08LVs/Q8DIhvaj1FCFeJzUCzYn/\n"
      "fHMq4tsbKO0dKAeydPM/nrUZBmaYQVKMVOORGLFjFKVO7JV6Kq/R86ouhjEPgJOe\n"
      "2xulNBUcjicqtZlBdEh/PWCYP2SpGVDclKm8jeo175T3EVAkdKzzmfpxtMmnMlmq\n"
      "cTJOU9TxuGvNASMtjj7pYIerTx+xgZDXEVBWFW9PjJ0TV06tCRsgSHItgg==\n"
      "-----END CERTIFICATE-----\n";
  const std::string body =
      "{\"id\":\"3119dfba-e649-5eec-ab1e-3412bc4d2e17\","
      "\"create_time\":\"2021-06-24T16:37:26+08:00\",\"resource_type\":\"encrypt-resource\","
      "\"event_type\":\"PAYSCORE.USER_OPEN_SERVICE\",\"summary\":\"签约成功\",\"resource\":{"
      "\"original_type\":\"payscore\",\"algorithm\":\"AEAD_AES_256_GCM\",\"ciphertext\":\""
      "YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3i"
      "ZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFU"
      "psvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==\","
      "\"associated_data\":\"payscore\",\"nonce\":\"Kj7QIyUiYx1q\"}}";
  const V3Stamp stamp{
      "1624523846", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz", "D7CE59D1F522D701",
      "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXF"
      "lbYZTOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR"
      "//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI"
      "/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q=="};
  const auto key = PublicKey::from_pem(pem);
  ASSERT_TRUE(key) << key.error().message;
  const Instant then{1'624'523'846'000};
  const auto verified = v3_verify(stamp, body, *key, then);
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_FALSE(v3_verify(stamp, body + " ", *key, then));
  EXPECT_EQ(read_certificate(pem)->serial, "D7CE59D1F522D701");
}

class V3Stamps : public testing::Test {
 protected:
  std::string body_ = "{\"a\":1}";
  Headers headers_ = stamped(platform_key(), platform_key().serial, body_);
  PublicKey key_ = PublicKey::from_pem(platform_key().public_pem).value();

  bool verifies(Instant now = kTestNow) const {
    const auto stamp = v3_stamp(headers_);
    return stamp && v3_verify(*stamp, body_, key_, now);
  }
  std::string& header(std::string_view name) {
    return std::ranges::find(headers_, name, &Headers::value_type::first)->second;
  }
};

TEST_F(V3Stamps, TimeIsBoundOnBothSides) {
  EXPECT_TRUE(verifies());
  EXPECT_TRUE(verifies(kTestNow + Span{299'999}));
  EXPECT_FALSE(verifies(kTestNow + Span{300'000}));
  EXPECT_TRUE(verifies(kTestNow - Span{299'999}));
  EXPECT_FALSE(verifies(kTestNow - Span{300'000}));
  for (const std::string_view time : {"", "-1", "1e9", "99999999999999999999", "1795356309.0"}) {
    header("Wechatpay-Timestamp") = time;
    EXPECT_FALSE(verifies()) << time;
  }
}

TEST_F(V3Stamps, HeaderNamesHaveNoCase) {
  for (auto& [name, value] : headers_)
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_TRUE(verifies());
}

TEST_F(V3Stamps, EachHeaderIsNeededOnce) {
  for (std::size_t at = 1; at < headers_.size(); ++at) {
    Headers fewer = headers_;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_FALSE(v3_stamp(fewer)) << headers_[at].first;
    Headers twice = headers_;
    twice.push_back(twice[at]);
    EXPECT_FALSE(v3_stamp(twice)) << headers_[at].first;
  }
  header("Wechatpay-Nonce") = std::string(2000, 'n');
  EXPECT_FALSE(v3_stamp(headers_));
}

TEST_F(V3Stamps, ProbesFail) {
  header("Wechatpay-Signature").insert(0, kV3ProbePrefix);
  EXPECT_FALSE(verifies());
}

TEST_F(V3Stamps, ChangedBodiesNoncesAndSignaturesFail) {
  body_ = "{\"a\": 1}";  // the same JSON, written again
  EXPECT_FALSE(verifies());
  body_ = "{\"a\":1}";
  header("Wechatpay-Nonce") += "x";
  EXPECT_FALSE(verifies());
  headers_ = stamped(merchant_key(), platform_key().serial, body_);
  EXPECT_FALSE(verifies());
  headers_ = stamped(platform_key(), platform_key().serial, body_);
  header("Wechatpay-Signature") = "not base64";
  EXPECT_FALSE(verifies());
}

}  // namespace
}  // namespace sluice::payment

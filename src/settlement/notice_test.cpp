// Messages of both versions, and what no provider would send.
#include "settlement/notice.h"

#include <gtest/gtest.h>

#include "settlement/json_fields.h"

namespace sluice::settlement {
namespace {

constexpr const char* kV2 =
    R"({"return_code":"SUCCESS","result_code":"SUCCESS","mch_id":"1900000109","appid":"wx",)"
    R"("out_trade_no":"No42","transaction_id":"4200001","total_fee":"1999","cash_fee":"1500",)"
    R"("fee_type":"CNY","time_end":"20261122180705","attach":"{\"queue\":\"q\"}"})";
constexpr const char* kV3 =
    R"({"out_trade_no":"No42","transaction_id":"4200001","trade_state":"SUCCESS",)"
    R"("success_time":"2026-11-22T18:07:05+08:00","payer":{"openid":"o"},)"
    R"("amount":{"total":1999,"payer_total":1500,"currency":"CNY"}})";
constexpr const char* kV3Flat =
    R"({"out_trade_no":"No42","transaction_id":"4200001","trade_state":"SUCCESS",)"
    R"("success_time":"2026-11-22T18:07:05+08:00","amount.total":"1999","amount.currency":"CNY",)"
    R"("return_code":"SUCCESS","result_code":"SUCCESS","total_fee":"1999","fee_type":"CNY",)"
    R"("time_end":"20261122180705"})";

TEST(Notice, PaidInEveryForm) {
  for (const char* body : {kV2, kV3, kV3Flat}) {
    const auto notice = parse_notice(body);
    ASSERT_TRUE(notice) << body << ": " << notice.error().message;
    const auto& paid = std::get<PaidNotice>(*notice);
    EXPECT_EQ(paid.out_trade_no, "No42");
    EXPECT_EQ(paid.transaction_id, "4200001");
    EXPECT_EQ(paid.amount, Money{1999}) << "of the order, never what the payer's coupons left";
    EXPECT_EQ(paid.currency, Currency{});
    EXPECT_EQ(to_rfc3339(paid.paid_at), "2026-11-22T10:07:05.000Z");
  }
}

TEST(Notice, V2WithoutACurrencyMeansYuan) {
  const auto notice =
      parse_notice(R"({"return_code":"SUCCESS","result_code":"SUCCESS","out_trade_no":"No1",)"
                   R"("transaction_id":"T","total_fee":1,"time_end":"20261122180705"})");
  ASSERT_TRUE(notice) << notice.error().message;
  EXPECT_EQ(std::get<PaidNotice>(*notice).currency.code(), "CNY");
}

TEST(Notice, FailedOtherAndRefund) {
  EXPECT_TRUE(std::holds_alternative<FailedNotice>(
      *parse_notice(R"({"return_code":"SUCCESS","result_code":"FAIL","out_trade_no":"No1"})")));
  for (const char* state : {"PAYERROR", "REVOKED", "CLOSED"}) {
    const auto notice =
        parse_notice(std::string(R"({"out_trade_no":"No1","trade_state":")") + state + R"("})");
    ASSERT_TRUE(notice) << state;
    EXPECT_TRUE(std::holds_alternative<FailedNotice>(*notice)) << state;
  }
  for (const char* state : {"NOTPAY", "USERPAYING", "REFUND"}) {
    const auto notice =
        parse_notice(std::string(R"({"out_trade_no":"No1","trade_state":")") + state + R"("})");
    ASSERT_TRUE(notice) << state;
    EXPECT_TRUE(std::holds_alternative<OtherNotice>(*notice)) << state;
  }
  EXPECT_TRUE(std::holds_alternative<RefundNotice>(
      *parse_notice(R"({"out_trade_no":"No1","refund_status":"SUCCESS","out_refund_no":"RNo1"})")));
}

/// A body that is right but for one replacement.
std::string bent(std::string body, const std::string& what, const std::string& by) {
  const std::size_t at = body.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return body.replace(at, what.size(), by);
}

TEST(Notice, WhatNoProviderSendsIsRefused) {
  const std::string v2 = kV2;
  const std::string v3 = kV3;
  const std::vector<std::string> bodies = {
      "",
      "{",
      "[]",
      "null",
      R"("text")",
      "42",
      "{}",
      v2 + "x",
      v2 + v2,
      "[" + v2 + "]",
      bent(v2, "No42", ""),
      bent(v2, "No42", std::string(65, '1')),
      bent(v2, "No42", "No\\n42"),
      bent(v2, "4200001", ""),
      bent(v2, R"("1999")", R"("19.99")"),
      bent(v2, R"("1999")", "19.99"),
      bent(v2, R"("1999")", R"("-1999")"),
      bent(v2, R"("1999")", R"("01999")"),
      bent(v2, R"("1999")", R"("1999 ")"),
      bent(v2, R"("1999")", R"("1e3")"),
      bent(v2, R"("1999")", R"("99999999999999999999")"),
      bent(v2, R"("1999")", "[1999]"),
      bent(v2, R"("1999")", R"({"a":1999})"),
      bent(v2, R"("1999")", "null"),
      bent(v2, R"("1999")", "true"),
      bent(v2, "CNY", "XXY"),
      bent(v2, "CNY", "cny"),
      bent(v2, "20261122180705", "2026-11-22"),
      bent(v2, "20261122180705", "20261322180705"),
      bent(v2, R"("total_fee")", R"("total_fee":"1","total_fee")"),
      bent(v2, R"("total_fee")", R"("amount":{"total":1},"total_fee")"),
      bent(v2, R"("fee_type")", R"("amount.currency":"USD","fee_type")"),
      bent(v2, R"(return_code":"SUCCESS)", R"(return_code":"FAIL)"),
      bent(v2, R"(result_code":"SUCCESS)", R"(result_code":"MAYBE)"),
      bent(v2, R"("return_code":"SUCCESS",)", ""),
      bent(v2, R"("result_code":"SUCCESS",)", ""),
      bent(v3, R"("SUCCESS")", R"("SOON")"),
      bent(v3, R"("trade_state":"SUCCESS",)", ""),
      bent(v3, "2026-11-22T18:07:05+08:00", "yesterday"),
      bent(v3, R"("amount":{)", R"("amount.total":1999,"amount":{)"),
      std::string(100'000, ' ') + v2,
      std::string(100, '[') + std::string(100, ']'),
      bent(v2, R"("mch_id":"1900000109")", R"("a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}})"),
  };
  for (const std::string& body : bodies) {
    const auto notice = parse_notice(body);
    ASSERT_FALSE(notice) << body;
    EXPECT_FALSE(notice.error().message.empty());
  }
}

TEST(Notice, EveryCutAndEveryBitFlipIsReadOrRefused) {
  for (const std::string whole : {kV2, kV3}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(parse_notice(whole.substr(0, size))) << size;
    for (std::size_t i = 0; i < whole.size() * 8; ++i) {
      std::string flipped = whole;
      flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
      (void)parse_notice(flipped);
    }
  }
}

TEST(Fields, AreFlatAndOnce) {
  const auto fields = read_fields(
      R"({"a":{"b":{"c":1},"d":"x"},"e":[1,{"a":2},[3]],"f":true,"g":null,"h":"","i":-2.5})");
  ASSERT_TRUE(fields) << fields.error().message;
  const std::map<std::string, std::string, std::less<>> expected = {
      {"a.b.c", "1"}, {"a.d", "x"}, {"f", "true"}, {"i", "-2.5"}};
  EXPECT_EQ(*fields, expected);
  EXPECT_FALSE(read_fields(R"({"a":1,"a":1})"));
  EXPECT_FALSE(read_fields(R"({"a":{"b":1},"a.b":1})"));
  EXPECT_FALSE(read_fields(R"({"a":{"b":1},"a":{"c":1}})"));
  EXPECT_FALSE(read_fields(R"({"a":[],"a":[]})"));
}

}  // namespace
}  // namespace sluice::settlement

// Reading and writing of v2's fields.
#include "sandbox/v2_format.h"

#include <fmt/format.h>

#include "base/text.h"
#include "payment/crypto.h"
#include "payment/wechat.h"
#include "payment/xml.h"

namespace sluice::sandbox {

using payment::Fields;

namespace {

constexpr Span kChinaTime = Span::seconds(8 * 3600);
constexpr std::int64_t kMaxFee = 1'000'000'000'000;

std::string_view get(const Fields& fields, std::string_view name) {
  return payment::field_of(fields, name).value_or("");
}

struct Bound {
  std::string_view name;
  std::size_t characters;
};
constexpr Bound kBounds[] = {
    {"body", 127}, {"attach", 127}, {"detail", 6000}, {"product_id", 32}, {"spbill_create_ip", 64}};

Result<Money> fee_of(const Fields& fields, std::string_view name) {
  const auto fee = parse_uint(get(fields, name), kMaxFee);
  if (!fee || *fee == 0) {
    return fail(fmt::format("{} 须为正整数，单位分", name));
  }
  return Money{*fee};
}

Result<Currency> currency_of(const Fields& fields, std::string_view name) {
  const std::string_view code = get(fields, name);
  if (!code.empty() && code != "CNY") return fail(fmt::format("{} 只支持 CNY", name));
  return Currency();
}

/// Local time as "2026-11-22 14:05:09" at China's offset.
std::string china_time(Instant at) {
  std::string text = to_rfc3339(at + kChinaTime).substr(0, 19);
  text[10] = ' ';
  return text;
}

}  // namespace

bool valid_notify_url(std::string_view text, std::size_t max_bytes) {
  return text.size() <= max_bytes &&
         (text.starts_with("http://") || text.starts_with("https://")) && !has_control(text) &&
         !text.contains(' ') && !text.contains('?');
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text)
    count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

std::string_view description_of(TradeState state) {
  switch (state) {
    case TradeState::not_paid:
      return "订单未支付";
    case TradeState::paid:
      return "支付成功";
    case TradeState::refunded:
      return "订单发生过退款，退款详情请查询退款单";
    case TradeState::closed:
      return "订单已关闭";
    case TradeState::failed:
      return "支付失败";
  }
  return "";
}

Result<OrderRequest> read_v2_order(const Fields& fields, Instant now) {
  OrderRequest request;
  request.api = Api::v2;
  request.out_trade_no = get(fields, "out_trade_no");
  if (!payment::wechat::valid_out_trade_no(request.out_trade_no)) {
    return fail("out_trade_no 须为6至32个字符，限数字、字母与 _-|*");
  }
  if (get(fields, "trade_type") != "NATIVE") return fail("trade_type 只支持 NATIVE");
  for (const Bound& bound : kBounds) {
    if (count_characters(get(fields, bound.name)) <= bound.characters) continue;
    return fail(fmt::format("{} 最多 {} 个字符", bound.name, bound.characters));
  }
  const auto total = fee_of(fields, "total_fee");
  if (!total) return std::unexpected(total.error());
  const auto currency = currency_of(fields, "fee_type");
  if (!currency) return std::unexpected(currency.error());
  request.notify_url = get(fields, "notify_url");
  if (!valid_notify_url(request.notify_url, 256)) {
    return fail("notify_url 须为不带参数的 http(s) 地址，最多256个字符");
  }
  if (const std::string_view text = get(fields, "time_expire"); !text.empty()) {
    request.time_expire = payment::wechat::parse_v2_time(text);
    if (!request.time_expire) return fail("time_expire 格式须为 yyyyMMddHHmmss");
    if (*request.time_expire <= now) return fail("time_expire 时间过短，已过期");
  }
  request.description = get(fields, "body");
  request.detail = get(fields, "detail");
  request.time_start = get(fields, "time_start");
  request.attach = get(fields, "attach");
  request.product_id = get(fields, "product_id");
  request.total = *total;
  request.currency = *currency;
  return request;
}

Result<RefundRequest> read_v2_refund(const Fields& fields) {
  RefundRequest request;
  request.out_trade_no = get(fields, "out_trade_no");
  request.transaction_id = get(fields, "transaction_id");
  if (request.out_trade_no.empty() && request.transaction_id.empty()) {
    return fail("缺少参数 transaction_id 或 out_trade_no");
  }
  request.out_refund_no = get(fields, "out_refund_no");
  if (request.out_refund_no.size() > 64) return fail("out_refund_no 最多64个字符");
  const auto total = fee_of(fields, "total_fee");
  if (!total) return std::unexpected(total.error());
  const auto amount = fee_of(fields, "refund_fee");
  if (!amount) return std::unexpected(amount.error());
  const auto currency = currency_of(fields, "refund_fee_type");
  if (!currency) return std::unexpected(currency.error());
  request.notify_url = get(fields, "notify_url");
  if (!request.notify_url.empty() && !valid_notify_url(request.notify_url, 256)) {
    return fail("notify_url 须为不带参数的 http(s) 地址，最多256个字符");
  }
  request.total = *total;
  request.amount = *amount;
  request.currency = *currency;
  request.reason = get(fields, "refund_desc");
  return request;
}

void append_v2_payment(Fields& fields, const Trade& trade) {
  if (!trade.was_paid()) return;
  const std::string fee = std::to_string(trade.paid.minor);
  fields.insert(fields.end(), {{"openid", std::string(kPayer)},
                               {"is_subscribe", "N"},
                               {"trade_type", "NATIVE"},
                               {"bank_type", "OTHERS"},
                               {"total_fee", fee},
                               {"fee_type", std::string(trade.asked.currency.code())},
                               {"cash_fee", fee},
                               {"transaction_id", trade.transaction_id},
                               {"time_end", payment::wechat::v2_time(trade.paid_at)}});
}

void append_v2_refunds(Fields& fields, const Trade& trade, const std::vector<Refund>& refunds) {
  const std::string fee = std::to_string(trade.paid.minor);
  fields.insert(fields.end(), {{"transaction_id", trade.transaction_id},
                               {"out_trade_no", trade.asked.out_trade_no},
                               {"total_fee", fee},
                               {"fee_type", std::string(trade.asked.currency.code())},
                               {"cash_fee", fee},
                               {"refund_count", std::to_string(refunds.size())}});
  for (std::size_t i = 0; i < refunds.size(); ++i) {
    const Refund& refund = refunds[i];
    const auto add = [&fields, i](std::string_view name, std::string value) {
      fields.emplace_back(fmt::format("{}_{}", name, i), std::move(value));
    };
    add("out_refund_no", refund.out_refund_no);
    add("refund_id", refund.refund_id);
    add("refund_channel", "ORIGINAL");
    add("refund_fee", std::to_string(refund.amount.minor));
    add("refund_status", "SUCCESS");
    add("refund_recv_accout", "支付用户零钱");
    add("refund_success_time", china_time(refund.at));
  }
}

Fields v2_payment_notice(const Trade& trade, std::string_view appid, std::string_view mch_id,
                         bool omit_sign_type) {
  Fields fields = {{"return_code", "SUCCESS"},
                   {"result_code", "SUCCESS"},
                   {"appid", std::string(appid)},
                   {"mch_id", std::string(mch_id)},
                   {"nonce_str", payment::random_nonce()},
                   {"out_trade_no", trade.asked.out_trade_no}};
  if (!omit_sign_type) {
    fields.emplace_back("sign_type", std::string(payment::name_of(trade.asked.sign_type)));
  }
  if (!trade.asked.attach.empty()) fields.emplace_back("attach", trade.asked.attach);
  append_v2_payment(fields, trade);
  return fields;
}

Fields v2_refund_notice(const Trade& trade, const Refund& refund, std::string_view appid,
                        std::string_view mch_id, std::string_view api_key) {
  const std::string fee = std::to_string(refund.amount.minor);
  const Fields info = {{"transaction_id", trade.transaction_id},
                       {"out_trade_no", trade.asked.out_trade_no},
                       {"refund_id", refund.refund_id},
                       {"out_refund_no", refund.out_refund_no},
                       {"total_fee", std::to_string(trade.paid.minor)},
                       {"refund_fee", fee},
                       {"settlement_refund_fee", fee},
                       {"refund_status", "SUCCESS"},
                       {"success_time", china_time(refund.at)},
                       {"refund_recv_accout", "支付用户零钱"},
                       {"refund_account", "REFUND_SOURCE_UNSETTLED_FUNDS"},
                       {"refund_request_source", "API"}};
  const std::string cipher =
      payment::aes_256_ecb_encrypt(payment::write_xml(info, "root"), payment::md5_hex(api_key));
  return {{"return_code", "SUCCESS"},
          {"appid", std::string(appid)},
          {"mch_id", std::string(mch_id)},
          {"nonce_str", payment::random_nonce()},
          {"req_info", payment::to_base64(cipher)}};
}

}  // namespace sluice::sandbox

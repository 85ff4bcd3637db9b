// Words and languages of the payment page.
#include "sandbox/page_text.h"

#include <algorithm>
#include <charconv>

namespace sluice::sandbox {

namespace {

constexpr PageText kChinese = {
    .title = "收银台",
    .test_only = "测试环境，不会扣款",
    .merchant = "商户",
    .item = "商品",
    .order = "订单号",
    .expires = "支付截止",
    .no_expiry = "未设置",
    .paid_at = "支付时间",
    .number = "交易号",
    .pay = "确认支付",
    .decline = "放弃支付",
    .other_language = "English",
    .waiting = "待支付",
    .paid = "支付成功",
    .refunded = "已退款",
    .closed = "订单已关闭",
    .failed = "支付失败",
    .expired = "已过支付时间",
    .waiting_hint = "确认后，商户会立即收到通知。",
    .paid_hint = "可以关闭此页，回到商户查看订单。",
    .refunded_hint = "款项已退回。",
    .closed_hint = "商户已关闭此订单，不能再支付。",
    .failed_hint = "您已放弃支付，此订单不能再支付。",
    .expired_hint = "请回到商户重新下单。",
    .unknown_title = "没有这个付款码",
    .unknown_hint = "请核对链接，或回到商户重新获取付款码。",
    .front_title = "支付沙箱",
    .front_hint = "这里模拟微信支付 v2 与 v3 的网关，供开发与测试使用，不会扣款。",
    .front_orders = "已知订单（JSON）",
};

constexpr PageText kEnglish = {
    .title = "Checkout",
    .test_only = "Test gateway: no money moves",
    .merchant = "Merchant",
    .item = "Item",
    .order = "Order",
    .expires = "Pay before",
    .no_expiry = "no limit",
    .paid_at = "Paid at",
    .number = "Transaction",
    .pay = "Pay now",
    .decline = "Decline",
    .other_language = "中文",
    .waiting = "Waiting for payment",
    .paid = "Paid",
    .refunded = "Refunded",
    .closed = "Order closed",
    .failed = "Payment declined",
    .expired = "Too late to pay",
    .waiting_hint = "The merchant is told as soon as you pay.",
    .paid_hint = "You can close this page and return to the merchant.",
    .refunded_hint = "The money went back.",
    .closed_hint = "The merchant closed this order; it cannot be paid any more.",
    .failed_hint = "You declined; this order cannot be paid any more.",
    .expired_hint = "Please order again at the merchant.",
    .unknown_title = "No such payment code",
    .unknown_hint = "Check the link, or ask the merchant for a new code.",
    .front_title = "Payment sandbox",
    .front_hint =
        "Emulates the gateway of WeChat Pay v2 and v3 for development and tests; no money "
        "moves.",
    .front_orders = "Known orders (JSON)",
};

/// More entries than this are no browser's.
constexpr int kMaxEntries = 16;

std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (piece.starts_with(' '))
    piece.remove_prefix(1);
  while (piece.ends_with(' '))
    piece.remove_suffix(1);
  return piece;
}

bool is_language(std::string_view range, std::string_view name) {
  return range.size() >= 2 && (range[0] | 0x20) == name[0] && (range[1] | 0x20) == name[1] &&
         (range.size() == 2 || range[2] == '-');
}

double weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take(parameters, ';');
    if (!parameter.starts_with("q=")) continue;
    double value = 0;
    const auto parsed =
        std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), value);
    return parsed.ec == std::errc{} && value >= 0 && value <= 1 ? value : 0;
  }
  return 1;
}

}  // namespace

Language choose_language(std::string_view lang, std::string_view accept_language) {
  if (is_language(lang, "zh")) return Language::zh;
  if (is_language(lang, "en")) return Language::en;
  Language chosen = Language::en;
  double best = 0;
  for (int i = 0; i < kMaxEntries && !accept_language.empty(); ++i) {
    std::string_view entry = take(accept_language, ',');
    const std::string_view range = take(entry, ';');
    const bool zh = is_language(range, "zh");
    if (!zh && !is_language(range, "en") && range != "*") continue;
    if (const double q = weight(entry); q > best) {
      best = q;
      chosen = zh ? Language::zh : Language::en;
    }
  }
  return chosen;
}

std::string_view tag(Language language) {
  return language == Language::zh ? "zh-CN" : "en";
}

const PageText& page_text(Language language) {
  return language == Language::zh ? kChinese : kEnglish;
}

}  // namespace sluice::sandbox

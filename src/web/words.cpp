// The dictionary of the pages.
#include "web/words.h"

#include <array>

namespace sluice::web {

namespace {

struct Entry {
  Word word;
  std::string_view en;
  std::string_view zh;
};

// clang-format off
constexpr std::array<Entry, kWords> kDictionary{{
    {Word::skip_to_content, "Skip to content", "跳到正文"},
    {Word::site_sales, "Sales", "活动"},
    {Word::my_orders, "My orders", "我的订单"},
    {Word::sign_in, "Sign in", "登录"},
    {Word::sign_out, "Sign out", "退出"},
    {Word::other_language, "中文", "English"},
    {Word::theme, "Theme", "主题"},
    {Word::theme_system, "System", "跟随系统"},
    {Word::theme_light, "Light", "浅色"},
    {Word::theme_dark, "Dark", "深色"},
    {Word::preferences, "Preferences", "偏好设置"},
    {Word::footer, "Exactly the stock is sold. What you were granted stays yours until it expires.",
     "有多少卖多少；抢到的会为您保留到支付截止。"},
    {Word::trial, "This is a trial: its payments go to a sandbox, and no money moves.",
     "试用环境：支付由沙箱模拟，不产生真实交易。"},

    {Word::console_title, "Console · Sluice", "控制台 · Sluice"},
    {Word::console_needs_script,
     "The console needs JavaScript. The operator API does not: see /openapi.json.",
     "控制台需要 JavaScript；运营接口则不需要，请参阅 /openapi.json。"},
    {Word::sales_title, "Sales", "限时抢购"},
    {Word::sales_lead, "Few units, one second to start. Whoever is granted one pays in peace.",
     "数量有限，准点开抢。抢到之后，从容支付。"},
    {Word::no_sales, "Nothing on sale yet", "暂无活动"},
    {Word::no_sales_hint, "The next sale shows up here as soon as it is announced.",
     "下一场活动公布后会出现在这里。"},
    {Word::more_sales, "More sales", "更多活动"},
    {Word::phase_upcoming, "Upcoming", "即将开始"},
    {Word::phase_open, "Open now", "正在抢购"},
    {Word::phase_paused, "Paused", "已暂停"},
    {Word::phase_ended, "Over", "已结束"},
    {Word::opens_at, "Opens", "开始时间"},
    {Word::opens_in, "Opens in", "距开始"},
    {Word::closes_at, "Closes", "结束时间"},
    {Word::closes_in, "Closes in", "距结束"},
    {Word::closed_at, "Closed", "结束于"},
    {Word::countdown_note, "Counted by the shop's clock, not by yours.", "以商家服务器时间为准。"},

    {Word::price, "Price", "价格"},
    {Word::list_price, "List price", "原价"},
    {Word::percent_off, "{}% off", "立省 {}%"},
    {Word::left_of, "{} of {} left", "剩余 {} / {}"},
    {Word::sold_out_label, "Sold out", "已抢完"},
    {Word::stock_told, "{} left, {} held by unpaid orders, {} sold",
     "剩余 {}，待支付占用 {}，已售 {}"},
    {Word::held_note, "{} held by unpaid orders", "{} 件待支付"},
    {Word::limit_one, "One per person", "每人限购 1 件"},
    {Word::limit_many, "Up to {} per person", "每人限购 {} 件"},
    {Word::hold_note, "Yours for {} to pay", "抢到后保留 {}"},
    {Word::description, "About it", "商品说明"},
    {Word::quantity, "Quantity", "数量"},
    {Word::grab, "Grab it", "立即抢购"},
    {Word::grabbing, "Asking for yours…", "正在抢购…"},
    {Word::grab_soon, "Not open yet", "尚未开始"},
    {Word::grab_unavailable, "Not available", "暂不可抢"},
    {Word::sign_in_to_grab, "Sign in to grab it", "登录后抢购"},
    {Word::back_to_sales, "All sales", "全部活动"},
    {Word::no_answer,
     "No answer came. You may have been granted one all the same: look at your orders before you "
     "try again.",
     "没有收到答复。您可能已经抢到，请先查看“我的订单”再重试。"},

    {Word::end_sold_out, "Sold out", "已抢完"},
    {Word::end_sold_out_held,
     "Every unit is taken. Still held by orders that are not paid yet: {}. They may come back, and "
     "this page tells you when one does.",
     "已被抢完，但还有 {} 件在未支付的订单中，可能退回。退回时本页会提示您。"},
    {Word::end_sold_out_gone, "Every unit is sold and paid.", "全部商品均已售出并支付。"},
    {Word::may_come_back,
     "Units may come back: not every order is paid yet. This page tells you when one does.",
     "仍有订单未支付，商品可能退回。退回时本页会提示您。"},
    {Word::end_already_queued, "You already have an order here", "您已有未完成的订单"},
    {Word::end_already_queued_hint,
     "In one sale you can have one unpaid order at a time. Pay it, or give it back first.",
     "同一活动中只能有一个未支付的订单，请先支付或取消。"},
    {Word::end_limit, "That is your limit", "已达限购数量"},
    {Word::end_limit_hint, "You have as many of these as one person may have.",
     "您购买该商品的数量已达上限。"},
    {Word::end_not_started, "Too early", "还没开始"},
    {Word::end_not_started_hint, "Nothing was ordered. The button opens at the start.",
     "本次未下单，开始后即可抢购。"},
    {Word::end_ended, "The sale is over", "活动已结束"},
    {Word::end_ended_hint, "Nothing was ordered.", "本次未下单。"},
    {Word::end_paused, "The sale is paused", "活动已暂停"},
    {Word::end_paused_hint, "Nothing was ordered. It may go on later.",
     "本次未下单，活动稍后可能恢复。"},
    {Word::end_busy, "Too many at the gate", "排队的人太多"},
    {Word::end_busy_hint, "Nothing was ordered. Try again in a moment.",
     "本次未下单，请稍后再试。"},
    {Word::end_too_often, "Slow down a little", "请求过于频繁"},
    {Word::end_too_often_hint, "You asked more often than the shop allows. Nothing was ordered.",
     "您的请求次数超过了限制，本次未下单。"},
    {Word::end_storage, "The shop cannot write orders down", "暂时无法记录订单"},
    {Word::end_storage_hint, "Look at your orders before you try again.",
     "重试前请先查看“我的订单”。"},
    {Word::end_quantity, "That quantity cannot be ordered", "数量不正确"},
    {Word::end_quantity_hint, "Nothing was ordered. Choose another quantity.",
     "本次未下单，请重新选择数量。"},
    {Word::to_that_order, "Go to that order", "查看该订单"},
    {Word::came_back, "A unit came back: it can be grabbed again.", "有退回的商品，可以再次抢购。"},

    {Word::order_title, "Order {}", "订单 {}"},
    {Word::order_number, "Order number", "订单号"},
    {Word::order_item, "Item", "商品"},
    {Word::order_quantity, "Quantity", "数量"},
    {Word::order_amount, "Amount", "金额"},
    {Word::order_made, "Ordered", "下单时间"},
    {Word::order_paid_at, "Paid", "支付时间"},
    {Word::order_transaction, "Transaction", "交易单号"},
    {Word::no_orders, "No orders yet", "还没有订单"},
    {Word::no_orders_hint, "What you grab is listed here.", "抢到的商品会列在这里。"},
    {Word::older_orders, "Older orders", "更早的订单"},
    {Word::back_to_orders, "My orders", "我的订单"},
    {Word::status_queued, "In the queue", "排队中"},
    {Word::status_queued_hint, "Your request is in the queue and will be decided shortly.",
     "您的请求已进入队列，很快会有结果。"},
    {Word::status_awaiting, "It is yours, to be paid", "抢到了，待支付"},
    {Word::status_awaiting_hint, "It is held for you until the time is over; then it goes back on "
     "sale.", "已为您保留，超时未支付将自动退回。"},
    {Word::status_closing, "Being given back", "正在退回"},
    {Word::status_closing_hint,
     "The payment is being closed at the provider. If you have paid already, it counts.",
     "正在向支付渠道关闭支付。如果您已付款，仍然有效。"},
    {Word::status_needs_person, "Being looked at", "人工处理中"},
    {Word::status_needs_person_hint, "The provider gives no clear answer; the shop is looking at "
     "it.", "支付渠道没有明确答复，商家正在处理。"},
    {Word::status_expired, "Time ran out", "已超时"},
    {Word::status_expired_hint, "It was not paid in time and went back on sale.",
     "未在规定时间内支付，商品已退回。"},
    {Word::status_cancelled, "Given back", "已取消"},
    {Word::status_cancelled_hint, "You gave it back; it is on sale again.",
     "您已取消订单，商品已退回。"},
    {Word::status_sale_cancelled_hint, "The shop cancelled the sale.", "商家取消了本次活动。"},
    {Word::status_payment_failed_hint, "The payment failed, and the order was given up.",
     "支付失败，订单已取消。"},
    {Word::status_released_hint, "The shop released this order.", "商家释放了该订单。"},
    {Word::status_failed, "Not granted", "未抢到"},
    {Word::status_failed_hint, "Nothing was left when your turn came.", "轮到您时商品已抢完。"},
    {Word::status_paid, "Paid", "已支付"},
    {Word::status_paid_hint, "Thank you. It is yours for good.", "感谢购买，商品已归您所有。"},
    {Word::status_refunding, "Money on its way back", "退款中"},
    {Word::status_refunding_hint, "The refund has been asked for at the provider.",
     "已向支付渠道申请退款。"},
    {Word::status_refunded, "Refunded", "已退款"},
    {Word::status_refunded_hint, "The money has been sent back.", "款项已退回。"},
    {Word::time_left, "Time left to pay", "剩余支付时间"},
    {Word::pay, "Pay now", "去支付"},
    {Word::cancel, "Give it back", "取消订单"},
    {Word::cancel_hint, "It goes back on sale at once, and others may take it.",
     "取消后商品立即退回，其他人可以抢购。"},
    {Word::cancel_confirm, "Yes, give it back", "确定取消"},
    {Word::no_payment_here, "This shop takes no payments online yet; the order is only held.",
     "本店暂未开通在线支付，订单仅作保留。"},

    {Word::payment_title, "Pay with WeChat", "微信支付"},
    {Word::payment_scan, "Scan this code with WeChat. This page turns by itself once you have "
     "paid.", "请用微信扫码支付，支付成功后本页自动更新。"},
    {Word::payment_qr_told, "QR code that opens the payment of order {} in WeChat",
     "订单 {} 的微信支付二维码"},
    {Word::payment_open_app, "Pay on this device", "在本机支付"},
    {Word::payment_done, "I have paid", "我已支付"},
    {Word::payment_refused, "The provider refuses this payment", "支付渠道拒绝了本次支付"},
    {Word::payment_refused_hint, "Nothing was charged. Give the order back, or ask the shop.",
     "未扣款。您可以取消订单或联系商家。"},
    {Word::payment_unavailable, "The provider does not answer", "支付渠道暂时没有响应"},
    {Word::payment_unavailable_hint, "Nothing was charged, and your unit is still held. Try again "
     "in a moment.", "未扣款，商品仍为您保留，请稍后再试。"},
    {Word::try_again, "Try again", "重试"},

    {Word::sign_in_title, "Sign in", "登录"},
    {Word::sign_in_lead, "The shop that sent you here signs you in. If you have a pass from it, "
     "paste it below.", "请从商家页面登录进入；若商家给了您通行码，请粘贴到下面。"},
    {Word::sign_in_token, "Pass", "通行码"},
    {Word::sign_in_token_hint, "A JSON Web Token: three parts with dots between them.",
     "JSON Web Token：由点号分隔的三段文本。"},
    {Word::sign_in_demo, "Try it without an account", "免注册体验"},
    {Word::sign_in_demo_hint, "This is a demo: any name will do.", "演示环境：任意名字均可。"},
    {Word::sign_in_name, "Name", "名字"},
    {Word::sign_in_name_hint, "Leave it empty and you get one.", "留空则自动生成。"},
    {Word::sign_in_refused, "This pass is not valid here, or no longer.",
     "通行码无效或已过期。"},
    {Word::sign_in_name_refused, "A name has 1 to 128 bytes and no control characters.",
     "名字须为 1 至 128 字节且不含控制字符。"},
    {Word::sign_in_expired, "Your session is over. Sign in again.", "登录已过期，请重新登录。"},
    {Word::sign_in_as, "Continue as {}", "以 {} 的身份继续"},
    {Word::signed_in_as, "Signed in as {}", "已登录：{}"},

    {Word::not_found, "Nothing here", "页面不存在"},
    {Word::not_found_hint, "This page does not exist, or it is not yours to see.",
     "页面不存在，或不属于您。"},
    {Word::forbidden, "That did not come from this site", "请求来源不正确"},
    {Word::forbidden_hint, "The form was too old or was sent from elsewhere; nothing was done. Go "
     "back, load the page again and retry.", "表单已过期或来自其他网站，未执行任何操作。请返回并刷新页面后重试。"},
    {Word::unreadable, "Something broke on our side", "服务出现故障"},
    {Word::unreadable_hint, "The record could not be read. Nothing was changed.",
     "暂时无法读取记录，未做任何更改。"},
    {Word::busy, "Too many at the gate", "访问人数过多"},
    {Word::busy_hint, "Try again in a moment.", "请稍后再试。"},
    {Word::go_home, "To the sales", "返回活动列表"},
}};
// clang-format on

consteval std::size_t places(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '{' && text[i + 1] == '}') ++count;
  }
  return count;
}

consteval bool is_complete() {
  for (std::size_t i = 0; i < kDictionary.size(); ++i) {
    const Entry& entry = kDictionary[i];
    if (static_cast<std::size_t>(entry.word) != i) return false;
    if (entry.en.empty() || entry.zh.empty()) return false;
    if (places(entry.en) != places(entry.zh)) return false;
  }
  return true;
}
static_assert(is_complete(), "every key in order, in both languages, with the same places");

}  // namespace

std::string_view say(Word word, Language language) {
  const Entry& entry = kDictionary[static_cast<std::size_t>(word)];
  return language == Language::zh ? entry.zh : entry.en;
}

}  // namespace sluice::web

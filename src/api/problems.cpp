// The table of problems and the answers made of it.
#include "api/problems.h"

#include <algorithm>
#include <array>
#include <vector>

#include "http/json_writer.h"

namespace sluice::api {

namespace {

struct Entry {
  Code code;
  std::int16_t status;
  std::string_view name;
  Words title, detail;
};

// clang-format off
constexpr Entry kTable[] = {
    {Code::unauthenticated, 401, "unauthenticated",
     {"Sign in first", "请先登录"},
     {"The request carries no valid token; send Authorization: Bearer <token>.",
      "请求未携带有效令牌；请发送 Authorization: Bearer <令牌>。"}},
    {Code::forbidden, 403, "forbidden",
     {"Not permitted", "没有权限"},
     {"This needs a token with the role admin.", "此操作需要 role 为 admin 的令牌。"}},
    {Code::rate_limited, 429, "rate_limited",
     {"Too many requests", "请求过于频繁"},
     {"You have sent too many requests; wait as long as Retry-After says.",
      "请求次数过多，请按 Retry-After 的时间等待后再试。"}},
    {Code::idempotency_mismatch, 422, "idempotency_mismatch",
     {"The key was used for another request", "幂等键已用于其他请求"},
     {"This Idempotency-Key already made an order for another item or quantity; use a new key.",
      "该 Idempotency-Key 已用于另一商品或数量的订单，请换一个新的键。"}},
    {Code::unknown_item, 404, "unknown_item",
     {"No such item", "商品不存在"},
     {"No item has this id.", "没有此编号的商品。"}},
    {Code::unknown_sale, 404, "unknown_sale",
     {"No such sale", "活动不存在"},
     {"No sale has this id.", "没有此编号的活动。"}},
    {Code::unknown_order, 404, "unknown_order",
     {"No such order", "订单不存在"},
     {"You have no order of this id.", "您没有此编号的订单。"}},
    {Code::not_found, 404, "not_found",
     {"Nothing here", "页面不存在"},
     {"No route has this path; see /openapi.json.", "没有此路径的接口，请参阅 /openapi.json。"}},
    {Code::method_not_allowed, 405, "method_not_allowed",
     {"Method not allowed", "方法不允许"},
     {"This path does not take that method; Allow lists those it takes.",
      "此路径不支持该方法；可用的方法见 Allow。"}},
    {Code::invalid_request, 400, "invalid_request",
     {"Invalid request", "请求无效"},
     {"The request is not valid.", "请求内容不正确。"}},
    {Code::unsupported_media_type, 415, "unsupported_media_type",
     {"Unsupported media type", "不支持的内容类型"},
     {"The body must be application/json.", "请求体必须是 application/json。"}},
    {Code::not_started, 425, "not_started",
     {"Not started", "活动未开始"},
     {"The sale has not started; Retry-After says when it does.",
      "活动尚未开始，开始时间见 Retry-After。"}},
    {Code::ended, 410, "ended",
     {"The sale is over", "活动已结束"},
     {"The sale has ended.", "活动已经结束。"}},
    {Code::paused, 423, "paused",
     {"Paused", "活动已暂停"},
     {"The sale is paused; it may go on later.", "活动已暂停，稍后可能恢复。"}},
    {Code::already_queued, 409, "already_queued",
     {"Already queued", "请勿重复排队"},
     {"You have an order in this sale that is queued or not paid yet: pay it or cancel it first.",
      "您在本活动中已有排队中或未支付的订单，请先支付或取消。"}},
    {Code::limit_reached, 409, "limit_reached",
     {"Limit reached", "已达限购数量"},
     {"You have as many units of this item as one shopper may have.",
      "您购买该商品的数量已达上限。"}},
    {Code::sold_out, 409, "sold_out",
     {"Sold out", "已售罄"},
     {"Nothing is left; units of unpaid orders may come back.",
      "商品已售罄；未支付订单的库存可能会退回。"}},
    {Code::overloaded, 503, "overloaded",
     {"Busy", "系统繁忙"},
     {"The server is at its capacity; nothing was ordered, try again shortly.",
      "服务器已达处理上限，本次未下单，请稍后重试。"}},
    {Code::storage_full, 503, "storage_full",
     {"Storage is full", "存储空间已满"},
     {"The server cannot record orders because its disk is full; nothing was ordered.",
      "服务器磁盘已满，无法记录订单；本次未下单。"}},
    {Code::storage_failed, 503, "storage_failed",
     {"Storage failed", "存储故障"},
     {"The server cannot record orders at present; look at your orders before trying again.",
      "服务器暂时无法记录订单；重试前请先查看您的订单。"}},
    {Code::already_paid, 409, "already_paid",
     {"Already paid", "订单已支付"},
     {"A paid order cannot be given back here; ask the shop for a refund.",
      "已支付的订单不能在此取消，请联系商家退款。"}},
    {Code::duplicate_id, 409, "duplicate_id",
     {"The id is taken", "编号已存在"},
     {"A sale or an item of this id exists, or it is named twice.",
      "该活动或商品编号已存在，或在请求中重复。"}},
    {Code::too_many, 409, "too_many",
     {"Too many", "数量超限"},
     {"The limit of sales, items, or items per sale would be passed.",
      "活动数、商品数或单个活动的商品数将超过上限。"}},
    {Code::below_committed, 409, "below_committed",
     {"Units are already given out", "低于已占用数量"},
     {"Stock cannot be set below the units that are held or sold.",
      "库存不能低于已占用与已售出的数量之和。"}},
    {Code::item_frozen, 409, "item_frozen",
     {"The item is frozen", "商品已冻结"},
     {"The item's counters do not add up, so nothing is changed until a person has looked.",
      "该商品的库存核对不一致，人工处理前不能更改。"}},
    {Code::not_resolvable, 409, "not_resolvable",
     {"Nothing to resolve", "无需处理"},
     {"The order is not being closed and needs no person.", "该订单不在关闭中，也无需人工处理。"}},
    {Code::not_paid, 409, "not_paid",
     {"Not paid", "订单未支付"},
     {"Only a paid order can be refunded.", "只有已支付的订单可以退款。"}},
    {Code::already_refunding, 409, "already_refunding",
     {"Already refunding", "退款处理中"},
     {"The order's money is on its way back already.", "该订单已在退款。"}},
    {Code::too_many_streams, 429, "too_many_streams",
     {"Too many event streams", "事件流过多"},
     {"You have too many event streams open; close one, or ask for the order now and then.",
      "您打开的事件流过多，请关闭一些，或改为定时查询订单。"}},
    {Code::unknown_payment, 404, "unknown_payment",
     {"No payment", "没有支付"},
     {"No payment that can be made now was created for this order; create it with POST.",
      "该订单没有当前可用的支付，请先用 POST 创建。"}},
    {Code::not_payable, 409, "not_payable",
     {"Nothing to pay", "无需支付"},
     {"The order is paid, being given up, or over.", "该订单已支付、正在关闭或已结束。"}},
    {Code::payment_conflict, 409, "payment_conflict",
     {"Another payment has this number", "支付单号已被占用"},
     {"A payment of this number was created with another amount, queue or exchange.",
      "该单号已用于金额、队列或交换机不同的支付。"}},
    {Code::payment_refused, 502, "payment_refused",
     {"The provider refused", "支付平台拒绝"},
     {"The payment provider refused; the log says why.", "支付平台拒绝了请求，原因见日志。"}},
    {Code::payment_unavailable, 503, "payment_unavailable",
     {"Payments are not available", "暂时无法支付"},
     {"The payment provider cannot be reached; try again.", "暂时无法连接支付平台，请重试。"}},
    {Code::unknown_notification, 404, "unknown_notification",
     {"No such notification", "通知不存在"},
     {"No notification has this sequence number.", "没有此序号的通知。"}},
    {Code::not_replayable, 409, "not_replayable",
     {"Not to be replayed", "不能重放"},
     {"The notification was refused when it came, so it is not published.",
      "该通知在收到时已被拒绝，不会发布。"}},
    {Code::wrong_password, 401, "wrong_password",
     {"That did not open", "登录失败"},
     {"The password or the token is not right.", "密码或令牌不正确。"}},
    {Code::bad_csrf_token, 403, "bad_csrf_token",
     {"Not sent by the console", "请求并非来自控制台"},
     {"A change in a session must carry its token in Sluice-CSRF and come from this site.",
      "会话中的更改须在 Sluice-CSRF 中携带其令牌，并由本站页面发出。"}},
    {Code::unknown_webhook, 404, "unknown_webhook",
     {"No such webhook", "Webhook 不存在"},
     {"No webhook has this id.", "没有此编号的 Webhook。"}},
    {Code::unknown_delivery, 404, "unknown_delivery",
     {"No such delivery", "投递记录不存在"},
     {"This webhook has no delivery of this sequence number; finished ones are kept for a time.",
      "该 Webhook 没有此序号的投递；已完成的投递只保留一段时间。"}},
    {Code::webhook_configured, 409, "webhook_configured",
     {"It comes from the configuration", "由配置文件管理"},
     {"This webhook is the one of [webhook] in the configuration; change it there and restart.",
      "该 Webhook 由配置文件的 [webhook] 指定，请修改配置并重启。"}},
    {Code::delivery_pending, 409, "delivery_pending",
     {"It is on its way already", "正在投递"},
     {"Only a delivery that failed or was delivered is sent again; this one still waits.",
      "只能重新发送已失败或已送达的投递，该投递仍在等待。"}},
    {Code::internal, 500, "internal",
     {"Internal error", "内部错误"},
     {"The server failed to answer; the log says why.", "服务器未能完成请求，原因见日志。"}},
};
// clang-format on
static_assert(std::size(kTable) == kCodes);

constexpr bool in_order() {
  for (std::size_t i = 0; i < kCodes; ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return true;
}
static_assert(in_order());

const Entry& entry(Code code) {
  return kTable[static_cast<std::size_t>(code)];
}

std::string body_of(const Entry& of, Language language, std::string_view detail,
                    std::string_view members) {
  std::string body;
  body.reserve(256 + detail.size() + members.size());
  http::JsonWriter json(body);
  json.begin_object().member("type", "/problems/" + std::string(of.name));
  json.member("title", title(of.code, language)).member("status", of.status);
  json.member("detail", detail).member("code", of.name);
  if (!members.empty()) json.raw(members);
  json.end_object();
  return body;
}

/// The bodies without anything particular to the request: what a crowd is told.
struct Usual {
  std::array<std::array<std::string, 2>, kCodes> bodies;
  Usual() {
    for (const Entry& of : kTable) {
      for (const Language language : {Language::en, Language::zh}) {
        bodies[static_cast<std::size_t>(of.code)][static_cast<std::size_t>(language)] =
            body_of(of, language, usual_detail(of.code, language), {});
      }
    }
  }
};

}  // namespace

std::string_view wire_name(Code code) {
  return entry(code).name;
}

int status_of(Code code) {
  return entry(code).status;
}

std::string_view title(Code code, Language language) {
  return entry(code).title.in(language);
}

std::string_view usual_detail(Code code, Language language) {
  return entry(code).detail.in(language);
}

std::optional<Code> parse_code(std::string_view name) {
  const auto* found = std::ranges::find(kTable, name, &Entry::name);
  if (found == std::end(kTable)) return std::nullopt;
  return found->code;
}

http::Response problem(Code code, Language language, std::string_view detail,
                       std::string_view members) {
  static const Usual usual;
  const Entry& of = entry(code);
  http::Response response;
  response.status = of.status;
  response.content_type = "application/problem+json";
  if (detail.empty() && members.empty()) {
    response.body =
        usual.bodies[static_cast<std::size_t>(code)][static_cast<std::size_t>(language)];
  } else {
    response.body =
        body_of(of, language, detail.empty() ? usual_detail(code, language) : detail, members);
  }
  response.add("Content-Language", tag(language));
  return response;
}

std::string retry_after(Span wait) {
  return std::to_string(std::max<std::int64_t>(1, (wait.ms + 999) / 1000));
}

}  // namespace sluice::api

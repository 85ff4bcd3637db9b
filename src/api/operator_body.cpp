// Field by field, with the limits of sale/catalog.h.
#include "api/operator_body.h"

#include <fmt/core.h>

#include <utility>

#include "api/lookup.h"
#include "base/text.h"
#include "sale/catalog.h"
#include "sale/drafts.h"

namespace sluice::api {

namespace {

using Need = ObjectReader::Need;

Money read_price(ObjectReader& from, std::string_view name, std::int64_t min,
                 std::optional<std::int64_t> otherwise) {
  return Money{from.integer(name, min, kMaxPrice.minor, otherwise)};
}

Quantity read_limit(ObjectReader& from, std::optional<std::int64_t> otherwise) {
  return Quantity{from.integer("per_user_limit", 1, kMaxStock.units, otherwise)};
}

std::string read_image_url(ObjectReader& from) {
  std::string url = from.text("image_url", sale::kMaxUrlBytes, Need::optional);
  if (!sale::has_image_url_form(url)) {
    from.faults().refuse(from.path("image_url"),
                         "must start with https://, http:// or / (a path of this server, not //)",
                         "必须以 https://、http:// 或 /（本站路径，不能是 //）开头");
  }
  return url;
}

std::string read_description(ObjectReader& from) {
  return from.text("description", sale::kMaxDescriptionBytes, Need::optional,
                   ObjectReader::Lines::many);
}

Currency read_currency(ObjectReader& from) {
  if (!from.has("currency")) return {};
  const std::string code = from.text("currency", 3, Need::required);
  const auto currency = Currency::parse(code);
  if (!currency) {
    from.faults().refuse(
        from.path("currency"),
        fmt::format("is {}; it must be an ISO 4217 code such as \"CNY\"", quote(code)),
        fmt::format("的值 {} 不正确，应为 \"CNY\" 这样的 ISO 4217 代码", quote(code)));
  }
  return currency.value_or(Currency{});
}

Span read_hold(ObjectReader& from, std::optional<std::int64_t> otherwise) {
  return Span::seconds(from.integer("hold_seconds", (sale::kMinHold.ms + 999) / 1000,
                                    sale::kMaxHold.ms / 1000, otherwise));
}

sale::ItemDraft read_item(ObjectReader& from) {
  sale::ItemDraft item;
  item.id = from.id("id");
  item.title = from.text("title", sale::kMaxTitleBytes, Need::required);
  item.image_url = read_image_url(from);
  item.description = read_description(from);
  item.price = read_price(from, "price", 1, {});
  item.list_price = read_price(from, "list_price", 0, item.price.minor);
  item.currency = read_currency(from);
  item.stock = Quantity{from.integer("stock", 0, kMaxStock.units, {})};
  item.per_user_limit = read_limit(from, 1);
  return item;
}

}  // namespace

std::optional<boost::json::value> read_body(const http::Request& request, Exchange& exchange) {
  if (!is_json(request)) {
    exchange.fail(Code::unsupported_media_type);
    return std::nullopt;
  }
  if (request.body.empty()) {
    exchange.fail(Code::invalid_request,
                  Text{"The body is empty; send a JSON object.", "请求体为空，应为 JSON 对象。"});
    return std::nullopt;
  }
  auto value = parse_json(request.body);
  if (!value) {
    exchange.fail(Code::invalid_request, value.error());
    return std::nullopt;
  }
  return std::move(*value);
}

bool accept(const JsonFaults& faults, Exchange& exchange) {
  if (!faults.first()) return true;
  exchange.fail(Code::invalid_request, *faults.first());
  return false;
}

sale::Operator read_operator(ObjectReader& body, const Context& context,
                             std::optional<std::string> otherwise) {
  sale::Operator by;
  by.name = context.claims.user;
  if (otherwise && !body.has("reason")) {
    by.reason = std::move(*otherwise);
  } else {
    by.reason = body.text("reason", kMaxReasonBytes, Need::required);
  }
  return by;
}

sale::OpenSale read_open_sale(const boost::json::value& body, const Context& context,
                              JsonFaults& faults) {
  ObjectReader from(body, "", faults,
                    {"id", "title", "starts_at", "ends_at", "hold_seconds", "items", "reason"});
  sale::OpenSale sale;
  sale.by = read_operator(from, context, "created");
  sale.id = from.id("id");
  sale.title = from.text("title", sale::kMaxTitleBytes, Need::required);
  sale.starts_at = from.instant("starts_at");
  sale.ends_at = from.instant("ends_at");
  if (sale.ends_at <= sale.starts_at) {
    faults.refuse("ends_at", "must be after starts_at", "必须晚于 starts_at");
  }
  sale.hold = read_hold(from, 1800);
  const auto* items = from.array("items", sale::kMaxItemsPerSale);
  if (items == nullptr || items->empty()) {
    faults.refuse("items", "is missing or empty; a sale has at least one item",
                  "缺失或为空，活动至少要有一件商品");
    return sale;
  }
  for (std::size_t i = 0; i < items->size() && !faults.first(); ++i) {
    ObjectReader item((*items)[i], fmt::format("items[{}]", i), faults,
                      {"id", "title", "price", "list_price", "currency", "stock", "per_user_limit",
                       "image_url", "description"});
    sale.items.push_back(read_item(item));
  }
  return sale;
}

sale::AddItem read_add_item(const boost::json::value& body, const Context& context,
                            JsonFaults& faults) {
  ObjectReader from(body, "", faults,
                    {"id", "title", "price", "list_price", "currency", "stock", "per_user_limit",
                     "image_url", "description", "reason"});
  sale::AddItem add;
  add.by = read_operator(from, context, "created");
  add.item = read_item(from);
  return add;
}

sale::ChangeSale read_change_sale(const boost::json::value& body, const Context& context,
                                  JsonFaults& faults) {
  ObjectReader from(body, "", faults, {"title", "starts_at", "ends_at", "hold_seconds", "reason"});
  sale::ChangeSale change;
  change.by = read_operator(from, context);
  if (from.has("title")) change.title = from.text("title", sale::kMaxTitleBytes, Need::required);
  if (from.has("starts_at")) change.starts_at = from.instant("starts_at");
  if (from.has("ends_at")) change.ends_at = from.instant("ends_at");
  if (from.has("hold_seconds")) change.hold = read_hold(from, {});
  return change;
}

sale::ChangeItem read_change_item(const boost::json::value& body, const Context& context,
                                  JsonFaults& faults) {
  ObjectReader from(
      body, "", faults,
      {"title", "image_url", "description", "price", "list_price", "per_user_limit", "reason"});
  sale::ChangeItem change;
  change.by = read_operator(from, context);
  if (from.has("title")) change.title = from.text("title", sale::kMaxTitleBytes, Need::required);
  if (from.has("image_url")) change.image_url = read_image_url(from);
  if (from.has("description")) change.description = read_description(from);
  if (from.has("price")) change.price = read_price(from, "price", 1, {});
  if (from.has("list_price")) change.list_price = read_price(from, "list_price", 0, {});
  if (from.has("per_user_limit")) change.per_user_limit = read_limit(from, {});
  return change;
}

}  // namespace sluice::api

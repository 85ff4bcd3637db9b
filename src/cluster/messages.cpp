// Writes and reads the JSON of grabs and timers. What comes in was written by anybody.
#include "cluster/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/quantity.h"
#include "base/text.h"

namespace sluice::cluster {

namespace {

namespace json = boost::json;

/// Ours nest twice; other people's extra fields may a little more.
constexpr std::size_t kMaxDepth = 8;
constexpr std::int64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kKeyDigits = 32;

using Out = std::back_insert_iterator<std::string>;

void write_text(std::string& out, std::string_view text) {
  out += json::serialize(json::string_view(text.data(), text.size()));
}

void write_grab(std::string& out, const store::Reservation& grab, const engine::Catalog& catalog) {
  SLUICE_ASSERT(grab.item.value < catalog.items.size(), "a grab is of an item of the catalog");
  const sale::Item& item = catalog.items[grab.item.value]->item;
  fmt::format_to(Out(out), R"({{"orderId":"{}","username":)", to_text(grab.id));
  write_text(out, grab.user);
  fmt::format_to(Out(out),
                 R"(,"goodsId":"{}","quantity":{},"money":{},"currency":"{}","createTime":"{}",)"
                 R"("expiresTime":"{}","status":1)",
                 item.id, grab.quantity, grab.amount.minor, item.currency.code(),
                 to_rfc3339(grab.created_at), to_rfc3339(grab.expires_at));
  if (grab.request) {
    fmt::format_to(Out(out), R"(,"requestKey":"{:016x}{:016x}")", grab.request.high,
                   grab.request.low);
  }
  if (grab.epoch != 0) fmt::format_to(Out(out), R"(,"epoch":{})", grab.epoch);
  out += '}';
}

/// One object of a message. The getters give nothing where a field is missing or wrong, and
/// remember the first that is.
class Entry {
 public:
  explicit Entry(const json::object& object) : object_(object) {}

  std::optional<std::string_view> text(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return refuse(name, "is missing");
    if (!value->is_string()) return refuse(name, "is no text");
    return view_of(value->get_string());
  }
  std::optional<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most) {
    const json::value* value = find(name);
    if (value == nullptr) return refuse(name, "is missing");
    const bool is_whole = value->is_int64();  // above 2^63 it would be unsigned
    if (is_whole && value->get_int64() >= least && value->get_int64() <= most) {
      return value->get_int64();
    }
    return refuse(name, fmt::format("is no whole number from {} to {}", least, most));
  }
  std::optional<Instant> time(std::string_view name) {
    const auto written = text(name);
    if (!written) return std::nullopt;
    const auto at = parse_rfc3339(*written);
    if (!at) return refuse(name, "is no time: " + at.error().message);
    return *at;
  }
  std::optional<OrderId> order() {
    const auto written = text("orderId");
    if (!written) return std::nullopt;
    const auto id = parse_order_id(*written);
    if (!id || id->value == 0) return refuse("orderId", "is no order id: " + quote(*written));
    return id;
  }
  /// Text, or a whole number for those who number theirs.
  std::optional<std::string> goods() {
    const json::value* value = find("goodsId");
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
      return std::to_string(value->get_int64());
    }
    const auto written = text("goodsId");
    if (!written) return std::nullopt;
    if (!valid_catalog_id(*written)) return refuse("goodsId", "is no id: " + quote(*written));
    return std::string(*written);
  }
  /// All zero where there is none.
  std::optional<sale::RequestKey> request_key() {
    if (!has("requestKey")) return sale::RequestKey{};
    const auto written = text("requestKey");
    if (!written) return std::nullopt;
    const auto high = hex(written->substr(0, kKeyDigits / 2));
    const auto low = hex(written->substr(std::min(written->size(), kKeyDigits / 2)));
    if (!high || !low) return refuse("requestKey", "is not 32 hexadecimal digits");
    return sale::RequestKey{*high, *low};
  }
  /// As the tutorial has it, in either spelling; an order that was decided is no grab.
  bool is_queued() {
    const json::value* value = find("status");
    if (value == nullptr) return true;
    if (value->is_int64() && value->get_int64() == 1) return true;
    if (value->is_string() && value->get_string() == "1") return true;
    refuse("status", "is not 1");
    return false;
  }

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::nullopt_t refuse(std::string_view name, std::string_view why) {
    if (fault_.empty()) fault_ = fmt::format("\"{}\" {}", name, why);
    return std::nullopt;
  }
  const std::string& fault() const { return fault_; }

 private:
  static std::string_view view_of(const json::string& text) { return {text.data(), text.size()}; }
  static std::optional<std::uint64_t> hex(std::string_view digits) {
    std::uint64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number, 16);
    const bool whole = digits.size() == kKeyDigits / 2 && read.ec == std::errc{} && read.ptr == end;
    return whole ? std::optional(number) : std::nullopt;
  }
  const json::value* find(std::string_view name) const {
    return object_.if_contains(json::string_view(name.data(), name.size()));
  }

  const json::object& object_;
  std::string fault_;
};

/// What `goods` names; an item that is not in the catalog leaves its number out.
struct ReadGrab {
  store::Reservation grab;
  std::string goods;
  bool known = false;
};

std::optional<ReadGrab> read_grab(Entry& entry, const engine::Catalog& catalog) {
  ReadGrab read;
  const auto id = entry.order();
  const auto user = entry.text("username");
  if (user && !valid_user(*user)) entry.refuse("username", "is no name of a shopper");
  const auto goods = entry.goods();
  const auto quantity = entry.number("quantity", 1, kMaxStock.units);
  const auto money = entry.number("money", 0, kMaxNumber);
  const auto currency = entry.text("currency");
  const auto created = entry.time("createTime");
  const auto expires = entry.has("expiresTime") ? entry.time("expiresTime") : std::nullopt;
  const auto key = entry.request_key();
  const auto epoch = entry.has("epoch") ? entry.number("epoch", 0, kMaxNumber) : 0;
  entry.is_queued();
  if (!entry.fault().empty()) return std::nullopt;

  read.goods = *goods;
  read.grab.id = *id;
  read.grab.user = *user;
  read.grab.quantity = *quantity;
  read.grab.amount = Money{*money};
  read.grab.created_at = *created;
  read.grab.request = *key;
  read.grab.epoch = static_cast<std::uint64_t>(*epoch);
  const engine::CatalogItem* item = catalog.find_item(*goods);
  if (item == nullptr) return read;
  read.known = true;
  read.grab.item = item->item.no;
  read.grab.expires_at = expires.value_or(*created + item->sale->sale.hold);
  if (item->item.currency.code() != *currency) {
    return entry.refuse("currency",
                        "is not the item's, which is " + std::string(item->item.currency.code()));
  }
  if (read.grab.expires_at < *created || read.grab.expires_at - *created > sale::kMaxHold) {
    return entry.refuse("expiresTime", "is before createTime, or more than 7 days after it");
  }
  return read;
}

/// Calls `each` with every object of the message until it says no; the error says what is wrong.
template <class Each>
Result<> each_entry(std::string_view body, Each each) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  const json::value root =
      json::parse(json::string_view(body.data(), body.size()), error, {}, options);
  if (error) return fail("the message is not JSON: " + error.message());
  const json::array* array = root.if_array();
  if (array == nullptr && !root.is_object()) {
    return fail("the message is neither a JSON object nor an array of them");
  }
  const std::size_t size = array == nullptr ? 1 : array->size();
  if (size == 0 || size > kMaxGrabsPerMessage) {
    return fail(
        fmt::format("the message has {} entries; it may have 1 to {}", size, kMaxGrabsPerMessage));
  }
  for (std::size_t i = 0; i < size; ++i) {
    const json::value& value = array == nullptr ? root : (*array)[i];
    if (!value.is_object()) return fail(fmt::format("entry {} is no object", i));
    Entry entry(value.get_object());
    if (!each(entry)) return fail(fmt::format("entry {}: {}", i, entry.fault()));
  }
  return {};
}

}  // namespace

std::string to_message(std::span<const store::Reservation> grabs, const engine::Catalog& catalog) {
  SLUICE_ASSERT(grabs.size() <= kMaxGrabsPerMessage, "a message is of kMaxGrabsPerMessage at most");
  std::string out = "[";
  for (const store::Reservation& grab : grabs) {
    if (out.size() > 1) out += ',';
    write_grab(out, grab, catalog);
  }
  out += ']';
  return out;
}

Result<GrabMessage> parse_grabs(std::string_view body, const engine::Catalog& catalog) {
  GrabMessage message;
  auto read = each_entry(body, [&](Entry& entry) {
    auto one = read_grab(entry, catalog);
    if (!one) return false;
    if (one->known) {
      message.grabs.push_back(std::move(one->grab));
    } else {
      message.unknown_goods.push_back(std::move(one->goods));
    }
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return message;
}

Result<TimerMessage> parse_timer(std::string_view body) {
  TimerMessage message;
  auto read = each_entry(body, [&](Entry& entry) {
    const auto order = entry.order();
    const auto due = entry.time("expiresTime");
    if (!order || !due) return false;
    message.orders.push_back(*order);
    message.due = std::max(message.due, *due);
    return true;
  });
  if (!read) return std::unexpected(read.error());
  return message;
}

}  // namespace sluice::cluster

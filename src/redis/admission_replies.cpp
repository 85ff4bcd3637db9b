// What the replies of library.lua's functions say. A reply that is not theirs is `broken`.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "redis/admission.h"

namespace sluice::redis {

namespace {

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

std::unexpected<Refusal> broken(std::string why) {
  return std::unexpected(Refusal{Refusal::Kind::broken, std::move(why)});
}

/// The refusal that a whole call can get; empty: it was not refused.
std::optional<Refusal> refused(const Value& reply) {
  if (reply.is(Value::Kind::error)) {
    return Refusal{Refusal::Kind::broken,
                   fmt::format("Redis refused a call: {}", quote(reply.text))};
  }
  if (!reply.is(Value::Kind::integer) || reply.integer >= 0) return std::nullopt;
  switch (reply.integer) {
    case -1:
      return Refusal{Refusal::Kind::not_loaded, "the sale is not loaded into this Redis"};
    case -2:
      return Refusal{Refusal::Kind::stale_epoch, "the sale was loaded under another epoch"};
    case -3:
      return Refusal{Refusal::Kind::not_drained, "reservations still wait in the outbox"};
    case -4:
      return Refusal{Refusal::Kind::not_sealed, "the sale is open and must be sealed first"};
    default:
      return Refusal{Refusal::Kind::broken,
                     fmt::format("Redis answered {}, which no function does", reply.integer)};
  }
}

std::optional<std::uint64_t> parse_hex64(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(digit);
  }
  return number;
}

std::optional<sale::RequestKey> parse_request(std::string_view text) {
  if (text.empty()) return sale::RequestKey{};
  if (text.size() != 32) return std::nullopt;
  const auto high = parse_hex64(text.substr(0, 16)), low = parse_hex64(text.substr(16));
  if (!high || !low) return std::nullopt;
  return sale::RequestKey{*high, *low};
}

/// Cuts the text before the next comma; empty where there is no comma.
std::optional<std::string_view> cut(std::string_view& text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view front = text.substr(0, comma);
  text.remove_prefix(comma + 1);
  return front;
}
std::optional<std::int64_t> cut_number(std::string_view& text, std::int64_t max) {
  const auto front = cut(text);
  return front ? parse_uint(*front, max) : std::nullopt;
}

std::optional<OrderId> parse_id(std::string_view text) {
  const auto number = parse_uint(text, kAny);
  if (!number || *number == 0) return std::nullopt;
  return OrderId{*number};
}

std::optional<GrabAnswer> parse_answer(const Value& value) {
  const bool bare = value.is(Value::Kind::integer);
  if (!bare && (!value.is(Value::Kind::array) || value.items.size() < 2)) return std::nullopt;
  const Value& code = bare ? value : value.items[0];
  if (!code.is(Value::Kind::integer) || code.integer < 0 ||
      code.integer > static_cast<std::int64_t>(GrabCode::id_conflict)) {
    return std::nullopt;
  }
  GrabAnswer answer;
  answer.code = static_cast<GrabCode>(code.integer);
  const bool takes_units = answer.code == GrabCode::granted || answer.code == GrabCode::replayed;
  const std::vector<Value>& parts = value.items;
  if (answer.code == GrabCode::sold_out) {
    if (parts.size() != 3) return std::nullopt;
    answer.available = parts[1].integer;
    answer.revision = static_cast<std::uint64_t>(parts[2].integer);
  } else if (takes_units || answer.code == GrabCode::already_queued) {
    if (bare) return std::nullopt;
    const auto id = parse_id(parts[1].text);
    if (!id) return std::nullopt;
    answer.order = *id;
    if (takes_units) {
      if (parts.size() < 3) return std::nullopt;
      answer.reservation = parse_reservation(parts[1].text, parts[2].text);
      if (!answer.reservation) return std::nullopt;
      if (parts.size() == 5) {
        answer.available = parts[3].integer;
        answer.revision = static_cast<std::uint64_t>(parts[4].integer);
      }
    }
  }
  return answer;
}

std::optional<ItemRow> parse_item(std::string_view no, std::string_view row) {
  const auto number = parse_uint(no, std::numeric_limits<std::uint32_t>::max());
  std::int64_t numbers[10] = {};
  for (std::int64_t& one : numbers) {
    const auto found = cut_number(row, kAny);
    if (!found) return std::nullopt;
    one = *found;
  }
  if (!number || (row != "0" && row != "1")) return std::nullopt;
  ItemRow item;
  item.item = ItemNo{static_cast<std::uint32_t>(*number)};
  item.counters = {Quantity{numbers[3]}, Quantity{numbers[4]}, Quantity{numbers[5]},
                   Quantity{numbers[6]}, Quantity{numbers[7]}};
  item.revision = static_cast<std::uint64_t>(numbers[8]);
  item.frozen = row == "1" || !item.counters.conserved();
  return item;
}

}  // namespace

std::optional<Reservation> parse_reservation(std::string_view id, std::string_view row) {
  const auto number = parse_id(id);
  const auto standing = cut(row);
  const auto item = cut_number(row, std::numeric_limits<std::uint32_t>::max());
  const auto quantity = cut_number(row, kMaxStock.units);
  const auto price = cut_number(row, kAny);
  const auto created = cut_number(row, kLastInstant.ms), expires = cut_number(row, kLastInstant.ms);
  const auto request = cut(row);
  if (!number || !standing || standing->size() != 1 || !item || !quantity || !price || !created ||
      !expires || !request || row.empty()) {
    return std::nullopt;
  }
  if (std::string_view("rasxfc").find((*standing)[0]) == std::string_view::npos)
    return std::nullopt;
  const auto key = parse_request(*request);
  if (!key || *quantity == 0 || *price > kAny / *quantity) return std::nullopt;
  Reservation order;
  order.id = *number;
  order.standing = static_cast<Standing>((*standing)[0]);
  order.item = ItemNo{static_cast<std::uint32_t>(*item)};
  order.quantity = *quantity;
  order.price = Money{*price};
  order.created_at = Instant{*created};
  order.expires_at = Instant{*expires};
  order.request = *key;
  order.user = row;
  return order;
}

Answer<GrabReply> read_grabs(const Value& reply, std::size_t count) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array) || reply.items.size() != count + 2 ||
      !reply.items[0].is(Value::Kind::integer) || !reply.items[1].is(Value::Kind::text)) {
    return broken(fmt::format("the reply to {} grabs has {} parts", count, reply.items.size()));
  }
  GrabReply read;
  read.decided_at = Instant{reply.items[0].integer};
  read.outbox_entry = reply.items[1].text;
  read.answers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::optional<GrabAnswer> answer = parse_answer(reply.items[i + 2]);
    if (!answer) return broken(fmt::format("answer {} of {} to grabs cannot be read", i, count));
    read.answers.push_back(std::move(*answer));
  }
  return read;
}

Answer<std::vector<MoveCode>> read_moves(const Value& reply, std::size_t count) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array) || reply.items.size() != count) {
    return broken(fmt::format("the reply about {} orders has {} parts", count, reply.items.size()));
  }
  std::vector<MoveCode> codes;
  codes.reserve(count);
  for (const Value& value : reply.items) {
    if (!value.is(Value::Kind::integer) || value.integer < 0 || value.integer > 5) {
      return broken(fmt::format("{} is no answer about an order", value.integer));
    }
    codes.push_back(static_cast<MoveCode>(value.integer));
  }
  return codes;
}

Answer<std::int64_t> read_number(const Value& reply) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::integer)) return broken("a number was expected of Redis");
  return reply.integer;
}

Answer<Change> read_change(const Value& reply) {
  const Answer<std::int64_t> number = read_number(reply);
  if (!number) return std::unexpected(number.error());
  if (*number != 1 && *number != 2)
    return broken(fmt::format("{} is no answer to a change", *number));
  return *number == 2 ? Change::changed : Change::unchanged;
}

Answer<sale::AdjustStockOutcome> read_adjust(const Value& reply) {
  const Answer<std::int64_t> number = read_number(reply);
  if (!number) return std::unexpected(number.error());
  if (*number > static_cast<std::int64_t>(sale::AdjustStockOutcome::adjusted)) {
    return broken(fmt::format("{} is no answer to a change of stock", *number));
  }
  return static_cast<sale::AdjustStockOutcome>(*number);
}

Answer<std::vector<ItemNo>> read_frozen(const Value& reply) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array)) return broken("a list of items was expected of Redis");
  std::vector<ItemNo> items;
  for (const Value& value : reply.items) {
    const auto no = parse_uint(value.text, std::numeric_limits<std::uint32_t>::max());
    if (!no) return broken(fmt::format("{} is no item", quote(value.text)));
    items.emplace_back(static_cast<std::uint32_t>(*no));
  }
  return items;
}

Answer<Stats> read_stats(const Value& reply) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array) || reply.items.size() < 4 || reply.items.size() % 2 != 0) {
    return broken(fmt::format("the counters of a sale have {} parts", reply.items.size()));
  }
  const auto epoch = parse_uint(reply.items[0].text, kAny);
  if (!epoch) return broken(fmt::format("{} is no epoch", quote(reply.items[0].text)));
  Stats stats;
  stats.epoch = static_cast<std::uint64_t>(*epoch);
  stats.same_run = reply.items[1].text == "1";
  stats.state = reply.items[2].text;
  stats.outbox_entries = reply.items[3].integer;
  for (std::size_t i = 4; i < reply.items.size(); i += 2) {
    const auto item = parse_item(reply.items[i].text, reply.items[i + 1].text);
    if (!item)
      return broken(fmt::format("the row of item {} cannot be read", quote(reply.items[i].text)));
    stats.items.push_back(*item);
  }
  std::sort(stats.items.begin(), stats.items.end(),
            [](const ItemRow& a, const ItemRow& b) { return a.item < b.item; });
  return stats;
}

Answer<std::vector<std::optional<Reservation>>> read_found(const Value& reply,
                                                           std::span<const OrderId> orders) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array) || reply.items.size() != orders.size()) {
    return broken(fmt::format("{} orders were asked for, {} answers came", orders.size(),
                              reply.items.size()));
  }
  std::vector<std::optional<Reservation>> found(orders.size());
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (reply.items[i].text.empty()) continue;
    found[i] = parse_reservation(fmt::format_int(orders[i].value).c_str(), reply.items[i].text);
    if (!found[i])
      return broken(fmt::format("the row of order {} cannot be read", to_text(orders[i])));
  }
  return found;
}

Answer<Stragglers> read_stragglers(const Value& reply) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array) || reply.items.size() % 2 != 1) {
    return broken("a part of a scan was expected of Redis");
  }
  Stragglers part;
  part.cursor = reply.items[0].text;
  for (std::size_t i = 1; i < reply.items.size(); i += 2) {
    auto order = parse_reservation(reply.items[i].text, reply.items[i + 1].text);
    if (!order)
      return broken(fmt::format("the row of order {} cannot be read", quote(reply.items[i].text)));
    part.orders.push_back(std::move(*order));
  }
  return part;
}

Answer<std::vector<OutboxEntry>> read_outbox(const Value& reply) {
  if (auto refusal = refused(reply)) return std::unexpected(std::move(*refusal));
  if (!reply.is(Value::Kind::array)) return broken("a range of the outbox was expected of Redis");
  std::vector<OutboxEntry> entries;
  for (const Value& value : reply.items) {
    if (value.items.size() != 2 || value.items[1].items.size() % 2 != 0) {
      return broken("an entry of the outbox cannot be read");
    }
    OutboxEntry entry{value.items[0].text, {}};
    const std::vector<Value>& fields = value.items[1].items;
    for (std::size_t i = 0; i < fields.size(); i += 2) {
      auto order = parse_reservation(fields[i].text, fields[i + 1].text);
      if (!order)
        return broken(fmt::format("order {} in the outbox cannot be read", quote(fields[i].text)));
      entry.orders.push_back(std::move(*order));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace sluice::redis

// Strict reading of query strings.
#include "api/query.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "api/lookup.h"
#include "base/text.h"
#include "http/message.h"
#include "sale/views.h"

namespace sluice::api {

namespace {

constexpr std::uint32_t kUsualPage = 50;

}  // namespace

QueryReader::QueryReader(std::string_view query, std::initializer_list<std::string_view> known) {
  while (!query.empty() && !fault_) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::string_view name = pair.substr(0, pair.find('='));
    if (std::ranges::find(known, name) == known.end()) {
      const auto near = nearest(name, std::span(known.begin(), known.size()));
      refuse(fmt::format("Query parameter {} is not known{}.", quote(name),
                         near ? fmt::format(" (did you mean {}?)", quote(*near)) : ""),
             fmt::format("未知的查询参数 {}{}。", quote(name),
                         near ? fmt::format("（您是否想用 {}？）", quote(*near)) : ""));
      continue;
    }
    auto value = http::query_value(pair, name);
    if (!value) {
      refuse(fmt::format("Query parameter {} is not percent-encoded UTF-8.", quote(name)),
             fmt::format("查询参数 {} 不是合法的百分号编码 UTF-8。", quote(name)));
    } else if (text(name)) {
      refuse(fmt::format("Query parameter {} is given twice.", quote(name)),
             fmt::format("查询参数 {} 重复。", quote(name)));
    } else {
      pairs_.emplace_back(name, std::move(*value));
    }
  }
}

std::optional<std::string> QueryReader::text(std::string_view name) const {
  for (const auto& [known, value] : pairs_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<Instant> QueryReader::instant(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto parsed = parse_rfc3339(*value);
  if (parsed) return *parsed;
  refuse(
      fmt::format("{} is {}; it must be a time such as 2026-11-22T14:05:09Z.", name, quote(*value)),
      fmt::format("{} 的值 {} 不正确，应为 2026-11-22T14:05:09Z 这样的时间。", name,
                  quote(*value)));
  return std::nullopt;
}

std::uint32_t QueryReader::limit() {
  const auto value = text("limit");
  if (!value) return kUsualPage;
  const auto number = parse_uint(*value, sale::kMaxPage);
  if (number && *number >= 1) return static_cast<std::uint32_t>(*number);
  refuse(fmt::format("limit is {}; it must be 1 to {}.", quote(*value), sale::kMaxPage),
         fmt::format("limit 的值 {} 不正确，应为 1 至 {}。", quote(*value), sale::kMaxPage));
  return kUsualPage;
}

std::optional<std::int64_t> QueryReader::page_token() {
  const auto value = text("page_token");
  if (!value) return std::nullopt;
  const auto key = parse_page_token(*value);
  if (!key) {
    refuse("page_token is not one that this server gave out; start without it.",
           "page_token 不是本服务器给出的，请不带该参数重新开始。");
  }
  return key;
}

void QueryReader::refuse(std::string en, std::string zh) {
  if (!fault_) fault_ = Text{std::move(en), std::move(zh)};
}

}  // namespace sluice::api

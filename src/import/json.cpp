// Tells sales from rows and hands both on; what their values mean is the plan's business.
#include "import/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "base/text.h"
#include "import/json_tree.h"

namespace sluice::importing {

namespace {

using Kind = JsonNode::Kind;

constexpr std::array<std::string_view, 6> kSaleMembers = {"id",      "title",        "starts_at",
                                                          "ends_at", "hold_seconds", "items"};
constexpr std::array<std::string_view, 9> kItemMembers = {"id",          "title", "image_url",
                                                          "description", "price", "list_price",
                                                          "currency",    "stock", "per_user_limit"};
/// What the API shows of a sale or an item but does not take: a saved answer can be imported.
constexpr std::array<std::string_view, 9> kShownOnly = {"phase",   "available", "sold_out",
                                                        "sale_id", "starts_at", "ends_at",
                                                        "held",    "sold",      "refunded"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

class JsonReader {
 public:
  explicit JsonReader(Sink& sink) : sink_(sink) {}

  Result<> read(const JsonNode& root) {
    if (root.kind == Kind::array) return elements(root);
    if (root.kind == Kind::object) {
      const JsonNode* sales = root.member("sales");
      if (sales != nullptr && sales->kind == Kind::array) return elements(*sales);
      element(root);
      return {};
    }
    return fail(
        "the document is neither an object nor an array; give a sale, an array of sales, "
        "or an array of rows");
  }

 private:
  Result<> elements(const JsonNode& list) {
    for (const JsonNode& node : list.children)
      element(node);
    return {};
  }

  void element(const JsonNode& node) {
    if (node.kind != Kind::object) {
      sink_.left_out(node.line, "it is not an object");
    } else if (node.member("items") != nullptr) {
      sale(node);
    } else {
      row(node);
    }
  }

  /// The scalar as text; anything else is noted and counts as absent.
  Cell scalar(const JsonNode& node) {
    switch (node.kind) {
      case Kind::null:
        return std::nullopt;
      case Kind::array:
      case Kind::object:
        sink_.note(node.line, fmt::format("the member {} is not a plain value and is ignored",
                                          quote(node.name)));
        return std::nullopt;
      default:
        return node.text;
    }
  }

  Cell member(const JsonNode& node, std::string_view name) {
    const JsonNode* found = node.member(name);
    return found == nullptr ? std::nullopt : scalar(*found);
  }

  void note_unknown(const JsonNode& node, std::span<const std::string_view> known) {
    for (const JsonNode& child : node.children) {
      if (contains(known, child.name) || contains(kShownOnly, child.name)) continue;
      const auto meant = nearest(child.name, known);
      sink_.note(child.line,
                 fmt::format("the member {} is not known and is ignored{}", quote(child.name),
                             meant ? fmt::format("; did you mean {}?", *meant) : ""));
    }
  }

  void sale(const JsonNode& node) {
    const JsonNode& items = *node.member("items");
    if (items.kind != Kind::array) {
      sink_.left_out(node.line, "its items are not an array");
      return;
    }
    note_unknown(node, kSaleMembers);
    ListedSale sale;
    sale.line = node.line;
    sale.id = member(node, "id");
    sale.title = member(node, "title");
    sale.starts_at = member(node, "starts_at");
    sale.ends_at = member(node, "ends_at");
    sale.hold_seconds = member(node, "hold_seconds");
    for (const JsonNode& item : items.children) {
      if (item.kind != Kind::object) {
        sink_.left_out(item.line, "the item is not an object");
        continue;
      }
      note_unknown(item, kItemMembers);
      sale.items.push_back(
          {item.line, member(item, "id"), member(item, "title"), member(item, "image_url"),
           member(item, "description"), member(item, "price"), member(item, "list_price"),
           member(item, "currency"), member(item, "stock"), member(item, "per_user_limit")});
    }
    sink_.sale(std::move(sale));
  }

  void row(const JsonNode& node) {
    if (node.children.size() > kMaxColumns) {
      sink_.left_out(node.line, fmt::format("it has more than {} members", kMaxColumns));
      return;
    }
    std::vector<std::string> names;
    std::vector<Cell> cells;
    for (const JsonNode& child : node.children) {
      names.push_back(child.name);
      cells.push_back(scalar(child));
    }
    sink_.columns(node.line, names);
    sink_.row(node.line, cells);
  }

  Sink& sink_;
};

}  // namespace

Result<> read_json(std::string_view text, Sink& sink) {
  const auto root = parse_json(text);
  if (!root) return std::unexpected(root.error());
  return JsonReader(sink).read(*root);
}

}  // namespace sluice::importing

// From rows to sales: what can be sold, grouped by window, and a reason for everything that cannot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/money.h"
#include "base/result.h"
#include "import/source.h"
#include "sale/commands.h"

namespace sluice::importing {

struct PlanOptions {
  Instant now;
  Span utc_offset = Span::seconds(8 * 3600);  ///< of local times in the source
  std::optional<Instant> starts_at;           ///< moves every window here
  std::optional<Span> duration;               ///< gives every window this length
  // For what the source says nothing about.
  Span hold = Span::seconds(1800);
  std::int64_t per_user_limit = 1;
  Currency currency;
  std::string title;  ///< of sales made from rows; empty: "Flash sale <local start>"
  const char* place = "line";  ///< what a Line counts in this source, for messages
};

/// A remark about a line; `subject` names the row or sale, ready to print.
struct Notice {
  Line line = 0;
  std::string subject;
  std::string text;
};
/// More are counted but not kept.
inline constexpr std::size_t kMaxNotices = 10'000;

struct PlannedItem {
  Line line = 0;
  sale::ItemDraft draft;
};

struct PlannedSale {
  std::string id;      ///< made from the window, so that the same source gives the same id
  bool named = false;  ///< the source gave the id itself
  std::string title;
  Instant starts_at;
  Instant ends_at;
  Span hold;
  std::vector<PlannedItem> items;
};

struct Plan {
  std::vector<PlannedSale> sales;  ///< none is empty
  std::vector<Notice> left_out;
  std::vector<Notice> notes;
  std::uint64_t rows = 0;            ///< seen, good and bad
  std::uint64_t left_out_count = 0;  ///< left_out.size() and what was not kept
};

/// "now", RFC 3339, or local time at `utc_offset`.
Result<Instant> parse_start(std::string_view text, Instant now, Span utc_offset);

/// "+08:00", "-03:30" or "Z".
Result<Span> parse_utc_offset(std::string_view text);

/// Collects a plan from what the parsers find. Every row ends up in it exactly once: as an item or
/// as a notice.
class Planner final : public Sink {
 public:
  explicit Planner(PlanOptions options);

  void columns(Line line, const std::vector<std::string>& names) override;
  void row(Line line, std::vector<Cell>& cells) override;
  void sale(ListedSale&& sale) override;
  void left_out(Line line, std::string why) override;
  void note(Line line, std::string text) override;

  Plan finish();

 private:
  enum class Field : std::uint8_t {
    id,
    title,
    image_url,
    description,
    price,
    list_price,
    currency,
    stock,
    per_user_limit,
    status,
    starts_at,
    ends_at,
    unused,
  };
  static constexpr std::size_t kFields = 12;

  struct Window {
    Instant starts_at;
    Instant ends_at;
    auto operator<=>(const Window&) const = default;
  };
  /// Why a row cannot be sold, collected over all its fields.
  struct Reasons {
    std::string text;
    void add(const std::string& reason);
    bool empty() const { return text.empty(); }
  };

  static std::optional<Field> field_of(std::string_view column, bool has_cost_price);
  void leave_out(Line line, std::string subject, std::string why);
  Cell take(std::vector<Cell>& cells, Field field) const;
  std::optional<Window> window(const Cell& starts_at, const Cell& ends_at, Reasons& reasons) const;
  std::optional<Instant> time(const Cell& cell, const char* name, Reasons& reasons) const;
  void fill(ListedItem&& item, bool minor_units, sale::ItemDraft& draft, Reasons& reasons);
  void fill_prices(const ListedItem& item, bool minor_units, sale::ItemDraft& draft,
                   Reasons& reasons) const;
  std::string item_id(const ListedItem& item, Reasons& reasons) const;
  bool claim(const std::string& id, Line line, Reasons& reasons);
  PlannedSale& sale_of_rows(const Window& window);
  std::string new_sale_id(const Window& window);
  std::string default_title(Instant starts_at) const;

  PlanOptions options_;
  Plan plan_;
  std::vector<Field> fields_;
  std::map<Window, std::size_t> sale_by_window_;
  std::unordered_set<std::string> sale_ids_;
  std::unordered_map<std::string, Line> line_by_item_;
  std::unordered_set<std::string> noted_;
};

}  // namespace sluice::importing

// What operators change about sales and items that exist.
#include <string>
#include <utility>
#include <vector>

#include "sale/drafts.h"
#include "sale/parts.h"

namespace sluice::sale {

namespace {

std::string as_text(const std::string& text) {
  return text;
}
std::string as_text(Instant at) {
  return to_rfc3339(at);
}
std::string as_text(Span span) {
  return std::to_string(span.ms);
}
std::string as_text(Money amount) {
  return std::to_string(amount.minor);
}
std::string as_text(Quantity units) {
  return std::to_string(units.units);
}

/// Gives `field` the wanted value and remembers what it was, if the two differ.
template <class T>
void change(std::vector<FieldChange>& changes, const char* name, T& field,
            const std::optional<T>& wanted) {
  if (!wanted || *wanted == field) return;
  changes.push_back({name, as_text(field), as_text(*wanted)});
  field = *wanted;
}

void audit(Effects& effects, Instant now, const Operator& by, const char* action,
           const std::string& subject, std::vector<FieldChange> changes) {
  effects.audits.push_back(Audit{now, by.name, action, subject, by.reason, std::move(changes)});
}

}  // namespace

ChangeSaleOutcome State::apply(const ChangeSale& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  if (command.sale.value >= in.sales.size()) return ChangeSaleOutcome::unknown_sale;
  Sale& sale = in.sales[command.sale.value];
  if (sale.cancelled) return ChangeSaleOutcome::cancelled;
  if (!valid_title(command.title.value_or(sale.title))) return ChangeSaleOutcome::invalid_text;
  if (!valid_window(command.starts_at.value_or(sale.starts_at),
                    command.ends_at.value_or(sale.ends_at))) {
    return ChangeSaleOutcome::invalid_window;
  }
  if (!valid_hold(command.hold.value_or(sale.hold))) return ChangeSaleOutcome::invalid_hold;

  std::vector<FieldChange> changes;
  change(changes, "title", sale.title, command.title);
  change(changes, "starts_at", sale.starts_at, command.starts_at);
  change(changes, "ends_at", sale.ends_at, command.ends_at);
  change(changes, "hold_ms", sale.hold, command.hold);
  if (changes.empty()) return ChangeSaleOutcome::unchanged;
  audit(effects, now, command.by, "sale.change", sale.id, std::move(changes));
  in.touch(sale.no, effects);
  return ChangeSaleOutcome::changed;
}

ChangeItemOutcome State::apply(const ChangeItem& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  if (command.item.value >= in.items.size()) return ChangeItemOutcome::unknown_item;
  Item& item = in.items[command.item.value];
  if (!valid_title(command.title.value_or(item.title)) ||
      !valid_image_url(command.image_url.value_or(item.image_url)) ||
      !valid_description(command.description.value_or(item.description))) {
    return ChangeItemOutcome::invalid_text;
  }
  if (!valid_prices(command.price.value_or(item.price),
                    command.list_price.value_or(item.list_price))) {
    return ChangeItemOutcome::invalid_price;
  }
  if (!valid_limit(command.per_user_limit.value_or(item.per_user_limit))) {
    return ChangeItemOutcome::invalid_limit;
  }

  std::vector<FieldChange> changes;
  change(changes, "title", item.title, command.title);
  change(changes, "image_url", item.image_url, command.image_url);
  change(changes, "description", item.description, command.description);
  change(changes, "price", item.price, command.price);
  change(changes, "list_price", item.list_price, command.list_price);
  change(changes, "per_user_limit", item.per_user_limit, command.per_user_limit);
  if (changes.empty()) return ChangeItemOutcome::unchanged;
  audit(effects, now, command.by, "item.change", item.id, std::move(changes));
  in.touch(item.no, effects);
  return ChangeItemOutcome::changed;
}

PauseSaleOutcome State::apply(const PauseSale& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  if (command.sale.value >= in.sales.size()) return PauseSaleOutcome::unknown_sale;
  Sale& sale = in.sales[command.sale.value];
  if (sale.phase(now) == Phase::ended) return PauseSaleOutcome::ended;
  if (sale.paused == command.paused) return PauseSaleOutcome::unchanged;
  sale.paused = command.paused;
  const char* const action = command.paused ? "sale.pause" : "sale.resume";
  audit(effects, now, command.by, action, sale.id,
        {{"paused", command.paused ? "false" : "true", command.paused ? "true" : "false"}});
  in.touch(sale.no, effects);
  return PauseSaleOutcome::changed;
}

CancelSaleOutcome State::apply(const CancelSale& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  if (command.sale.value >= in.sales.size()) return CancelSaleOutcome::unknown_sale;
  Sale& sale = in.sales[command.sale.value];
  if (sale.cancelled) return CancelSaleOutcome::unchanged;
  sale.cancelled = true;
  // One sweep serves every cancelled sale. Nothing is granted in them any more, so the orders there
  // are now are all it has to look at.
  in.sweep_at = 0;
  in.sweep_end = in.orders.size();
  audit(effects, now, command.by, "sale.cancel", sale.id, {{"cancelled", "false", "true"}});
  in.touch(sale.no, effects);
  return CancelSaleOutcome::cancelled;
}

AdjustStockOutcome State::apply(const AdjustStock& command, Instant now, Effects& effects) {
  Parts& in = *parts_;
  if (command.item.value >= in.items.size()) return AdjustStockOutcome::unknown_item;
  Item& item = in.items[command.item.value];
  if (item.frozen) return AdjustStockOutcome::frozen;
  if (!valid_stock(command.stock)) return AdjustStockOutcome::invalid_stock;
  Counters& units = item.counters;
  const Quantity committed = units.held + units.sold;
  if (command.stock < committed) return AdjustStockOutcome::below_committed;
  if (command.stock == units.stock) return AdjustStockOutcome::unchanged;
  audit(effects, now, command.by, "item.stock", item.id,
        {{"stock", as_text(units.stock), as_text(command.stock)}});
  units.available = command.stock - committed;
  units.stock = command.stock;
  in.touch(item.no, effects);
  return AdjustStockOutcome::adjusted;
}

NoteOutcome State::apply(const Note& command, Instant now, Effects& effects) {
  effects.audits.push_back(Audit{now, command.by.name, command.action, command.subject,
                                 command.by.reason, command.changes});
  return NoteOutcome::noted;
}

}  // namespace sluice::sale

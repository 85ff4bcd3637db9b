// Runs one importer over arbitrary text, through the planner, and checks what comes out of it.
#pragma once

#include "base/ids.h"
#include "base/money.h"
#include "base/quantity.h"
#include "check.h"
#include "import/plan.h"
#include "import/read.h"

namespace sluice::fuzz {

/// Whatever the file holds: every item of the plan can be sold, and every row is accounted for.
inline int check_import(std::string_view text, importing::Format format) {
  importing::PlanOptions options;
  options.now = Instant{1'790'000'000'000};
  importing::Planner planner(options);
  const auto read = importing::read_source(text, format, "tb_seckill_goods", planner);
  if (!read) FUZZ_CHECK(!read.error().message.empty());

  const importing::Plan plan = planner.finish();
  FUZZ_CHECK(plan.left_out.size() <= importing::kMaxNotices);
  for (const auto& sale : plan.sales) {
    FUZZ_CHECK(!sale.items.empty() && valid_catalog_id(sale.id));
    FUZZ_CHECK(sale.starts_at < sale.ends_at && sale.ends_at <= kLastInstant);
    for (const auto& item : sale.items) {
      FUZZ_CHECK(item.draft.id.empty() || valid_catalog_id(item.draft.id));
      FUZZ_CHECK(item.draft.price.minor >= 1 && item.draft.price <= kMaxPrice);
      FUZZ_CHECK(item.draft.stock.units >= 1 && item.draft.stock <= kMaxStock);
    }
  }
  return 0;
}

}  // namespace sluice::fuzz

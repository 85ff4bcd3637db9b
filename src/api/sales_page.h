// The first page of the sales as JSON, kept until something in it changes: a waiting crowd asks for
// the same page again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "engine/catalog.h"

namespace sluice::api {

/// What one page of GET /api/v1/sales shows.
struct SalesListing {
  std::vector<const engine::CatalogSale*> sales;
  std::optional<std::int64_t> next;  ///< where the next page begins
};

/// Sales that are not over first, by start; then those that are, the latest first. The page begins
/// with the sale at `first` of that order.
SalesListing list_sales_from(const engine::Catalog& catalog, std::size_t first, Instant now);

/// The members of the answer but "now": `"sales":[…]`, and `"next_page_token":"…"` where there are
/// more.
std::string sales_members(const SalesListing& listing, Instant now);

/// One thread's copy of the first page. It is never older than the catalog, the counters and the
/// phases that it shows. Not thread-safe.
class SalesPage {
 public:
  /// As sales_members() writes them. Valid until the next call.
  std::string_view members(const engine::Catalog& catalog, Instant now);

 private:
  std::uint32_t revisions() const;

  std::string members_;
  std::uint64_t catalog_version_ = 0;  ///< of the catalog that `listing_` points into; 0: no page
  SalesListing listing_;
  std::uint32_t revisions_ = 0;  ///< of the counters shown, from before the page was written
  Instant from_;                 ///< no sale begins or ends from here
  Instant until_;                ///< to here
};

}  // namespace sluice::api

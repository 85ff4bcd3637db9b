// The reading side of the cluster's record, with the answers of Reader (record.h).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mariadb/connection.h"
#include "sale/views.h"

namespace sluice::store {

/// Sees committed data only. One thread at a time per reader. A lost connection is opened again at
/// the next question, and a question that it broke is asked once more.
class ClusterReader {
 public:
  static mariadb::Outcome<std::unique_ptr<ClusterReader>> open(const mariadb::Address& address);
  ~ClusterReader();
  ClusterReader(const ClusterReader&) = delete;
  ClusterReader& operator=(const ClusterReader&) = delete;

  mariadb::Outcome<std::optional<sale::OrderView>> order(OrderId id);
  /// The shopper's orders, newest first, those that were never granted too.
  mariadb::Outcome<sale::Page<sale::OrderView>> orders_of(std::string_view user,
                                                          const sale::PageRequest& page);
  mariadb::Outcome<sale::Page<sale::OrderView>> search(const sale::OrderFilter& filter,
                                                       const sale::PageRequest& page);
  /// Oldest first; empty: no such order.
  mariadb::Outcome<std::vector<sale::TimelineEntry>> timeline(OrderId id);
  mariadb::Outcome<sale::Page<sale::AuditEntry>> audit(const sale::PageRequest& page);

 private:
  struct Parts;
  explicit ClusterReader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::store

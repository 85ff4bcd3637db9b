// The bytes of a batch, as recovery takes them apart: anything at all ends in rows or in a refusal,
// and what was laid down comes back.
#include <algorithm>
#include <vector>

#include "check.h"
#include "store/frame.h"
#include "store/rows.h"

namespace {

using namespace sluice::store;

/// Lays every row down again, to be held against what it was read from.
class Copy final : public RowSink {
 public:
  int history(const HistoryFacts& row, const GrantFacts* grant) override {
    sealed.add(row);
    if (grant != nullptr) sealed.add(*grant);
    has_payment = has_payment || carries_payment(row.event);
    return 0;
  }
  int audit(const AuditFacts& row) override {
    sealed.add(row);
    return 0;
  }
  int order(const OrderFacts& row) override { return add(row); }
  int stock(const StockFacts& row) override { return add(row); }
  int item(const ItemFacts& row) override { return add(row); }
  int sale(const SaleFacts& row) override { return add(row); }

  BatchBytes sealed;
  StateBytes state;
  bool has_payment = false;  ///< its bytes are passed over: the order says the same once more

 private:
  template <class Row>
  int add(const Row& row) {
    state.add(row);
    return 0;
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  JournalHeader::parse(bytes);
  Frame::parse(bytes, 0);
  const auto parts = BatchParts::parse(bytes);
  if (!parts) return 0;
  std::vector<std::uint8_t> again(parts->size());
  parts->put(again.data());
  FUZZ_CHECK(std::ranges::equal(again, bytes));
  Copy copy;
  if (read_rows(*parts, copy) != 0) return 0;
  FUZZ_CHECK(std::ranges::equal(copy.state.view(), parts->state));
  FUZZ_CHECK(copy.has_payment || std::ranges::equal(copy.sealed.view(), parts->sealed));
  return 0;
}

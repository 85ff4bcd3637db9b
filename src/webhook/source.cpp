// The record as a source.
#include "webhook/source.h"

#include <utility>

namespace sluice::webhook {

namespace {

class RecordSource final : public Source {
 public:
  explicit RecordSource(std::unique_ptr<store::Tail> tail) : tail_(std::move(tail)) {}
  Result<store::Changes> read(std::int64_t after, const std::set<ItemNo>& told) override {
    return tail_->read(after, told);
  }

 private:
  std::unique_ptr<store::Tail> tail_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_record(const std::string& directory) {
  auto tail = store::Tail::open(directory);
  if (!tail) return std::unexpected(tail.error());
  return std::make_unique<RecordSource>(std::move(*tail));
}

}  // namespace sluice::webhook

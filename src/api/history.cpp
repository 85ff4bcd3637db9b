// Gathering of samples.
#include "api/history.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice::api {

Series::Series(std::initializer_list<Fold> folds) : columns_(folds.size()) {
  SLUICE_ASSERT(folds.size() <= kMaxColumns, "a series has at most kMaxColumns columns");
  std::ranges::copy(folds, folds_.begin());
}

void Series::add(Instant at, const Values& values) {
  if (!fine_.empty() && at <= fine_.back().at) return;
  fine_.push_back({at, values});
  if (fine_.size() > kFineSamples) fine_.pop_front();

  if (count_ == 0) gathered_ = {at, {}};
  ++count_;
  for (std::size_t i = 0; i < columns_; ++i) {
    double& sum = gathered_.values[i];
    switch (folds_[i]) {
      case Fold::last:
        sum = values[i];
        break;
      case Fold::mean:
        sum += (values[i] - sum) / static_cast<double>(count_);
        break;
      case Fold::most:
        sum = count_ == 1 ? values[i] : std::max(sum, values[i]);
        break;
    }
  }
  if (at + kFineStep - gathered_.at < kCoarseStep) return;
  coarse_.push_back(gathered_);
  if (coarse_.size() > kCoarseSamples) coarse_.pop_front();
  count_ = 0;
}

}  // namespace sluice::api

// Posting of batches to an I/O thread.
#include "api/mailbox.h"

#include <utility>

namespace sluice::api {

void Mailbox::deliver(std::vector<engine::Delivery>&& batch) {
  post([batch = std::move(batch)]() mutable {
    for (engine::Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  });
}

void Mailbox::post(std::move_only_function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (thread_ != nullptr) thread_->post(std::move(job));
}

void Mailbox::detach() {
  const std::lock_guard lock(mutex_);
  thread_ = nullptr;
}

}  // namespace sluice::api

// A mailbox that runs continuations where they arrive, and a future to wait for one.
#include "engine/blocking.h"

#include <future>
#include <utility>

namespace sluice::engine {

namespace {

class DirectMailbox final : public Mailbox {
 public:
  void deliver(std::vector<Delivery>&& batch) override {
    for (Delivery& delivery : batch)
      delivery.continuation(delivery.reply);
  }
  void post(std::move_only_function<void()> job) override { job(); }
};

}  // namespace

Result<Reply> call(Engine& engine, sale::Command&& command) {
  // One for all calls: engines remember the mailboxes they have delivered to.
  static DirectMailbox mailbox;
  std::promise<Reply> promise;
  std::future<Reply> answer = promise.get_future();
  const Admission admission = engine.submit(
      std::move(command), mailbox, [&promise](const Reply& reply) { promise.set_value(reply); });
  if (admission == Admission::overloaded) return fail("the engine's queue is full; try again");
  if (admission == Admission::stopping) return fail("the engine is stopping");
  Reply reply = answer.get();
  switch (reply.trouble) {
    case Reply::Trouble::none:
      return reply;
    case Reply::Trouble::storage_full:
      return fail("the disk that holds the record is full; make room and try again");
    case Reply::Trouble::storage_broken:
      return fail("the record could not be written; see the log, then restart the server");
    case Reply::Trouble::unavailable:
      return fail("a service that the engine needs does not answer; see /readyz, and try again");
    case Reply::Trouble::stopping:
      break;
  }
  return fail("the engine is stopping");
}

}  // namespace sluice::engine

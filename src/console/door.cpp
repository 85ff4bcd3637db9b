// The thread behind the door.
#include "console/door.h"

#include <openssl/crypto.h>

#include <utility>

#include "console/password.h"

namespace sluice::console {

Door::Door(std::string password_hash, bool tls)
    : hash_(std::move(password_hash)), tls_(tls), thread_([this] { run(); }) {}

Door::~Door() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  arrived_.notify_one();
  thread_.join();
}

bool Door::check(std::string password, Then&& then) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= kMaxChecks) return false;
    waiting_.push_back({std::move(password), std::move(then)});
  }
  arrived_.notify_one();
  return true;
}

void Door::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Check next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const bool same = verify_password(hash_.empty() ? hash_of_nothing() : hash_, next.password);
    OPENSSL_cleanse(next.password.data(), next.password.size());
    next.then(!hash_.empty() && same);
    next.then = nullptr;
    lock.lock();
  }
}

}  // namespace sluice::console

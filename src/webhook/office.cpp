// The office's loop.
#include "webhook/office.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::webhook {

namespace {

/// How long the end waits for answers that are under way.
constexpr std::chrono::milliseconds kGrace{2000};

}  // namespace

Result<std::unique_ptr<Office>> Office::open(OfficeOptions options) {
  std::unique_ptr<Office> office(new Office(options));
  auto source = open_record(options.desk.directory);
  if (!source) return std::unexpected(source.error());
  office->source_ = std::move(*source);
  auto desk =
      Desk::open(std::move(options.desk), *office->source_, office->sender_, office->now_());
  if (!desk) return std::unexpected(desk.error());
  office->desk_ = std::move(*desk);
  office->counts_ = office->desk_->counts();
  office->thread_ = std::thread([office = office.get()] { office->run(); });
  return office;
}

Office::~Office() {
  stop();
}

bool Office::post(Job&& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= kMaxWaiting) return false;
    jobs_.push_back(std::move(job));
  }
  sender_.wake();
  return true;
}

Counts Office::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Office::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sender_.wake();
  if (thread_.joinable()) thread_.join();
}

void Office::run_jobs() {
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (Job& job : jobs)
    job(*desk_, now_());
}

void Office::run() {
  pthread_setname_np(pthread_self(), "webhooks");
  const auto take = [this](Verdict&& verdict) { desk_->finished(std::move(verdict)); };
  for (;;) {
    run_jobs();
    sender_.pump(take);
    const Instant wake = desk_->step(now_());
    {
      const std::lock_guard lock(mutex_);
      counts_ = desk_->counts();
      if (stopping_) break;
      if (!jobs_.empty()) continue;
    }
    sender_.wait(wake - now_());
  }
  const auto until = std::chrono::steady_clock::now() + kGrace;
  while (desk_->in_flight() > 0 && std::chrono::steady_clock::now() < until) {
    sender_.wait(Span{50});
    sender_.pump(take);
    if (!desk_->settle_all(now_())) break;
  }
  run_jobs();
  if (auto closed = desk_->close(); !closed) {
    spdlog::warn("webhooks: {}", closed.error().message);
  }
}

}  // namespace sluice::webhook

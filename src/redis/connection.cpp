// Keeps one connection up and pipelines what is submitted.
#include "redis/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "redis/admission.h"

namespace sluice::redis {

namespace {

constexpr Span kLongest = Span::seconds(60);
constexpr std::size_t kGreetings = 4;

}  // namespace

Connection::Connection(Endpoint endpoint, const ConnectionOptions& options)
    : endpoint_(std::move(endpoint)),
      options_(options),
      // A job of two commands takes two places.
      pipeline_(2 * options.bound),
      thread_([this] { loop(); }) {}

Connection::~Connection() {
  if (thread_.joinable()) end();
}

void Connection::end() {
  stopping_ = true;
  wakeup_.notify();
  thread_.join();
}

bool Connection::submit(const std::vector<Command>& commands, Then& then) {
  SLUICE_ASSERT(!commands.empty() && commands.size() <= 2, "one command, or ASKING and one");
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || outstanding_ >= options_.bound) return false;
    outstanding_.fetch_add(1);
    jobs_.push_back({commands, std::move(then), steady_now() + options_.answer_timeout});
  }
  wakeup_.notify();
  return true;
}

void Connection::take_jobs() {
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (Job& job : jobs) {
    if (job.commands.size() == 2) {
      pipeline_.submit(job.commands[0], job.deadline, [](Outcome&&) {});
    }
    pipeline_.submit(job.commands.back(), job.deadline,
                     [this, then = std::move(job.then)](Outcome&& outcome) mutable {
                       outstanding_.fetch_sub(1);
                       then(std::move(outcome));
                     });
  }
}

/// One round over the socket: writes what it takes, waits, reads what is there.
Result<> Connection::turn(Socket& socket, Pipeline& pipeline) {
  bool blocked = false;
  while (!pipeline.outgoing().empty() && !blocked) {
    const Result<std::size_t> wrote = socket.write(pipeline.outgoing());
    if (!wrote) return std::unexpected(wrote.error());
    blocked = *wrote == 0;
    pipeline.wrote(*wrote);
  }
  const std::optional<Instant> deadline = pipeline.next_deadline();
  const Span most = deadline ? *deadline - steady_now() : kLongest;
  socket.wait(wakeup_, blocked, std::min(most, kLongest));
  const Result<std::string_view> bytes = socket.read(buffer_);
  if (!bytes) return std::unexpected(bytes.error());
  if (!bytes->empty()) {
    if (const Result<> read = pipeline.received(*bytes); !read) return read;
  }
  if (pipeline.overdue(steady_now())) {
    return fail(fmt::format("Redis at {} gave no answer within {} ms", to_text(endpoint_),
                            options_.answer_timeout.ms));
  }
  return {};
}

std::optional<Command> auth_command(const ConnectionOptions& options) {
  if (options.password.empty()) return std::nullopt;
  if (options.user.empty()) return Command{"AUTH", options.password};
  return Command{"AUTH", options.user, options.password};
}

/// What goes before anything else: the account, the database and the functions.
Result<> Connection::greet(Socket& socket) {
  Pipeline greeting(kGreetings);
  std::string refusal;
  const Instant deadline = steady_now() + options_.answer_timeout;
  const auto needs = [&](const Command& command) {
    greeting.submit(command, deadline, [&refusal](Outcome&& outcome) {
      if (outcome.value.is(Value::Kind::error) && refusal.empty()) refusal = outcome.value.text;
    });
  };
  if (const std::optional<Command> auth = auth_command(options_)) needs(*auth);
  if (options_.database != 0) needs({"SELECT", std::to_string(options_.database)});
  greeting.submit({"FUNCTION", "LOAD", "REPLACE", std::string(library_text())}, deadline,
                  [&refusal](Outcome&& outcome) {
                    // One that cannot take them now (it is loading, or a replica, or somebody else
                    // loads them) will say at each call what is the matter.
                    const std::string& said = outcome.value.text;
                    const bool hopeless =
                        said.starts_with("NOAUTH ") || said.starts_with("ERR unknown command");
                    if (outcome.value.is(Value::Kind::error) && hopeless && refusal.empty()) {
                      refusal = said;
                    }
                  });
  while (!greeting.idle()) {
    if (stopping_) return fail("stopping");
    if (const Result<> went = turn(socket, greeting); !went) return went;
  }
  if (!refusal.empty()) {
    return fail(
        fmt::format("Redis at {} does not serve: {}; needed are Redis 7.0 or newer and an account "
                    "that it accepts, as in redis://user:password@host:port",
                    to_text(endpoint_), quote(refusal)));
  }
  return {};
}

void Connection::keep_up() {
  Result<Socket> socket = Socket::open(endpoint_, options_.connect_timeout);
  if (!socket) {
    why_down_ = socket.error().message;
    return;
  }
  Result<> went = greet(*socket);
  while (went && !stopping_) {
    take_jobs();
    went = turn(*socket, pipeline_);
  }
  why_down_ = went ? "the connection was ended here" : went.error().message;
  pipeline_.lost(why_down_);
}

void Connection::loop() {
  Span retry = options_.first_retry;
  while (!stopping_) {
    const Instant began = steady_now();
    keep_up();
    if (stopping_) break;
    // One that held for a while is tried again at once.
    if (steady_now() - began > options_.last_retry) retry = options_.first_retry;
    for (const Instant until = steady_now() + retry; !stopping_ && steady_now() < until;) {
      take_jobs();
      pipeline_.expire(steady_now(), why_down_);
      wakeup_.wait(until - steady_now());
    }
    retry = std::min(Span{2 * retry.ms}, options_.last_retry);
  }
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  take_jobs();
  pipeline_.lost("the connection was ended here");
}

}  // namespace sluice::redis

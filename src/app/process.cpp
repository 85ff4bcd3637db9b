// fork, exec and poll. SLUICE_BINARY is the path of the binary, given by the build.
#include "app/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/assert.h"

namespace sluice::app {

namespace {

std::pair<int, int> make_pipe() {
  std::array<int, 2> ends{};
  SLUICE_ASSERT(pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe for a test");
  return {ends[0], ends[1]};
}

[[noreturn]] void become_sluice(const std::vector<std::string>& arguments,
                                const std::string& folder) {
  std::vector<char*> pointers;
  std::string binary = SLUICE_BINARY;
  pointers.push_back(binary.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (chdir(folder.c_str()) == 0) execv(binary.c_str(), pointers.data());
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::string& folder) {
  const auto [out_read, out_write] = make_pipe();
  const auto [err_read, err_write] = make_pipe();
  out_ = out_read;
  err_ = err_read;
  // The child needs both pipes, so that it cannot start in the initialiser list.
  pid_ = fork();  // NOLINT(cppcoreguidelines-prefer-member-initializer)
  SLUICE_ASSERT(pid_ >= 0, "fork for a test");
  if (pid_ == 0) {
    dup2(out_write, STDOUT_FILENO);
    dup2(err_write, STDERR_FILENO);
    become_sluice(arguments, folder);
  }
  close(out_write);
  close(err_write);
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

/// Takes what is there from both pipes; false once both are at their end.
bool Process::read_some() {
  std::array<pollfd, 2> waits{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) return false;
  poll(waits.data(), waits.size(), -1);
  const auto take = [](int& descriptor, const pollfd& wait, std::string& text) {
    if (descriptor < 0 || wait.revents == 0) return;
    std::array<char, 4096> piece{};
    const ssize_t size = read(descriptor, piece.data(), piece.size());
    if (size > 0) {
      text.append(piece.data(), static_cast<std::size_t>(size));
    } else {
      close(descriptor);
      descriptor = -1;
    }
  };
  take(out_, waits[0], result_.out);
  take(err_, waits[1], result_.err);
  return true;
}

bool Process::read_until(const std::string& stream, const std::string& text) {
  while (!stream.contains(text)) {
    if (!read_some()) return false;
  }
  return true;
}

bool Process::wait_for(const std::string& text) {
  return read_until(result_.out, text);
}

bool Process::wait_for_error(const std::string& text) {
  return read_until(result_.err, text);
}

void Process::signal(int number) const {
  kill(pid_, number);
}

ProcessResult Process::finish() {
  while (read_some()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

ProcessResult run_sluice(const std::vector<std::string>& arguments, const std::string& folder) {
  return Process(arguments, folder).finish();
}

}  // namespace sluice::app

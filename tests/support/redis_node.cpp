// Running deploy/services/redis.
#include "support/redis_node.h"

#include <signal.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace sluice::test {

namespace {

const std::string kScript = SLUICE_SOURCE_DIR "/deploy/services/redis";

std::string run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string output;
  std::array<char, 4096> piece{};
  while (const std::size_t got = fread(piece.data(), 1, piece.size(), pipe))
    output.append(piece.data(), got);
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed:\n" + output);
  return output;
}

/// The value of NAME=VALUE, with or without quotes.
std::string setting(const std::string& settings, const std::string& name) {
  std::istringstream lines(settings);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + "=")) continue;
    std::string value = line.substr(name.size() + 1);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    return value;
  }
  throw std::runtime_error("no " + name + " in the settings: " + settings);
}

}  // namespace

RedisNode::RedisNode(RedisKind kind) {
  const std::string option = kind == RedisKind::cluster ? " --cluster " : " ";
  read(run(kScript + " start" + option + directory_.path()));
}

RedisNode::~RedisNode() {
  for (const pid_t pid : pids_)
    ::kill(pid, SIGKILL);
}

void RedisNode::start() {
  read(run(kScript + " start " + directory_.path()));
}

void RedisNode::read(const std::string& settings) {
  const auto address = redis::parse_address(setting(settings, "SLUICE_REDIS_URL"));
  if (!address) throw std::runtime_error(address.error().message);
  address_ = *address;
  pids_.clear();
  std::istringstream pids(setting(settings, "REDIS_PIDS"));
  for (pid_t pid = 0; pids >> pid;)
    pids_.push_back(pid);
}

redis::Address RedisNode::address_by(std::uint16_t port) const {
  redis::Address address = address_;
  address.endpoints = {{"127.0.0.1", port}};
  return address;
}

std::string RedisNode::url() const {
  std::string url = "redis://";
  for (const redis::Endpoint& endpoint : address_.endpoints)
    url += (url.ends_with('/') ? "" : ",") + redis::to_text(endpoint);
  return url;
}

void RedisNode::signal_all(int signal) const {
  for (const pid_t pid : pids_) {
    if (::kill(pid, signal) != 0) throw std::runtime_error("a server is gone already");
  }
}

void RedisNode::kill() {
  while (!pids_.empty())
    kill_one(0);
}

void RedisNode::kill_one(std::size_t server) {
  const pid_t pid = pids_.at(server);
  if (::kill(pid, SIGKILL) != 0) throw std::runtime_error("the server is gone already");
  pids_.erase(pids_.begin() + static_cast<std::ptrdiff_t>(server));
  // Not our child, so it cannot be waited for; a zombie has no program any more.
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  std::error_code error;
  while (!std::filesystem::read_symlink(path, error).empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

void RedisNode::suspend() {
  signal_all(SIGSTOP);
}
void RedisNode::resume() {
  signal_all(SIGCONT);
}

void RedisNode::configure(std::string_view lines) {
  for (std::size_t i = 1; i <= address_.endpoints.size(); ++i) {
    const std::string path = directory_.path() + "/" + std::to_string(i) + "/redis.conf";
    std::ofstream(path, std::ios::app) << lines;
  }
}

std::string RedisNode::cli(const std::string& arguments, std::size_t server) const {
  std::string output =
      run("redis-cli -h 127.0.0.1 -p " + std::to_string(port(server)) + " " + arguments);
  while (output.ends_with('\n'))
    output.pop_back();
  return output;
}

}  // namespace sluice::test

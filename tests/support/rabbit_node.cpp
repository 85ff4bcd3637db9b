// Running deploy/services/rabbitmq and the other client.
#include "support/rabbit_node.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace sluice::test {

namespace {

const std::string kScript = SLUICE_SOURCE_DIR "/deploy/services/rabbitmq";
// Debian's own, which has Debian's pika.
const std::string kPeer = "/usr/bin/python3 " SLUICE_SOURCE_DIR "/tests/interop/amqp_peer.py";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

/// The value of NAME=VALUE.
std::string setting(const std::string& settings, const std::string& name) {
  std::istringstream lines(settings);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
  }
  throw std::runtime_error("no " + name + " in the settings: " + settings);
}

}  // namespace

std::string run_shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), got);
  const int status = pclose(pipe);
  if (status != 0) throw std::runtime_error(command + " failed:\n" + output);
  return output;
}

RabbitNode::RabbitNode() {
  start();
}

RabbitNode::~RabbitNode() {
  try {
    run_shell(kScript + " stop " + directory_.path());
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
  }
}

void RabbitNode::start() {
  const std::string settings = run_shell(kScript + " start " + directory_.path());
  url_ = setting(settings, "RABBITMQ_URL");
  port_ = static_cast<std::uint16_t>(std::stoi(setting(settings, "RABBITMQ_PORT")));
}

void RabbitNode::kill() {
  run_shell(kScript + " kill " + directory_.path());
}

std::string RabbitNode::url(std::uint16_t port) const {
  if (port == 0) return url_;
  std::string other = url_;
  const std::string from = ":" + std::to_string(port_) + "/";
  return other.replace(other.rfind(from), from.size(), ":" + std::to_string(port) + "/");
}

std::string RabbitNode::control(const std::string& arguments) {
  return run_shell(kScript + " ctl " + directory_.path() + " " + arguments);
}

boost::json::array RabbitNode::peer(const std::vector<std::string>& arguments) const {
  std::string command = kPeer + " " + quoted(url_);
  for (const std::string& argument : arguments)
    command += " " + quoted(argument);
  boost::json::array lines;
  std::istringstream output(run_shell(command));
  for (std::string line; std::getline(output, line);)
    lines.push_back(boost::json::parse(line));
  return lines;
}

}  // namespace sluice::test

// Writes the file in one step, and trusts it only while its process lives.
#include "app/server_file.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "http/json_writer.h"

namespace sluice::app {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 4096;

std::string path_of(const std::string& data) {
  return data + "/server.json";
}

std::optional<ServerFile> read(const std::string& data) {
  std::ifstream stream(path_of(data), std::ios::binary);
  std::string text(kMaxBytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  json::error_code error;
  const json::value root = json::parse(text, error);
  if (error || !root.is_object()) return std::nullopt;
  const auto word = [&root](const char* name) -> std::string {
    const json::value* value = root.as_object().if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->as_string());
  };
  const json::value* pid = root.as_object().if_contains("pid");
  if (pid == nullptr || !pid->is_int64()) return std::nullopt;
  ServerFile file{word("url"), word("admin_url"),  pid->as_int64(), word("version"),
                  {},          word("certificate")};
  if (const auto started = parse_rfc3339(word("started_at"))) file.started_at = *started;
  if (file.url.empty()) return std::nullopt;
  if (file.admin_url.empty()) file.admin_url = file.url;
  return file;
}

}  // namespace

Result<> write_server_file(const std::string& data, const ServerFile& file) {
  std::string text;
  http::JsonWriter json(text);
  json.begin_object();
  json.member("url", std::string_view(file.url));
  json.member("admin_url", std::string_view(file.admin_url));
  json.member("pid", file.pid);
  json.member("version", std::string_view(file.version));
  json.member("started_at", file.started_at);
  if (!file.certificate.empty()) json.member("certificate", std::string_view(file.certificate));
  json.end_object();
  const std::string path = path_of(data);
  const std::string draft = path + ".new";
  std::ofstream stream(draft, std::ios::binary | std::ios::trunc);
  stream << text << '\n';
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(draft, path, error);
  if (!stream || error) {
    return fail(
        fmt::format("{} cannot be written; check the rights and the space of {}", path, data));
  }
  return {};
}

std::optional<ServerFile> find_server(const std::string& data) {
  auto file = read(data);
  if (!file || file->pid < 1) return std::nullopt;
  const bool is_alive = kill(static_cast<pid_t>(file->pid), 0) == 0 || errno == EPERM;
  return is_alive ? file : std::nullopt;
}

void remove_server_file(const std::string& data) {
  const auto file = read(data);
  if (!file || file->pid != getpid()) return;
  std::error_code ignored;
  std::filesystem::remove(path_of(data), ignored);
}

}  // namespace sluice::app

// Reads with a bound, so that a wrong path cannot take all memory.
#include "app/files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sluice::app {

Result<std::string> read_limited(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
  std::string text(limit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limit) return fail(fmt::format("{} is above {} bytes", path, limit));
  return text;
}

Result<std::string> read_secret(const std::string& path) {
  auto text = read_limited(path, kMaxSecretBytes);
  while (text && (text->ends_with('\n') || text->ends_with('\r')))
    text->pop_back();
  return text;
}

}  // namespace sluice::app

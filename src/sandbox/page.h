// The page behind code_url, where a person pays or declines: HTML that works without script, in
// Chinese and English.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"

namespace sluice::sandbox {

/// Any thread.
class Page {
 public:
  Page(Emulator& emulator, const Account& account) : emulator_(emulator), account_(account) {}

  /// GET /: what this is.
  http::Response front(const http::Request& request) const;
  /// GET /pay/{code}.
  http::Response show(const http::Request& request, std::string_view code) const;
  /// POST /pay/{code} with action=pay or action=decline; leads back to the page.
  http::Response act(const http::Request& request, std::string_view code) const;

 private:
  Emulator& emulator_;
  const Account& account_;
};

}  // namespace sluice::sandbox

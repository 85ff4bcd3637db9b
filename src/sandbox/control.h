// The control of the sandbox: what it knows, what the payer does now, and what goes wrong.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "sandbox/emulator.h"

namespace sluice::sandbox {

inline constexpr std::int64_t kMaxListed = 10'000;  ///< orders in one answer

/// Any thread.
class Control {
 public:
  Control(Emulator& emulator, std::function<std::string()> base_url)
      : emulator_(emulator), base_url_(std::move(base_url)) {}

  http::Response list(const http::Request& request) const;
  http::Response show(std::string_view segment) const;
  http::Response pay(const http::Request& request, std::string_view segment) const;
  http::Response get_faults() const;
  http::Response put_faults(const http::Request& request) const;
  http::Response get_clock() const;
  http::Response put_clock(const http::Request& request) const;

 private:
  Emulator& emulator_;
  std::function<std::string()> base_url_;
};

/// An error of the control: `code` for programs, `detail` for people.
http::Response problem(int status, std::string_view code, std::string_view detail);

}  // namespace sluice::sandbox

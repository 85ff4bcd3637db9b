// Sends notifications: a thread that drives libcurl with a bounded number of requests under way.
#pragma once

#include <memory>
#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "sandbox/emulator.h"
#include "sandbox/keys.h"

namespace sluice::sandbox {

inline constexpr std::size_t kMaxNotificationsUnderWay = 64;
/// The merchant's time to acknowledge, as documented.
inline constexpr Span kNotifyTimeout = Span::seconds(5);

/// Whether the URL's host is localhost or an address of the loopback interface: its certificate is
/// not verified then. Any thread.
bool is_loopback(const std::string& url);

class Notifier {
 public:
  /// Both must outlive it. Starts the thread; registers for the emulator's changes.
  static Result<std::unique_ptr<Notifier>> start(Emulator& emulator, const Account& account);
  virtual ~Notifier() = default;
  /// What is under way is given up. Once, before the emulator goes; then it may be called no more.
  virtual void stop() = 0;
};

}  // namespace sluice::sandbox

// Which path goes where: the emulated APIs, the control and the page.
#pragma once

#include <functional>
#include <string>

#include "http/server.h"
#include "sandbox/control.h"
#include "sandbox/page.h"
#include "sandbox/v2.h"
#include "sandbox/v3.h"

namespace sluice::sandbox {

/// Everything that answers; lives as long as the server.
struct Counter {
  Counter(Emulator& emulator, const Account& account, const std::function<std::string()>& base_url)
      : v2(emulator, account, base_url),
        v3(emulator, account, base_url),
        control(emulator, base_url),
        page(emulator, account) {}
  V2 v2;
  V3 v3;
  Control control;
  Page page;
};

http::ServiceFactory services(const Counter& counter);

}  // namespace sluice::sandbox

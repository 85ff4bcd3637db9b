// What `sluice serve` prints once it serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/demo.h"
#include "app/server_file.h"

namespace sluice::app {

struct Banner {
  ServerFile server;
  std::string data;
  std::string services;  ///< of a cluster; empty: the embedded engine
  std::size_t threads = 1;
  std::size_t sales = 0;
  std::uint64_t orders = 0;
  std::string some_item;  ///< an item to try a grab with; empty: none yet
  std::string new_key;    ///< shown once, when it was just made
  bool has_console = false;
  std::string new_password;  ///< of the console; shown once, when it was just made
  std::optional<DemoSale> demo;
  std::string gateway;      ///< its name; empty: there is none
  std::string sandbox_url;  ///< of the demo's gateway; empty: a real one
};

/// One screen on standard output, flushed.
void print_banner(const Banner& banner);

}  // namespace sluice::app

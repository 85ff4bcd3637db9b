// [write_back]: paid orders of a cluster go into the shop's own table too.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/config.h"
#include "base/result.h"
#include "store/cluster_leases.h"
#include "store/write_back.h"

namespace sluice::app {

/// Whether write_back.url is set.
bool write_back_configured(const Config& config);

/// Where to, as the configuration says. Errors: a URL, a name or an offset that cannot be.
Result<store::OrderTable> write_back_table(const Config& config);

/// Copies in a thread of its own, on one node of the cluster at a time: whichever has the lease.
/// What cannot be copied is logged; while a server is away it tries again.
class Copier {
 public:
  /// The record exists, and the configuration was checked. Errors: a database that cannot be
  /// reached or lacks the table.
  static Result<std::unique_ptr<Copier>> start(const Config& config);
  ~Copier();
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;

  /// Finishes the page in hand. May be called twice.
  void stop();

 private:
  Copier(std::unique_ptr<store::WriteBack> copies, std::unique_ptr<store::ClusterLeases> leases);
  void run();
  /// False: there is nothing to do for now, or it failed.
  bool turn();
  bool failed(const mariadb::Failure& failure);

  std::unique_ptr<store::WriteBack> copies_;
  std::unique_ptr<store::ClusterLeases> leases_;
  std::string holder_;
  bool is_failing_ = false;  ///< so that an outage is two lines in the log
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::app

// What the tests of the record share: a directory of their own, and a shop that keeps a state and a
// record side by side as the engine does.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sale/state.h"
#include "store/journal.h"
#include "store/record.h"
#include "store/sqlite.h"

namespace sluice::store {

/// A fresh directory that is gone after the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path(std::string_view name = "data") const;

 private:
  std::string root_;
};

inline constexpr Instant kOpening{1'795'000'000'000};  // in November 2026

sale::Settings test_settings(bool has_gateway = false);

/// A journal of two times eight blocks: it goes round soon, and is made quickly.
RecordOptions test_options(JournalDisk* disk = nullptr);

/// A state and its record.
class Shop {
 public:
  explicit Shop(std::string where, bool has_gateway = false, JournalDisk* disk = nullptr);

  /// Applies a command without writing it; commit() writes what has gathered.
  template <class Command, class... Out>
  auto apply(const Command& command, Out&... out) {
    return state.apply(command, now, effects, out...);
  }
  /// Into the journal, and where `settles` is set into the tables.
  Result<> commit();
  /// Opens a sale of `items` items with `stock` units each; committed.
  void open_sale(int items, std::int64_t stock, std::int64_t limit = 1);
  /// A grab that must be granted; committed when `write` is set. Returns the order.
  OrderId grab(const std::string& user, std::uint32_t item = 0, bool write = true,
               sale::RequestKey key = {});
  void pay(OrderId order, const std::string& transaction);
  /// Forgets record and state as a crash would, and loads both again.
  void restart();

  std::string directory;
  JournalDisk* disk;
  bool settles = true;
  sale::Settings settings;
  sale::State state;
  sale::Effects effects;
  std::unique_ptr<Record> record;
  Instant now = kOpening;
};

/// Random commands of every kind against a shop, from a seed.
class Crowd {
 public:
  Crowd(Shop& shop, std::uint64_t seed) : shop_(shop), random_(seed) {}
  /// Applies one command; nothing is committed.
  void step();

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  OrderId some_order();
  void shopper();
  void provider();
  void person();

  Shop& shop_;
  std::mt19937_64 random_;
  std::uint64_t transactions_ = 0;
};

/// The state that the record of `directory` gives back.
Result<sale::State> load_copy(const std::string& directory, bool has_gateway = false);

/// Opens the file behind the program's back, as somebody with the sqlite3 shell would, and runs
/// `sql`, which must work.
void tamper(const std::string& directory, const std::string& sql);

/// Recomputes the hash chain from the rows as they are, as one who tampers and knows the format
/// would; what verify finds afterwards it finds by other means than the chain.
void reseal(const std::string& directory);

}  // namespace sluice::store

// How the desk writes its book: one transaction per piece of work. Only for the desk's own files.
#pragma once

#include "webhook/desk.h"

namespace sluice::webhook {

template <class Work>
Result<> Desk::write(Work work) {
  sqlite::Database& database = book_->database();
  if (auto begun = database.begin(); !begun) return begun;
  if (Result<> worked = work(); !worked) {
    database.abandon();
    return worked;
  }
  if (auto committed = database.commit(); !committed) return committed;
  return database.checkpoint_if_due();
}

template <class Work>
Result<> Desk::write_through(Work work) {
  if (auto written = write(std::move(work)); !written) return written;
  return book_->database().sync_log();
}

}  // namespace sluice::webhook

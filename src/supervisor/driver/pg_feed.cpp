#include "supervisor/driver/pg_feed.hpp"

namespace brood::supervisor {

void PgFeed::publish(std::vector<MovedHere> moved) {
  if (moved.empty()) return;
  std::vector<PgChange> changes;
  changes.reserve(moved.size());
  for (MovedHere& one : moved) changes.push_back({std::move(one.id), std::move(one.pid)});
  handle_.changed(std::move(changes));
}

}  // namespace brood::supervisor

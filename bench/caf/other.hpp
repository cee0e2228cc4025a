// Other: the second program of a row between two, which publishes an actor on loopback and ends with the
// first.
//
// Thread rule: none; one thread at a time. Before the first CAF system of the program, for it forks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "bench/cluster/board.hpp"

namespace brood::bench {

class Other {
 public:
  /// Starts this program again, for it to call serve(). `role` is "children" or "sink".
  Other(const std::string& role, std::int64_t children);
  ~Other();  ///< kill -9, and until it is gone.
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// How many messages its sink has taken.
  [[nodiscard]] std::int64_t handled() const { return slot_.handled.load(std::memory_order_acquire); }

  /// The second program's part, to its end. "children": what is published answers `get` and a number with
  /// that child, of `children`; "sink": it counts the messages that come.
  static void serve(const std::string& role, std::int64_t children, int board_fd);

 private:
  int board_fd_ = -1;
  Slot& slot_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace brood::bench

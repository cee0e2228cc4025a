// Cluster: the driver's own node and others, each a program of its own, which end with the driver.
//
// Thread rule: none; one thread at a time. The nodes themselves are any thread's.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "bench/cluster/board.hpp"
#include "bench/cluster/node.hpp"

namespace brood::bench {

/// One of the other programs. What a command is answered with is a number; "error WORDS" is thrown.
class Member {
 public:
  Member(const Place& place, int board_fd);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void submit(const std::string& command);
  std::int64_t receive();
  std::int64_t ask(const std::string& command) {
    submit(command);
    return receive();
  }
  void signal(int number) const;
  void end();  ///< kill -9, and until it is gone.
  [[nodiscard]] std::int64_t resident_bytes() const;

 private:
  pid_t pid_ = 0;
  int in_ = -1;
  std::FILE* out_ = nullptr;
};

class Cluster {
 public:
  /// `members` of the place's `nodes` are started, the driver's among them, and are up when it returns.
  explicit Cluster(Place place, std::size_t members);
  /// The others are killed, and the driver's own node is left as it is: how a node leaves is not measured
  /// here.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] BenchNode& self() { return *self_; }
  [[nodiscard]] Supervisor& web() { return self_->web(); }
  [[nodiscard]] Member& member(std::size_t slot) { return *members_.at(slot); }
  [[nodiscard]] Slot& slot(std::size_t slot) { return board_->slots.at(slot); }
  /// Begins a program for this slot and does not wait for it.
  void launch(std::size_t slot);
  void kill(std::size_t slot);

  /// Starts these children, which must all be started. When the answer came, in seconds.
  double start(std::int64_t first, std::int64_t count);
  /// The same, until all nodes list children 1 to `count`.
  double start_and_list(std::int64_t count);
  [[nodiscard]] std::int64_t running() const;
  /// Until as many run as `count`.
  void await_running(std::int64_t count) const;
  /// Until the node of `slot` runs children, all `count` run, and nothing has moved for a while; when the
  /// last move was.
  [[nodiscard]] std::int64_t await_moved(std::int64_t count, std::size_t slot) const;
  /// Until the tables of all nodes have `count` children, each once, none on `lost`.
  void await_settled(std::int64_t count, const std::string& lost = "-");
  /// A child that runs on that node; they are numbered from 1 and there are `count`.
  [[nodiscard]] std::vector<std::int64_t> on_node(std::size_t slot, std::int64_t count);

 private:
  Place place_;
  int board_fd_ = -1;
  Board* board_;
  std::unique_ptr<BenchNode> self_;
  std::map<std::size_t, std::unique_ptr<Member>> members_;
};

/// Bytes of main memory that a program has.
[[nodiscard]] std::int64_t resident_bytes(pid_t pid);

}  // namespace brood::bench

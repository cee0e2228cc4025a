// BenchNode: a node of the measured cluster, with the supervisor `web` and the process `sink`; in the
// driver's own program (the first node) and in each of the programs that it starts (serve()).
//
// Thread rule: as Node and Supervisor.
#pragma once

#include <brood/brood.hpp>
#include <string>
#include <vector>

#include "bench/cluster/board.hpp"

namespace brood::bench {

struct get {};
struct add {
  std::int64_t amount;
};

/// What children are: a number, which moves with them.
class Counter : public Worker {
 public:
  using handles = messages<get, add>;
  Counter() { slot->running.fetch_add(1, std::memory_order_relaxed); }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() override { slot->running.fetch_sub(1, std::memory_order_relaxed); }

  std::int64_t on(get) const { return value_; }
  std::int64_t on(add a) { return value_ += a.amount; }
  [[nodiscard]] std::int64_t save() const { return value_; }
  void restore(std::int64_t value) { value_ = value; }

  static inline Slot* slot = nullptr;  ///< Of this program's node.

 private:
  std::int64_t value_ = 0;
};

/// As a Counter, run by who calls it.
class QuickCounter : public Worker {
 public:
  static constexpr bool is_quick = true;
  using handles = messages<get>;
  std::int64_t on(get) const { return value_; }

 private:
  std::int64_t value_ = 0;
};

/// A caller that is a coroutine: calls Counter number `callee` until `until_ns`, and answers how often.
struct call_until {
  std::int64_t callee;
  std::int64_t until_ns;
};
class Caller : public Worker {
 public:
  using handles = messages<call_until>;
  Task<Result<std::int64_t>> on(call_until c);
};

struct Place {
  std::size_t slot = 0;
  std::size_t nodes = 1;   ///< Of the cluster, each of which is a seed of the others.
  std::size_t expect = 1;  ///< How many form the cluster.
  std::string migration = "cold_swap";
  std::chrono::milliseconds tick_timeout{8000};

  [[nodiscard]] std::vector<std::string> words() const;
  [[nodiscard]] static Place from(char** words);
  static constexpr int word_count = 5;
};

[[nodiscard]] std::string node_name(std::size_t slot);
[[nodiscard]] Id child_id(std::int64_t number);
/// first .. first + count - 1.
[[nodiscard]] std::vector<ChildSpec> child_specs(std::int64_t first, std::int64_t count);

class BenchNode {
 public:
  BenchNode(const Place& place, Board& board);

  [[nodiscard]] Node& node() { return *node_; }
  [[nodiscard]] Supervisor& web() { return *web_; }
  /// Until look-ups find children 1 to `count` here; when that was.
  std::int64_t await_listed(std::int64_t count);
  /// Until this node's table has `count` children, each with one instance, none on the node of `lost`.
  void await_settled(std::int64_t count, const std::string& lost);
  /// Answers commands of its input until that ends: see Member.
  void serve();

 private:
  std::string answer(const std::string& line);
  [[nodiscard]] std::string disorder(std::int64_t count, const std::string& lost);

  std::unique_ptr<Node> node_;
  std::unique_ptr<Supervisor> web_;
};

}  // namespace brood::bench

// The rows of the measure: each function measures some of them once, and tells them to `tell`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace brood::bench {

/// Seconds, bytes, or so many a second.
using Tell = std::function<void(const std::string& row, double value)>;

struct Work {
  std::int64_t children = 1000;
  double seconds = 0.5;  ///< How long calls go on.
  double scale = 1;      ///< Of what is counted and not timed: messages, single starts.

  [[nodiscard]] std::int64_t times(std::int64_t count) const {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(count) * scale));
  }
};

/// Three nodes from start to kill: start, memory, calls, drain, join, kill.
void life(const Work& work, const Tell& tell);
/// All children on one node: start, memory.
void alone(const Work& work, const Tell& tell);
/// One start after the other on three nodes.
void single(const Work& work, const Tell& tell);
void lookup(const Work& work, const Tell& tell);
/// Calls to children of the caller's own node.
void local(const Work& work, const Tell& tell);
/// Calls to children of another node.
void quick(const Work& work, const Tell& tell);
void remote(const Work& work, const Tell& tell);
void one_way(const Work& work, const Tell& tell);
/// A third node joins with hot swap, without calls and beside 64 callers.
void hot(const Work& work, const Tell& tell);
/// A node that stands still, its sockets open.
void silent(const Work& work, const Tell& tell);
/// Ten nodes: the largest part of the children by the mean one.
void balance(const Work& work, const Tell& tell);

/// Microseconds in ascending order, or so: the one below which `part` of them are.
[[nodiscard]] double percentile(std::vector<double>& values, double part);

}  // namespace brood::bench

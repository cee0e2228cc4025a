// Marks: how often something worth reaching has happened, by its name. What is never reached is not tested:
// the table is printed, and a test asks that each mark of a kind is hit.
//
// Thread rule: plain data of one simulation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace brood::sim {

class Marks {
 public:
  void hit(std::string_view name, std::uint64_t times = 1) {
    if (times == 0) return;
    const auto found = all_.find(name);
    if (found == all_.end())
      all_.emplace(name, times);
    else
      found->second += times;
  }
  void add(const Marks& other) {
    for (const auto& [name, times] : other.all_) hit(name, times);
  }
  [[nodiscard]] std::uint64_t of(std::string_view name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? 0 : found->second;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& all() const { return all_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> all_;
};

}  // namespace brood::sim

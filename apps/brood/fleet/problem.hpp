// What is wrong in a fleet file, and where.
//
// Plain data, any thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace brood::app::fleet {

struct Problem {
  int line = 0;      ///< 0: the file as a whole.
  std::string key;   ///< "supervisor.web.child[0].restart"; empty for the file as a whole.
  std::string what;  ///< What is wrong and what is allowed.

  /// "FILE:LINE: KEY: what".
  [[nodiscard]] std::string text(const std::string& file) const;
};

/// All problems of one file, collected while it is read.
class Problems {
 public:
  void add(int line, std::string key, std::string what) {
    list_.push_back({line, std::move(key), std::move(what)});
  }
  [[nodiscard]] bool none() const { return list_.empty(); }
  [[nodiscard]] std::size_t count() const { return list_.size(); }
  /// In the order of their lines.
  [[nodiscard]] std::vector<Problem> sorted() const;

 private:
  std::vector<Problem> list_;
};

}  // namespace brood::app::fleet

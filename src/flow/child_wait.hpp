// ChildWait: whether somebody who waits for a child to run waits no more.
//
// Owns: whether the child's row was seen. An instance may be known before the row is, as they come from
// different nodes: while the row may still come, nothing else counts.
//
// Thread rule: none; a value.
#pragma once

#include <cstdint>
#include <optional>

namespace brood::flow {

class ChildWait {
 public:
  /// What is known of a child that is waited for.
  enum class Row : std::uint8_t {
    is_here,   ///< This node has its row: when it has none any more, the child is gone.
    may_come,  ///< The coordinator has it, and it is on its way to this node.
  };
  /// What this node sees of it now.
  struct Sight {
    bool wanted = false;  ///< There is a row, and it is wanted.
    bool failed = false;  ///< Given up.
    bool runs = false;    ///< An instance that is meant does.
  };

  explicit ChildWait(Row row) : row_(row) {}

  /// true: it runs; false: it is gone or given up; nothing: it is waited for.
  [[nodiscard]] std::optional<bool> look(const Sight& sight) {
    if (sight.wanted) row_ = Row::is_here;
    if (row_ == Row::may_come) return std::nullopt;
    if (sight.runs) return true;
    return !sight.wanted || sight.failed ? std::optional(false) : std::nullopt;
  }

 private:
  Row row_;
};

}  // namespace brood::flow

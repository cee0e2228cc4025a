// StateForm: whether the next state that others follow is sent whole, or as what has changed since the one
// before.
//
// Owns: how much was sent since the last whole one. Thread rule: none; a value.
#pragma once

#include <cstddef>

namespace brood::flow {

class StateForm {
 public:
  /// So many changes in a row, or as many bytes of them as the whole state had, then a whole one.
  explicit StateForm(std::size_t changes_max) : changes_max_(changes_max) {}

  /// Those who follow may hold nothing that changes could lead on from.
  void begin_anew() { whole_next_ = true; }
  [[nodiscard]] bool is_whole() const {
    return whole_next_ || change_count_ >= changes_max_ || change_bytes_ > whole_bytes_;
  }
  void sent(bool whole, std::size_t bytes);

 private:
  std::size_t changes_max_;
  bool whole_next_ = true;
  std::size_t whole_bytes_ = 0, change_bytes_ = 0, change_count_ = 0;
};

}  // namespace brood::flow

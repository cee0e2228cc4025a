// Terminal: the whole screen, and keys as they are pressed, until it ends; what was there before is there
// again then, also when a signal ends the program.
//
// One thread, and one at a time.
#pragma once

#include <termios.h>

#include <chrono>
#include <string>

#include "apps/brood/top/view.hpp"

namespace brood::app::live {

class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Whether stdin and stdout are terminals.
  [[nodiscard]] static bool is_there();
  [[nodiscard]] Size size() const;
  void show(const std::string& frame) const;
  /// The next key; Key::none when none was pressed within that time. A letter 'q' where nobody is there any
  /// more.
  [[nodiscard]] Press key(std::chrono::milliseconds most) const;

 private:
  termios before_{};
};

}  // namespace brood::app::live

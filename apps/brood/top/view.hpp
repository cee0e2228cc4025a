// What `brood top` shows: nodes, what has happened since the last look, and children, sorted and scrolled.
//
// Pure but for what it keeps from look to look. One thread.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/brood/cli/rows.hpp"

namespace brood::app::live {

enum class Key : std::uint8_t { none, up, down, page_up, page_down, home, end, letter };

struct Press {
  Key key = Key::none;
  char letter = '\0';
};

struct Size {
  std::size_t lines = 24;
  std::size_t columns = 80;
};

class View {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `several`: of more than one supervisor, so that each child says of which it is.
  void take(std::vector<NodeRow> nodes, std::vector<ChildRow> children, bool several, Time now);
  /// Nobody could be asked: what was seen last stays, under these words, until the next take().
  void lost(std::string words) { lost_ = std::move(words); }
  /// What a key does. False: the view is to be left.
  [[nodiscard]] bool press(const Press& press, const Size& size);
  /// `paused`: nothing new is taken until the next space.
  [[nodiscard]] bool paused() const { return paused_; }
  /// Exactly as many lines as there are, without a last line break; none is wider than the terminal.
  [[nodiscard]] std::string frame(const Size& size, bool color) const;

 private:
  enum class Sort : std::uint8_t { id, node, phase, restarts, up };
  struct Seen {
    std::string node;
    std::int64_t restarts = 0;
  };

  void sort();
  [[nodiscard]] std::vector<std::string> head(const Size& size, bool color) const;
  [[nodiscard]] std::size_t room(const Size& size) const;
  void scroll_to(std::size_t first, const Size& size);

  std::vector<NodeRow> nodes_;
  std::vector<ChildRow> children_;
  bool several_ = false;
  bool paused_ = false;
  std::string lost_;  ///< Why nothing newer is shown; empty: nothing newer is there.
  Sort sort_ = Sort::id;
  bool reverse_ = false;
  std::size_t first_ = 0;
  std::map<std::string, Seen> seen_;  ///< By supervisor and id.
  Time seen_at_{};
  double started_ = 0;  ///< Each second.
  double ended_ = 0;
  double moved_ = 0;
  double restarted_ = 0;
};

}  // namespace brood::app::live

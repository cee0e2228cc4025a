// History: what has happened to children and members, as this node has learned it, so that `why` has an
// answer on every node. It only listens: nothing depends on what it keeps.
//
// What it keeps is bounded (Settings::history_events and history_bytes), the oldest goes first. Members come
// and go rarely, and have a room of their own, so that a flood of starts does not wash them away. Of each
// child it keeps one byte besides: why its last instance ended, by which the next start says why it begins.
//
// Owns: what it keeps, Child::ended_. Reads: nothing else. Tells the driver (Effects::happened).
// Thread rule: none; owned by one core.
#pragma once

#include <deque>

#include "core/base/notes.hpp"

namespace brood::core {

class History {
 public:
  explicit History(const Settings& settings);

  void told(Step& s, Child& child, const InstanceNews& news);
  /// `is_mine`: it belongs on this node from now on.
  void lost(Step& s, Child& child, const Instance& instance, const Loss& loss, bool is_mine);
  void row_changed(Step& s, const Child& child, const SpecChange& change);
  void lock_changed(Step& s, bool is_locked, const std::string& words);
  /// The step ends.
  void flush(Step& s);

  [[nodiscard]] HistoryPage read(const HistoryQuery& query) const;
  /// Pieces that are kept.
  [[nodiscard]] std::size_t size() const { return children_.all.size() + members_.all.size(); }
  [[nodiscard]] std::size_t bytes() const { return children_.bytes + members_.bytes; }

 private:
  struct Room {
    std::size_t count_max;
    std::size_t bytes_max;
    std::deque<Happening> all;
    std::size_t bytes = 0;
    std::uint64_t dropped = 0;  ///< The number of the newest that had to go.
    void add(Happening happening);
  };
  void take_members(Step& s);
  void add(Step& s, Happening happening);

  Room children_;
  Room members_;
  std::uint64_t last_ = 0;
  std::size_t members_taken_ = 0;  ///< Of the step's Effects::members.
};

}  // namespace brood::core

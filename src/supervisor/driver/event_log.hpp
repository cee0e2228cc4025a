// EventLog: tells the node's log what becomes of a supervisor's children on this node: each start, end, stop
// and what was asked for, in a number of lines that has a bound whatever they do.
//
//   any children   20 lines a second; what is more is one line at the end of that second, "580 more started"
//   one child      6 lines a minute from its first end on; what is more is one line at the end of that
//   minute,
//                  so a crash loop is seen to go on, and does not hide the others
//
// The class knows no clock: whoever holds it gives the time, and calls on_time() at due(). TimedEventLog
// does.
//
// Thread rule: none of its own; the control thread. Constant work for each event.
#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <brood/log.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/core.hpp"
#include "term/id_map.hpp"

namespace brood::supervisor {

class EventLog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Write = std::function<void(LogLevel, std::string text)>;

  explicit EventLog(Write write) : write_(std::move(write)) {}

  /// What has happened, and what was asked for.
  void see(const core::Event& event, Time now);
  /// What the core wants stopped, so that an end of it is told as asked for.
  void see(const core::Effects& effects);
  /// Starts of these, and failures to start them, are not told (true), or told again. Of a million
  /// children at most.
  void hush(const std::vector<ChildId>& ids, bool on);
  /// When on_time() should be called; max() for not at all.
  [[nodiscard]] Time due() const;
  void on_time(Time now);

 private:
  enum Kind : std::uint8_t { started, failed, ended, stopped, asked, kinds };
  /// One that has ended here lately.
  struct Child {
    Time since;  ///< Of the minute.
    Time ended;  ///< The last time.
    int told = 0;
    int kept_back = 0;
    std::string last;  ///< The last line that was kept back.
  };

  void on_started(const core::Started& event, Time now);
  void on_exited(const core::Exited& event, Time now);
  void say(Kind kind, LogLevel level, const std::string& text, Time now);
  void say_of(Child* child, Kind kind, LogLevel level, const std::string& text, Time now);
  [[nodiscard]] bool has_room(Time now);
  Child* find(const ChildId& id);
  Child* note_end(const ChildId& id, Time now);
  void sum_up(const ChildId& id, Child& child);

  Write write_;
  Time second_;  ///< Begin of the second that is counted.
  int told_ = 0;
  std::array<std::uint64_t, kinds> more_{};  ///< Beyond what was told in this second.
  bool any_more_ = false;
  Time children_due_ = Time::max();  ///< The first end of a minute in which something was kept back.
  std::unordered_map<ChildId, Child> children_;
  std::unordered_map<ChildId, std::string_view> stopping_;  ///< With the event that caused it.
  IdSet hushed_;
};

/// An EventLog with the time.
class TimedEventLog {
 public:
  TimedEventLog(boost::asio::io_context& io, std::string supervisor);

  void see(const core::Event& event);
  void see(const core::Effects& effects) { state_->log.see(effects); }
  void hush(const std::vector<ChildId>& ids, bool on) { state_->log.hush(ids, on); }

 private:
  /// Shared with the timer's handler, which may be on its way when the supervisor ends.
  struct State {
    EventLog log;
    boost::asio::steady_timer timer;
    EventLog::Time armed = EventLog::Time::max();
  };
  static void arm(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace brood::supervisor

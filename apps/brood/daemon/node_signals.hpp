// NodeSignals: what signals ask of a node, as a queue to wait on. No common signal ends the program by
// itself:
//
//   TERM, INT, QUIT   stop. Once more, a second or longer after the first: the program ends at once. Sooner
//                     it counts as the first, for `timeout` sends each signal twice, and systemd's stop of a
//                     control group may add another.
//   PWR, XCPU         stop: the power fails, or the limit of processor time is near. Never the second one.
//   HUP               hang_up, unless it was ignored when the program was started, as nohup does
//   USR1              report
//   USR2, ALRM, IO, XFSZ
//                     nothing but a line in the log. (XFSZ: what is written beyond the limit fails, as on a
//                     full disk.)
//
// Make it before any other thread is started: the signals are blocked in all threads made afterwards.
// Programs that the node starts begin with none of them blocked.
//
// Thread rule: any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace brood::app {

class NodeSignals {
 public:
  enum class Ask : std::uint8_t {
    stop,
    hang_up,
    report,
    look,  ///< Something else happened: look(). Posted by the program, not by a signal.
  };

  NodeSignals();
  ~NodeSignals();
  NodeSignals(const NodeSignals&) = delete;
  NodeSignals& operator=(const NodeSignals&) = delete;

  /// The next one; nullopt when none comes within that time.
  std::optional<Ask> wait(std::chrono::milliseconds most);
  Ask wait();
  void look() { post(Ask::look); }

 private:
  void watch();
  void on_signal(int signal);
  void post(Ask ask);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Ask> asked_;  ///< Guarded by mutex_. Each kind once at most.
  std::optional<std::chrono::steady_clock::time_point> stop_asked_;  ///< The watching thread's.
  int end_event_ = -1;                                               ///< An eventfd that ends that thread.
  int signals_ = -1;                                                 ///< A signalfd.
  std::thread thread_;
};

}  // namespace brood::app

// LoadReports: measures this node's load for a core whose distribution balances, at its push_interval, by the
// program's own measure where it has given one.
//
// Owns: the meter, the timer. Calls: the program's measure, and `tell`. Thread rule: begin() and end() on the
// control thread, where the timer rings; finish() from any other but the query thread, on which what the
// program gave runs, and may be slow.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "supervisor/driver/alarm.hpp"
#include "supervisor/node/load_meter.hpp"

namespace brood::supervisor {

class LoadReports {
 public:
  /// `own`: from 0, idle, to 1; empty: the node's own is measured.
  LoadReports(boost::asio::io_context& control, boost::asio::io_context& queries,
              const process::Runtime& runtime, std::function<double()> own,
              std::function<void(core::Load)> tell);

  /// The first at once. `owner` holds these.
  void begin(std::chrono::milliseconds interval, std::weak_ptr<void> owner);
  void end();
  /// After end(): the program's measure is asked no more when this returns, unless it has taken longer than
  /// `patience`.
  void finish(std::chrono::milliseconds patience);

 private:
  void ring();
  void measure();
  [[nodiscard]] std::optional<double> ask_program() const;  ///< Nothing: it threw.

  boost::asio::io_context& queries_;
  LoadMeter meter_;
  std::function<double()> own_;
  std::function<void(core::Load)> tell_;
  std::chrono::milliseconds interval_{};
  std::weak_ptr<void> owner_;
  Alarm alarm_;

  std::mutex mutex_;
  std::condition_variable measured_;
  bool is_measuring_ = false;  ///< Guarded by mutex_.
  bool is_over_ = false;       ///< Guarded by mutex_.
};

}  // namespace brood::supervisor

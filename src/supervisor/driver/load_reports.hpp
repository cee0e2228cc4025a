// LoadReports: measures this node's load for a core whose distribution balances, at its push_interval, by the
// program's own measure where it has given one.
//
// Owns: the meter, the timer. Calls: the program's measure, and `tell`. Thread rule: begin() and end() on the
// control thread, where the timer rings; what the program gave runs on the query thread, and may be slow
// there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

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

 private:
  void ring();
  void measure();

  boost::asio::io_context& queries_;
  LoadMeter meter_;
  std::function<double()> own_;
  std::function<void(core::Load)> tell_;
  std::chrono::milliseconds interval_{};
  std::weak_ptr<void> owner_;
  Alarm alarm_;
};

}  // namespace brood::supervisor

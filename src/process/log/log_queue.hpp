// LogQueue: lines on their way to a sink that may be slow or stuck. push() puts a line into a bounded queue
// and never waits for the sink; one thread of the queue's own calls it.
//
// A full queue takes no line until half of it is free again. How many were refused is told by a line at the
// place where they are missing.
//
// The thread begins with the first line and is never joined: a sink that does not return would hold whoever
// joins it. What the thread needs lives as long as it does.
//
// Thread rule: any thread; waiting() also in a signal handler.
#pragma once

#include <brood/log.hpp>
#include <memory>
#include <string>

namespace brood::log {

class LogQueue {
 public:
  /// Bytes of text and bookkeeping that may wait. Too small: bursts are cut. Too large: that much memory is
  /// taken while the reader of a log is stalled.
  static constexpr std::size_t bytes_max_default = 1024 * 1024;

  explicit LogQueue(std::size_t bytes_max = bytes_max_default);
  /// As close() with no patience.
  ~LogQueue();
  LogQueue(const LogQueue&) = delete;
  LogQueue& operator=(const LogQueue&) = delete;

  /// See brood::set_log_sink().
  void set_sink(LogSink sink);
  void push(LogLevel level, std::string text) noexcept;
  /// A line that could not even be made, for want of memory.
  void count_dropped() noexcept;
  /// False: not everything was written within `bound`. Called by the sink: false at once.
  bool flush(std::chrono::milliseconds bound);
  /// Takes no line any more. What waits is written if that takes no longer than `bound`, else dropped.
  void close(std::chrono::milliseconds bound);
  /// Lines that the sink has not had yet, the one that it works on among them.
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct State;
  void start_writer();

  std::shared_ptr<State> state_;
};

}  // namespace brood::log

// Loops: the two event loops of a node and their threads. `control` runs the cores, their effects and the
// launcher's callbacks; `queries` decodes requests and answers those that only read.
//
// Owns: the io_contexts and the threads. Calls: whatever was posted. What a posted function throws is logged,
// and the loop goes on with the next: no request and no user's code ends the node by an exception. (A core
// whose step threw is another matter, see Stepper.)
//
// Thread rule: start() and stop() from one thread; the loops may be posted to from any, also after stop(),
// which then drops what is posted when the Loops are destroyed.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <thread>
#include <vector>

namespace brood::supervisor {

class Loops {
 public:
  Loops() = default;
  ~Loops() { stop(); }
  Loops(const Loops&) = delete;
  Loops& operator=(const Loops&) = delete;

  /// Throws std::system_error where the machine has no more threads; nothing runs then.
  void start();
  /// Returns when nothing runs there any more. Not from one of its threads.
  void stop();

  [[nodiscard]] boost::asio::io_context& control() { return control_.io; }
  [[nodiscard]] boost::asio::io_context& queries() { return queries_.io; }

 private:
  struct Loop {
    boost::asio::io_context io{1};
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work =
        std::nullopt;
    std::thread thread = {};
  };
  static void run(boost::asio::io_context& io, const char* name);

  Loop control_;
  Loop queries_;
};

}  // namespace brood::supervisor

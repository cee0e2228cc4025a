// HealthWatch: asks one program, over and over, whether it is well, and tells what its judge makes of the
// answers.
//
// Thread rule: the io_context's thread; `on_change` runs there, never inside the constructor, and not after
// the object is gone. It may destroy the object.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "exec/health/judge.hpp"
#include "exec/health/probe.hpp"

namespace brood::exec {

class HealthWatch {
 public:
  struct Change {
    Health state = Health::starting;
    bool wants_restart = false;
    std::string words;  ///< Of one that is not well: the last answer.
  };
  using OnChange = std::function<void(const Change&)>;

  /// Of a program that has just started, whose command has a health check. `log_name`: a name of its own for
  /// what a check by command writes.
  HealthWatch(boost::asio::io_context& io, Launcher& launcher, const Command& command, std::string log_name,
              OnChange on_change);
  ~HealthWatch();
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

 private:
  void wait();
  void ask();
  void answered(const ProbeAnswer& answer);

  boost::asio::io_context& io_;
  Launcher& launcher_;
  Command command_;
  std::string log_name_;
  OnChange on_change_;
  HealthJudge judge_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<Probe> probe_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace brood::exec

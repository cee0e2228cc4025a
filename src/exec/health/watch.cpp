#include "exec/health/watch.hpp"

#include <utility>

namespace brood::exec {

HealthWatch::HealthWatch(boost::asio::io_context& io, Launcher& launcher, const Command& command,
                         std::string log_name, OnChange on_change)
    : io_(io),
      launcher_(launcher),
      command_(command),
      log_name_(std::move(log_name)),
      on_change_(std::move(on_change)),
      judge_(*command.options.health, std::chrono::steady_clock::now()),
      timer_(io) {
  wait();
}

HealthWatch::~HealthWatch() {
  *alive_ = false;
}

void HealthWatch::wait() {
  timer_.expires_at(judge_.next());
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) ask();
  });
}

void HealthWatch::ask() {
  probe_ = std::make_unique<Probe>(io_, launcher_, *command_.options.health, command_, log_name_,
                                   [this, alive = alive_](const ProbeAnswer& answer) {
                                     if (*alive) answered(answer);
                                   });
}

void HealthWatch::answered(const ProbeAnswer& answer) {
  const bool changed = judge_.on_answer(std::chrono::steady_clock::now(), answer.good);
  wait();
  if (!changed) return;
  // It may end this object: nothing of it is touched after that.
  const auto tell = on_change_;
  tell({judge_.state(), judge_.wants_restart(), answer.words});
}

}  // namespace brood::exec

#include "supervisor/driver/stepper.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "process/log/log.hpp"
#include "supervisor/node/clock.hpp"

namespace brood::supervisor {

using std::chrono::steady_clock;

Stepper::Stepper(boost::asio::io_context& control, core::Settings settings, std::size_t weight_max,
                 Host& host)
    : control_(control),
      host_(host),
      core_(std::move(settings)),
      inbox_(weight_max, [this] { schedule(); }),
      alarm_(control, [this] { ring(); }) {}

void Stepper::schedule() {
  auto alive = host_.alive().lock();
  if (!alive) return;
  boost::asio::post(control_, [this, alive = std::move(alive)] { run(); });
}

void Stepper::boot(std::vector<core::Event> events) {
  booted_ = true;
  // Before what others have queued meanwhile: a core hears Boot first.
  inbox_.put_first(core::Boot{});
  for (core::Event& event : std::exchange(before_boot_, {})) inbox_.put_first(std::move(event));
  for (core::Event& event : events) inbox_.put_first(std::move(event));
}

void Stepper::run() {
  Inbox::Batch batch = inbox_.take();
  std::vector<core::Event> events;
  events.reserve(batch.events.size());
  for (core::Event& event : batch.events) {
    if (std::holds_alternative<core::Tick>(event)) tick_waits_ = false;
    if (!host_.complete(event)) continue;
    if (booted_) {
      if (!ended_) events.push_back(std::move(event));
    } else if (std::holds_alternative<core::Renamed>(event)) {
      before_boot_.assign(1, std::move(event));
    }
  }
  if (!events.empty()) step(events);
  for (const auto& then : batch.then) then();
}

void Stepper::step(std::vector<core::Event>& events) {
  try {
    const auto begin = steady_clock::now();
    const auto begin_cpu = read_thread_cpu();
    const std::size_t given = events.size();
    const core::Effects& effects = core_.step_all(events, host_.now());
    const auto stepped = steady_clock::now();
    const auto step_cpu = read_thread_cpu() - begin_cpu;
    host_.carry_out(effects);
    times_.add(given, stepped - begin, step_cpu, steady_clock::now() - stepped);
    ask_for_time();
  } catch (const std::exception& error) {
    log::error("{}: a step failed: {}", core_.settings().supervisor, error.what());
    BROOD_CHECK(false, "half a step cannot be taken back; other nodes take this one's children over");
  }
}

void Stepper::ask_for_time() {
  const auto deadline = core_.next_deadline();
  if (deadline == core::Duration::max() || ended_) return alarm_.off();
  const SteadyTime when(std::chrono::duration_cast<steady_clock::duration>(deadline));
  if (when > steady_clock::now()) return alarm_.at(when, host_.alive());
  if (std::exchange(tick_waits_, true)) return;
  inbox_.put(core::Tick{});
}

/// It may be set to an earlier time than the core now waits for.
void Stepper::ring() {
  ask_for_time();
}

void Stepper::end() {
  ended_ = true;
  alarm_.off();
}

}  // namespace brood::supervisor

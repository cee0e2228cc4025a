#include "supervisor/node/heart.hpp"

#include "supervisor/node/clock.hpp"

namespace brood::supervisor {

Heart::Heart(Options options) : options_(std::move(options)), thread_([this] { run(); }) {}

Heart::~Heart() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Heart::gap_handled() {
  {
    std::lock_guard lock(mutex_);
    if (!in_gap_) return;
    in_gap_ = false;
  }
  options_.fence(false);
}

void Heart::run() {
  const auto every = options_.limit / 16;
  auto last = read_clocks().boot;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto now = read_clocks().boot;
    if (now - last > options_.limit && !in_gap_) {
      in_gap_ = true;
      lock.unlock();
      options_.fence(true);
      options_.on_gap();
      lock.lock();
    }
    last = now;
    if (!in_gap_) {
      lock.unlock();
      options_.beat();
      lock.lock();
    }
    wake_.wait_for(lock, every, [this] { return stop_; });
  }
}

}  // namespace brood::supervisor

#include "supervisor/driver/load_reports.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cmath>
#include <exception>

#include "process/log/log.hpp"

namespace brood::supervisor {

LoadReports::LoadReports(boost::asio::io_context& control, boost::asio::io_context& queries,
                         const process::Runtime& runtime, std::function<double()> own,
                         std::function<void(core::Load)> tell)
    : queries_(queries),
      meter_(runtime),
      own_(std::move(own)),
      tell_(std::move(tell)),
      alarm_(control, [this] { ring(); }) {}

void LoadReports::begin(std::chrono::milliseconds interval, std::weak_ptr<void> owner) {
  interval_ = interval;
  owner_ = std::move(owner);
  ring();
}

void LoadReports::end() {
  owner_.reset();
  alarm_.off();
  const std::scoped_lock lock(mutex_);
  is_over_ = true;
}

void LoadReports::finish(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  measured_.wait_for(lock, patience, [this] { return !is_measuring_; });
}

void LoadReports::ring() {
  const auto alive = owner_.lock();
  if (!alive) return;
  alarm_.at(std::chrono::steady_clock::now() + interval_, owner_);
  if (!own_) return tell_(meter_.read());
  boost::asio::post(queries_, [this, alive] { measure(); });
}

void LoadReports::measure() {
  {
    const std::scoped_lock lock(mutex_);
    if (is_over_) return;
    is_measuring_ = true;
  }
  const std::optional<double> score = ask_program();
  {
    const std::scoped_lock lock(mutex_);
    is_measuring_ = false;
    measured_.notify_all();
  }
  if (!score) return;
  core::Load load;
  load.own_ppm =
      std::isnan(*score) ? 1'000'000 : static_cast<std::uint32_t>(std::clamp(*score, 0.0, 1.0) * 1e6);
  tell_(load);
}

std::optional<double> LoadReports::ask_program() const {
  try {
    return own_();
  } catch (const std::exception& error) {
    log::warn("the program's measure of its load threw: {}", error.what());
  } catch (...) {
    log::warn("the program's measure of its load threw");
  }
  return std::nullopt;
}

}  // namespace brood::supervisor

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
}

void LoadReports::ring() {
  const auto alive = owner_.lock();
  if (!alive) return;
  alarm_.at(std::chrono::steady_clock::now() + interval_, owner_);
  if (!own_) return tell_(meter_.read());
  boost::asio::post(queries_, [this, alive] { measure(); });
}

void LoadReports::measure() {
  double score = 0;
  try {
    score = own_();
  } catch (const std::exception& error) {
    return log::warn("the program's measure of its load threw: {}", error.what());
  } catch (...) {
    return log::warn("the program's measure of its load threw");
  }
  core::Load load;
  load.own_ppm =
      std::isnan(score) ? 1'000'000 : static_cast<std::uint32_t>(std::clamp(score, 0.0, 1.0) * 1e6);
  tell_(load);
}

}  // namespace brood::supervisor

// Alarm: one timer on the control thread that rings for its owner, and never for one that is gone.
//
// Thread rule: control thread only, where it rings too; it may be destroyed on another.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "supervisor/driver/deadlines.hpp"

namespace brood::supervisor {

class Alarm {
 public:
  Alarm(boost::asio::io_context& control, std::function<void()> ring)
      : timer_(control), ring_(std::move(ring)) {}

  /// Rings then, or before if it is set to an earlier time: the owner looks at its own times when it rings,
  /// and sets it anew. So an alarm that is set again and again, later each time, costs nothing.
  /// `owner` is kept alive while it rings.
  void at(SteadyTime when, std::weak_ptr<void> owner) {
    if (set_ && *set_ <= when) return;
    set_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this, when, owner = std::move(owner)](const boost::system::error_code& error) {
      const auto alive = owner.lock();
      if (error || !alive || set_ != when) return;
      set_.reset();
      ring_();
    });
  }
  void off() {
    set_.reset();
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  const std::function<void()> ring_;
  std::optional<SteadyTime> set_;
};

}  // namespace brood::supervisor

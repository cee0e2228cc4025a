#include "core/children/lockdown.hpp"

#include "core/members/takeover_delay.hpp"

namespace brood::core {
namespace {
constexpr std::size_t told_at_once = 16;
}  // namespace

void Lockdown::begin(const Step& s) {
  active_ = true;
  kills_ = false;
  to_tell_ = locals_.all();
  kill_at_ = s.time() + stop_within(s.settings);
}

void Lockdown::end() {
  active_ = kills_ = false;
  to_tell_.clear();
  kill_at_ = Duration::max();
}

void Lockdown::on_time(const Step& s) {
  if (s.time() < kill_at_) return;
  kill_at_ = Duration::max();
  kills_ = true;
  to_tell_ = locals_.all();
}

void Lockdown::work(Step& s) {
  for (std::size_t left = told_at_once; left > 0 && s.budget > 0 && !to_tell_.empty(); --left) {
    Child* child = children_.get(to_tell_.back());
    to_tell_.pop_back();
    s.spend(1);
    if (!child || !child->own()) continue;
    if (kills_ && child->own()->alive)
      locals_.kill(s, *child);
    else if (!kills_)
      locals_.end(s, *child, StopWhy::locked, stop_within(s.settings));
  }
}

}  // namespace brood::core

#include "core/children/locals.hpp"

#include <algorithm>

namespace brood::core {
namespace {

/// Why it starts here for the first time, as far as this node knows.
Why why_started(const Step& s, const Child& child, bool is_one_of_several) {
  const SpecRow& row = *child.row();
  const bool is_new = child.floor() == Epoch{} || (row.dot == row.birth && child.floor().clock < row.clock);
  const Why first = row.spec->is_static ? Why::from_file : Why::asked;
  if (is_new) return first;
  if (row.assigned && row.assigned->node == s.settings.self && child.ended() == Why::unknown)
    return row.assigned->by == AssignedBy::hand ? Why::moved : Why::load_shared;
  if (child.ended() != Why::unknown) return child.ended();
  return is_one_of_several ? Why::one_more : Why::rebalanced;
}

Why why_ended(StopWhy why, const Own& own) {
  switch (why) {
    case StopWhy::removed:
      return Why::stopped;
    case StopWhy::replaced:
      return Why::replaced;
    case StopWhy::released:
      return own.way;
    case StopWhy::conflict:
      return Why::conflict;
    case StopWhy::role:
      return Why::role;
    case StopWhy::locked:
      return Why::locked;
    case StopWhy::failed:
      return Why::failed;
    case StopWhy::none:
      break;
  }
  return Why::unknown;
}

}  // namespace

Child* Locals::find(const ChildId& id, const Epoch& epoch) const {
  Child* child = children_.find(id);
  return child && child->own() && child->own()->alive && child->own()->epoch == epoch ? child : nullptr;
}

void Locals::add(Child& child, std::unique_ptr<Own> own) {
  own->place = static_cast<std::uint32_t>(all_.size());
  all_.push_back(child.ref);
  child.own_.value_ = std::move(own);
}

void Locals::remove(Child& child) {
  const std::uint32_t place = child.own()->place;
  all_[place] = all_.back();
  children_.get(all_[place])->own_.value_->place = place;
  all_.pop_back();
  child.own_.value_.reset();
}

Own& Locals::make_own(Child& child) {
  auto own = std::make_unique<Own>();
  own->birth = child.row()->birth;
  own->spec = child.row()->spec;
  add(child, std::move(own));
  return *child.own_.value_;
}

void Locals::start(Step& s, Child& child, std::optional<Role> role) {
  make_own(child).has_role = role.has_value();
  Instance instance;
  instance.role = role.value_or(Role::active);
  instance.here = instance.why = why_started(s, child, role.has_value());
  launch(s, child, std::move(instance), child.floor().node);
}

void Locals::claim_and_start(Step& s, Child& child, Duration at) {
  Own& own = make_own(child);
  own.has_role = own.waits_for_role = true;
  own.restart_at = at;
  own.epoch = instances_.next_epoch(s, child);
  Instance instance;
  instance.epoch = own.epoch;
  instance.role = Role::claiming;
  instance.here = instance.why = why_started(s, child, true);
  instances_.publish(s, child, instance);
}

void Locals::start_again(Step& s, Child& child) {
  launch(s, child, *instances_.here(child), {});
}

void Locals::launch(Step& s, Child& child, Instance instance, const NodeName& from) {
  Own& own = *child.own_.value_;
  own.spec = child.row()->spec;
  own.birth = child.row()->birth;  // of concurrent rows the one that shows may be another by now
  own.epoch = instances_.next_epoch(s, child);
  own.alive = true;
  own.ran = own.waits_for_role = false;
  own.restart_at = Duration::max();
  instance.epoch = own.epoch;
  instance.phase = Phase::starting;
  instance.pid = {};
  instance.os_pid = 0;
  instance.retry_at = {};
  instance.health = Health::none;
  std::optional<Role> role;
  if (own.has_role) role = instance.role == Role::active ? Role::active : Role::passive;
  s.effects.starts.push_back({child.id, own.spec, own.epoch, s.cause(), role,
                              role == Role::active ? state_of(s, child) : nullptr, instance.why, from});
  instances_.publish(s, child, instance);
}

void Locals::end(Step& s, Child& child, StopWhy why, Duration most) {
  Own& own = *child.own_.value_;
  if (!own.alive) return drop(s, child, {}, why_ended(why, own));
  const bool told = own.stopping != StopWhy::none;
  own.stopping = why;
  if (told) return;
  Shutdown shutdown = own.spec->shutdown;
  if (most != Duration::max() && (shutdown.infinity || shutdown.patience > most))
    shutdown = {std::chrono::duration_cast<std::chrono::milliseconds>(most), false};
  Instance instance = *instances_.here(child);
  instance.phase = Phase::stopping;
  if (instance.role == Role::claiming) instance.role = Role::passive;  // nobody waits for it to withdraw
  instance.why = why_ended(why, own);
  s.effects.stops.push_back({child.id, own.epoch, shutdown, s.cause(), instance.why});
  instances_.publish(s, child, instance);
}

void Locals::kill(Step& s, Child& child) {
  s.effects.stops.push_back(
      {child.id, child.own()->epoch, Shutdown{0ms, false}, s.cause(), instances_.here(child)->why});
}

void Locals::set_way(Child& child, Why why, PeerIndex to) {
  child.own_.value_->way = why;
  child.own_.value_->way_to = to;
}

void Locals::drop(Step& s, Child& child, const Bytes& detail, Why why, std::string words) {
  Gone gone{why == Why::unknown ? instances_.here(child)->why : why, {}, std::move(words)};
  if (is_move(gone.why)) gone.to = instances_.name_of(child.own()->way_to);
  remove(child);
  instances_.retract(s, child, std::move(gone), detail);
}

void Locals::depart(Child& child) {
  remove(child);
}

void Locals::adopt(Step& s, Child& child, const Arrival& arrival) {
  auto own = std::make_unique<Own>();
  own->birth = arrival.birth;
  own->spec = arrival.spec;
  own->epoch = arrival.epoch;
  own->alive = own->ran = true;
  own->ran_at = s.time();
  own->opened_in = s.stats.steps;
  own->keeps_state = arrival.keeps_state;
  own->has_role = arrival.role.has_value();
  add(child, std::move(own));
  Instance instance;
  instance.epoch = arrival.epoch;
  instance.phase = Phase::running;
  instance.pid = arrival.pid;
  instance.os_pid = arrival.os_pid;
  instance.since = arrival.since;
  instance.restarts = arrival.restarts;
  instance.role = arrival.role.value_or(Role::active);
  instance.here = instance.why = arrival.why;
  instances_.publish(s, child, instance);
  // It may have been made ready as the active one.
  if (instance.role == Role::passive) tell_role(s, child, Role::passive);
}

void Locals::raise(Step& s, Child& child) {
  Instance instance = *instances_.here(child);
  instance.epoch = instances_.next_epoch(s, child);
  instances_.publish(s, child, instance);
}

void Locals::publish_role(Step& s, Child& child, Role role) {
  Instance instance = *instances_.here(child);
  instance.role = role;
  if (role == Role::active) instance.epoch = instances_.next_epoch(s, child);
  instances_.publish(s, child, instance);
}

void Locals::tell_role(Step& s, Child& child, Role role) {
  const Own& own = *child.own();
  if (!own.alive) return;
  s.effects.roles.push_back({child.id, own.epoch, role, instances_.here(child)->epoch,
                             role == Role::active ? state_of(s, child) : nullptr});
}

HeldPtr Locals::state_of(Step& s, const Child& child) const {
  if (states_.empty()) return nullptr;
  HeldPtr state = states_.to_restore(child);
  if (state) ++s.stats.states_restored;
  return state;
}

void Locals::restart_in_role(Step& s, Child& child) {
  Own& own = *child.own_.value_;
  own.stopping = StopWhy::none;
  own.restart_at = s.time();
}

// Somebody has changed how it runs: the pause was for what it was before.
void Locals::look_at_pause(const Step& s, Child& child) {
  Own& own = *child.own_.value_;
  if (own.waits_with == child.row()->dot) return;
  own.waits_with = child.row()->dot;
  end_pause(s, child);
}

void Locals::end_pause(const Step& s, Child& child) {
  Own& own = *child.own_.value_;
  if (own.alive || own.waits_for_role || own.restart_at == Duration::max()) return;
  own.restart_at = std::min(own.restart_at, s.time());
  own.failures = 0;
  own.crashes.clear();
}

void Locals::on_started(Step& s, Child& child, const Started& event) {
  Own& own = *child.own_.value_;
  own.ran = true;
  own.ran_at = s.time();
  own.keeps_state = event.keeps_state;
  Instance instance = *instances_.here(child);
  instance.pid = event.pid;
  instance.os_pid = event.os_pid;
  if (instance.since == Hlc{}) instance.since = s.tick();
  if (own.stopping == StopWhy::none) instance.phase = Phase::running;
  instances_.publish(s, child, instance);
}

void Locals::on_stuck(Step& s, Child& child, bool stuck) {
  Instance instance = *instances_.here(child);
  if (instance.phase != Phase::running && instance.phase != Phase::stuck) return;
  instance.phase = stuck ? Phase::stuck : Phase::running;
  instances_.publish(s, child, instance);
}

void Locals::on_health(Step& s, Child& child, const HealthChanged& event) {
  Instance instance = *instances_.here(child);
  instance.health = event.health;
  if (!event.reason.empty()) instance.reason = event.reason;
  instances_.publish(s, child, instance);
}

bool Locals::count_failure(const Step& s, Child& child) {
  Own& own = *child.own_.value_;
  const Duration stable = std::max<Duration>(s.settings.stable_after, own.spec->extras->pace.start_period);
  if (own.ran && s.time() - own.ran_at >= stable) own.failures = 0;
  ++own.failures;
  own.crashes.push_back(s.time());
  std::erase_if(own.crashes, [&](Duration at) { return at < s.time() - s.settings.max_seconds; });
  return own.crashes.size() > s.settings.max_restarts;
}

void Locals::wait_to_restart(Step& s, Child& child, const Retry& retry, const std::string& reason,
                             const Bytes& detail) {
  child.own_.value_->restart_at = retry.at;
  child.own_.value_->waits_with = child.row()->dot;
  Instance instance = *instances_.here(child);
  ++instance.restarts;
  instance.reason = reason;
  instance.phase = Phase::restarting;
  instance.health = Health::none;
  instance.pid = {};
  instance.os_pid = 0;
  instance.retry_at = hlc_at(s.now.wall + (retry.at - s.time()));
  instance.why = retry.why;
  if (retry.pause)
    instances_.publish(s, child, instance, detail);
  else
    instances_.keep(child, instance);
}

}  // namespace brood::core

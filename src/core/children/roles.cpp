#include "core/children/roles.hpp"

namespace brood::core {
bool Roles::has_roles(const Child& child) const {
  return child.row() && views_.replicas().has_roles(*child.row());
}

std::size_t Roles::rank(const Child& child, const std::vector<PeerIndex>& order, PeerIndex peer) const {
  const PeerIndex target = partners_.target_of(child, peer);
  return place_in(order, target == no_peer ? peer : target);
}

// Before ours is what comes earlier in the order; of those that are not in it (they leave) the name decides.
Roles::Others Roles::look_around(const Child& child) const {
  Others others;
  const auto order = views_.placement().order(child.id, *child.row());
  const std::size_t mine = rank(child, order, self_index);
  const auto is_before = [&](PeerIndex peer) {
    const std::size_t place = rank(child, order, peer);
    return place != mine ? place < mine : sessions_.name(peer) < sessions_.name(self_index);
  };
  instances_.each(child, [&](const Hosted& hosted) {
    const PeerIndex peer = instances_.peer(hosted);
    if (peer == self_index || hosted.instance.role == Role::passive) return;
    others.active = others.active || hosted.instance.role == Role::active;
    // One whose node joins gets nothing before that is up, and has heard of ours.
    others.claiming = others.claiming || (hosted.instance.role == Role::claiming &&
                                          !sessions_.in_state(peer, MemberState::joining));
    if (!is_before(peer)) return;
    others.ahead = true;
    others.next = peer;
  });
  others.first = mine == 0;
  for (const PeerIndex peer : views_.replicas().nodes(child.id, *child.row())) {
    if (peer == self_index) break;
    const Instance* instance = instances_.on(child, peer);
    others.missing = others.missing || !instance || instance->phase == Phase::starting;
  }
  return others;
}

void Roles::start(Step& s, Child& child) {
  if (!has_roles(child)) return locals_.start(s, child, Role::active);
  Mine& mine = mine_[child.ref];
  mine = {};
  mine.since = s.time();
  const Others others = look_around(child);
  const bool may_claim = others.first && !others.ahead && !others.active && !behind_a_split(s, child);
  if (!may_claim) return locals_.start(s, child, Role::passive);
  // So it knows from the beginning what it is: a program would have to be started twice otherwise.
  locals_.claim_and_start(s, child, s.time() + s.settings.role_wait);
  mine.number = replication_.newest();
}

Duration Roles::look(Step& s, Child& child) {
  constexpr Duration never = Duration::max();
  if (!child.own()) {
    if (!mine_.empty()) mine_.erase(child.ref);
    return never;
  }
  if (!child.own()->has_role || !has_roles(child)) return never;
  const auto [at, added] = mine_.try_emplace(child.ref);
  Mine& mine = at->second;
  if (added) mine.since = s.time();
  const Own& own = *child.own();
  const Role role = instances_.here(child)->role;
  const bool goes_on = own.alive ? own.stopping == StopWhy::none || own.stopping == StopWhy::role
                                 : own.waits_for_role || own.restart_at <= s.time();
  if (!goes_on) {
    // One that is told to end is the active one until it has ended; one that waits to be restarted is not.
    if (role == Role::claiming || (role == Role::active && !own.alive)) withdraw(s, child);
    return never;
  }
  if (!views_.acting()) return never;
  const Others others = look_around(child);
  if (role == Role::active) {
    const bool goes = others.ahead || mine.taken == own.epoch;
    return goes ? look_at_active(s, child, mine, others) : never;
  }
  if (role == Role::passive) return look_at_passive(s, child, mine, others);
  return look_at_claim(s, child, mine, others);
}

// It goes to one before ours, once our worker knows of it.
Duration Roles::look_at_active(Step& s, Child& child, Mine& mine, const Others& others) {
  constexpr Duration never = Duration::max();
  const Own& own = *child.own();
  if (!own.alive) return withdraw(s, child), never;
  if (mine.taken == own.epoch) {
    if (others.ahead && !standby_.has_given(s, child, others.next)) return never;
    mine.told = mine.taken = {};
    return locals_.publish_role(s, child, Role::passive), never;
  }
  if (mine.told == own.epoch || own.stopping != StopWhy::none) return never;
  if (is_not_there_yet(s, own)) return own.ran ? s.time() : never;
  mine.told = own.epoch;
  if (own.spec->is_program())
    locals_.end(s, child, StopWhy::role);
  else
    locals_.tell_role(s, child, Role::passive);
  return never;
}

// Its start, or its opening, may be in this very step, and is carried out after what is told of roles.
bool Roles::is_not_there_yet(const Step& s, const Own& own) {
  return own.alive && (!own.ran || own.opened_in == s.stats.steps);
}

void Roles::on_taken(Step& s, Child& child) {
  const auto found = mine_.find(child.ref);
  if (found == mine_.end() || found->second.told != child.own()->epoch) return;
  Mine& mine = found->second;
  mine.taken = mine.told;
  const bool is_active = instances_.here(child)->role == Role::active;
  if (is_active && has_roles(child)) {
    (void)look_at_active(s, child, mine, look_around(child));
    return;
  }
  mine.told = mine.taken = {};
  if (is_active) locals_.publish_role(s, child, Role::passive);  // it ends: its row is gone
}

Duration Roles::look_at_passive(Step& s, Child& child, Mine& mine, const Others& others) {
  const Own& own = *child.own();
  if (others.ahead || !own.ran || own.stopping != StopWhy::none) return Duration::max();
  // One that has crashed a moment ago does not take the role from one that runs well.
  const Duration stable_at = own.ran_at + s.settings.stable_after;
  if (others.active && own.failures > 0 && s.time() < stable_at) return stable_at;
  const Duration patient_until = mine.since + s.settings.role_wait;
  if (others.missing && s.time() < patient_until) return patient_until;
  if (const auto until = behind_a_split(s, child)) return *until;
  claim(s, child, mine);
  return look_at_claim(s, child, mine, others);
}

std::optional<Duration> Roles::behind_a_split(Step& s, const Child& child) {
  const auto until = takeover_.waits(s, child);
  if (until) ++s.stats.held_takeovers;
  return until;
}

void Roles::claim(Step& s, Child& child, Mine& mine) {
  locals_.publish_role(s, child, Role::claiming);
  mine.number = replication_.newest();
}

Duration Roles::look_at_claim(Step& s, Child& child, Mine& mine, const Others& others) {
  constexpr Duration never = Duration::max();
  if (others.ahead) return withdraw(s, child), never;
  // It will hear of the claim, and give the role back, or withdraw. Who claims too may take itself for the
  // first, by a row that has been changed since.
  if (others.active || others.claiming) return never;
  // The one that had it when the claim was made was lost since.
  if (const auto until = behind_a_split(s, child)) return *until;
  // Only now: whoever is asked takes nothing of the former one any more.
  const bool has_heard = standby_.has_heard(s, child);
  if (!replication_.have_all_answered(mine.number, child)) return never;
  if (is_not_there_yet(s, *child.own())) return child.own()->ran ? s.time() : never;
  if (has_heard) grant(s, child);
  return never;
}

void Roles::grant(Step& s, Child& child) {
  locals_.publish_role(s, child, Role::active);
  const Own& own = *child.own();
  if (own.waits_for_role) return locals_.start_again(s, child);
  if (!own.alive) return;
  if (own.spec->is_program())
    locals_.end(s, child, StopWhy::role);
  else
    locals_.tell_role(s, child, Role::active);
}

void Roles::withdraw(Step& s, Child& child) {
  locals_.publish_role(s, child, Role::passive);
  if (child.own()->waits_for_role) locals_.start_again(s, child);
}

bool Roles::may_hand_over(const Child& child) const {
  if (!has_roles(child)) return true;
  const Role role = instances_.here(child)->role;
  if (role != Role::active) return role == Role::passive;
  const auto order = views_.placement().order(child.id, *child.row());
  const std::size_t mine = rank(child, order, self_index);
  bool is_first = true;
  instances_.each(child, [&](const Hosted& hosted) {
    const PeerIndex peer = instances_.peer(hosted);
    if (peer != self_index && rank(child, order, peer) < mine) is_first = false;
  });
  return is_first;
}

bool Roles::may_release(const Child& child) const {
  return !has_roles(child) || instances_.here(child)->role == Role::passive;
}

}  // namespace brood::core

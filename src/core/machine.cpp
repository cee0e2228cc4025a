// The step: time, events, the agenda, and what leaves at the end.
#include "core/machine.hpp"

#include <algorithm>

namespace brood::core {

Machine::Machine(Settings settings)
    : settings_(std::move(settings)),
      peers_(settings_.self),
      links_(peers_),
      replication_(
          {children_, links_, sessions_, rows_, instances_, replay_, settings_, barrier_, links_, *this}),
      sessions_(settings_, peers_, replication_, *this),
      rows_(children_, settings_, replication_, *this),
      instances_(children_, {settings_.self, settings_.creation, 1}, replication_, *this),
      fence_(links_, sessions_, links_, *this),
      joining_(peers_, links_, sessions_, replication_, fence_, *this),
      detector_(links_, sessions_, joining_, fence_),
      greeting_(peers_, links_, sessions_, joining_, detector_, rows_.table(), takeover_, *this),
      roster_(settings_, sessions_, replication_),
      forgotten_(settings_, sessions_, replication_, *this),
      reachability_(peers_, sessions_),
      quorum_(settings_, peers_, sessions_, links_, *this),
      views_(settings_, peers_, links_, sessions_, fence_, roster_, forgotten_, replication_, reachability_,
             quorum_, links_, *this),
      takeover_(settings_, views_),
      scoreboard_(settings_, views_, links_),
      assignments_(settings_, children_, scoreboard_, views_, takeover_, rows_, instances_),
      locals_(children_, instances_, held_states_),
      lockdown_(children_, locals_),
      rejoin_(children_, instances_, locals_, views_, joining_),
      crashes_(locals_, instances_, rows_, replication_, views_, sessions_, fence_, peers_),
      losses_(rows_, instances_, views_, children_, *this),
      moves_(children_, instances_),
      standby_({children_, held_states_, locals_, instances_, rows_, views_, sessions_, links_, fence_,
                links_, *this}),
      partners_(settings_, peers_, views_, instances_),
      order_(children_, instances_),
      roles_(locals_, instances_, replication_, views_, sessions_, takeover_, standby_, partners_),
      outgoing_(children_, instances_, sessions_, links_, links_, *this),
      incoming_({children_, instances_, rows_, replication_, views_, sessions_, links_, links_, *this}),
      reconciler_({children_, locals_, instances_, rows_, moves_, outgoing_, incoming_, losses_, crashes_,
                   roles_, order_, partners_, views_, sessions_, peers_, takeover_}),
      drain_(children_, locals_, moves_, sessions_, views_),
      origins_(children_, instances_, views_, sessions_, joining_, links_, coordinator_),
      coordinator_({children_, instances_, rows_, assignments_, replication_, replay_, origins_, views_,
                    sessions_, links_, peers_, takeover_, links_, *this}),
      history_(settings_) {}

const Effects& Machine::step(std::span<Event> events, const Now& now) {
  effects_ = Effects{};
  ++stats_.steps;
  Step s{settings_, now, clock_, effects_, stats_, std::max<std::size_t>(settings_.step_budget, 1), "tick"};
  const bool had_left = drain_.has_left();
  timed_ = false;
  if (!had_left) keep_time(s);
  for (Event& event : events) {
    s.event = name_of(event);
    if (drain_.has_left()) {
      only_refuse(s, event);
      continue;
    }
    std::visit([&](auto& one) { handle(s, one); }, event);
    work(s);
  }
  if (!had_left) flush(s);
  now_ = now;
  return effects_;
}

// ---- time --------------------------------------------------------------------------------------------

// A node that slept must not go on as if it had not; one that was only busy has not slept.
void Machine::keep_time(Step& s) {
  if (!joining_.booted()) return;
  const Duration timeout = settings_.tick_timeout;
  const Duration gap = std::max(s.now.slept, s.now.monotonic - now_.monotonic);
  if (gap <= timeout / 8) return;
  detector_.slept(s, gap);
  fence_.was_busy(s);
  if (s.now.slept <= timeout / 8) return;
  if (sessions_.self().state == MemberState::joining) joining_.anew(s, rejoin_.pending());
  if (s.now.slept <= timeout / 2) return;
  rejoin_.slept();
  if (sessions_.others().empty()) return;
  fence_.close(s, "this node did not run for a while");
  // So long that the others must have declared us down, even if those that did are gone by now.
  if (s.now.slept >= timeout)
    sessions_.end_own(s, false, "this node did not run for the whole tick time-out");
}

void Machine::on_time(Step& s) {
  if (std::exchange(timed_, true) || !joining_.booted()) return;
  reconciler_.on_time(s);
  outgoing_.on_time(s);
  incoming_.on_time(s);
  links_.on_time(s);
  joining_.on_time(s);
  detector_.on_time(s);
  if (const PeerIndex peer = replication_.take_turn(s); peer != no_peer) greeting_.want(peer);
  replication_.on_time(s);
  fence_.on_time(s);
  look_for_cuts(s);
  takeover_.on_time(s);
  if (takeover_.take_over()) coordinator_.look_at_open(s);
  lockdown_.on_time(s);
  sessions_.on_time(s);
  origins_.on_time(s);
  coordinator_.on_time(s);
  replay_.on_time(s);
  standby_.on_time(s);
}

// ---- the agenda --------------------------------------------------------------------------------------

// What is first on the list and has work is done; then the list is looked at from its beginning. So whatever
// a part brings about for one before it is done before the part goes on, and nobody has to be asked again in
// case. Only clients whose time is over come before all that, some in each step.
//
// 0. changes that came while a table did, and messages that waited for what their senders had changed before;
// 1. what clients of this node are told;
// 2. the view, and then the fence: what is here of a part that may not run children never goes on;
// 3. touched children, one by one, and after as many of them as a request has ids that request, whose own
// children are looked at before and after it: what a node that comes or goes brings about may be more than
// all that is done in many seconds;
// 4. where this part of the cluster is locked, its children are told to end;
// 5. in turn: instances of sessions that are over, moves, one request of those that wait here, requests of
// clients, the sweep over all children, a rebalancing;
// 6. the end of a drain.
void Machine::work(Step& s) {
  on_time(s);
  origins_.tell_ended(s);
  congested_ = replication_.is_congested(s);
  become_up_if_ready(s);
  while (s.budget > 0) {
    if (replication_.has_late())
      take_late(s);
    else if (barrier_.has_ready())
      take_kept(s);
    else if (!told_.empty())
      tell_origins(s);
    else if (views_.due(s))
      look_at_view(s);
    else if (fence_.may_open(holds_fence()))
      fence_.open(s);
    else if (reconciler_.has_touched())
      look_at_next(s);
    else if (lockdown_.has_work())
      lockdown_.work(s);
    else if (!work_in_turn(s))
      break;
  }
  if (!has_work()) work_on_drain(s);
}

bool Machine::work_in_turn(Step& s) {
  constexpr std::size_t parts = 6;
  for (std::size_t tried = 0; tried < parts; ++tried) {
    const std::size_t part = turn_++ % parts;
    if (part == 0 && instances_.dropping() && !congested_) return instances_.drop_some(s, 1), true;
    if (part == 1 && moves_.has_work(s)) return moves_.work(s, *this), true;
    if (part == 2 && coordinator_.has_work()) return coordinator_.work(s), true;
    if (part == 3 && origins_.has_work()) return origins_.work(s), true;
    if (part == 4 && reconciler_.sweeping() && views_.acting() && !congested_)
      return reconciler_.sweep_some(s), true;
    if (part == 5 && assignments_.has_work() && !congested_) {
      if (assignments_.work(s)) coordinator_.rebalanced(s);
      return true;
    }
  }
  return false;
}

void Machine::tell_origins(Step& s) {
  const auto told = std::move(told_);
  told_.clear();
  for (const Told& one : told) origins_.take(s, one.request, one.view, one.outcome);
}

void Machine::look_at_view(Step& s) {
  look_for_cuts(s);
  views_.work(s);
}

// The table that it came behind may be the one that this node waited for.
void Machine::take_late(Step& s) {
  replication_.take_late(s);
  become_up_if_ready(s);
}

void Machine::take_kept(Step& s) {
  s.spend(1);
  auto [from, body] = *barrier_.take();
  std::visit([&](auto& one) { take(s, from, one); }, body);
}

void Machine::look_at_next(Step& s) {
  if (serve_request(s)) return;
  if (Child* child = reconciler_.take()) look_at(s, *child);
}

void Machine::look_at(Step& s, Child& child) {
  s.spend(1);
  reconciler_.wake(child, assignments_.look(s, child));
  reconciler_.look(s, child);
  standby_.look(s, child);
  coordinator_.look(s, child);
  origins_.look(s, child);
  children_.erase_if_empty(child);
}

void Machine::look_first(Step& s, const std::vector<ChildId>& ids) {
  for (const ChildId& id : ids)
    if (Child* child = children_.find(id); child && reconciler_.take(*child)) look_at(s, *child);
}

bool Machine::serve_request(Step& s) {
  const bool coordinates = coordinator_.has_work();
  if (!coordinates && !origins_.has_work()) return false;
  if (looked_++ < (coordinates ? coordinator_.next_size() : 1)) return false;
  looked_ = 0;
  std::vector<ChildId> ids;
  if (coordinates) coordinator_.each_next([&](const ChildId& id) { ids.push_back(id); });
  look_first(s, ids);
  if (!told_.empty()) tell_origins(s);  // what has just been answered is not done once more
  if (coordinates) coordinator_.work(s);
  look_first(s, ids);
  if (origins_.has_work()) origins_.work(s);
  return true;
}

void Machine::become_up_if_ready(Step& s) {
  if (sessions_.self().state != MemberState::joining) return;
  const bool rejoins = rejoin_.pending();
  if (!joining_.may_become_up(s, rejoins)) return;
  if (rejoins && !rejoin_.gave_up(s)) return;
  sessions_.set_state(s, MemberState::up, "joined");
  if (!rejoins) return;
  rejoin_.done();
  fence_.trust_all();
  if (drain_.wanted()) drain_.begin(s);
}

void Machine::work_on_drain(Step& s) {
  if (!drain_.draining()) return;
  drain_.work(
      s, {origins_.any(), !reconciler_.is_idle() || outgoing_.any() || incoming_.any(), coordinator_.any()});
  if (drain_.has_left()) origins_.end_all(s, Error{Errc::timeout, "this node has left; it may still happen"});
}

bool Machine::holds_fence() const {
  return rejoin_.pending() || quorum_.is_locked();
}

bool Machine::has_work() const {
  return replication_.has_late() || barrier_.has_ready() || !told_.empty() || views_.has_work() ||
         fence_.may_open(holds_fence()) || lockdown_.has_work() || reconciler_.has_touched() ||
         moves_.can_go_on(settings_) || coordinator_.has_work() || origins_.has_work() ||
         (is_moving_on() && !congested_);
}

// What goes on by itself over very many children: it waits while another member has yet to take in what it
// has brought about so far, and is the reason to wake up while it does.
bool Machine::is_moving_on() const {
  return instances_.dropping() || ((reconciler_.sweeping() || assignments_.rebalancing()) && views_.acting());
}

// ---- the end of a step -------------------------------------------------------------------------------

void Machine::flush(Step& s) {
  look_for_cuts(s);
  history_.flush(s);
  turnover_.flush(s, reconciler_.is_idle() && !moves_.any() && !outgoing_.any(), instances_.dropping());
  greeting_.flush(s);
  const bool may_wait = replication_.may_wait(s);
  if (!may_wait) replication_.flush(s);
  roster_.tell(s);
  forgotten_.tell(s);
  views_.flush();
  coordinator_.flush();
  origins_.flush();
  if (effects_.left) {
    std::vector<PeerIndex> to;
    for (const PeerIndex peer : sessions_.others())
      if (links_[peer].open) to.push_back(peer);
    links_.send(std::move(to), Goodbye{});
  }
  if (may_wait && links_.sends_any())
    replication_.flush(s);
  else if (may_wait)
    replication_.wait(s);
  replication_.say_through(links_.addressed(Rank::acks));
  links_.flush(s);
  reap();
  if (has_work()) ++stats_.portions;
  keep_first_of_each(effects_.changed);
}

// A node of which nothing has to be kept costs nothing any more.
void Machine::reap() {
  for (const PeerIndex peer : reap_) {
    if (!links_[peer].idle() || sessions_.member(peer) || !joining_.idle(peer) || instances_.hosts_any(peer))
      continue;
    links_.reset(peer);
    sessions_.reset(peer);
    fence_.reset(peer);
    joining_.reset(peer);
    detector_.reset(peer);
    greeting_.take_back(peer);
    views_.forget(peer);
    replication_.reset(peer);
    scoreboard_.reset(peer);
    peers_.release(peer);
  }
  reap_.clear();
}

Duration Machine::next_deadline() const {
  if (drain_.has_left() || !joining_.booted()) return Duration::max();
  if (has_work()) return now_.monotonic;
  const bool members = !sessions_.others().empty();
  const bool joins = sessions_.self().state == MemberState::joining;
  Duration next =
      std::min({links_.deadline(), joining_.deadline(now_.monotonic), detector_.deadline(settings_),
                sessions_.deadline(), views_.deadline(), reconciler_.deadline(), origins_.deadline(),
                coordinator_.deadline(), moves_.deadline(), outgoing_.deadline(), incoming_.deadline(),
                standby_.deadline(), reachability_.deadline(), takeover_.deadline(), lockdown_.deadline(),
                rejoin_.deadline(), drain_.deadline(), replay_.deadline()});
  if (congested_ && is_moving_on()) next = std::min(next, now_.monotonic + 50ms);
  if (members) next = std::min(next, replication_.deadline());
  // One that joins wakes as often, so that it looks after its fence and its seeds.
  if (members || joins) next = std::min(next, fence_.deadline());
  return std::max(next, now_.monotonic);
}

}  // namespace brood::core

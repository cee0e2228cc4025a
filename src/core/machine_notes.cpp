// What follows from what a part tells of itself: each note's listeners, in the order in which they hear of
// it. No part knows who listens to its notes; it is written here and nowhere else.
#include "core/machine.hpp"

namespace brood::core {

void Machine::channel_changed(Step&, PeerIndex peer) {
  replication_.channel_changed(peer);
  views_.forget(peer);
}

void Machine::session_began(Step& s, PeerIndex peer) {
  instances_.begin(peer, sessions_.member(peer)->session);
  incoming_.session_began(s, peer);
  fence_.began(s, peer);
  joining_.told_of_member(peer);
  quorum_.session_began(peers_.name(peer));
  takeover_.session_began(peers_.name(peer));
  forgotten_.session_began(s, peers_.name(peer));
}

void Machine::greeted(Step& s, PeerIndex peer, const Hello& hello, bool fresh) {
  fence_.greeted(s, peer);
  takeover_.on_told(s, sessions_, hello);
  replication_.greeted(s, peer, hello, fresh);
  views_.look_again();
  if (fresh) {
    outgoing_.greeted(peer);
    standby_.greeted(peer);
    views_.say_to(peer);
    origins_.ask_again(s, peer);
  }
}

void Machine::session_ended(Step& s, PeerIndex peer, const Loss& loss) {
  turnover_.session_ended(loss.session.node);
  learn_from_obituary(s, peer, loss);
  instances_.end(peer, loss);
  scoreboard_.reset(peer);
  const bool unheard = sessions_.self().state == MemberState::joining || !views_.knows_all_up(peer);
  takeover_.on_ended(s, loss, unheard);
  // Those that it reached and this node does not may run children until they see that they are without it.
  if (reachability_.stands_aside())
    for (const NodeName& node : reachability_.unreached()) takeover_.on_left_out(s, sessions_, node);
  for (const NodeName& node : joining_.unmet(s)) takeover_.on_left_out(s, sessions_, node);
  if (loss.how == Ending::left) quorum_.on_left(loss.session.node);
  outgoing_.session_ended(s, peer);
  incoming_.session_ended(s, peer, loss.goes_on, takeover_.hold(s, loss));
  links_.closed(peer);
  greeting_.take_back(peer);
  views_.session_ended(peer);
  fence_.ended(peer);
  replication_.session_ended(s, peer);
  if (loss.how != Ending::silent && !loss.goes_on) joining_.is_gone(loss.session.node);
  // Its table may not have come.
  if (sessions_.self().state == MemberState::joining) replication_.ask_all(s);
  views_.members_changed();
  reachability_.look_again();
  // Those that join have not seen it, nor those that came after that node and have never met it: they hear of
  // what they must wait for.
  if (takeover_.hold(s, loss) > Duration{})
    for (const PeerIndex other : sessions_.others())
      if (has_not_seen(s, *sessions_.member(other), loss)) greeting_.want(other);
  reap_.insert(peer);
}

// A node that is up for long has met all that were there when it came, or has said that it does not reach
// them.
bool Machine::has_not_seen(const Step& s, const Member& other, const Loss& loss) const {
  if (other.state == MemberState::joining) return true;
  const bool came_after = !loss.member || other.up_since > loss.member->up_since;
  return came_after && s.now.wall - wall_of(other.up_since) < 4 * settings_.tick_timeout &&
         other.unreached.contains(loss.session.node);
}

// That it ran the child may have been said in changes that have not come: the word of its death is sent to
// each.
void Machine::learn_from_obituary(Step& s, PeerIndex peer, const Loss& loss) {
  Child* child = loss.obituary ? children_.find(loss.obituary->id) : nullptr;
  if (!child || !child->row()) return;
  const Instance* known = instances_.on(*child, peer);
  if (known && known->epoch >= loss.obituary->epoch) return;
  Instance ran;
  ran.epoch = loss.obituary->epoch;
  instances_.put(s, *child, peer, ran, {});
}

void Machine::own_session_ended(Step& s, bool keeps, const std::string& words) {
  instances_.set_self(sessions_.self().session);
  outgoing_.take_back_all(s);
  incoming_.discard_all(s);
  standby_.own_session_ended();
  fence_.ask_anew();
  coordinator_.drop_all();
  if (!keeps) {
    if (!fence_.is_fenced()) fence_.close(s, words);
    rejoin_.begin();
    if (drain_.active()) drain_.refuse(s, "this node was declared down while it drained");
    joining_.anew(s, true);
  }
  replication_.own_session_ended(s);
  for (const PeerIndex peer : links_.with_channel()) {
    greeting_.want(peer);
    if (links_[peer].open) views_.say_to(peer);
  }
  views_.members_changed();
}

void Machine::look_for_cuts(Step& s) {
  while (s.time() >= reachability_.deadline())
    if (reachability_.look_for_cuts(s)) sessions_.set_cuts(s, reachability_.cuts());
}

void Machine::member_changed(Step& s, PeerIndex peer) {
  views_.members_changed();
  roster_.learn(s, peer);
  forgotten_.learn(s, peer);
  reachability_.look_again();
}

void Machine::stays_out(Step& s) {
  origins_.refuse_all(s);
}

void Machine::meeting_failed(Step& s, const NodeName& node, bool may_be_there) {
  if (may_be_there) sessions_.set_unreached(s, node, true);
  replication_.ask_all(s);
}

// What waits for that node goes on: a quorum, children that it may run behind a split, those that are mapped
// to it.
void Machine::forgotten(Step& s, const NodeName& node) {
  quorum_.on_left(node);
  takeover_.session_began(node);
  sessions_.forget(s, node);
  if (const PeerIndex peer = peers_.find(node); peer != no_peer) {
    links_.dial_at(peer, Duration::max());
    reap_.insert(peer);
  }
  reconciler_.look_at_all();
  views_.members_changed();
}

void Machine::fenced(Step& s, const std::string&) {
  turnover_.hold(s);
  views_.look_again();
}

void Machine::unfenced(Step&) {
  views_.start_over();
}

// A part that may not run children ends them, and decides nothing; what clients have asked is refused.
void Machine::lock_changed(Step& s) {
  history_.lock_changed(s, quorum_.is_locked(), quorum_.words());
  if (quorum_.is_locked()) {
    turnover_.hold(s);
    outgoing_.take_back_all(s);
    incoming_.discard_all(s);
    lockdown_.begin(s);
    coordinator_.drop_all();
    origins_.refuse_all(s);
  } else {
    lockdown_.end();
    for (const NodeName& node : reachability_.left_out()) takeover_.on_left_out(s, sessions_, node);
    views_.start_over();
  }
}

void Machine::view_changed(Step& s) {
  turnover_.hold(s);
  takeover_.view_changed();
  coordinator_.forget_asked_before(settings_.self, views_.hash());
  origins_.ask_all_again(s);
}

void Machine::view_said(Step&, PeerIndex peer, std::uint64_t hash) {
  coordinator_.forget_asked_before(peers_.name(peer), hash);
}

void Machine::may_act(Step& s, bool anew) {
  turnover_.may_act(s, up_nodes());
  roster_.fix(s, views_.up());
  if (anew) {
    if (drain_.refuse_if_impossible(s)) return;
    coordinator_.drop_others();
  }
  scoreboard_.may_act();
  assignments_.may_act();
  reconciler_.may_act(s, anew);
  losses_.touch_all(s);
}

// Who asked for what runs there waits for that.
void Machine::caught_up(Step& s, PeerIndex peer) {
  views_.caught_up(peer);
  coordinator_.note_table(peer);
  coordinator_.look_at_open(s);
}

void Machine::retried(Step& s, Child& child) {
  locals_.end_pause(s, child);
  reconciler_.touch(child);
}

void Machine::lost_for_good(Step& s, Child& child) {
  coordinator_.remove(s, child);
}

void Machine::touched(Step&, Child& child) {
  reconciler_.touch(child);
}

// To one that joins all are new.
void Machine::row_begins(const Child& child) {
  if (sessions_.self().state != MemberState::joining) takeover_.row_begins(child);
}

void Machine::row_changed(Step& s, const Child& child, const SpecChange& change) {
  history_.row_changed(s, child, change);
  look_at_those_after(child);
}

// One that joins learns of what happened before it came, and knows no more of it than that.
void Machine::instance_told(Step& s, Child& child, const InstanceNews& news) {
  if (sessions_.self().state != MemberState::joining) history_.told(s, child, news);
}

void Machine::instance_changed(Step& s, Child& child, const Bytes& detail) {
  if (rejoin_.pending()) rejoin_.look(s, child);
  outgoing_.instance_changed(child);
  coordinator_.note_instance(child, detail);
  look_at_those_after(child);
}

void Machine::look_at_those_after(const Child& child) {
  for (const ChildRef ref : order_.changed(child.id))
    if (Child* other = children_.get(ref)) reconciler_.touch(*other);
}

void Machine::instance_lost(Step& s, Child& child, const Instance& instance, const Loss& loss) {
  losses_.on_lost(s, child, instance, loss);
  takeover_.on_lost(child.id, loss);
  reconciler_.touch(child);
  const bool is_mine = child.wanted() && views_.placement().first(child.id, *child.row()) == self_index;
  history_.lost(s, child, instance, loss, is_mine);
}

void Machine::handed_over(Step&, Child& child) {
  locals_.depart(child);
}

void Machine::must_end(Step& s, Child& child) {
  locals_.end(s, child, StopWhy::released);
}

void Machine::arrived(Step& s, Child& child, const Arrival& arrival) {
  locals_.adopt(s, child, arrival);
  reconciler_.touch(child);
}

void Machine::request_finished(Step& s, const RequestKey& request, const ChildId& id, const Epoch& floor) {
  replay_.finish(s, request, id, floor);
}

void Machine::late_change(Step& s, const SpecChange& change) {
  coordinator_.note_late(s, change);
}

// The clients' part hears of it when the agenda comes to it, not now: the coordinator may be answering in the
// middle of what that part has just asked it.
void Machine::outcome(Step&, const RequestKey& request, std::uint64_t view, Outcome outcome) {
  told_.push_back({request, view, std::move(outcome)});
}

}  // namespace brood::core

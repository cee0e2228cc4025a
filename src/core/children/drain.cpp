#include "core/children/drain.hpp"

#include <algorithm>

namespace brood::core {

void Drain::ask(Step& s, const ClientDrain& event, bool rejoins) {
  if (event.take_back) return take_back(s, event.client);
  if (left_) {
    s.effects.replies.push_back({event.client, {}, true});
    return;
  }
  clients_.push_back(event.client);
  for_good_ = for_good_ || event.for_good;
  const MemberState state = sessions_.self().state;
  if (state == MemberState::up) return begin(s);
  // One that joins anew drains when it is up.
  if (state == MemberState::joining && !rejoins) leave(s);
}

// Children that are on their way go on, and come back by the view in which this node is up.
void Drain::take_back(Step& s, ClientId client) {
  Outcome outcome;
  if (left_)
    outcome.error = Error{Errc::not_member, s.settings.self.text() +
                                                " has been drained and has left: end it and start it anew"};
  else if (for_good_)
    outcome.error = Error{Errc::stopped, s.settings.self.text() + " ends, and its drain with it"};
  if (outcome.error) return s.effects.replies.push_back({client, {std::move(outcome)}, true});
  end(s, Error{Errc::stopped, "the drain was taken back"});
  if (draining()) {
    moves_.forget_queue();
    sessions_.set_state(s, MemberState::up, "the drain was taken back");
    views_.start_over();
  }
  s.effects.replies.push_back({client, {}, true});
}

void Drain::begin(Step& s) {
  const auto& others = sessions_.others();
  const bool target = std::any_of(others.begin(), others.end(), [&](PeerIndex peer) {
    return sessions_.in_state(peer, MemberState::up) && sessions_.member(peer)->weight > 0;
  });
  if (!target && locals_.count() > 0 && !for_good_)
    return refuse(s, "no other member is up that could take the children");
  active_ = true;
  begun_ = s.time();
  look_at_ = s.time() + s.settings.tick_timeout;
  sessions_.set_state(s, MemberState::draining, "drains");
  views_.start_over();
}

bool Drain::is_homeless(const Child& child) const {
  return child.wanted() && views_.placement().is_homeless(child.id, *child.row());
}

// A child that can run nowhere else would have to end, and that is not what a drain is for.
bool Drain::refuse_if_impossible(Step& s) {
  if (for_good_ || !draining()) return false;
  const ChildId* stays = nullptr;
  for (const ChildRef ref : locals_.all()) {
    const Child& child = *children_.get(ref);
    if (is_homeless(child) && (!stays || child.id < *stays)) stays = &child.id;
  }
  if (!stays) return false;
  const std::string name = stays->text();
  moves_.forget_queue();
  sessions_.set_state(s, MemberState::up, "the drain was refused");
  refuse(s, "no other member that is up could take " + name);
  return true;
}

void Drain::work(Step& s, const Open& open) {
  if (!draining()) return;
  // In a part that is locked nobody takes anything, and nothing runs that could be taken.
  if (views_.quorum().is_locked() && locals_.count() == 0) return leave(s);
  if (!views_.acting()) return;
  // Clients that asked here still get their answers, if those come soon.
  if (s.time() >= look_at_) look_at_ = Duration::max();
  if (open.origins && someone_is_up() && s.time() < begun_ + s.settings.tick_timeout) return;
  if (open.children) return;
  if (for_good_ && wanted() && !moves_.any() && only_homeless_left())
    return refuse(s, "no other member that is up could take the children that are left");
  // Who goes first sees its children run elsewhere (a move does not wait for ever).
  if (locals_.count() == 0 && !moves_.any() && !open.requests) leave(s);
}

/// Who could still answer what was asked here: one that drains coordinates nothing.
bool Drain::someone_is_up() const {
  const auto& others = sessions_.others();
  return std::any_of(others.begin(), others.end(),
                     [this](PeerIndex peer) { return sessions_.in_state(peer, MemberState::up); });
}

/// All that could move has moved; what is left has nowhere to go.
bool Drain::only_homeless_left() const {
  const auto& all = locals_.all();
  return !all.empty() && std::all_of(all.begin(), all.end(), [this](ChildRef ref) {
    const Child& child = *children_.get(ref);
    return !child.wanted() || is_homeless(child);
  });
}

void Drain::refuse(Step& s, const std::string& why) {
  end(s, Error{Errc::no_target, why + "; add a node or stop them first"});
}

void Drain::end(Step& s, const Error& why) {
  for (const ClientId& client : clients_) {
    Outcome outcome;
    outcome.error = why;
    s.effects.replies.push_back({client, {std::move(outcome)}, true});
  }
  clients_.clear();
  active_ = false;
}

void Drain::leave(Step& s) {
  left_ = true;
  s.effects.left = true;
  sessions_.leave(s);
  for (const ClientId& client : clients_) s.effects.replies.push_back({client, {}, true});
  clients_.clear();
}

}  // namespace brood::core

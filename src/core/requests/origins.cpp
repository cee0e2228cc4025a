#include "core/requests/origins.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/requests/refusals.hpp"

namespace brood::core {
namespace {
constexpr Duration first_repeat = 2s;
constexpr Duration repeat_longest = 10s;  // a coordinator keeps what it hears of for request_timeout
constexpr Duration hold_max = 1s;
constexpr std::size_t request_share = 8;
/// To say of so many ids that they are not waited for is as much work as one child that is looked at.
constexpr std::size_t ended_for_one = 16;
/// A request with no more left than that is told all of it before others are.
constexpr std::size_t ended_at_once = 100;
}  // namespace

Error has_left(const NodeName& self) {
  return {Errc::not_member, self.text() + " has left the cluster (it was drained); ask another node"};
}

// ---- requests that come ------------------------------------------------------------------------------

Origins::Origin& Origins::make(Step& s, Kind kind, ClientId client, Duration patience) {
  const std::uint64_t number = ++last_;
  Origin& origin = origins_[number];
  origin.request = {s.settings.self, s.settings.creation, number};
  origin.kind = kind;
  origin.client = client;
  origin.repeat_every = first_repeat;
  by_client_[client] = number;
  repeats_.emplace(s.time() + first_repeat, number);
  origin.deadline = s.time() + (patience > Duration{} ? patience : s.settings.request_timeout);
  deadlines_.emplace(origin.deadline, number);
  return origin;
}

void Origins::start(Step& s, ClientStart& event) {
  Origin& origin = make(s, Kind::start, event.client, event.patience);
  origin.mode = event.mode;
  origin.on = event.on;
  origin.specs = std::move(event.specs);
  begin(s, origin);
}

void Origins::stop(Step& s, ClientStop& event) {
  Origin& origin = make(s, Kind::stop, event.client, event.patience);
  origin.ids = std::move(event.ids);
  begin(s, origin);
}

void Origins::retry(Step& s, const ClientRetry& event) {
  Origin& origin = make(s, Kind::retry, event.client, {});
  origin.ids.push_back(event.id);
  begin(s, origin);
}

void Origins::lookup(Step& s, const ClientLookup& event) {
  Origin& origin = make(s, Kind::lookup, event.client, {});
  origin.ids.push_back(event.id);
  begin(s, origin);
}

void Origins::move(Step& s, const ClientMove& event) {
  Origin& origin = make(s, Kind::move, event.client, {});
  origin.move = event.kind;
  origin.on = event.to;
  origin.ids.push_back(event.id);
  begin(s, origin);
}

void Origins::gone(ClientId client) {
  const auto found = by_client_.find(client);
  if (found == by_client_.end()) return;
  Origin& origin = origins_.at(found->second);
  origin.client.reset();
  by_client_.erase(found);
  if (origin.kind == Kind::start) {
    origin.specs.resize(origin.next);
  } else {
    origin.ids.resize(origin.next);
    open_ -= origin.open.size();
    origin.open.clear();
  }
  if (origin.open.empty()) set_due(origin);  // to be closed
}

void Origins::begin(Step& s, Origin& origin) {
  if (sessions_.self().state == MemberState::left)
    origin.ended = has_left(s.settings.self);
  else if (joining_.stays_out() && is_refused(origin))
    origin.ended = stays_out();
  else if (views_.quorum().is_locked() && is_refused(origin))
    origin.ended = partitioned("nothing was done");
  if (origin.size() == 0) {
    s.effects.replies.push_back({*origin.client, {}, true});
    return close(s, origin);
  }
  set_due(origin);
}

void Origins::end_all(Step& s, const Error& error) {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, origin] : origins_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    Origin& origin = origins_.at(number);
    origin.ended = error;
    std::size_t all = origin.left();
    (void)end_some(s, origin, all);
  }
}

bool Origins::is_refused(const Origin& origin) const {
  return origin.kind != Kind::start || origin.mode != StartMode::ensure;
}

Error Origins::partitioned(std::string_view words) const {
  return {Errc::partitioned,
          fmt::format("this part of the cluster may not act: {}; {}", views_.quorum().words(), words)};
}

Error Origins::stays_out() const {
  return {
      Errc::refused,
      fmt::format("this node is no member of the supervisor: {}; ask another node, and start this one anew "
                  "with the same",
                  joining_.why_out())};
}

void Origins::refuse_all(Step&) {
  for (auto& [number, origin] : origins_) {
    if (origin.ended || !is_refused(origin)) continue;
    // A node that joins has asked nobody.
    origin.ended =
        joining_.stays_out() ? stays_out() : partitioned("what was asked before may have happened");
    set_due(origin);
  }
}

bool Origins::is_own(const Settings& settings, const RequestKey& request) const {
  if (request.node == settings.self) return request.creation == settings.creation;
  return former_ && request.node == former_->first && request.creation == former_->second;
}

// ---- asking ------------------------------------------------------------------------------------------

void Origins::set_due(Origin& origin) {
  if (origin.ended) return ended_.push_back(origin.request.number);
  if (std::exchange(origin.due, true)) return;
  due_.push_back(origin.request.number);
}

// Whose time is over is told so before more is begun: the client waits for nothing else, and where there is
// much to do it would wait behind all that.
void Origins::work(Step& s) {
  if (!ended_.empty()) return work_on_ended(s);
  const auto found = origins_.find(due_.front());
  due_.pop_front();
  if (found == origins_.end()) return;
  Origin& origin = found->second;
  origin.due = false;
  if (origin.ended) return;
  if (origin.done()) return close(s, origin);
  std::vector<ChildId> fresh;
  open_more(s, origin, fresh);
  ask(s, origin, fresh, no_peer);
}

// A portion of one request, then others have their turn.
void Origins::open_more(Step& s, Origin& origin, std::vector<ChildId>& fresh) {
  const std::size_t most = std::min(s.budget, std::max<std::size_t>(s.settings.request_portion, 1) * 4);
  while (origin.next < origin.size() && has_room(s, origin) && fresh.size() < most) {
    const std::size_t at = origin.next++;
    const ChildId& id = origin.kind == Kind::start ? origin.specs[at].id : origin.ids[at];
    const auto [item, added] = origin.open.try_emplace(id);
    if (!added) continue;  // named twice: one answer for both
    item->second.begun_at = s.time();
    if (origin.kind == Kind::start) item->second.spec = std::move(origin.specs[at].spec);
    fresh.push_back(id);
    ++open_;
  }
  s.spend(fresh.size());
  if (origin.next == origin.size()) return;
  if (has_room(s, origin))
    set_due(origin);
  else
    hungry_.push_back(origin.request.number);
}

// All requests of this node share the window, so that many bulk ones together are no longer a queue at the
// coordinators than one is. But each has a few under way.
bool Origins::has_room(const Step& s, const Origin& origin) const {
  return open_ < window_.size(s.settings.request_window) || origin.open.size() < request_share;
}

// Asks each id's coordinator that has not been asked yet; `again`: that one (or all) once more, for what it
// was asked may be lost, or was asked in a view that is over.
void Origins::ask(Step& s, Origin& origin, const std::vector<ChildId>& ids, PeerIndex again) {
  std::map<PeerIndex, std::vector<ChildId>> groups;
  for (const ChildId& id : ids) {
    Item& item = origin.open.at(id);
    if (item.held) continue;
    const PeerIndex index = views_.placement().coordinator(id);
    // One that was lost in this very step is in the placement still: the next view has another coordinator.
    const Member* member = index == no_peer ? nullptr : sessions_.member(index);
    if (!member) continue;
    const SessionId& session = member->session;
    const bool repeat = again == every_peer || (again == index && index != self_index);
    if (item.asked == session && !repeat) continue;
    groups[index].push_back(id);
    item.asked_others = item.asked_others || (item.asked && item.asked != session);
    item.asked = session;
    item.view = views_.hash();
    item.copies.sent_in(item.view);
  }
  const std::size_t most = std::max<std::size_t>(s.settings.request_portion, 1);
  for (const auto& [peer, group] : groups)
    for (std::size_t at = 0; at < group.size(); at += most)
      ask_coordinator(s, origin, peer, std::span(group).subspan(at, std::min(most, group.size() - at)));
}

void Origins::ask_coordinator(Step& s, Origin& origin, PeerIndex coordinator, std::span<const ChildId> ids) {
  const std::uint64_t view = views_.hash();
  switch (origin.kind) {
    case Kind::start: {
      StartRequest request{origin.request, origin.mode, view, 0, origin.on, {}};
      request.specs.reserve(ids.size());
      for (const ChildId& id : ids) request.specs.push_back({id, origin.open.at(id).spec});
      return pass_on(s, coordinator, std::move(request));
    }
    case Kind::stop:
      return pass_on(s, coordinator, StopRequest{origin.request, view, 0, {ids.begin(), ids.end()}});
    case Kind::retry:
      for (const ChildId& id : ids) pass_on(s, coordinator, RetryRequest{origin.request, view, 0, id});
      return;
    case Kind::move:
      for (const ChildId& id : ids)
        pass_on(s, coordinator, MoveRequest{origin.request, view, 0, origin.move, id, *origin.on});
      return;
    case Kind::lookup:
      for (const ChildId& id : ids) pass_on(s, coordinator, LookupRequest{origin.request, view, 0, id});
      return;
  }
}

void Origins::pass_on(Step& s, PeerIndex to, Request request) {
  if (to == self_index) return local_.enqueue(s, std::move(request));
  std::visit([&](auto& one) { sender_.send(to, std::move(one)); }, request);
}

void Origins::ask_again(Step& s, PeerIndex peer) {
  for (auto& [number, origin] : origins_) {
    if (origin.ended) continue;
    std::vector<ChildId> ids;
    for (const auto& [id, item] : origin.open) ids.push_back(id);
    ask(s, origin, ids, peer);
  }
}

// ---- answers -----------------------------------------------------------------------------------------

bool Origins::waits_for(const RequestKey& request, const ChildId& id) const {
  const auto found = origins_.find(request.number);
  if (found == origins_.end() || found->second.ended) return false;
  const auto item = found->second.open.find(id);
  return item != found->second.open.end() && !item->second.held;
}

void Origins::take(Step& s, const RequestKey& request, std::uint64_t view, Outcome outcome) {
  if (!is_own(s.settings, request)) return;
  const auto found = origins_.find(request.number);
  if (found == origins_.end()) return;
  Origin& origin = found->second;
  const auto item = origin.open.find(outcome.id);
  if (item == origin.open.end()) return;
  // Another copy of the question may have a place in the inbox where this one found none.
  const bool is_busy = outcome.error && outcome.error->code == Errc::busy;
  if (is_busy && !item->second.copies.refused_in(view)) return;
  if (item->second.held || item->second.view != view) return;
  if (may_be_done(origin, item->second, outcome))
    outcome.error =
        Error{Errc::timeout, "it was asked before the members changed, and may have happened; now: " +
                                 outcome.error->message};
  if (shows(origin.kind, outcome)) return reply(s, origin, std::move(outcome));
  held_[outcome.id].insert(request.number);
  // What a stop has ended may be back with a node that was lost: then it is not done until that is gone too.
  if (origin.kind != Kind::stop) held_until_.emplace_back(s.time() + hold_max, outcome.id, request.number);
  item->second.held = std::move(outcome);
}

// Nothing was done, says this coordinator; the one that was asked before it may have done it, and so may this
// one in a view before, if it had no answer to that then.
bool Origins::may_be_done(const Origin& origin, const Item& item, const Outcome& outcome) {
  if (!outcome.error || origin.kind == Kind::lookup) return false;
  if (outcome.error->code == Errc::busy) return item.asked_others || !item.copies.all_refused();
  return item.asked_others && origin.kind == Kind::start && refuses(*outcome.error);
}

// Whether a client that got this answer would read the same from our tables.
bool Origins::shows(Kind kind, const Outcome& outcome) const {
  const Child* child = children_.find(outcome.id);
  if (kind == Kind::stop) {
    if (outcome.error || !child) return true;
    bool gone = true;
    instances_.each(*child,
                    [&](const Hosted& hosted) { gone = gone && hosted.instance.epoch > outcome.epoch; });
    return gone;
  }
  if (kind == Kind::retry || kind == Kind::move || !outcome.host || outcome.epoch == Epoch{}) return true;
  return child && child->floor() >= outcome.epoch;
}

void Origins::look(Step& s, const Child& child) {
  if (held_.empty()) return;
  const auto found = held_.find(child.id);
  if (found == held_.end()) return;
  const auto numbers = found->second;
  for (const std::uint64_t number : numbers) {
    const auto at = origins_.find(number);
    if (at == origins_.end()) {
      forget_held(child.id, number);
      continue;
    }
    Origin& origin = at->second;
    const auto item = origin.open.find(child.id);
    if (item == origin.open.end() || !item->second.held) {
      forget_held(child.id, number);
    } else if (shows(origin.kind, *item->second.held)) {
      forget_held(child.id, number);
      reply(s, origin, Outcome(*item->second.held));
    }
  }
}

void Origins::forget_held(const ChildId& id, std::uint64_t number) {
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  found->second.erase(number);
  if (found->second.empty()) held_.erase(found);
}

// The last reply of an origin ends it.
void Origins::reply(Step& s, Origin& origin, Outcome outcome) {
  if (const auto item = origin.open.find(outcome.id); item != origin.open.end()) {
    const bool is_over = !origin.ended && !(outcome.error && outcome.error->code == Errc::busy);
    if (is_over) window_.done(s.settings.request_window, s.time(), s.time() - item->second.begun_at);
    origin.open.erase(item);
    --open_;
  }
  const bool last = origin.done();
  if (origin.client) {
    const auto [at, added] = replies_.try_emplace(*origin.client, s.effects.replies.size());
    if (added) s.effects.replies.push_back({*origin.client, {}, false});
    Reply& so_far = s.effects.replies[at->second];
    so_far.outcomes.push_back(std::move(outcome));
    so_far.last = last;
  }
  if (last) return close(s, origin);
  // Each has some under way, however few the window has room for.
  if (origin.open.empty() && !origin.ended) set_due(origin);
  feed(s);
}

// The window has room again: for the request that has waited longest.
void Origins::feed(Step& s) {
  while (!hungry_.empty() && open_ * 4 <= window_.size(s.settings.request_window) * 3) {
    const auto found = origins_.find(hungry_.front());
    hungry_.pop_front();
    if (found == origins_.end()) continue;
    set_due(found->second);
    return;
  }
}

void Origins::close(Step& s, Origin& origin) {
  open_ -= origin.open.size();
  deadlines_.erase({origin.deadline, origin.request.number});
  if (origin.client) by_client_.erase(*origin.client);
  origins_.erase(origin.request.number);
  feed(s);
}

// As many as one unit of work has room for. Who came first is told first: where a node has more to do than it
// can, the others wait a little longer each, and none for ever. Large requests let others go between.
void Origins::work_on_ended(Step& s) {
  s.spend(1);
  for (std::size_t left = ended_for_one; left > 0 && !ended_.empty();) {
    const std::uint64_t number = ended_.front();
    ended_.pop_front();
    const auto found = origins_.find(number);
    if (found == origins_.end() || end_some(s, found->second, left)) continue;
    if (found->second.left() <= ended_at_once)
      ended_.push_front(number);
    else
      ended_.push_back(number);
  }
}

// Answers at most `left`, and takes them from that. True: that was all.
bool Origins::end_some(Step& s, Origin& origin, std::size_t& left) {
  const std::uint64_t number = origin.request.number;
  if (origin.done()) return close(s, origin), true;
  const auto answer = [&](ChildId id) {
    --left;
    reply(s, origin, Outcome{std::move(id), origin.ended, {}, {}, {}});
    return origins_.contains(number);
  };
  while (left > 0 && !origin.open.empty())
    if (!answer(origin.open.begin()->first)) return true;
  while (left > 0 && origin.next < origin.size()) {
    const std::size_t at = origin.next++;
    if (!answer(origin.kind == Kind::start ? origin.specs[at].id : origin.ids[at])) return true;
  }
  return false;
}

// ---- time --------------------------------------------------------------------------------------------

void Origins::on_time(Step& s) {
  while (!held_until_.empty() && std::get<0>(held_until_.front()) <= s.time()) {
    const auto [until, id, number] = held_until_.front();
    held_until_.pop_front();
    const auto origin = origins_.find(number);
    if (origin == origins_.end()) continue;
    const auto item = origin->second.open.find(id);
    if (item == origin->second.open.end() || !item->second.held) continue;
    forget_held(id, number);
    reply(s, origin->second, Outcome(*item->second.held));
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= s.time()) {
    Origin& origin = origins_.at(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
    origin.deadline = {};
    if (origin.ended) continue;  // it is about to be told so
    origin.ended = Error{Errc::timeout, "no answer in time; it may still happen, ask before repeating"};
    set_due(origin);
  }
  while (!repeats_.empty() && repeats_.begin()->first <= s.time()) {
    const std::uint64_t number = repeats_.begin()->second;
    repeats_.erase(repeats_.begin());
    const auto found = origins_.find(number);
    if (found == origins_.end()) continue;
    Origin& origin = found->second;
    if (origin.ended) continue;
    origin.repeat_every = std::min(origin.repeat_every * 2, repeat_longest);
    repeats_.emplace(s.time() + origin.repeat_every, number);
    std::vector<ChildId> ids;
    for (const auto& [id, item] : origin.open) {
      if (views_.placement().coordinator(id) == self_index)
        (void)local_.keep(s, {origin.request, item.view}, id);
      else
        ids.push_back(id);
    }
    ask(s, origin, ids, every_peer);
  }
}

Duration Origins::deadline() const {
  Duration next = Duration::max();
  if (!held_until_.empty()) next = std::min(next, std::get<0>(held_until_.front()));
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  if (!repeats_.empty()) next = std::min(next, repeats_.begin()->first);
  return next;
}

}  // namespace brood::core

// Clients' requests at the node they came to: split by coordinator, asked again when one is lost, answered
// once per id.
#include <algorithm>

#include "core/state.hpp"

namespace brood::core {
namespace {
constexpr Duration first_repeat = 2s;
constexpr Duration hold_max = 1s;
}  // namespace

Origin& Machine::new_origin(RequestKind kind, ClientId client) {
  const std::uint64_t number = ++last_request_;
  Origin& origin = origins_[number];
  origin.request = {settings_.self, settings_.creation, number};
  origin.kind = kind;
  origin.client = client;
  origin.deadline = now_.monotonic + settings_.request_timeout;
  origin.repeat_every = first_repeat;
  repeats_.emplace(now_.monotonic + first_repeat, number);
  return origin;
}

void Machine::handle(const ClientStart& event) {
  Origin& origin = new_origin(RequestKind::start, event.client);
  origin.mode = event.mode;
  origin.on = event.on;
  for (const SpecPtr& spec : event.specs) origin.open[spec->id].spec = spec;
  open_origin(origin);
}

void Machine::handle(const ClientStop& event) {
  Origin& origin = new_origin(RequestKind::stop, event.client);
  for (const ChildId& id : event.ids) origin.open[id];
  open_origin(origin);
}

void Machine::handle(const ClientRetry& event) {
  Origin& origin = new_origin(RequestKind::retry, event.client);
  origin.open[event.id];
  open_origin(origin);
}

void Machine::handle(const ClientLookup& event) {
  Origin& origin = new_origin(RequestKind::lookup, event.client);
  origin.open[event.id];
  open_origin(origin);
}

void Machine::handle(const ClientGone& event) {
  for (auto& [number, origin] : origins_)
    if (origin.client == event.client) origin.client.reset();
  std::erase(drainers_, event.client);
}

void Machine::open_origin(Origin& origin) {
  if (left_ && !origin.open.empty()) return end_origin(origin, has_left(settings_.self));
  if (!origin.open.empty()) return dispatch(origin, no_peer);
  effects_.replies.push_back({*origin.client, {}, true});
  origins_.erase(origin.request.number);
}

// Asks each id's coordinator that has not been asked yet; `again`: that one (or all) once more, for what it
// was asked may be lost, or was asked in a view that is over.
void Machine::dispatch(Origin& origin, PeerIndex again) {
  std::map<PeerIndex, std::vector<ChildId>> groups;
  for (auto& [id, item] : origin.open) {
    if (item.held) continue;
    const PeerIndex index = ring_.coordinator(id.hash64());
    if (index == no_peer) continue;
    const SessionId& session = peers_[index].member->session;
    const bool repeat = again == every_peer || (again == index && index != self_index);
    if (item.asked == session && !repeat) continue;
    groups[index].push_back(id);
    item.asked = session;
    item.view = view_hash_;
  }
  for (const auto& [index, ids] : groups) ask(origin, index, ids);
}

void Machine::dispatch_all(PeerIndex again) {
  for (auto& [number, origin] : origins_) dispatch(origin, again);
}

void Machine::ask(Origin& origin, PeerIndex coordinator, const std::vector<ChildId>& ids) {
  std::vector<Request> requests;
  switch (origin.kind) {
    case RequestKind::start: {
      StartRequest request{origin.request, origin.mode, view_hash_, 0, origin.on, {}};
      request.specs.reserve(ids.size());
      for (const ChildId& id : ids) request.specs.push_back(origin.open[id].spec);
      requests.emplace_back(std::move(request));
      break;
    }
    case RequestKind::stop:
      requests.emplace_back(StopRequest{origin.request, view_hash_, 0, ids});
      break;
    case RequestKind::retry:
      for (const ChildId& id : ids) requests.emplace_back(RetryRequest{origin.request, view_hash_, 0, id});
      break;
    case RequestKind::lookup:
      for (const ChildId& id : ids) requests.emplace_back(LookupRequest{origin.request, view_hash_, 0, id});
      break;
  }
  for (Request& request : requests) pass_on(coordinator, std::move(request));
}

void Machine::pass_on(PeerIndex to, Request request) {
  if (to == self_index) return enqueue(std::move(request));
  std::visit([&](auto& one) { send(peers_[to], std::move(one)); }, request);
}

void Machine::on_message(PeerIndex, const Answer& answer) {
  for (const Outcome& outcome : answer.outcomes) take_outcome(answer.request, answer.view, outcome);
}

void Machine::take_outcome(const RequestKey& request, std::uint64_t view, Outcome outcome) {
  if (!is_own(request)) return;
  outcomes_.push_back({request, view, std::move(outcome)});
}

void Machine::settle_outcomes() {
  while (!outcomes_.empty()) {
    auto outcomes = std::move(outcomes_);
    outcomes_.clear();
    for (auto& [request, view, outcome] : outcomes) {
      const auto found = origins_.find(request.number);
      if (found == origins_.end()) continue;
      Origin& origin = found->second;
      const auto item = origin.open.find(outcome.id);
      if (item == origin.open.end() || item->second.held || item->second.view != view) continue;
      if (shows(origin.kind, outcome)) {
        reply(origin, std::move(outcome));
        continue;
      }
      held_[outcome.id].insert(request.number);
      // What a stop has ended may be back with a node that was lost: then it is not done until that is gone
      // too.
      if (origin.kind != RequestKind::stop)
        held_until_.emplace(now_.monotonic + hold_max, outcome.id, request.number);
      item->second.held = std::move(outcome);
    }
  }
}

// Whether a client that got this answer would read the same from our tables.
bool Machine::shows(RequestKind kind, const Outcome& outcome) const {
  const Child* child = table_.find(outcome.id);
  if (kind == RequestKind::stop)
    return outcome.error || !child ||
           std::none_of(child->hosted.begin(), child->hosted.end(),
                        [&](const Hosted& one) { return one.instance.epoch <= outcome.epoch; });
  if (kind == RequestKind::retry || !outcome.host || outcome.epoch == Epoch{}) return true;
  return child && child->floor >= outcome.epoch;
}

void Machine::release_held(const ChildId& id) {
  if (held_.empty()) return;
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  const auto numbers = found->second;
  for (const std::uint64_t number : numbers) {
    const auto origin = origins_.find(number);
    const auto item =
        origin == origins_.end() ? decltype(origin->second.open.end()){} : origin->second.open.find(id);
    if (origin == origins_.end() || item == origin->second.open.end() || !item->second.held) {
      forget_held(id, number);
    } else if (shows(origin->second.kind, *item->second.held)) {
      forget_held(id, number);
      reply(origin->second, Outcome(*item->second.held));
    }
  }
}

void Machine::forget_held(const ChildId& id, std::uint64_t number) {
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  found->second.erase(number);
  if (found->second.empty()) held_.erase(found);
}

// The last reply of an origin ends it.
void Machine::reply(Origin& origin, Outcome outcome) {
  origin.open.erase(outcome.id);
  const bool last = origin.open.empty();
  if (origin.client) {
    const auto [at, added] = replies_.try_emplace(*origin.client, effects_.replies.size());
    if (added) effects_.replies.push_back({*origin.client, {}, false});
    Reply& so_far = effects_.replies[at->second];
    so_far.outcomes.push_back(std::move(outcome));
    so_far.last = last;
  }
  if (last) origins_.erase(origin.request.number);
}

void Machine::tend_origins() {
  while (!held_until_.empty() && std::get<0>(*held_until_.begin()) <= now_.monotonic) {
    const auto [until, id, number] = *held_until_.begin();
    held_until_.erase(held_until_.begin());
    const auto origin = origins_.find(number);
    if (origin == origins_.end()) continue;
    const auto item = origin->second.open.find(id);
    if (item == origin->second.open.end() || !item->second.held) continue;
    forget_held(id, number);
    reply(origin->second, Outcome(*item->second.held));
  }
  while (!origins_.empty() && origins_.begin()->second.deadline <= now_.monotonic) {
    Origin& origin = origins_.begin()->second;
    const ChildId id = origin.open.begin()->first;
    Outcome outcome{
        id, Error{Errc::timeout, "no answer in time; it may still happen, ask before repeating"}, {}, {}, {}};
    reply(origin, std::move(outcome));
  }
  while (!repeats_.empty() && repeats_.begin()->first <= now_.monotonic) {
    const std::uint64_t number = repeats_.begin()->second;
    repeats_.erase(repeats_.begin());
    const auto found = origins_.find(number);
    if (found == origins_.end()) continue;
    Origin& origin = found->second;
    origin.repeat_every *= 2;
    repeats_.emplace(now_.monotonic + origin.repeat_every, number);
    std::set<PeerIndex> coordinators;
    for (const auto& [id, item] : origin.open) coordinators.insert(ring_.coordinator(id.hash64()));
    for (const PeerIndex index : coordinators)
      if (index != no_peer) dispatch(origin, index);
  }
  tend_works();
}

void Machine::end_origins() {
  while (!origins_.empty())
    end_origin(origins_.begin()->second, Error{Errc::timeout, "this node has left; it may still happen"});
}

void Machine::end_origin(Origin& origin, const Error& error) {
  for (std::size_t left = origin.open.size(); left > 0; --left)
    reply(origin, Outcome{origin.open.begin()->first, error, {}, {}, {}});
}

}  // namespace brood::core

#include "core/rows/instances.hpp"

#include <algorithm>

namespace brood::core {

Instances::Instances(ChildTable& children, SessionId self, Outbox& outbox, Notes& notes)
    : children_(children), outbox_(outbox), notes_(notes) {
  sessions_.push_back({std::move(self), self_index, true, {}});
  current_[self_index] = own_session;
}

std::size_t Instances::count(const Child& child) const {
  std::size_t count = 0;
  each(child, [&](const Hosted& hosted) { count += hosted.instance.phase == Phase::moved ? 0 : 1; });
  return count;
}

Epoch Instances::next_epoch(Step& s, const Child& child) const {
  Hlc clock = s.tick();
  if (clock <= child.floor().clock) clock = after(child.floor().clock);
  // An instance that this node has not heard of itself.
  if (child.row() && child.row()->assigned && clock <= child.row()->assigned->after.clock)
    clock = after(child.row()->assigned->after.clock);
  return {clock, s.settings.self};
}

const Instance* Instances::find(const Child& child, SessionRef session) const {
  for (const Hosted& hosted : child.hosted())
    if (hosted.session == session) return &hosted.instance;
  return nullptr;
}

SessionRef Instances::current(PeerIndex peer) const {
  const auto found = current_.find(peer);
  return found == current_.end() ? no_session : found->second;
}

const Instance* Instances::on(const Child& child, PeerIndex peer) const {
  const SessionRef session = current(peer);
  return session == no_session ? nullptr : find(child, session);
}

const Hosted* Instances::any(const Child& child) const {
  for (const Hosted& hosted : child.hosted())
    if (is_live(hosted)) return &hosted;
  return nullptr;
}

Epoch Instances::newest(const Child& child) const {
  Epoch newest;
  each(child, [&](const Hosted& hosted) { newest = std::max(newest, hosted.instance.epoch); });
  return newest;
}

bool Instances::hosts_any(PeerIndex peer) const {
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [&](const Host& host) { return host.peer == peer && !host.children.empty(); });
}

void Instances::raise_floor(Child& child, const Epoch& epoch) {
  child.floor_.value_ = std::max(child.floor_.value_, epoch);
}

void Instances::write(Child& child, SessionRef session, const Instance& instance) {
  (void)replace(child, session, instance);
}

// What was there before. There may be one on every node, so it is looked for once.
std::optional<InstanceNews::Was> Instances::replace(Child& child, SessionRef session,
                                                    const Instance& instance) {
  raise_floor(child, instance.epoch);
  for (Hosted& hosted : child.hosted_.value_) {
    if (hosted.session != session) continue;
    const InstanceNews::Was before{hosted.instance.phase, hosted.instance.role, hosted.instance.pid};
    hosted.instance = instance;
    return before;
  }
  auto& children = sessions_[session].children;
  child.hosted_.value_.push_back({session, static_cast<std::uint32_t>(children.size()), instance});
  children.push_back(child.ref);
  return std::nullopt;
}

bool Instances::erase(Child& child, SessionRef session) {
  auto& all = child.hosted_.value_;
  const auto at = std::find_if(all.begin(), all.end(),
                               [session](const Hosted& hosted) { return hosted.session == session; });
  if (at == all.end()) return false;
  auto& children = sessions_[session].children;
  const std::uint32_t place = at->place;
  children[place] = children.back();
  children.pop_back();
  if (place < children.size())
    for (Hosted& moved : children_.get(children[place])->hosted_.value_)
      if (moved.session == session) moved.place = place;
  all.erase(at);
  if (all.empty()) all.shrink_to_fit();
  return true;
}

std::optional<InstanceNews::Was> Instances::was(const Child& child, SessionRef session) const {
  const Instance* known = find(child, session);
  if (!known) return std::nullopt;
  return InstanceNews::Was{known->phase, known->role, known->pid};
}

NodeName Instances::name_of(PeerIndex peer) const {
  const SessionRef session = current(peer);
  return session == no_session ? NodeName() : sessions_[session].id.node;
}

void Instances::publish(Step& s, Child& child, const Instance& instance, const Bytes& detail) {
  const auto before = replace(child, own_session, instance);
  outbox_.add(InstanceChange{child.id, instance, detail});
  s.changed(child.id);
  notes_.instance_told(s, child, {sessions_[own_session].id, before, &instance, nullptr});
  notes_.instance_changed(s, child, detail);
}

void Instances::retract(Step& s, Child& child, Gone gone, const Bytes& detail) {
  const auto before = was(child, own_session);
  erase(child, own_session);
  s.changed(child.id);
  notes_.instance_told(s, child, {sessions_[own_session].id, before, nullptr, &gone});
  outbox_.add(InstanceChange{child.id, std::nullopt, detail, std::move(gone)});
  notes_.instance_changed(s, child, detail);
  notes_.touched(s, child);
}

void Instances::begin(PeerIndex peer, const SessionId& session) {
  SessionRef ref = static_cast<SessionRef>(sessions_.size());
  if (free_.empty()) {
    sessions_.emplace_back();
  } else {
    ref = free_.back();
    free_.pop_back();
  }
  sessions_[ref] = {session, peer, true, {}};
  current_[peer] = ref;
}

void Instances::end(PeerIndex peer, const Loss& loss) {
  const auto found = current_.find(peer);
  if (found == current_.end()) return;
  sessions_[found->second].live = false;
  losses_.push_back({found->second, loss});
  current_.erase(found);
}

void Instances::drop_some(Step& s, std::size_t most) {
  while (!losses_.empty() && most > 0 && s.budget > 0) {
    Lost& lost = losses_.front();
    Host& host = sessions_[lost.session];
    if (host.children.empty()) {
      host = {};
      free_.push_back(lost.session);
      losses_.pop_front();
      continue;
    }
    s.spend(1);
    --most;
    Child& child = *children_.get(host.children.back());
    const Instance instance = *find(child, lost.session);
    erase(child, lost.session);
    s.changed(child.id);
    notes_.instance_lost(s, child, instance, lost.loss);
  }
}

void Instances::drop_dead(Step& s, Child& child) {
  for (std::size_t at = 0; at < child.hosted().size();) {
    if (is_live(child.hosted()[at])) {
      ++at;
      continue;
    }
    const Hosted hosted = child.hosted()[at];
    const auto lost = std::find_if(losses_.begin(), losses_.end(),
                                   [&](const Lost& one) { return one.session == hosted.session; });
    erase(child, hosted.session);
    s.changed(child.id);
    if (lost != losses_.end()) notes_.instance_lost(s, child, hosted.instance, lost->loss);
  }
}

void Instances::put(Step& s, Child& child, PeerIndex peer, const Instance& instance, const Bytes& detail) {
  const SessionRef session = current(peer);
  if (session == no_session) return;
  s.witness(instance.epoch.clock, sessions_[session].id.node);
  const auto before = replace(child, session, instance);
  s.changed(child.id);
  notes_.instance_told(s, child, {sessions_[session].id, before, &instance, nullptr});
  notes_.instance_changed(s, child, detail);
  notes_.touched(s, child);
}

void Instances::remove(Step& s, Child& child, PeerIndex peer, const Bytes& detail, const Gone* gone) {
  const SessionRef session = current(peer);
  const auto before = session == no_session ? std::nullopt : was(child, session);
  if (!before) return;
  erase(child, session);
  s.changed(child.id);
  notes_.instance_told(s, child, {sessions_[session].id, before, nullptr, gone});
  notes_.instance_changed(s, child, detail);
  notes_.touched(s, child);
}

void Instances::keep_only(Step& s, PeerIndex peer, std::uint32_t first, std::uint32_t end,
                          const std::unordered_set<ChildId>& kept) {
  const SessionRef session = current(peer);
  if (session == no_session) return;
  std::vector<ChildRef> gone;
  const auto consider = [&](const Child& child) {
    if (find(child, session) && !kept.contains(child.id)) gone.push_back(child.ref);
  };
  std::size_t in_buckets = 0;
  for (std::uint32_t bucket = first; bucket < end; ++bucket) in_buckets += children_.bucket(bucket).size();
  // Whichever is shorter. One that has joined just now hosts nothing, and all buckets may be in one portion.
  if (const ChildRefs& hosted = sessions_[session].children; hosted.size() <= in_buckets) {
    for (const ChildRef ref : hosted) {
      const Child& child = *children_.get(ref);
      if (const std::uint32_t bucket = bucket_of(child.id.hash()); bucket >= first && bucket < end)
        consider(child);
    }
  } else {
    for (std::uint32_t bucket = first; bucket < end; ++bucket)
      for (const std::uint32_t slot : children_.bucket(bucket)) consider(*children_.at_slot(slot));
  }
  std::sort(gone.begin(), gone.end(),
            [this](ChildRef a, ChildRef b) { return children_.get(a)->id < children_.get(b)->id; });
  for (const ChildRef ref : gone) remove(s, *children_.get(ref), peer, {});
}

}  // namespace brood::core

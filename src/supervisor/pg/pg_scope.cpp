#include "supervisor/pg/pg_scope.hpp"

#include <brood/codec.hpp>

namespace brood::supervisor {

PgEffects PgScope::node_up(const NodeName& node) {
  return look(node, nodes_[node]);
}

PgEffects PgScope::look(const NodeName& node, Node& state) {
  if (state.brood || state.watched) return {};
  state.watched = true;
  return {PgLook{node, discover()}};
}

PgEffects PgScope::is_brood(const NodeName& node) {
  Node& state = nodes_[node];
  const bool was_watched = state.watched;
  state = Node{};
  state.brood = true;
  return was_watched ? PgEffects{PgForget{node}} : PgEffects{};
}

PgEffects PgScope::scope_ended(const NodeName& node, bool was_there) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end() || it->second.brood) return {};
  const std::uint32_t misses = was_there ? 0 : it->second.misses + 1;
  it->second = Node{};
  it->second.misses = misses;
  // One that ended is probably started again at once; a name that nobody has would be asked for in a circle.
  return was_there ? look(node, it->second) : PgEffects{PgWait{node, misses <= soon_max}};
}

PgEffects PgScope::look_again(const NodeName& node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end() || it->second.scope) return {};
  PgEffects effects;
  if (std::exchange(it->second.watched, false)) effects.push_back(PgForget{node});
  for (PgEffect& effect : look(node, it->second)) effects.push_back(std::move(effect));
  return effects;
}

PgEffects PgScope::not_told(const Pid& scope) {
  const auto it = nodes_.find(scope.node);
  if (it == nodes_.end() || it->second.scope != scope) return {};
  it->second.scope.reset();
  it->second.discover_follows = false;
  return {PgWait{scope.node, false}};
}

PgEffects PgScope::discovered_by(const Pid& scope) {
  Node& state = nodes_[scope.node];
  if (state.brood) return {};
  if (state.scope == scope && std::exchange(state.discover_follows, false)) return {};
  PgEffects effects;
  // A scope that we have not looked for is asked back, as scopes do among each other.
  if (state.scope != scope) {
    effects = look(scope.node, state);
    state.scope = scope;
    state.discover_follows = false;
  }
  effects.push_back(PgTell{{scope}, sync()});
  return effects;
}

PgEffects PgScope::synced_by(const Pid& scope) {
  Node& state = nodes_[scope.node];
  if (state.brood || state.scope == scope) return {};
  // It may have had the name between our watch, which found nobody, and our discover: then nothing watches
  // it.
  PgEffects effects = look(scope.node, state);
  state.scope = scope;
  state.discover_follows = true;
  effects.push_back(PgTell{{scope}, sync()});
  return effects;
}

PgEffects PgScope::changed(const std::vector<PgChange>& changes) {
  struct Join {
    const ChildId* id;
    LocalPid pid;
  };
  PgEffects effects;
  const std::vector<Pid> everybody = scopes();
  // Most clusters have nobody who listens, and then no message is made.
  const auto tell = [&](const auto& message) {
    if (!everybody.empty()) effects.push_back(PgTell{everybody, message()});
  };
  std::vector<Join> joins;
  for (const auto& [id, pid] : changes) {
    const auto old = told_.find(id);
    const auto now = pid ? std::optional(LocalPid{pid->id, pid->serial}) : std::nullopt;
    if (old != told_.end() && old->second != now) {
      // Always by itself: a sync that only changes a group's members reaches nobody who monitors it.
      tell([&] { return leave(id, old->second); });
      told_.erase(old);
    } else if (old != told_.end()) {
      continue;
    }
    if (now) {
      joins.push_back({&id, *now});
      told_.emplace(id, *now);
    }
  }
  if (joins.size() >= bulk_min && joins.size() * 4 >= told_.size()) {
    tell([this] { return sync(); });
  } else {
    for (const Join& one : joins) tell([&] { return join(*one.id, one.pid); });
  }
  return effects;
}

std::vector<Pid> PgScope::scopes() const {
  std::vector<Pid> all;
  for (const auto& [node, state] : nodes_) {
    if (state.scope) all.push_back(*state.scope);
  }
  return all;
}

// ---- the messages ----------------------------------------------------------------------------------------

namespace {

/// {Tag, Self, ...}, inside a cast of Erlang's or by itself; `put` writes the rest.
template <typename Put>
EncodedTerm message(std::string_view tag, const Pid& self, std::size_t arity, Put put, bool cast = false) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  if (cast) {
    writer.tuple(2);
    writer.atom("$gen_cast");
  }
  writer.tuple(arity);
  writer.atom(tag);
  writer.pid(self);
  put(writer);
  return out;
}

}  // namespace

/// {discover, Self}
EncodedTerm PgScope::discover() const {
  return message("discover", self_, 2, [](TermWriter&) {});
}

/// {'$gen_cast', {sync, Self, [{Group, [Pid]}]}}
EncodedTerm PgScope::sync() const {
  const auto put = [&](TermWriter& writer) {
    writer.list(told_.size());
    for (const auto& [id, pid] : told_) {
      writer.tuple(2);
      write_term(writer, id);
      writer.list(1);
      writer.pid(full(pid));
      writer.nil();
    }
    writer.nil();
  };
  return message("sync", self_, 3, put, true);
}

/// {join, Self, Group, Pid}
EncodedTerm PgScope::join(const ChildId& id, LocalPid pid) const {
  return message("join", self_, 4, [&](TermWriter& writer) {
    write_term(writer, id);
    writer.pid(full(pid));
  });
}

/// {leave, Self, Pid, [Group]}
EncodedTerm PgScope::leave(const ChildId& id, LocalPid pid) const {
  return message("leave", self_, 4, [&](TermWriter& writer) {
    writer.pid(full(pid));
    writer.list(1);
    write_term(writer, id);
    writer.nil();
  });
}

}  // namespace brood::supervisor

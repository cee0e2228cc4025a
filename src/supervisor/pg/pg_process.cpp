#include "supervisor/pg/pg_process.hpp"

#include "process/log/log.hpp"

namespace brood::supervisor {

namespace {

/// How often a node is asked for a scope that it does not have (yet). It cannot tell us of one that starts:
/// OTP tells visible nodes only. Mostly the scope starts soon after the node has connected; a node that never
/// has one costs little then.
constexpr std::chrono::milliseconds look_again_soon{50};
constexpr std::chrono::milliseconds look_again_later{200};

/// The pid in {Tag, Pid} or a longer tuple that begins so.
std::optional<Pid> sender_of(BytesView encoded, std::string_view tag) {
  TermReader reader(encoded);
  if (!reader.version()) return std::nullopt;
  const auto arity = reader.tuple();
  if (!arity || *arity < 2) return std::nullopt;
  const auto name = reader.atom_view();
  if (!name || *name != tag) return std::nullopt;
  auto pid = reader.pid();
  return pid ? std::optional<Pid>(std::move(*pid)) : std::nullopt;
}

}  // namespace

// Codecs, because a Message must be able to leave the node; these never do.
template <typename T>
struct NeverEncoded {
  static void write(TermWriter& writer, const T&) { writer.nil(); }
  static Result<T> read(TermReader&) { return Error{Errc::malformed, "not a message of this kind"}; }
};

}  // namespace brood::supervisor

namespace brood::inline v0 {
template <>
struct Codec<supervisor::PgProcess::NodeEvent> : supervisor::NeverEncoded<supervisor::PgProcess::NodeEvent> {
};
template <>
struct Codec<supervisor::PgProcess::Changes> : supervisor::NeverEncoded<supervisor::PgProcess::Changes> {};
}  // namespace brood::inline v0

namespace brood::supervisor {

PgHandle::PgHandle(process::Runtime& runtime, const std::string& supervisor)
    : runtime_(runtime), name_(supervisor) {
  spawn();
}

void PgHandle::spawn() {
  process::SpawnOptions options;
  options.is_system = true;  // anybody may link to it, or send it an exit
  const auto ended = [shared = shared_](const std::string& why) {
    std::function<void()> told;
    {
      std::lock_guard lock(shared->mutex);
      if (shared->is_stopped) return;
      told = shared->on_end;
      shared->has_ended = !told;
    }
    log::error("the process that tells pg has ended and begins anew: {}", why);
    if (told) told();
  };
  // One of the two is called: the first when it ends before it has begun.
  options.on_started = [ended](const Result<void>& started) {
    if (!started) ended(started.error().message);
  };
  options.on_exit = [ended](const ExitReason& reason) { ended(reason.text()); };
  const Pid made = runtime_.spawn(std::make_unique<PgProcess>(name_), std::move(options));
  const auto named = runtime_.register_name(name_, made);
  if (!named) {
    log::warn("{}: Erlang nodes do not see its children in pg: {}", name_.name, named.error().message);
  }
  std::lock_guard lock(shared_->mutex);
  pid_ = made;
  named_ = named.has_value();
}

Pid PgHandle::pid() const {
  std::lock_guard lock(shared_->mutex);
  return pid_;
}

void PgHandle::on_end(std::function<void()> told) {
  bool has_ended = false;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->on_end = told;
    has_ended = std::exchange(shared_->has_ended, false);
  }
  if (has_ended) told();
}

void PgHandle::begin_anew() {
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->is_stopped) return;
  }
  spawn();
}

void PgHandle::node_up(const NodeName& node) {
  (void)runtime_.send(pid(), Message::of(PgProcess::NodeEvent{PgProcess::NodeEvent::Kind::up, node}));
}
void PgHandle::node_down(const NodeName& node) {
  (void)runtime_.send(pid(), Message::of(PgProcess::NodeEvent{PgProcess::NodeEvent::Kind::down, node}));
}
void PgHandle::is_brood(const NodeName& node) {
  (void)runtime_.send(pid(), Message::of(PgProcess::NodeEvent{PgProcess::NodeEvent::Kind::is_brood, node}));
}
void PgHandle::changed(std::vector<PgChange> changes) {
  (void)runtime_.send(pid(), Message::of(PgProcess::Changes{std::move(changes)}));
}
void PgHandle::rename() {
  (void)runtime_.send(pid(), Message::of(PgProcess::NodeEvent{PgProcess::NodeEvent::Kind::renamed, {}}));
}
void PgHandle::stop() {
  bool was_named = false;
  {
    std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->is_stopped, true)) return;
    was_named = std::exchange(named_, false);
  }
  if (was_named) runtime_.unregister_name(name_);
  runtime_.exit(pid(), ExitReason::shutdown());
}

Result<void> PgProcess::start(Context& context) {
  context_ = &context;
  scope_.emplace(context.self());
  return {};
}

Result<EncodedTerm> PgProcess::call(Message message) {
  return Error{Errc::type_mismatch,
               "this process is the pg scope of a brood supervisor, ask {brood, Node}; it does not answer " +
                   encoded_to_string(message.to_bytes(), 200)};
}

void PgProcess::cast(Message message) {
  const auto scope = sender_of(message.to_bytes(), "sync");
  if (scope && up_.contains(scope->node)) carry_out(scope_->synced_by(*scope));
}

void PgProcess::info(Message message) {
  if (auto* changes = message.get_if<Changes>()) {
    carry_out(scope_->changed(changes->changes));
  } else if (auto* event = message.get_if<NodeEvent>()) {
    on_node(*event);
  } else if (auto scope = sender_of(message.to_bytes(), "discover")) {
    if (up_.contains(scope->node)) carry_out(scope_->discovered_by(*scope));
  }
  // Else the joins and leaves of others' members, which are none of ours.
}

void PgProcess::on_node(const NodeEvent& event) {
  switch (event.kind) {
    case NodeEvent::Kind::up:
      up_.insert(event.node);
      return carry_out(scope_->node_up(event.node));
    case NodeEvent::Kind::is_brood:
      return carry_out(scope_->is_brood(event.node));
    case NodeEvent::Kind::look_again:
      return carry_out(scope_->look_again(event.node));
    case NodeEvent::Kind::renamed:
      return scope_->rename(context_->self());
    case NodeEvent::Kind::down:
      up_.erase(event.node);
      scope_->node_down(event.node);
      watches_.erase(event.node);  // it ends by itself; a demonitor would ask for a new connection
  }
}

void PgProcess::down(const Down& down) {
  const auto watch = watches_.find(down.name.node);
  if (watch == watches_.end() || watch->second != down.ref) return;
  watches_.erase(watch);
  if (down.reason == ExitReason::noconnection()) return;  // node_down follows, or has been
  carry_out(scope_->scope_ended(down.name.node, down.reason != ExitReason::noproc()));
}

void PgProcess::carry_out(PgEffects effects) {
  for (PgEffect& effect : effects) {
    if (auto* tell = std::get_if<PgTell>(&effect)) {
      for (const Pid& to : tell->to) {
        if (!unsure_.contains(to) && !context_->send(to, Message::encoded(tell->term))) unsure_.insert(to);
      }
    } else if (auto* look = std::get_if<PgLook>(&effect)) {
      const NamedProcess scope{name_, look->node};
      watches_.insert_or_assign(look->node, context_->monitor(scope));
      if (!context_->send(scope, Message::encoded(std::move(look->term))))
        carry_out({PgWait{look->node, false}});
    } else if (auto* wait = std::get_if<PgWait>(&effect)) {
      (void)context_->send_after(wait->is_soon ? look_again_soon : look_again_later,
                                 Message::of(NodeEvent{NodeEvent::Kind::look_again, wait->node}));
    } else if (auto* forget = std::get_if<PgForget>(&effect)) {
      const auto watch = watches_.find(forget->node);
      if (watch == watches_.end()) continue;
      context_->demonitor(watch->second);
      watches_.erase(watch);
    }
  }
  // Its node takes less than it is sent. What follows is kept from it too: it would not fit what it has.
  for (const Pid& scope : std::exchange(unsure_, {})) carry_out(scope_->not_told(scope));
}

}  // namespace brood::supervisor

// Cluster: a few cores with messages carried by hand, for the unit tests of the core. No chance, no delay:
// what a core sends is delivered in order as soon as run() comes to it; time stands still until
// run(duration).
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>

#include "core/core.hpp"
#include "core/wire/wire.hpp"

namespace brood::core::testing {

inline ChildId id_of(std::string_view text) {
  return ChildId::binary(text).value();
}

inline NamedSpec spec_of(std::string_view id, std::string worker = "counter",
                         Restart restart = Restart::permanent, bool is_static = false) {
  auto spec = std::make_shared<Spec>();
  spec->needs = spec->worker = std::move(worker);
  spec->restart = restart;
  spec->is_static = is_static;
  return {id_of(id), std::move(spec)};
}

/// A copy of a spec, to be changed before it is used.
struct OpenSpec {
  ChildId id;
  std::shared_ptr<Spec> spec;

  Spec& operator*() const { return *spec; }
  Spec* operator->() const { return spec.get(); }
  operator NamedSpec() const { return {id, spec}; }  // NOLINT(google-explicit-constructor)
};
inline OpenSpec opened(const NamedSpec& of) {
  return {of.id, std::make_shared<Spec>(*of)};
}

inline std::vector<NamedSpec> many(int count) {
  std::vector<NamedSpec> specs;
  for (int i = 0; i < count; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
  return specs;
}

class Cluster {
 public:
  struct Node {
    NodeName name;
    std::uint32_t creation = 0;
    std::unique_ptr<Core> core;  ///< nullptr: not running.
    bool paused = false;
    Duration paused_at{};
    Duration slept{};
    std::map<ChildId, Epoch> processes;
    std::map<ChildId, Role> roles;   ///< As the processes were told.
    std::map<ChildId, Bytes> state;  ///< What a process holds; goes with it in a hand-over.
    std::set<ChildId> frozen;
    std::map<ChildId, std::pair<Epoch, Bytes>> prepared;
    std::map<ChildId, Followed> followed;  ///< The last that was told.
    std::map<ChildId, std::uint64_t> saved;
    std::map<ChildId, Role> prepared_roles;
    std::set<NodeName> channels;
    std::uint32_t last_pid = 0;
    bool fenced = false, left = false;
    std::string refused;
  };

  explicit Cluster(std::size_t count);

  /// All nodes boot and form a cluster.
  void form();
  void boot(std::size_t i);
  /// The node dies; its peers hear of it at once, and that it does not run.
  void kill(std::size_t i);
  /// The channels of a node break; they can be made again.
  void drop_channels(std::size_t i, bool silent);

  /// The network between the groups is cut: nothing passes, and connecting fails without proof of death. Each
  /// node finds that out after the tick time-out, of one other after the other.
  void split(const std::vector<std::vector<std::size_t>>& groups, Duration detected = 8s);
  void heal() { unreachable.clear(); }

  /// Queues an event for a node, behind all that is under way to it.
  void give(std::size_t i, Event event) { queue_.emplace_back(i, nodes[i].creation, std::move(event)); }
  /// Delivers everything.
  void run();
  /// Lets time pass, with a Tick whenever a core asks for one.
  void run(Duration time);
  void set_time(Duration monotonic);
  void pause(std::size_t i);
  void resume(std::size_t i);

  // Clients.
  std::uint64_t start(std::size_t i, std::vector<NamedSpec> specs, StartMode mode = StartMode::start,
                      std::optional<NodeName> on = {});
  std::uint64_t stop(std::size_t i, std::string_view id);
  std::uint64_t reset(std::size_t i, std::uint32_t size);
  template <typename E>
  std::uint64_t ask(std::size_t i, std::string_view id) {
    give(i, E{{++last_client_}, id_of(id)});
    return last_client_;
  }
  /// The error code of the only outcome; nullopt: it worked. Fails the test's expectation by "no answer".
  std::string result(std::uint64_t client) const;

  [[nodiscard]] std::size_t index(const NodeName& name) const;
  /// An id that this node coordinates, as the first node sees it.
  [[nodiscard]] std::string id_at(std::size_t coordinator) const;
  /// On how many nodes a process of it is alive, and on which (the last).
  [[nodiscard]] std::size_t alive(std::string_view id) const;
  [[nodiscard]] std::size_t host(std::string_view id) const;
  void exit(std::string_view id, bool normal, const std::string& reason = "boom");
  void exit_on(std::size_t i, std::string_view id, bool normal, const std::string& reason = "boom");

  /// The active instance there saves what it holds, or what is behind that. Returns its number.
  std::uint64_t save(std::size_t i, std::string_view id, const Bytes& state, bool is_whole = true) {
    Node& node = nodes[i];
    const std::uint64_t number = ++node.saved[id_of(id)];
    node.state[id_of(id)] = is_whole ? state : node.state[id_of(id)] + state;
    give(i, StateSaved{id_of(id), node.processes.at(id_of(id)), number, is_whole, 0,
                       std::make_shared<const Bytes>(state)});
    return number;
  }

  std::deque<Node> nodes;
  Now now{1000s, 1000s, 1'700'000'000s};
  std::function<void(std::size_t, Settings&)> change;
  std::set<ChildId> fail_starts, hold_starts, hold_stops, hold_roles;
  std::set<ChildId> fail_freezes, hold_freezes, fail_prepares, hold_prepares;
  /// Messages of these kinds (index in MessageBody) are lost.
  std::set<std::size_t> lost;
  /// And so are words on hand-overs of these kinds (index in HandoverWord), out of the lists that bring them.
  std::set<std::size_t> lost_words;
  std::set<std::size_t> batched;  ///< These nodes take all that waits for them in one step.
  std::set<std::pair<NodeName, NodeName>> unreachable;  ///< Connecting fails, without proof of death.
  std::map<std::uint64_t, std::vector<Outcome>> replies;
  std::map<std::uint64_t, bool> last;
  std::vector<std::pair<NodeName, MessageBody>> sent;  ///< Everything, when `record` is set.
  bool keep_state = false;                             ///< Of all workers.
  bool record = false;
  std::function<void(std::size_t, const Effects&)> watch;
  /// What a node writes for a message; empty: what this version does.
  std::function<Bytes(std::size_t from, const MessageBody& body)> write;
  /// How often a message arrives; 0: never. Empty: each once.
  std::function<int(const NodeName& from, const NodeName& to, const MessageBody& body)> copies;

 private:
  std::vector<Event> with_those_behind(std::size_t i, Event first);
  void carry_out(std::size_t i, const Effects& effects);
  [[nodiscard]] MessageBody without_lost_words(MessageBody body) const;
  void carry_out_one(std::size_t i, const Freeze& what);
  void carry_out_one(std::size_t i, const Thaw& what) { nodes[i].frozen.erase(what.id); }
  void carry_out_one(std::size_t i, const Prepare& what);
  void carry_out_one(std::size_t i, const Open& what);
  void carry_out_one(std::size_t i, const Discard& what) {
    nodes[i].prepared.erase(what.id);
    nodes[i].prepared_roles.erase(what.id);
  }
  void carry_out_one(std::size_t i, const Depart& what);
  void carry_out_one(std::size_t i, const Followed& what) { nodes[i].followed[what.id] = what; }
  void try_connect(std::size_t i, const NodeName& to);

  std::deque<std::tuple<std::size_t, std::uint32_t, Event>> queue_, held_;
  std::uint64_t last_client_ = 0;
  bool restless_ = false;  ///< It has failed, and nothing is run any more.
};

/// c0 to c(count - 1) run once each, where they belong, and all nodes say so.
void expect_each_once(const Cluster& cluster, int count);

}  // namespace brood::core::testing

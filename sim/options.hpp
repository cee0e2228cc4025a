// What one simulation does: its seed, its size, which faults it injects, and (to show that the checkers have
// teeth) which bug is planted into the driver.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sim/random.hpp"

namespace brood::sim {

enum class Fault : std::uint8_t {
  crash,   ///< kill -9 of a node; it starts again later.
  pause,   ///< SIGSTOP for a while, or the machine sleeps.
  broken,  ///< "break": a connection breaks; some attempts to connect fail.
  leave,   ///< A node drains, leaves, and joins again later.
  delay,   ///< Some messages take 200 ms, and all behind them on their channel.
  clock,   ///< Wall clocks differ and jump.
  slow,    ///< Children that start and stop slowly.
  fail,    ///< Children whose start fails, always or now and then.
  loop,    ///< Children that crash, in a loop or now and then.
  finish,  ///< Transient and temporary children that end by themselves.
  poison,  ///< Children that crash their node.
  stuck,   ///< Children with handlers that block for long.
  split,   ///< The network splits for a while; see sim/splits.hpp.
  twice,   ///< Messages that bring changes come twice, the second late.
  chaos,   ///< They come out of order or not at all, where members pass on each other's changes.
  busy,    ///< Nodes whose steps take long: meanwhile all waits.
  full,    ///< Queues so short that requests are refused, and members fall behind.
};
inline constexpr std::size_t fault_count = 17;
[[nodiscard]] std::string_view to_string(Fault fault) noexcept;
/// A list of names with commas between; `all` and `none` stand for themselves.
[[nodiscard]] Result<std::set<Fault>> parse_faults(std::string_view names);
[[nodiscard]] std::string to_string(const std::set<Fault>& faults);

/// How many instances each child has. The words are the command line's: "1", "3", "all", "2+roles",
/// "3+follow" and "3+follow_every", which have roles too.
struct Copies {
  enum class Follow : std::uint8_t { none, each_call, every };
  std::uint32_t factor = 1;      ///< 0: one on each node.
  bool roles = false;            ///< One of them is active, the others are passive ...
  Follow follow = Follow::none;  ///< ... and follow its state.

  [[nodiscard]] bool several() const { return factor != 1; }
  /// With so many nodes that may run it.
  [[nodiscard]] std::size_t of(std::size_t eligible) const {
    return factor == 0 ? eligible : std::min<std::size_t>(factor, eligible);
  }
};
[[nodiscard]] Result<Copies> parse_copies(std::string_view text);
[[nodiscard]] std::string to_string(const Copies& copies);

/// The partition strategy of all nodes.
enum class Partition : std::uint8_t { divergence, static_quorum, dynamic_quorum, majority_quorum };
inline constexpr std::size_t partition_count = 4;
[[nodiscard]] std::string_view to_string(Partition partition) noexcept;
[[nodiscard]] std::optional<Partition> parse_partition(std::string_view name) noexcept;

/// A bug of the driver, network or core that a checker must notice; see sim/plant.hpp.
enum class Plant : std::uint8_t {
  none,
  early_answer,      ///< Starts are answered before they are done.
  lying_ack,         ///< A Delta's specs are lost but acknowledged.
  deaf_stop,         ///< Stop is answered with Exited, but the process goes on.
  silent_death,      ///< A process dies and nobody tells the core.
  undead,            ///< A process that was stopped because its row is gone starts again by itself.
  agreeable_views,   ///< Every View that arrives is changed to agree with the receiver's.
  wrong_pid,         ///< Answers carry another process's id.
  mute,              ///< Some answers are never given.
  needless_stop,     ///< A child that is where it belongs is stopped.
  unfaithful_fence,  ///< A node that woke goes on as if nothing was.
  deaf_role,         ///< A worker that is told to be passive goes on as the active one.
  two_starts,        ///< already_started is answered as ok.
  lost_parcel,       ///< What a child holds is lost on the way of a hand-over.
  early_open,        ///< What is made ready runs before the commit.
  no_quorum,         ///< The strategy asks for one node where it should ask for most.
  hasty_takeover,    ///< Nobody waits before starting the children of a node that was lost.
  loose_order,       ///< What is said does not wait for the changes before it, where members pass these on.
  early_reply,       ///< A call is answered before another node holds the state after it.
  call_again,        ///< A call that a handler may have seen is sent to the next instance.
  chance,            ///< Chance that does not come from the seed (SimOptions::salt).
};
inline constexpr std::size_t plant_count = 21;
[[nodiscard]] std::string_view to_string(Plant plant) noexcept;
[[nodiscard]] std::optional<Plant> parse_plant(std::string_view name) noexcept;

struct SimOptions {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 0;     ///< 0: by the seed, 1 to 6.
  std::uint32_t children = 0;  ///< Size of the id space; 0: by the seed, 3 to 40.
  Duration busy =
      std::chrono::minutes(2);  ///< Virtual time of the safety phase; faults and clients are at work.
  std::optional<std::set<Fault>> faults;  ///< nullopt: a set by the seed.
  std::string synchronisation;            ///< "pubsub" or "gossip"; empty: by the seed.
  std::optional<Copies> copies;           ///< nullopt: by the seed.
  std::optional<Partition> partition;     ///< nullopt: by the seed.
  bool wire = true;                       ///< Messages are encoded and decoded; false: passed as they are.
  std::uint32_t seeds = 0;                ///< A node is told of so many others; 0: of all.
  bool plain = false;                     ///< Children are all alike: steady, started by clients, anywhere.
  bool clients = true;                    ///< false: only static children.
  bool take_back = false;                 ///< Some drains are taken back.
  Plant plant = Plant::none;
  std::uint64_t salt = 0;  ///< For Plant::chance.
  /// Called with each line of the full trace; slow. Empty: none.
  std::function<void(const std::string&)> trace;
  /// Only lines that speak of this child, and of nodes as a whole; empty: all.
  std::string trace_id;
};

}  // namespace brood::sim

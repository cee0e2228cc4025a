// The children of a simulation: the id space, what kind of worker each id stands for, and their specs. What a
// worker does (crash, hang, take its node down) belongs to the id, not to the spec, as a bug does.
//
// Thread rule: one thread; constant after construction.
#pragma once

#include <map>
#include <vector>

#include "core/base/types.hpp"
#include "sim/profile.hpp"

namespace brood::sim {

enum class Kind : std::uint8_t {
  steady,
  slow,         ///< 1 to 3 s to start and to stop.
  unstartable,  ///< Its start always fails.
  flaky,        ///< Its start fails three times of ten.
  looping,      ///< Crashes at once, always.
  crashing,     ///< Crashes after some seconds.
  finishing,    ///< Ends by itself after some seconds.
  poison,       ///< Takes its node down at its start.
  stuck,        ///< Blocks for long now and then.
};
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

struct Character {
  Kind kind = Kind::steady;
  core::Restart restart = core::Restart::permanent;
  bool is_static = false;  ///< In every node's file.
  bool obituary = true;    ///< poison: the node still tells the others.
  bool brutal = false;     ///< Shutdown zero.
  std::string worker;
  bool overlaps = false;  ///< A program, that starts on its new node before it ends on the old one.
  std::vector<NodeName> nodes;
  std::vector<NodeName> mapping;

  /// It may vanish without anybody asking for it.
  [[nodiscard]] bool ends_by_itself() const {
    return restart == core::Restart::temporary ||
           (restart == core::Restart::transient && kind == Kind::finishing);
  }
  /// It can run at all, once the simulation is healed.
  [[nodiscard]] bool can_run() const { return worker != "unheard_of"; }
};

class Catalog {
 public:
  Catalog(const Profile& profile, Random random);

  [[nodiscard]] const std::vector<ChildId>& ids() const { return ids_; }
  [[nodiscard]] const std::vector<ChildId>& static_ids() const { return static_ids_; }
  [[nodiscard]] const Character& of(const ChildId& id) const { return characters_.at(id); }
  /// The version of a spec that may run on some two nodes only, however it was before.
  static constexpr std::uint32_t elsewhere = 3;
  /// The spec of a child; versions differ in their arguments.
  [[nodiscard]] core::NamedSpec spec(const ChildId& id, std::uint32_t version) const;

  [[nodiscard]] static NodeName node_name(std::size_t index);
  /// What that node offers: all know "counter", only the first half of the nodes (at least one) "rare".
  [[nodiscard]] std::set<std::string> offers(std::size_t index) const;

 private:
  [[nodiscard]] Character draw(const Profile& profile, Random& random) const;

  std::uint32_t nodes_;
  bool guided_;
  std::vector<ChildId> ids_;
  std::vector<ChildId> static_ids_;
  std::map<ChildId, Character> characters_;
};

}  // namespace brood::sim

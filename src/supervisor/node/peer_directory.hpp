// PeerDirectory: the nodes that are connected now, which of them are brood's, and what supervisors last said
// of members. A node that goes is forgotten; of members that are gone the latest few are kept, to be shown.
//
// Owns: just that. Calls nobody. Thread rule: any thread. All of it is this node's view.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/core.hpp"

namespace brood::supervisor {

/// A member as `node_info` shows it.
struct MemberView {
  std::string state;
  bool up = false;
};

class PeerDirectory {
 public:
  /// By supervisor.
  using MemberViews = std::map<NodeName, std::map<std::string, MemberView>>;

  void up(const NodeName& node, std::uint32_t creation);
  /// False: it was another start of that node that ended; the present one is connected.
  bool down(const NodeName& node, std::uint32_t creation);
  /// True: that was not known.
  bool is_brood(const NodeName& node);

  [[nodiscard]] std::map<NodeName, std::uint32_t> connected() const;
  [[nodiscard]] std::optional<std::uint32_t> creation_of(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> names() const;
  [[nodiscard]] std::vector<NodeName> brood_nodes() const;

  void member_changed(const std::string& supervisor, const core::MemberEvent& event);
  void forget_member(const NodeName& node);
  [[nodiscard]] MemberViews members() const;

  /// Members that are gone and still shown.
  static constexpr std::size_t gone_max = 256;

 private:
  void note_gone(const NodeName& node);

  mutable std::mutex mutex_;
  std::map<NodeName, std::uint32_t> connected_;  ///< With the creation.
  std::set<NodeName> brood_;                     ///< Of those.
  MemberViews members_;
  std::deque<NodeName>
      gone_;  ///< Of those, the ones that no supervisor has any more; the longest gone first.
};

}  // namespace brood::supervisor

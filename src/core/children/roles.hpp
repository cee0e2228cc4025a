// Roles: which instance of a child is the active one, where the redundancy wants one: the first of its order
// that runs it, never two of one view.
//
//               nobody before it has or claims the role       all members know of the claim, nobody else has
//                                                             or claims it
//      passive ------------------------------------------> claiming ----------------------------------->
//      active
//         ^                                                    |                                            |
//         +-------- one before it has or claims the role ------+                                            |
//         +---- one before it claims the role: the worker is told, and has returned (RoleTaken), and that
//         |     one's node holds the state, where it follows -----------------------------------------------+
//         +---- it crashed and waits to be restarted
//         --------------------------------------------------------+
//
// Why never two: a claim is published, and granted to itself by its node only when every member of the view
// has acknowledged it, and no other has or claims the role. A channel keeps order, so whoever has an
// acknowledgement of a member has its earlier claims and roles too. Of two that claim at once the one that is
// first in the order waits until the other has withdrawn, and whoever has the role keeps it until its worker
// was told. The two need not see the same order: it follows from the row too, which may have changed, and one
// of them not know it yet. So both wait until they do.
//
// An instance that is to be handed over comes in the order where its partner does (handover/partners.hpp), so
// the active one takes its role along.
//
// Two views that do not know of each other may each have one. Where the partition strategy locks the part
// that has no quorum, the other waits, as it does before it starts a child: what was lost without proof may
// be active until then.
//
// Where passive ones follow the state of the active one, a claim is granted when all have said what they hold
// of it (standby.hpp).
//
// Owns: what this node has claimed, and whom it has told. Reads: views, sessions, instances, who holds what,
// takeover. Asks locals, standby, replication to wait. Thread rule: none; owned by one core.
#pragma once

#include "core/children/standby.hpp"
#include "core/handover/partners.hpp"
#include "core/members/takeover.hpp"
#include "core/rows/replication.hpp"

namespace brood::core {

class Roles {
 public:
  Roles(Locals& locals, const Instances& instances, Replication& replication, const Views& views,
        const Sessions& sessions, Takeover& takeover, Standby& standby, const Partners& partners)
      : locals_(locals),
        instances_(instances),
        replication_(replication),
        views_(views),
        sessions_(sessions),
        takeover_(takeover),
        standby_(standby),
        partners_(partners) {}

  /// The first start here of a child of which there may be several, in the role that it has.
  void start(Step& s, Child& child);
  /// Something about the child, or about others' instances of it, has changed. Returns when to look again;
  /// max(): when something changes.
  [[nodiscard]] Duration look(Step& s, Child& child);
  /// The worker of this child was told that it is passive.
  void on_taken(Step& s, Child& child);
  /// Whether the instance here may end because it belongs elsewhere: not while it is the active one.
  [[nodiscard]] bool may_release(const Child& child) const;
  /// Whether the instance here may be handed over to its partner: as a passive one, or as the active one
  /// where none that comes before the partner runs, to which the role goes first.
  [[nodiscard]] bool may_hand_over(const Child& child) const;

 private:
  struct Mine {
    std::uint64_t number = 0;  ///< The Delta with the claim.
    Duration since{};          ///< When it came to this node.
    Epoch told;                ///< The process that was told to become passive ...
    Epoch taken;               ///< ... and has answered.
  };
  /// What the others' instances say.
  struct Others {
    bool ahead = false;        ///< One before ours has or claims the role ...
    PeerIndex next = no_peer;  ///< ... on this node.
    bool active = false;       ///< One has it.
    bool claiming = false;     ///< One claims it, and may get it.
    bool missing = false;      ///< One that should be before ours has not come to run yet.
    bool first = false;        ///< Ours is where the order begins.
  };
  [[nodiscard]] Others look_around(const Child& child) const;
  [[nodiscard]] bool has_roles(const Child& child) const;
  [[nodiscard]] std::size_t rank(const Child& child, const std::vector<PeerIndex>& order,
                                 PeerIndex peer) const;
  [[nodiscard]] Duration look_at_passive(Step& s, Child& child, Mine& mine, const Others& others);
  [[nodiscard]] Duration look_at_claim(Step& s, Child& child, Mine& mine, const Others& others);
  [[nodiscard]] Duration look_at_active(Step& s, Child& child, Mine& mine, const Others& others);
  [[nodiscard]] static bool is_not_there_yet(const Step& s, const Own& own);
  void claim(Step& s, Child& child, Mine& mine);
  void grant(Step& s, Child& child);
  void withdraw(Step& s, Child& child);
  /// Until when nobody may be made active, as one that was lost may be it on the other side of a split.
  [[nodiscard]] std::optional<Duration> behind_a_split(Step& s, const Child& child);

  Locals& locals_;
  const Instances& instances_;
  Replication& replication_;
  const Views& views_;
  const Sessions& sessions_;
  Takeover& takeover_;
  Standby& standby_;
  const Partners& partners_;
  std::map<ChildRef, Mine> mine_;
};

}  // namespace brood::core

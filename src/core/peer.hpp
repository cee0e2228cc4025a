// Peer: what one node knows of another: the channel, the membership, and how far each holds the other's rows.
//
//   channel   none -> PeerUp -> Hello accepted -> Sync received (and sent) -> PeerDown -> none
//   member    unknown -> joining -> up -> draining -> over (left or down; a new session begins again)
//
// Invariants: `member` is set exactly while a session of that node is known and not over; `hello_in`,
// `synced_in`, `synced_out` and `expected` are of the present channel only.
// Thread rule: none; owned by one core.
#pragma once

#include <deque>

#include "core/child.hpp"
#include "core/messages.hpp"

namespace brood::core {

struct Peer {
  NodeName name;

  // The channel.
  bool channel = false;
  std::uint32_t creation = 0;
  bool hello_in = false;                 ///< Its Hello was accepted.
  bool synced_in = false;                ///< Its Sync was merged.
  bool synced_out = false;               ///< Our Sync was sent; it gets our Deltas.
  std::uint64_t expected = 0;            ///< Number of its next Delta; 0: only a Sync is of use.
  std::uint64_t view = 0;                ///< Its last View; 0: none.
  Duration settle_at = Duration::max();  ///< A peer that has not said Hello by then is no brood node.

  // To be sent at the end of this step.
  bool want_hello = false;
  bool want_sync = false;
  bool want_sync_request = false;
  bool want_view = false;
  std::optional<std::uint64_t> ack_due;

  // The membership.
  std::optional<Member> member;
  std::map<std::uint32_t, std::uint64_t> over;  ///< By creation: the greatest session that is over.
  std::uint64_t acked = 0;                      ///< It holds our Deltas up to this number.
  VersionVector seen;                           ///< From its last Hello.
  std::uint64_t digest = 0;
  std::deque<std::pair<std::uint64_t, SpecChange>> unstable;  ///< Its changes that others may lack still.
  bool may_lack = false;            ///< Rows that we got by another's Sync after our own Sync to it.
  std::optional<ChildId> obituary;  ///< The child in whose handler it said it crashes.
  bool must_answer = false;         ///< We are fenced until it proves that it takes us for a member.

  // Connecting, and judging.
  bool seed = false;
  bool settled = false;              ///< A seed that answered or failed once.
  bool refused = false;              ///< It will not work with us, or we not with it.
  std::optional<SessionId> learned;  ///< Another member knows it; we must meet it before we are up.
  Duration learned_at{};
  bool missed = false;  ///< Learned of, but not met in time.
  bool connecting = false;
  bool connect_again = false;  ///< The attempt that is under way began before this node slept.
  bool last_known = false;
  Duration next_connect = Duration::max();
  std::uint32_t attempts = 0;
  std::string address;
  std::optional<Duration> lost_at;  ///< The channel ended and its fate is not known yet; monotonic.
  Duration lost_wall{};

  [[nodiscard]] bool is_over(const SessionId& session) const {
    const auto found = over.find(session.creation);
    return found != over.end() && session.session <= found->second;
  }
  [[nodiscard]] bool in_state(MemberState state) const { return member && member->state == state; }
};

/// More unacknowledged changes of one peer than this are not kept one by one; its loss then costs a full
/// exchange of rows.
inline constexpr std::size_t unstable_max = 100'000;

}  // namespace brood::core

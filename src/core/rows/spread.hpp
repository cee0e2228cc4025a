// Spread: the ways of batches of changes through the members, where these pass on what others have changed.
//
// A batch is a Delta, known by its origin (a member, or this node) and its number. The strategy says to whom
// a member sends it. What that does not reach is found by comparison: for a few rounds after something has
// changed each member tells some others how far it has got (Have), and who lacks something asks for it
// (Want), first whoever told so. What may be asked for is kept for a while.
//
// Owns: the batches that may be asked for, whose batches have moved lately, the rounds. Reads: links,
// sessions, the strategy. Asks and tells nothing: Replication sends. Thread rule: none; owned by one core.
#pragma once

#include <memory>

#include "core/members/sessions.hpp"

namespace brood::core {

class Spread {
 public:
  using Batch = std::shared_ptr<const Delta>;
  /// What may be done with a recipient that the strategy has named.
  enum class Way : std::uint8_t {
    open,    ///< It can be sent to.
    skip,    ///< It has the batch.
    closed,  ///< It cannot be sent to: those to whom it would pass the batch on are sent it instead.
  };

  Spread(const Settings& settings, const Links& links, const Sessions& sessions)
      : settings_(settings), links_(links), sessions_(sessions) {}

  [[nodiscard]] bool passes_on() const { return strategy().passes_on(); }
  [[nodiscard]] Duration sync_interval() const { return strategy().sync_interval(); }
  [[nodiscard]] bool one_begins() const { return strategy().one_begins(); }
  /// Whether this node is the first member in the order of names.
  [[nodiscard]] bool is_first() const { return place_of(self_index) == 0; }

  /// Those to whom this node sends that batch.
  template <typename Look>
  [[nodiscard]] std::vector<PeerIndex> recipients(PeerIndex origin, std::uint64_t number,
                                                  const Look& look) const;
  /// Some members with an open channel, others in each round.
  [[nodiscard]] std::vector<PeerIndex> partners() const;

  // ---- what may be asked for
  void keep(Step& s, PeerIndex origin, Batch batch);
  /// From that number on, without a gap; at most batches_at_once.
  [[nodiscard]] std::vector<Batch> kept(PeerIndex origin, std::uint64_t from) const;
  [[nodiscard]] std::size_t kept_weight() const { return weight_; }
  void forget(PeerIndex origin);

  // ---- rounds
  /// That origin's batches have got further here.
  void moved(Step& s, PeerIndex origin);
  [[nodiscard]] bool is_moving(PeerIndex origin) const { return moving_.contains(origin); }
  /// Those whose batches have moved lately, when a round is due; else none.
  [[nodiscard]] std::vector<PeerIndex> take_round(Step& s);
  [[nodiscard]] Duration deadline() const { return moving_.empty() ? Duration::max() : next_round_; }

 private:
  struct Kept {
    Batch batch;
    Duration until{};
  };
  [[nodiscard]] const Synchronisation& strategy() const { return *settings_.strategies.synchronisation; }
  [[nodiscard]] std::size_t place_of(PeerIndex peer) const;
  [[nodiscard]] PeerIndex member_at(std::size_t place, std::size_t self) const;
  void drop_oldest();

  const Settings& settings_;
  const Links& links_;
  const Sessions& sessions_;
  std::map<PeerIndex, std::map<std::uint64_t, Kept>> kept_;
  struct Place {
    PeerIndex origin = no_peer;
    std::uint64_t number = 0;
    Duration until{};
  };
  std::deque<Place> order_;  ///< Of what is kept; may name what is gone.
  std::size_t weight_ = 0;
  std::map<PeerIndex, std::uint32_t> moving_;  ///< And for how many rounds more.
  Duration next_round_{};
  std::uint64_t round_ = 0;
};

/// Changes of batches that are kept to be asked for, and for how long. Who asks later gets the table.
inline constexpr std::size_t batches_weight_max = 20'000;
inline constexpr Duration batches_kept_for = 30s;
inline constexpr std::size_t batches_at_once = 64;

[[nodiscard]] inline std::size_t weight_of(const Delta& delta) {
  return delta.specs.size() + delta.instances.size() + 1;
}

template <typename Look>
std::vector<PeerIndex> Spread::recipients(PeerIndex origin, std::uint64_t number, const Look& look) const {
  /// More stand-ins than this are not looked for; comparison finds whom that leaves out.
  constexpr std::size_t named_max = 64;
  const std::size_t self = place_of(self_index);
  Spreading batch{sessions_.others().size() + 1, self, place_of(origin), number};
  std::vector<std::size_t> named;
  std::vector<PeerIndex> to;
  strategy().recipients(batch, named);
  for (std::size_t at = 0; at < named.size(); ++at) {
    if (named[at] == self || named[at] >= batch.members || named[at] == batch.origin) continue;
    const PeerIndex peer = member_at(named[at], self);
    const Way way = look(peer);
    if (way == Way::open && std::find(to.begin(), to.end(), peer) == to.end()) to.push_back(peer);
    if (way != Way::closed || named.size() > named_max) continue;
    batch.self = named[at];
    strategy().recipients(batch, named);
  }
  return to;
}

}  // namespace brood::core

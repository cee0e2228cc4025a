// Quorum: whether this part of the cluster may run children, as the partition strategy says, and the census
// that the strategy counts.
//
//   free  <-- the strategy says yes, of the census and of the one before it --  locked
//
// The census is replaced only in a confirmed view that has the quorum, by the first of its members, so never
// by a part that is locked; or by an operator. Until all members of a confirmed view have the new one, both
// it and the one before have to have the quorum: so two parts, one of which has not heard of it, are never
// both free. Its version is a part of the view's hash: in a confirmed view all have the same.
//
// Owns: the census, who left in good order or is missing since when, whether this part is locked and why.
// Reads: sessions. Sends: the census, before the View that rests on it. Tells: lock_changed. Views asks it,
// in every new view, before it acts. Thread rule: none; owned by one core.
#pragma once

#include "core/base/census.hpp"
#include "core/base/notes.hpp"
#include "core/members/sessions.hpp"

namespace brood::core {

class Quorum {
 public:
  Quorum(const Settings& settings, const PeerTable& peers, const Sessions& sessions, Sender& sender,
         Notes& notes);

  // ---- reading
  [[nodiscard]] const PartitionTolerance& strategy() const { return strategy_; }
  /// This part may not run children.
  [[nodiscard]] bool is_locked() const { return locked_; }
  /// Who is here, who is missing and what is needed, in words.
  [[nodiscard]] std::string words() const;
  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const Census& census() const { return now_; }
  /// A part of the view's hash; 0: there is no census.
  [[nodiscard]] std::uint64_t hash() const;

  // ---- what Views asks
  /// The view has these members, which are up or draining, in the order of their names.
  /// `aside`: why this node is not among them although it is up; empty: it is, or is not up.
  void judge(Step& s, std::vector<NodeName> members, std::string aside = {});
  /// All members have confirmed the view, and so hold this census.
  void confirmed(Step& s);
  /// In a confirmed view: makes another census where one is due. True: there is one, and the view is another.
  [[nodiscard]] bool maybe_change(Step& s);
  /// Tells these of the census, if they have not been told.
  void tell(const std::vector<PeerIndex>& peers);

  // ---- what happens
  /// True: what is counted is another; the view may be too.
  [[nodiscard]] bool on_news(const CensusNews& news);
  void on_left(const NodeName& node);
  void session_began(const NodeName& node) { gone_.erase(node); }
  void forget(PeerIndex peer) { told_.reset(peer); }
  /// An operator says how large the cluster is. True: the view is another one.
  [[nodiscard]] bool reset(Step& s, const ClientReset& event);
  void client_gone(ClientId client);

  /// When the next missing node loses its seat.
  [[nodiscard]] Duration deadline(Duration now) const;

 private:
  [[nodiscard]] Tally count(const Census& census) const;
  [[nodiscard]] bool is_counted(const NodeName& node) const;
  void forget_gone();
  [[nodiscard]] bool has_quorum() const;
  [[nodiscard]] bool is_here(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> still_missing(const Step& s) const;
  [[nodiscard]] Census next(const Step& s) const;
  void note_missing(const Step& s);

  const PartitionTolerance& strategy_;
  const std::optional<CensusRule> rule_;
  const PeerTable& peers_;
  const Sessions& sessions_;
  Sender& sender_;
  Notes& notes_;
  Census now_;
  std::optional<Census> before_;  ///< Counts too, until all members hold the present one.
  std::vector<NodeName> members_;
  std::string aside_;
  Tally tally_;
  std::set<NodeName> gone_;  ///< Left in good order, and still in the census.
  std::map<NodeName, Duration> missing_since_;
  struct Told {
    CensusVersion version;
    bool settled = false;
  };
  PeerMap<Told> told_;
  std::vector<ClientId> resets_;  ///< To be answered when all members know.
  bool began_ = false;            ///< This node has been in a part with the quorum.
  bool quorate_ = true;
  bool locked_ = false;
};

}  // namespace brood::core

// Views: the members that are up or draining and all reach each other, and when all of them see the same.
// Nothing is decided about children but in a view that every member in it has confirmed, or has had view_wait
// to confirm.
//
// Owns: the present view, what each peer said of its own, and the placement over the view's up members.
// Reads: links, sessions, the fence, the roster, how far tables have gone. Tells: view_changed, view_said,
// may_act. Thread rule: none; owned by one core.
#pragma once

#include <deque>

#include "core/members/fence.hpp"
#include "core/members/forgotten.hpp"
#include "core/members/joining.hpp"
#include "core/members/quorum.hpp"
#include "core/members/reachability.hpp"
#include "core/members/roster.hpp"
#include "core/members/view_pace.hpp"
#include "core/placement/replicas.hpp"

namespace brood::core {

class Views {
 public:
  Views(const Settings& settings, const PeerTable& peers, const Links& links, const Sessions& sessions,
        const Fence& fence, const Roster& roster, const Forgotten& forgotten, const TableProgress& tables,
        Reachability& reach, Quorum& quorum, Sender& sender, Notes& notes);

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] bool confirmed() const { return confirmed_; }
  /// What the peer said last on this channel; 0: nothing.
  [[nodiscard]] std::uint64_t said(PeerIndex peer) const { return said_[peer]; }
  /// Whether the peer has said a view in which all are up that are so now. Otherwise it may still act by one
  /// of before, in which it is the place of children that belong elsewhere now.
  [[nodiscard]] bool knows_all_up(PeerIndex peer) const;
  /// Whether this node may act on the present view.
  [[nodiscard]] bool acting() const { return acting_; }
  [[nodiscard]] const Placement& placement() const { return placement_; }
  [[nodiscard]] const Replicas& replicas() const { return replicas_; }
  [[nodiscard]] const Quorum& quorum() const { return quorum_; }
  /// Why this node does not start children now, in words; empty: it does.
  [[nodiscard]] std::string why_not_acting(const Settings& settings) const;
  /// The up members of the view, in the order of their names.
  [[nodiscard]] std::vector<PeerIndex> up() const;

  /// A member is another, or a channel, or the fence: look again.
  void look_again() { due_ = true; }
  void members_changed() { dirty_ = due_ = true; }
  /// The next time that this node may act counts as the first in this view, so all children are looked at
  /// again.
  void start_over() {
    acted_in_ = 0;
    due_ = true;
  }
  void on_view(Step& s, PeerIndex from, const View& view);
  void say_to(PeerIndex peer) { to_say_.insert(peer); }
  /// What was missing of the peer's changes is here.
  void caught_up(PeerIndex peer) {
    early_[peer] = false;
    due_ = true;
  }
  void forget(PeerIndex peer);  ///< What it said on a channel that is gone.
  void session_ended(PeerIndex peer);

  /// Until then fewer nodes than `expect` do nothing.
  void boot(Duration form_at) {
    form_at_ = form_at;
    due_ = true;
  }
  [[nodiscard]] bool has_work() const { return due_; }
  [[nodiscard]] bool due(const Step& s) const { return due_ || s.time() >= next_look_; }
  void work(Step& s);
  /// Says this node's view to those that hold its rows by then.
  void flush();
  [[nodiscard]] Duration deadline() const { return next_look_; }

 private:
  /// One that is in the view, and its row as far as placement goes by it. In the order of
  /// names.
  using InView = std::pair<NodeName, std::uint64_t>;
  void refresh(Step& s);
  [[nodiscard]] std::vector<InView> count_members() const;
  [[nodiscard]] bool only_more(const std::vector<InView>& now, std::uint64_t census) const;
  void confirm(Step& s);
  [[nodiscard]] bool waits_for(PeerIndex peer) const;
  [[nodiscard]] bool has_same(PeerIndex peer) const {
    return said_[peer] == hash_ && asked_[peer] == 0 && !early_[peer];
  }
  void ask_anew_if_had();
  [[nodiscard]] bool is_confirmed_by_all();
  [[nodiscard]] std::vector<InView> all_up() const;
  [[nodiscard]] bool has_grown(const std::vector<InView>& up) const;
  void set_placement(const Settings& settings);
  void learn_who_knows(PeerIndex peer);
  [[nodiscard]] bool may_act(Step& s);
  /// Fewer are up than Settings::min_nodes. Says so when that changes.
  [[nodiscard]] bool has_too_few(Step& s);
  [[nodiscard]] std::string too_few_words(const Settings& settings) const;
  [[nodiscard]] Duration wait_for_all(const Step& s) const;
  [[nodiscard]] Duration table_heard_until(const Step& s) const;
  [[nodiscard]] Duration deadline_after(const Step& s) const;
  [[nodiscard]] std::string unconfirmed_names() const;

  const PeerTable& peers_;
  const Links& links_;
  const Sessions& sessions_;
  const Fence& fence_;
  const Roster& roster_;
  const Forgotten& forgotten_;
  const TableProgress& tables_;
  Reachability& reach_;
  Quorum& quorum_;
  Sender& sender_;
  Notes& notes_;
  Placement placement_;
  Replicas replicas_;
  PeerMap<std::uint64_t> said_;
  PeerMap<std::uint64_t> said_before_;  ///< And before that.
  std::vector<InView> placed_;          ///< All that are up in the view.
  std::uint64_t grown_ = 0;             ///< How often one came to be so, or so in another way.
  std::vector<std::uint64_t> hashes_;   ///< Of this node's views since then.
  PeerMap<std::uint64_t> knows_;        ///< The greatest of grown_ of which the peer has said a view.
  std::set<PeerIndex> to_say_;
  PeerMap<bool> early_;            ///< It has said that while changes were missing that it had made before.
  std::deque<std::uint64_t> had_;  ///< The hashes of this node's views, of late.
  std::uint64_t questions_ = 0;
  PeerMap<std::uint64_t>
      asked_;  ///< The question that the peer has to answer before its word counts; 0: none.
  PeerMap<std::uint64_t> owed_;  ///< The peer's question that this node's next word to it answers.
  PeerIndex awaited_ = no_peer;  ///< Who had not confirmed the view when it was looked at last.
  std::vector<InView> in_view_;  ///< All that are in it.
  std::uint64_t census_ = 0;     ///< Quorum::hash() in it.
  ViewPace pace_;
  bool dirty_ = true;  ///< The members are others than those of the view.
  bool due_ = true;
  std::uint64_t hash_ = 0;
  bool confirmed_ = false;
  bool was_confirmed_ = false;  ///< This view, perhaps not now.
  bool forced_ = false;         ///< Not confirmed within view_wait: go on as if.
  Duration unconfirmed_since_{};
  bool acting_ = false;
  bool too_few_ = false;  ///< What has_too_few() found last.
  bool formed_ = false;   ///< `expect` nodes have been up together, or were waited for long enough.
  Duration form_at_{};
  Duration next_look_ = Duration::max();
  std::uint64_t acted_in_ = 0;
};

}  // namespace brood::core

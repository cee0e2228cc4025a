// Rule 5: what the loss of a node means for the children it ran. Every survivor notes what it saw; the rows
// are written by each child's coordinator alone, in the confirmed view without the lost node.
#include <fmt/format.h>

#include "core/state.hpp"

namespace brood::core {

void Machine::on_message(PeerIndex from, const Obituary& obituary) {
  peers_[from].obituary = obituary.id;
}

// Whom the loss may be blamed on. The dying node's word is proof; without it, what had just started is
// suspect, but no program (it lives in a process of its own), and nobody when the node only fell silent.
std::map<ChildId, Blame> Machine::blame_for(const Peer& peer, Ending how,
                                            const std::vector<std::pair<ChildId, Instance>>& lost) const {
  std::map<ChildId, Blame> blame;
  if (peer.obituary) {
    blame[*peer.obituary].proven = 1;
    return blame;
  }
  if (how == Ending::silent) return blame;
  const Hlc since = hlc_at(peer.lost_wall - settings_.suspect_window);
  for (const auto& [id, instance] : lost) {
    if (instance.phase != Phase::starting && instance.epoch.clock < since) continue;
    const SpecRow* row = table_.row(id);
    if (!row || row->spec->is_program()) continue;
    blame[id].suspected = 1;
    if (blame.size() > settings_.suspects_max) return {};
  }
  return blame;
}

void Machine::note_loss(const Peer& peer, Ending how, const SessionId& session,
                        const std::vector<std::pair<ChildId, Instance>>& lost) {
  const std::map<ChildId, Blame> blame = blame_for(peer, how, lost);
  for (const auto& [id, instance] : lost) {
    const Child* child = table_.find(id);
    if (!child || !child->wanted() || !child->hosted.empty()) continue;
    const auto blamed = blame.find(id);
    LossMark mark;
    mark.birth = child->row->birth;
    mark.before = child->row->blame;
    mark.node = session.node;
    mark.temporary = child->row->spec->restart == Restart::temporary;
    const bool returns = child->row->start_on == session.node;
    if (!mark.temporary && blamed == blame.end() && !returns) continue;
    mark.start_at = now_.monotonic;
    if (blamed != blame.end()) {
      mark.added = blamed->second;
      mark.start_at += settings_.suspect_delay;
    }
    losses_[id] = std::move(mark);
  }
}

bool Machine::tend_loss(const ChildId& id, Child& child) {
  if (losses_.empty()) return true;
  const auto found = losses_.find(id);
  if (found == losses_.end()) return true;
  LossMark& mark = found->second;
  if (!child.wanted() || child.row->birth != mark.birth || !child.hosted.empty()) {
    losses_.erase(found);
    return true;
  }
  if (acting() && !mark.counted && child.row->blame == mark.before && is_coordinator(id)) {
    if (mark.temporary) {
      remove_row(id);
      losses_.erase(found);
      return false;
    }
    SpecRow row = *child.row;
    mark.counted = true;
    row.blame.proven += mark.added.proven;
    row.blame.suspected += mark.added.suspected;
    if (mark.added != Blame{} && row.blame.nodes() >= settings_.poison_nodes) {
      row.failed = true;
      row.failure = fmt::format("{} nodes were lost while it started or ran; the last was {}",
                                row.blame.nodes(), mark.node.value);
      log(LogLevel::error, fmt::format("{} is failed: {}", id.text(), row.failure));
    }
    // Where that node is up again already, it may be starting the child in this very view.
    if (row.start_on == mark.node && !ring_.is_up(mark.node)) row.start_on.reset();
    write_row(id, std::move(row), false);
  }
  if (mark.temporary) return false;
  if (now_.monotonic < mark.start_at) {
    wake(id, mark.start_at);
    return false;
  }
  // The coordinator's mark must last until it has written; the others only delay.
  if (mark.counted || !is_coordinator(id)) losses_.erase(found);
  return true;
}

}  // namespace brood::core

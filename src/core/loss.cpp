// Rule 5: what the loss of a node means for the children it ran. Every survivor notes the same; the rows are
// written by each child's coordinator alone, in the confirmed view without the lost node.
#include <fmt/format.h>

#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

void Machine::on_message(PeerIndex from, const Obituary& obituary) {
  peers_[from].obituary = obituary.id;
}

void Machine::note_loss(const Peer& peer, const SessionId& session,
                        const std::vector<std::pair<ChildId, Instance>>& lost) {
  std::vector<ChildId> suspects;
  const Hlc since = hlc_at(peer.lost_wall - settings_.suspect_window);
  for (const auto& [id, instance] : lost)
    if (instance.phase == Phase::starting || instance.epoch.clock >= since) suspects.push_back(id);
  if (suspects.size() > settings_.suspects_max) suspects.clear();
  if (peer.obituary) suspects = {*peer.obituary};
  std::sort(suspects.begin(), suspects.end());

  for (const auto& [id, instance] : lost) {
    const Child* child = table_.find(id);
    if (!child || !child->wanted() || !child->hosted.empty()) continue;
    LossMark mark;
    mark.birth = child->row->birth;
    mark.losses = child->row->losses;
    mark.node = session.node;
    mark.temporary = child->row->spec->restart == Restart::temporary;
    mark.blamed = std::binary_search(suspects.begin(), suspects.end(), id);
    const bool returns = child->row->start_on == session.node;
    if (!mark.temporary && !mark.blamed && !returns) continue;
    mark.start_at = now_.monotonic + (mark.blamed ? settings_.suspect_delay : Duration{});
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
  if (acting() && !mark.counted && child.row->losses == mark.losses && is_coordinator(id)) {
    if (mark.temporary) {
      remove_row(id);
      losses_.erase(found);
      return false;
    }
    SpecRow row = *child.row;
    mark.counted = true;
    if (mark.blamed && ++row.losses >= settings_.poison_nodes) {
      row.failed = true;
      row.failure = fmt::format("{} nodes were lost while it started or ran; the last was {}", row.losses,
                                mark.node.value);
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

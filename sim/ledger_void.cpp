// When promises become void, and when they hold again: what the ledger knows of lost and stopped nodes.
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/splits.hpp"

namespace brood::sim {

void Ledger::node_gone(std::size_t node) {
  ++losses_;
  for (auto it = requests_.begin(); it != requests_.end();) {
    Request& request = it->second;
    if (request.node != node) {
      ++it;
      continue;
    }
    for (const auto& [id, place] : request.open) records_[id].ops[place].verdict = Verdict::unknown;
    it = requests_.erase(it);
  }
  void_what_only_it_knew(node);
}

void Ledger::node_paused(std::size_t node) {
  ++losses_;
  void_what_only_it_knew(node);
}

void Ledger::void_what_only_it_knew(std::size_t lost) {
  // Nodes that are still joining may form a cluster of their own when the last that is up is lost.
  std::vector<const core::Core*> left;
  std::size_t joining = 0;
  for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
    if (i == lost || !world_.nodes[i].running()) continue;
    if (world_.nodes[i].core->self().state == core::MemberState::joining)
      ++joining;
    else
      left.push_back(world_.nodes[i].core.get());
  }
  if (left.empty() && (joining > 1 || world_.driver->count(SimNode::State::paused) != 0))
    split_excused_ = true;
  const Duration now = world_.now();
  for (auto& [id, record] : records_) {
    if (record.void_now) continue;
    const auto wanted_by = [&, &name = id](const core::Core* core) {
      const core::SpecRow* row = core->spec(name);
      return row != nullptr && row->wanted;
    };
    const auto asked = [](const Record& all, bool starts) {
      return std::any_of(all.ops.begin(), all.ops.end(), [&](const Op& op) {
        return op.may_have_effect() && (starts ? op.starts() : op.stops());
      });
    };
    // What is cheap to know first: there may be very many nodes and children.
    const bool lost_start = asked(record, true) && std::none_of(left.begin(), left.end(), wanted_by) &&
                            !certainly_stopped(id, now, now);
    const bool lost_stop = asked(record, false) && std::all_of(left.begin(), left.end(), wanted_by) &&
                           !certainly_exists(id, now, now);
    if (!lost_start && !lost_stop && !left.empty()) continue;
    record.void_now = true;
    record.agreed_before = false;
    ++world_.counts.voided;
    world_.trace.line_of(id, "promises about {} are void: nobody left knows", id.text());
  }
}

bool Ledger::cluster_is_whole() const {
  const core::Core* first = nullptr;
  for (const SimNode& node : world_.nodes) {
    if (node.state == SimNode::State::paused) return false;
    if (node.state == SimNode::State::off) continue;
    if (node.core->self().state == core::MemberState::joining || !node.core->view_confirmed() || node.fenced)
      return false;
    if (first == nullptr) first = node.core.get();
    if (node.core->view_hash() != first->view_hash()) return false;
  }
  return first != nullptr;
}

bool Ledger::all_agree(const ChildId& id) const {
  bool first = true;
  const core::SpecRow* agreed = nullptr;
  for (const SimNode& node : world_.nodes) {
    if (!node.core) continue;
    const core::SpecRow* row = node.core->spec(id);
    if (first) agreed = row;
    first = false;
    if ((row == nullptr) != (agreed == nullptr) || (row != nullptr && row->dot != agreed->dot)) return false;
  }
  return true;
}

void Ledger::clouds_are_over() {
  for (auto& [id, record] : records_)
    for (Op& op : record.ops) {
      if (!op.clouded) continue;
      op.clouded = false;
      if (op.verdict != Verdict::unknown) op.answered = world_.now();
    }
}

void Ledger::look_for_agreement() {
  if (!world_.splits->cloudy()) clouds_are_over();
  const bool whole = cluster_is_whole();
  if (whole) split_excused_ = false;
  for (auto& [id, record] : records_) {
    if (!record.void_now) continue;
    const bool agreed = whole && all_agree(id);
    if (agreed && record.agreed_before) {
      record.void_now = false;
      record.void_until = world_.now();
    }
    record.agreed_before = agreed;
  }
}

}  // namespace brood::sim

// Moves by hand at the coordinator, and the rebalancing at the leader.
#include <fmt/format.h>

#include <algorithm>

#include "core/requests/coordinator.hpp"
#include "core/requests/refusals.hpp"

namespace brood::core {

void Coordinator::coordinate(Step& s, MoveRequest& request) {
  const std::vector<ChildId> ids{request.id};
  if (!is_mine(request.id))
    return forward(s, request, ids, [&](const std::vector<std::size_t>&) { return request; });
  const Asked asked{request.request, request.view};
  if (answered_before(s, asked, request.id)) return;
  if (request.kind == MoveKind::rebalance) return rebalance(s, asked, request.id);
  Child* child = with_.children.find(request.id);
  if (child && child->being_replaced())
    return fail(s, asked, request.id, Errc::busy, "it is being replaced; try again");
  if (!child || !child->wanted()) return fail(s, asked, request.id, no_such_child(s.settings, request.id));
  if (child->work()) {
    for (StartWait& wait : work_of(*child).starts) {
      if (wait.asked.request != request.request) continue;
      wait.asked.view = request.view;  // asked once more
      return;
    }
  }
  SpecRow next = *child->row();
  const Epoch now_at = with_.assignments.newest(*child);
  if (now_at == Epoch{} && !next.trouble->failed)
    return fail(s, asked, request.id, Errc::busy, "it does not run just now; try again");
  if (with_.assignments.is_on_its_way(*child))
    return fail(s, asked, request.id, Errc::busy, "it is on its way to another node; try again");
  if (auto error = request.kind == MoveKind::to_node ? move(*child, next, request) : give_back(next))
    return fail(s, asked, request.id, error->code, std::move(error->message));
  if (next.assigned) next.assigned->after = std::max(next.assigned->after, now_at);
  if (next.assigned != child->row()->assigned || next.start_on != child->row()->start_on) {
    with_.rows.wish(s, *child, std::move(next));
    with_.assignments.count(*child);
  }
  StartWait wait{asked, StartMode::ensure, false, {}, with_.replication.newest(), {}, {}};
  add(s, *child, std::move(wait));
  with_.notes.touched(s, *child);
}

std::optional<Error> Coordinator::move(const Child& child, SpecRow& row, const MoveRequest& request) const {
  const NodeName& to = request.to;
  const Placement& placement = with_.views.placement();
  const Placement::Node* node = placement.find(to);
  if (!node) return not_up(to, placement);
  if (!row.spec->extras->mapping.empty())
    return Error{Errc::invalid_argument, "its mapping says where it runs; apply it with another one"};
  const auto order = placement.eligible(child.id, row);
  if (std::find(order.begin(), order.end(), node->peer) == order.end())
    return Error{Errc::no_target, fmt::format("{} cannot or may not run it", to.text())};
  row.assigned =
      Assignment{to, request.request.node, AssignedBy::hand, row.assigned ? row.assigned->after : Epoch{}};
  row.start_on.reset();
  std::erase(row.trouble.change().avoid, to);  // whoever moves it there knows better
  return std::nullopt;
}

// Under a distribution that balances it stays where it is, as one that was given there by load.
std::optional<Error> Coordinator::give_back(SpecRow& row) const {
  if (with_.views.placement().is_centralised()) {
    if (row.assigned) row.assigned->by = AssignedBy::load;
  } else if (row.assigned) {
    row.assigned->node = NodeName();
  } else if (row.start_on) {
    row.assigned = Assignment{};
  }
  row.start_on.reset();
  return std::nullopt;
}

void Coordinator::rebalance(Step& s, const Asked& asked, const ChildId& id) {
  if (!with_.views.placement().is_centralised())
    return fail(s, asked, id, Errc::invalid_argument,
                "the distribution does not balance: where a child belongs follows from its id");
  for (auto& [known, of] : rebalances_) {
    if (known.request != asked.request) continue;
    known.view = asked.view;
    return;
  }
  with_.assignments.rebalance();
  rebalances_.emplace_back(asked, id);
}

void Coordinator::rebalanced(Step& s) {
  for (const auto& [asked, id] : std::exchange(rebalances_, {}))
    answer(s, asked, Outcome{id, {}, {}, {}, {}});
}

}  // namespace brood::core

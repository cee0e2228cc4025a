#include "core/requests/coordinator.hpp"

#include <algorithm>

#include "core/requests/refusals.hpp"

namespace brood::core {
namespace {
/// Its node asks again sooner (Origins), unless it was answered; and answers are kept for longer (Replay). So
/// a copy never has its turn when what it was told is forgotten. Own requests come once in each view.
constexpr Duration serves_within = 20s;
}  // namespace

void Coordinator::enqueue(Step& s, Request request) {
  if (inbox_.size() + ids_in(request) <= s.settings.inbox_max) {
    const bool is_own = with_.origins.is_own(s.settings, key_of(request));
    return inbox_.push(std::move(request), is_own ? Duration::max() : s.time() + serves_within);
  }
  ++s.stats.busy;
  const Asked asked{key_of(request), view_of(request)};
  const auto refuse = [&](const ChildId& id) {
    if (keep(s, asked, id) || answered_before(s, asked, id)) return;  // asked once more: under way, or done
    fail(s, asked, id, Errc::busy, "too many requests wait at this node; try again later");
  };
  if (const auto* start = std::get_if<StartRequest>(&request)) {
    for (const NamedSpec& child : start->specs) refuse(child.id);
  } else if (const auto* stop = std::get_if<StopRequest>(&request)) {
    for (const ChildId& id : stop->ids) refuse(id);
  } else if (const auto* retry = std::get_if<RetryRequest>(&request)) {
    refuse(retry->id);
  } else if (const auto* move = std::get_if<MoveRequest>(&request)) {
    refuse(move->id);
  } else {
    refuse(std::get<LookupRequest>(request).id);
  }
}

Duration Coordinator::wait_until(const Step& s, const Child& child) {
  const Duration until = s.time() + s.settings.request_timeout;
  until_.emplace_back(until, child.ref);
  return until;
}

bool Coordinator::keep(Step& s, const Asked& asked, const ChildId& id) {
  Child* child = with_.children.find(id);
  if (!child || !child->work()) return false;
  Work& work = work_of(*child);
  bool found = false;
  const auto is_it = [&](auto& one) {
    if (one.asked.request != asked.request) return false;
    one.asked.view = asked.view;
    return found = true;
  };
  std::optional<Duration> until;
  const auto keep_in = [&](auto& waits) {
    for (auto& wait : waits) {
      if (!is_it(wait)) continue;
      if (!until) until = wait_until(s, *child);
      wait.until = *until;
    }
  };
  keep_in(work.starts);
  keep_in(work.stops);
  for (LaterStart& start : work.later) (void)is_it(start);
  return found;
}

void Coordinator::work(Step& s) {
  std::optional<Request> next = inbox_.pop(s.time());
  s.spend(next ? ids_in(*next) : 1);
  if (!next) return;
  Request& request = *next;
  // Asked in a view that its node has left: it has asked again in its new one, and perhaps another node.
  if (!is_asked_now(s, request)) return;
  // Asked anew in a view that was not confirmed, while what waits since the view before was answered: done
  // once more it would undo what it has told. Of others' requests Replay knows what they were told.
  const RequestKey key = key_of(request);
  const auto is_over = [&](const ChildId& id) { return !with_.origins.waits_for(key, id); };
  if (with_.origins.is_own(s.settings, key) && !keep_those_open(request, is_over)) return;
  std::visit([&](auto& one) { coordinate(s, one); }, request);
}

bool Coordinator::is_asked_now(const Step& s, const Request& request) const {
  const std::uint64_t view = view_of(request);
  if (with_.origins.is_own(s.settings, key_of(request))) return view == with_.views.hash();
  const PeerIndex peer = with_.peers.find(key_of(request).node);
  return peer != no_peer && with_.sessions.member(peer) && with_.views.said(peer) == view;
}

void Coordinator::coordinate(Step& s, StartRequest& request) {
  std::vector<NamedSpec> others;
  for (const NamedSpec& child : request.specs) {
    if (is_mine(child.id))
      start(s, child.id, {{request.request, request.view}, request.mode, request.on, child.spec});
    else
      others.push_back(child);
  }
  if (others.empty()) return;
  std::vector<ChildId> ids;
  ids.reserve(others.size());
  for (const NamedSpec& child : others) ids.push_back(child.id);
  forward(s, request, ids, [&](const std::vector<std::size_t>& positions) {
    StartRequest passed{request.request, request.mode, request.view, request.forwards, request.on, {}};
    for (const std::size_t i : positions) passed.specs.push_back(others[i]);
    return passed;
  });
}

void Coordinator::coordinate(Step& s, StopRequest& request) {
  std::vector<ChildId> others;
  for (const ChildId& id : request.ids) {
    if (!is_mine(id)) {
      others.push_back(id);
      continue;
    }
    Child& child = with_.children.obtain(id);
    stop(s, child, {request.request, request.view});
    close_if_done(child);
  }
  forward(s, request, others, [&](const std::vector<std::size_t>& positions) {
    StopRequest passed{request.request, request.view, request.forwards, {}};
    for (const std::size_t i : positions) passed.ids.push_back(others[i]);
    return passed;
  });
}

void Coordinator::coordinate(Step& s, RetryRequest& request) {
  if (Child* child = with_.children.find(request.id); child && pauses(with_.instances.here(*child)))
    with_.notes.retried(s, *child);
  const std::vector<ChildId> ids{request.id};
  if (!is_mine(request.id))
    return forward(s, request, ids, [&](const std::vector<std::size_t>&) { return request; });
  const Asked asked{request.request, request.view};
  if (keep(s, asked, request.id)) return;
  Child* child = with_.children.find(request.id);
  if (child && child->being_replaced()) return answer(s, asked, Outcome{request.id, {}, {}, {}, {}});
  if (!child || !child->wanted()) return fail(s, asked, request.id, no_such_child(s.settings, request.id));
  // A row that says nothing of it is left alone: its host may be sending it on in this moment, and would be
  // written over. Where it waits to be started again its host is told.
  if (*child->row()->trouble == Trouble{}) {
    pass_to_hosts(s, request, *child);
    return answer(s, asked, Outcome{request.id, {}, {}, {}, {}});
  }
  SpecRow next = *child->row();
  // While it is not failed, the node that it was sent on to may be starting it.
  Trouble& trouble = next.trouble.change();
  if (trouble.failed) trouble.avoid.clear();
  trouble.forgive();
  with_.rows.write(s, *child, std::move(next), false);
  // Answered when another member holds it: the word of a node that is lost now would be lost with it.
  StartWait wait;
  wait.asked = asked;
  wait.mode = StartMode::ensure;
  wait.number = with_.replication.newest();
  add(s, *child, std::move(wait));
}

void Coordinator::pass_to_hosts(Step& s, const RetryRequest& request, const Child& child) {
  RetryRequest passed = request;
  if (++passed.forwards > s.settings.forwards_max) return;
  with_.instances.each(child, [&](const Hosted& hosted) {
    const PeerIndex peer = with_.instances.peer(hosted);
    if (peer != self_index && pauses(&hosted.instance)) with_.sender.send(peer, passed);
  });
}

void Coordinator::coordinate(Step& s, LookupRequest& request) {
  const std::vector<ChildId> ids{request.id};
  if (!is_mine(request.id))
    return forward(s, request, ids, [&](const std::vector<std::size_t>&) { return request; });
  const Asked asked{request.request, request.view};
  const Child* child = with_.children.find(request.id);
  if (child && child->being_replaced()) return answer(s, asked, Outcome{request.id, {}, {}, {}, {}});
  if (!child || !child->wanted()) return fail(s, asked, request.id, no_such_child(s.settings, request.id));
  answer(s, asked, located_now(*child));
}

// ---- what is forgotten -------------------------------------------------------------------------------

// What a node asked in a former view must go at once: the very same view may come back (a member comes and
// goes), and would bring an old request to life. Starts that wait for a stop too.
void Coordinator::forget_asked_before(const NodeName& node, std::uint64_t view) {
  inbox_.keep_only(node, view);
  std::erase_if(with_later_, [&](ChildRef ref) {
    auto& later = with_.children.get(ref)->work_.value_->later;
    std::erase_if(later, [&](const LaterStart& start) { return start.asked.request.node == node; });
    return later.empty();
  });
}

void Coordinator::drop_others() {
  rebalances_.clear();  // whoever asked asks again in this view
  std::erase_if(open_, [&](ChildRef ref) {
    Child& child = *with_.children.get(ref);
    if (is_mine(child)) return false;
    child.work_.value_.reset();
    with_later_.erase(ref);
    with_.children.erase_if_empty(child);
    return true;
  });
}

void Coordinator::drop_all() {
  rebalances_.clear();
  for (const ChildRef ref : open_) {
    Child& child = *with_.children.get(ref);
    child.work_.value_.reset();
    with_.children.erase_if_empty(child);
  }
  open_.clear();
  with_later_.clear();
}

Work& Coordinator::work_of(Child& child) {
  auto& work = child.work_.value_;
  if (!work) {
    work = std::make_unique<Work>();
    open_.insert(child.ref);
  }
  return *work;
}

void Coordinator::close_if_done(Child& child) {
  auto& work = child.work_.value_;
  if (work && work->empty()) {
    work.reset();
    open_.erase(child.ref);
    with_later_.erase(child.ref);
  }
  with_.children.erase_if_empty(child);
}

// ---- answers -----------------------------------------------------------------------------------------

void Coordinator::fail(Step& s, const Asked& asked, const ChildId& id, Errc code, std::string words) {
  fail(s, asked, id, Error{code, std::move(words)});
}

void Coordinator::fail(Step& s, const Asked& asked, const ChildId& id, Error error) {
  Outcome outcome;
  outcome.id = id;
  outcome.error = std::move(error);
  answer(s, asked, std::move(outcome));
}

void Coordinator::answer(Step& s, const Asked& asked, Outcome outcome) {
  if (asked.request.number == 0) return;
  if (with_.origins.is_own(s.settings, asked.request))
    return with_.notes.outcome(s, asked.request, asked.view, std::move(outcome));
  if (!outcome.error || outcome.error->code != Errc::busy)
    with_.replay.keep_answer(s, asked.request, outcome);
  answers_[{asked.request, asked.view}].push_back(std::move(outcome));
}

// A repeated request must not act twice: what was done is told again. Not that nothing was, where it has
// acted since: it was asked of another node meanwhile, in a view between.
bool Coordinator::answered_before(Step&, const Asked& asked, const ChildId& id) {
  const Outcome* before = with_.replay.answer(asked.request, id);
  if (!before) return false;
  if (before->error && did_nothing(*before->error)) {
    const Child* child = with_.children.find(id);
    const bool has_row = child && child->row() && child->row()->request == asked.request;
    if (has_row || with_.replay.finished(asked.request, id)) return false;
  }
  answers_[{asked.request, asked.view}].push_back(*before);
  return true;
}

void Coordinator::flush() {
  for (auto& [asked, outcomes] : answers_) {
    const auto& [request, view] = asked;
    const PeerIndex peer = with_.peers.find(request.node);
    if (peer == no_peer || !with_.links[peer].channel || with_.links[peer].creation != request.creation)
      continue;
    with_.sender.send(peer, Answer{request, view, std::move(outcomes)});
  }
  answers_.clear();
}

}  // namespace brood::core

// Requests at the coordinator of an id: the one node that decides about it, one request after the other, in a
// view that all members have confirmed. What comes earlier waits in the inbox.
#include <fmt/format.h>

#include <algorithm>

#include "core/state.hpp"

namespace brood::core {
namespace {

constexpr std::size_t inbox_max = 10'000;
constexpr Duration done_kept = 35s;  // longer than requests are repeated
constexpr Duration finished_kept = 60s;
constexpr std::size_t done_max = 100'000;

Outcome failure(const ChildId& id, Errc code, std::string words) {
  Outcome outcome;
  outcome.id = id;
  outcome.error = Error{code, std::move(words)};
  return outcome;
}

template <typename List>
bool has_request(const List& list, const RequestKey& request) {
  return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one.request == request; });
}

}  // namespace

void Machine::on_message(PeerIndex, const StartRequest& request) {
  enqueue(request);
}
void Machine::on_message(PeerIndex, const StopRequest& request) {
  enqueue(request);
}
void Machine::on_message(PeerIndex, const RetryRequest& request) {
  enqueue(request);
}
void Machine::on_message(PeerIndex, const LookupRequest& request) {
  enqueue(request);
}

void Machine::enqueue(Request request) {
  if (inbox_.size() < inbox_max) {
    inbox_.push(std::move(request));
    return;
  }
  for (const ChildId& id : ids_of(request))
    answer(std::visit([](const auto& one) { return one.request; }, request),
           failure(id, Errc::busy, "too many requests wait for the view; try again later"));
}

std::vector<ChildId> Machine::ids_of(const Request& request) {
  if (const auto* start = std::get_if<StartRequest>(&request)) {
    std::vector<ChildId> ids;
    for (const SpecPtr& spec : start->specs) ids.push_back(spec->id);
    return ids;
  }
  if (const auto* stop = std::get_if<StopRequest>(&request)) return stop->ids;
  if (const auto* retry = std::get_if<RetryRequest>(&request)) return {retry->id};
  return {std::get<LookupRequest>(request).id};
}

void Machine::drain_inbox() {
  while (!inbox_.empty() && acting()) {
    Request request = inbox_.pop();
    // Asked in a view that its node has left: it has asked again in its new one, and perhaps another node.
    if (!asked_now(request)) continue;
    note_asked(request);
    std::visit([&](auto& one) { coordinate(one); }, request);
  }
}

bool Machine::is_coordinator(const ChildId& id) const {
  return ring_.coordinator(id.hash64()) == self_index;
}

// Passes on what is another's to decide; `make` builds a request for some ids of this one.
template <typename R, typename Ids, typename Make>
void Machine::forward(const R& request, const Ids& ids, const Make& make) {
  std::map<PeerIndex, std::vector<std::size_t>> others;
  for (std::size_t i = 0; i < ids.size(); ++i) others[ring_.coordinator(ids[i].hash64())].push_back(i);
  for (const auto& [index, positions] : others) {
    if (index == no_peer || request.forwards >= settings_.forwards_max) {
      for (const std::size_t i : positions)
        answer(request.request, failure(ids[i], Errc::busy, "no coordinator could be agreed on; try again"));
      continue;
    }
    R passed = make(positions);
    ++passed.forwards;
    pass_on(index, Request(std::move(passed)));
  }
}

void Machine::coordinate(StartRequest& request) {
  std::vector<SpecPtr> others;
  for (const SpecPtr& spec : request.specs) {
    if (is_coordinator(spec->id))
      start_one({request.request, request.mode, request.on, spec, false});
    else
      others.push_back(spec);
  }
  std::vector<ChildId> ids;
  ids.reserve(others.size());
  for (const SpecPtr& spec : others) ids.push_back(spec->id);
  forward(request, ids, [&](const std::vector<std::size_t>& positions) {
    StartRequest passed{request.request, request.mode, request.view, request.forwards, request.on, {}};
    for (const std::size_t i : positions) passed.specs.push_back(others[i]);
    return passed;
  });
}

void Machine::coordinate(StopRequest& request) {
  std::vector<ChildId> others;
  for (const ChildId& id : request.ids) {
    if (is_coordinator(id))
      stop_one(id, request.request);
    else
      others.push_back(id);
  }
  forward(request, others, [&](const std::vector<std::size_t>& positions) {
    StopRequest passed{request.request, request.view, request.forwards, {}};
    for (const std::size_t i : positions) passed.ids.push_back(others[i]);
    return passed;
  });
}

void Machine::coordinate(RetryRequest& request) {
  const std::vector<ChildId> ids{request.id};
  if (!is_coordinator(request.id))
    return forward(request, ids, [&](const std::vector<std::size_t>&) { return request; });
  const SpecRow* row = table_.row(request.id);
  if (being_replaced(request.id)) return answer(request.request, Outcome{request.id, {}, {}, {}, {}});
  if (!row || !row->wanted)
    return answer(request.request, failure(request.id, Errc::no_such_child, "no child of that id"));
  SpecRow next = *row;
  // While it is not failed, the node that it was sent on to may be starting it.
  if (next.failed) next.avoid.clear();
  next.failed = false;
  next.failure.clear();
  next.blame = {};
  write_row(request.id, std::move(next), false);
  Outcome outcome;
  outcome.id = request.id;
  answer(request.request, std::move(outcome));
}

void Machine::coordinate(LookupRequest& request) {
  const std::vector<ChildId> ids{request.id};
  if (!is_coordinator(request.id))
    return forward(request, ids, [&](const std::vector<std::size_t>&) { return request; });
  const SpecRow* row = table_.row(request.id);
  if (being_replaced(request.id)) return answer(request.request, Outcome{request.id, {}, {}, {}, {}});
  if (!row || !row->wanted)
    return answer(request.request, failure(request.id, Errc::no_such_child, "no child of that id"));
  answer(request.request, located(request.id, {}));
}

bool Machine::asked_now(const Request& request) const {
  const auto [key, view] =
      std::visit([](const auto& one) { return std::make_pair(one.request, one.view); }, request);
  if (is_own(key)) return view == view_hash_;
  const PeerIndex index = find_peer(key.node);
  return index != no_peer && peers_[index].member && peers_[index].view == view;
}

// A node asks again in each of its views. What it asked in a former one must go at once: the very same view
// may come back (a member comes and goes), and would bring an old request to life. Starts that wait for a
// stop too, but not the second half of a replacement: its first half is done.
void Machine::forget_asked_before(const NodeName& node, std::uint64_t view) {
  inbox_.keep_only(node, view);
  std::erase_if(with_later_, [&](const ChildId& id) {
    auto& later = works_.at(id).later;
    std::erase_if(later,
                  [&](const LaterStart& start) { return start.request.node == node && !start.replaces; });
    return later.empty();
  });
}

void Machine::note_asked(const Request& request) {
  const auto [key, view] =
      std::visit([](const auto& one) { return std::make_pair(one.request, one.view); }, request);
  asked_in_[key] = view;
  asked_order_.emplace_back(now_.monotonic + 2 * settings_.request_timeout, key);
}

void Machine::answer(const RequestKey& request, Outcome outcome) {
  if (request.number == 0) return;
  if (is_own(request)) return take_outcome(request, asked_in_[request], std::move(outcome));
  const auto key = std::make_pair(request, outcome.id);
  if (done_.emplace(key, outcome).second) done_order_.emplace_back(now_.monotonic + done_kept, key);
  while (done_order_.size() > done_max) {
    done_.erase(done_order_.front().second);
    done_order_.pop_front();
  }
  answers_[request].push_back(std::move(outcome));
}

// A repeated request must not act twice: what was done is told again.
bool Machine::answered(const RequestKey& request, const ChildId& id) {
  const auto found = done_.find({request, id});
  if (found == done_.end()) return false;
  answers_[request].push_back(found->second);
  return true;
}

bool Machine::remember_finished(const RequestKey& request, const ChildId& id) {
  const Child* child = table_.find(id);
  const Epoch last = child ? child->floor : Epoch{};
  if (request.number == 0 || !finished_.try_emplace(std::make_pair(request, id), last).second) return false;
  finished_order_.emplace_back(now_.monotonic + finished_kept, std::make_pair(request, id));
  if (finished_order_.size() > done_max) {
    finished_.erase(finished_order_.front().second);
    finished_order_.pop_front();
  }
  return true;
}

bool Machine::is_finished(const RequestKey& request, const ChildId& id) const {
  return finished_.count({request, id}) != 0;
}

void Machine::tend_works() {
  settle_replicated();  // a lone node hears no acknowledgement
  while (!asked_order_.empty() && asked_order_.front().first <= now_.monotonic) {
    asked_in_.erase(asked_order_.front().second);
    asked_order_.pop_front();
  }
  while (!finished_order_.empty() && finished_order_.front().first <= now_.monotonic) {
    finished_.erase(finished_order_.front().second);
    finished_order_.pop_front();
  }
  while (!done_order_.empty() && done_order_.front().first <= now_.monotonic) {
    done_.erase(done_order_.front().second);
    done_order_.pop_front();
  }
  while (!works_until_.empty() && works_until_.front().first <= now_.monotonic) {
    touch(works_until_.front().second);
    works_until_.pop_front();
  }
}

// ---- starts ------------------------------------------------------------------------------------------

void Machine::start_one(const LaterStart& start) {
  const ChildId& id = start.spec->id;
  if (answered(start.request, id)) return;
  touch(id);
  Work& work = works_[id];
  if (has_request(work.starts, start.request) || has_request(work.later, start.request)) return;
  if (!work.stops.empty()) {
    work.later.push_back(start);
    with_later_.insert(id);
    return;
  }
  const SpecRow* row = table_.row(id);
  const bool was_done =
      is_finished(start.request, id) || (row && !row->wanted && row->request == start.request);
  if (was_done && start.mode != StartMode::ensure)
    return answer(start.request, failure(id, Errc::stopped, "it was started, and is gone again"));
  if (row && (row->wanted || start.mode == StartMode::ensure)) return start_known(start, *row, work);
  start_fresh(start, work);
}

void Machine::start_known(const LaterStart& start, const SpecRow& row, Work& work) {
  const ChildId& id = start.spec->id;
  Outcome here = located(id, {});
  StartWait wait{start.request, start.mode, false, {}, 0, {}, {}};
  if (start.mode == StartMode::ensure) {
    wait.number = newest_change();
    return add_wait(id, work, std::move(wait));
  }
  if (row.request == start.request) {  // ours, asked again after its coordinator was lost
    wait.fresh = true;
    if (row.dot.node != settings_.self) write_row(id, SpecRow(row), false);
    wait.number = newest_change();
    return add_wait(id, work, std::move(wait));
  }
  const bool same = row.spec == start.spec || row.spec->same_as(*start.spec);
  if (start.mode == StartMode::apply) {
    wait.number = newest_change();
    if (same) return add_wait(id, work, std::move(wait));
    if (auto error = cannot_start(start)) {
      here.error = std::move(error);
      return answer(start.request, std::move(here));
    }
    return replace(start, row, work);
  }
  if (!same) {
    here.error = Error{Errc::conflict, "a child of that id has another spec; stop it first, or apply"};
    return answer(start.request, std::move(here));
  }
  const bool waits = !row.failed && !here.host && !failed_start(id, {});
  if (waits) return add_wait(id, work, std::move(wait));
  here.error =
      Error{Errc::already_started, row.failed ? "it is failed: " + row.failure : "a child of that id runs"};
  answer(start.request, std::move(here));
}

// Another spec under a known id. Where it stays on its node that node does the rest; otherwise the old row
// ends first, so that no node can still be starting it.
void Machine::replace(const LaterStart& start, const SpecRow& row, Work& work) {
  const ChildId& id = start.spec->id;
  for (const StartWait& other : work.starts)
    answer(other.request, failure(id, Errc::stopped, "it was replaced while it started"));
  work.starts.clear();
  SpecRow next;
  next.spec = start.spec;
  next.start_on = start.on;
  const PeerIndex place = ring_.first(id.hash64(), row);
  const Child& child = *table_.find(id);
  const bool elsewhere = std::any_of(child.hosted.begin(), child.hosted.end(),
                                     [&](const Hosted& hosted) { return hosted.peer != place; });
  if (!elsewhere && place == ring_.first(id.hash64(), next)) return start_fresh(start, work);
  end_row(id, work, {});
  work.later.push_back(start);
  work.later.back().replaces = true;
  with_later_.insert(id);
}

bool Machine::being_replaced(const ChildId& id) const {
  const auto work = works_.find(id);
  return work != works_.end() && work->second.being_replaced();
}

// A stop between the two halves of a replacement: the stop wins.
void Machine::stop_replacement(const ChildId& id, Work& work, const RequestKey& request) {
  for (const LaterStart& start : work.later)
    answer(start.request, failure(id, Errc::stopped, "a stop came while it started"));
  work.later.clear();
  with_later_.erase(id);
  if (const SpecRow* row = table_.row(id)) {
    SpecRow next = *row;
    next.request = request;
    write_row(id, std::move(next), true);
  } else {
    remove_row(id, request);
  }
  StopWait wait = work.stops.front();
  wait.request = request;
  wait.number = delta_number_ + 1;
  unacked_.emplace(wait.number, id);
  work.stops.push_back(std::move(wait));
}

std::optional<Error> Machine::cannot_start(const LaterStart& start) const {
  const Spec& spec = *start.spec;
  if (start.on && !ring_.is_up(*start.on))
    return Error{Errc::not_member, fmt::format("{} is not an up member", start.on->value)};
  if (!ring_.offered(spec.needs)) {
    if (spec.needs.starts_with("exec:"))
      return Error{Errc::not_allowed, "no member allows that command (exec_allow in its file)"};
    return Error{Errc::no_such_worker, fmt::format("no member knows the worker {}", spec.worker)};
  }
  SpecRow row;
  row.spec = start.spec;
  const auto order = ring_.order(spec.id.hash64(), row);
  if (order.empty()) return Error{Errc::no_target, "no member that is up may run it"};
  if (start.on && std::none_of(order.begin(), order.end(),
                               [&](PeerIndex index) { return peers_[index].name == *start.on; }))
    return Error{Errc::no_target, fmt::format("{} cannot or may not run it", start.on->value)};
  if (table_.wanted() >= settings_.children_max)
    return Error{Errc::limit_exceeded, "children_max is reached"};
  return std::nullopt;
}

void Machine::start_fresh(const LaterStart& start, Work& work) {
  const ChildId& id = start.spec->id;
  if (start.mode != StartMode::ensure) {
    if (auto error = cannot_start(start)) {
      Outcome outcome;
      outcome.id = id;
      outcome.error = std::move(error);
      return answer(start.request, std::move(outcome));
    }
  }
  SpecRow row;
  row.spec = start.spec;
  row.request = start.request;
  row.start_on = start.on;
  StartWait wait{start.request, start.mode, true, {}, delta_number_ + 1, {}, {}};
  if (const Child* child = table_.find(id)) wait.after = child->floor;
  write_row(id, std::move(row), true);
  add_wait(id, work, std::move(wait));
}

void Machine::add_wait(const ChildId& id, Work& work, StartWait wait) {
  wait.until = now_.monotonic + settings_.request_timeout;
  works_until_.emplace_back(wait.until, id);
  if (wait.number > 0) unacked_.emplace(wait.number, id);
  work.starts.push_back(std::move(wait));
  note_running(id);
}

// ---- stops -------------------------------------------------------------------------------------------

void Machine::stop_one(const ChildId& id, const RequestKey& request) {
  if (answered(request, id)) return;
  touch(id);
  Work& work = works_[id];
  if (has_request(work.stops, request)) return;
  if (work.being_replaced() && !work.stops.empty()) return stop_replacement(id, work, request);
  StopWait wait{request, delta_number_ + 1, now_.monotonic + settings_.request_timeout, {}, false, {}};
  const SpecRow* row = table_.row(id);
  const bool was_done = is_finished(request, id) || (row && row->request == request);
  if (const auto finished = finished_.find({request, id}); finished != finished_.end())
    wait.last = finished->second;
  if (was_done && row && row->wanted) {  // done, but what it stopped may still be on its way out
    const auto fresh = std::find_if(work.starts.begin(), work.starts.end(), [](const StartWait& start) {
      return start.fresh && start.after != Epoch{};
    });
    wait.number = newest_change();
    wait.past = true;
    if (fresh != work.starts.end()) wait.last = std::max(wait.last, fresh->after);
    for (const auto& node : ring_.nodes()) add_starter(id, wait, node.peer);
  } else if (!row || !row->wanted) {
    if (!was_done) return answer(request, failure(id, Errc::no_such_child, "no child of that id"));
    wait.number = newest_change();
    for (const auto& node : ring_.nodes()) add_starter(id, wait, node.peer);
  } else {
    for (const StartWait& start : work.starts)
      answer(start.request, failure(id, Errc::stopped, "a stop came while it started"));
    work.starts.clear();
    return end_row(id, work, request);
  }
  works_until_.emplace_back(wait.until, id);
  unacked_.emplace(wait.number, id);
  work.stops.push_back(std::move(wait));
}

// Ends the row, for a request (none: number 0). Until whoever may have started it knows of that, no other
// row of the id is written: a node that still holds the old one would start it beside the new one.
void Machine::end_row(const ChildId& id, Work& work, const RequestKey& request) {
  StopWait wait{request, delta_number_ + 1, now_.monotonic + settings_.request_timeout, {}, false, {}};
  const SpecRow& row = *table_.row(id);
  add_starter(id, wait, ring_.first(id.hash64(), row));
  for (const Hosted& hosted : table_.find(id)->hosted) add_starter(id, wait, hosted.peer);
  if (row.spec->is_static) {
    SpecRow next = row;
    next.wanted = next.failed = false;
    if (request.number != 0) next.request = request;
    write_row(id, std::move(next), true);
  } else {
    remove_row(id, request);
  }
  works_until_.emplace_back(wait.until, id);
  unacked_.emplace(wait.number, id);
  work.stops.push_back(std::move(wait));
}

void Machine::add_starter(const ChildId& id, StopWait& wait, PeerIndex index) {
  if (index == no_peer || index == self_index || !peers_[index].member) return;
  wait.starters.push_back(peers_[index].member->session);
  stop_acks_.emplace(peers_[index].name, wait.number, id);
}

// A host changed the row (to send the child on to the next node) before it knew of the removal: that next
// node may have started it.
void Machine::note_late_update(const SpecChange& change) {
  if (works_.empty() || !change.row) return;
  const auto work = works_.find(change.id);
  if (work == works_.end()) return;
  for (StopWait& wait : work->second.stops)
    add_starter(change.id, wait, ring_.first(change.id.hash64(), *change.row));
}

// Another node coordinates them now; the origins ask there.
void Machine::drop_works() {
  std::erase_if(works_, [&](const auto& work) { return !is_coordinator(work.first); });
  std::erase_if(with_later_, [&](const ChildId& id) { return !works_.contains(id); });
}

}  // namespace brood::core

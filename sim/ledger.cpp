#include "sim/ledger.hpp"

#include <array>

#include "sim/describe.hpp"
#include "sim/driver.hpp"
#include "sim/processes.hpp"
#include "sim/promise.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
/// core::Settings::request_timeout, and some time for the answer.
constexpr Duration answer_bound = 35s;

/// An apply and a restart end what runs, but never the child.
bool may_stop(const Op& op) {
  return op.stops() && op.may_have_effect();
}

Verdict verdict_of(Asked asked, const core::Outcome& outcome) {
  if (!outcome.error) return Verdict::ok;
  switch (outcome.error->code) {
    case Errc::already_started:
    case Errc::conflict:
    case Errc::no_such_worker:
    case Errc::not_allowed:
    case Errc::not_member:
    case Errc::no_target:
    case Errc::no_such_child:
    case Errc::invalid_argument:
    case Errc::limit_exceeded:
    case Errc::busy:
      return Verdict::refused;
    case Errc::start_failed:
    case Errc::stopped:
      return asked == Asked::apply ? Verdict::unknown : Verdict::undone;
    default:
      return Verdict::unknown;
  }
}
}  // namespace

std::string_view to_string(Asked asked) noexcept {
  constexpr std::array<std::string_view, 8> names{"start", "ensure", "apply", "stop",
                                                  "retry", "lookup", "move",  "restart"};
  return names[static_cast<std::size_t>(asked)];
}

Ledger::Ledger(World& world) : world_(world) {}

// ---- requests ------------------------------------------------------------------------------------------

core::ClientId Ledger::opened(std::size_t node, Asked asked, const std::vector<ChildId>& ids) {
  const core::ClientId client{++clients_};
  Request request;
  request.node = node;
  request.incarnation = world_.nodes[node].incarnation;
  request.pauses = world_.nodes[node].pauses;
  request.asked = asked;
  for (const ChildId& id : ids) {
    auto& ops = records_[id].ops;
    if (request.open.emplace(id, ops.size()).second)
      ops.push_back({asked, Verdict::pending, client.value, world_.now(), Duration::max(), false,
                     world_.splits->cloudy(), losses_});
  }
  requests_.emplace(client.value, std::move(request));
  ++world_.counts.requests;
  expect_answer(client);
  return client;
}

core::ClientId Ledger::opened_drain(std::size_t node) {
  const core::ClientId client{++clients_};
  Request request;
  request.node = node;
  request.incarnation = world_.nodes[node].incarnation;
  request.drain = true;
  requests_.emplace(client.value, std::move(request));
  return client;
}

void Ledger::expect_answer(core::ClientId client) {
  world_.timeline.after(answer_bound, [this, client] {
    const auto found = requests_.find(client.value);
    if (found == requests_.end() || found->second.gone) return;
    Request& request = found->second;
    const SimNode& node = world_.nodes[request.node];
    const bool sleeps = node.state == SimNode::State::paused;
    if (sleeps || node.pauses != request.pauses) {
      request.pauses = node.pauses - (sleeps ? 1 : 0);  // this one takes of the time that begins now too
      expect_answer(client);
      return;
    }
    world_.violate("unanswered", &request.open.begin()->first,
                   fmt::format("{} was asked of {} {} s ago (client {})", to_string(request.asked),
                               node.name.text(), answer_bound / 1s, client.value));
  });
}

bool Ledger::gone(core::ClientId client) {
  const auto found = requests_.find(client.value);
  if (found == requests_.end()) return false;
  Request& request = found->second;
  for (const auto& [id, place] : request.open) records_[id].ops[place].verdict = Verdict::unknown;
  request.open.clear();
  request.gone = true;
  return true;
}

std::size_t Ledger::open_requests() const {
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [](const auto& entry) {
    return !entry.second.gone && !entry.second.drain;
  }));
}

void Ledger::replied(std::size_t node, const core::Reply& reply) {
  if (world_.has(Plant::mute) && reply.client.value % 10 == 0) return;
  const auto found = requests_.find(reply.client.value);
  if (world_.has(Plant::early_answer) && found == requests_.end()) return;
  if (found == requests_.end() || found->second.node != node || found->second.gone) {
    const ChildId* about = reply.outcomes.empty() ? nullptr : &reply.outcomes.front().id;
    world_.violate("answers", about,
                   fmt::format("a reply to client {}, which does not wait", reply.client.value));
    return;
  }
  Request& request = found->second;
  if (request.drain) {
    if (!reply.outcomes.empty() && reply.outcomes.front().error) world_.nodes[node].draining = false;
    requests_.erase(found);
    return;
  }
  for (const core::Outcome& outcome : reply.outcomes) answered(node, request, outcome);
  if (reply.last != request.open.empty()) {
    const ChildId* about = request.open.empty() ? nullptr : &request.open.begin()->first;
    world_.violate("answers", about,
                   reply.last ? "the last reply leaves an id unanswered"
                              : "all ids are answered, but it is not the last reply");
  }
  if (reply.last) requests_.erase(found);
}

void Ledger::answered(std::size_t node, Request& request, const core::Outcome& outcome) {
  const auto found = request.open.find(outcome.id);
  if (found == request.open.end()) {
    world_.violate("answers", &outcome.id,
                   "an answer about an id that was not asked for, or the second about it");
    return;
  }
  core::Outcome told = outcome;
  if (world_.has(Plant::wrong_pid) && told.host) told.pid.id += 1;
  if (world_.has(Plant::two_starts) && told.error && told.error->code == Errc::already_started)
    told.error.reset();
  Op& op = records_[outcome.id].ops[found->second];
  request.open.erase(found);
  op.verdict = verdict_of(op.asked, told);
  // Of what may still take effect no end is known.
  op.clouded = world_.splits->cloudy();
  op.in_split = op.in_split || op.clouded;
  if (op.verdict != Verdict::unknown && !op.clouded) op.answered = world_.now();
  if (told.error && told.error->code == Errc::partitioned) ++world_.counts.partitioned;
  judge(node, outcome.id, op, told);
}

// ---- judging answers -----------------------------------------------------------------------------------

void Ledger::judge(std::size_t node, const ChildId& id, const Op& op, const core::Outcome& outcome) {
  // Each side answers by what it knows. But where only one of them goes on, what it has stopped is gone.
  if (op.clouded) {
    if (op.verdict == Verdict::ok && op.stops() && ends_in_time_behind_a_split())
      judge_that_it_is_gone(node, id, op);
    return;
  }
  const Duration now = world_.now();
  const bool missing = outcome.error && outcome.error->code == Errc::no_such_child;
  if (missing && certainly_exists(id, op.invoked, now))
    world_.violate(
        "answers", &id,
        fmt::format("{}: no such child, but it was started and never stopped", to_string(op.asked)));
  if (op.verdict == Verdict::ok && (op.stops() || op.finds()) && certainly_stopped(id, op.invoked, now))
    world_.violate("answers", &id,
                   fmt::format("{}: ok, but it was stopped and never started again", to_string(op.asked)));
  if (op.verdict == Verdict::ok && op.starts()) judge_start(node, id, op);
  if (op.verdict == Verdict::ok && op.stops()) judge_stop(node, id, op);
  if (outcome.host) judge_place(id, op, outcome);
}

/// Members that still run: of one that died a moment ago that node has not heard yet, and it may have been
/// the only other one with the row.
std::size_t Ledger::up_members(std::size_t node) const {
  const core::Core& core = *world_.nodes[node].core;
  const auto names = core.up_nodes();
  return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const NodeName& name) {
    const SimNode& member = world_.nodes[world_.index_of(name)];
    // Of a session that has ended in this step the view still knows.
    const core::Member* known = core.member(name);
    return known && member.state != SimNode::State::off && member.creation == known->session.creation;
  }));
}

/// No request of the other kind could have had an effect since that one was made, and no node was lost.
bool Ledger::undisturbed(const ChildId& id, const Op& op, bool by_stops) const {
  const Record& record = records_.at(id);
  if (record.void_now || losses_ != op.losses_before || world_.catalog.of(id).ends_by_itself()) return false;
  return std::none_of(record.ops.begin(), record.ops.end(), [&](const Op& other) {
    const bool disturbs = by_stops ? other.stops() : other.starts();
    return disturbs && other.may_have_effect() && other.answered >= op.invoked;
  });
}

void Ledger::judge_start(std::size_t node, const ChildId& id, const Op& op) {
  if (op.asked == Asked::start) {
    if (certainly_exists(id, op.invoked, world_.now()))
      world_.violate("answers", &id, "start: ok, but it existed already");
    judge_two_starts(id, op);
  }
  if (up_members(node) < 2 || !undisturbed(id, op, true)) return;
  const auto holders = std::count_if(world_.nodes.begin(), world_.nodes.end(), [&](const SimNode& one) {
    return one.core && one.core->spec(id) != nullptr;
  });
  if (holders < 2)
    world_.violate(
        "acknowledged", &id,
        fmt::format("{} is answered ok, but {} node(s) hold its row", to_string(op.asked), holders));
  if (op.asked == Asked::start && world_.processes->lives(id).empty())
    world_.violate("acknowledged", &id, "start is answered ok, but it never ran");
}

void Ledger::judge_two_starts(const ChildId& id, const Op& op) {
  const Record& record = records_.at(id);
  if (record.void_now || world_.catalog.of(id).ends_by_itself()) return;
  for (const Op& other : record.ops) {
    if (&other == &op || other.asked != Asked::start || other.verdict != Verdict::ok ||
        other.invoked <= record.void_until)
      continue;
    const Duration from = std::min(op.invoked, other.invoked);
    const bool stopped_between = std::any_of(record.ops.begin(), record.ops.end(), [&](const Op& stop) {
      return may_stop(stop) && stop.answered >= from;
    });
    if (!stopped_between)
      world_.violate(
          "answers", &id,
          fmt::format("two starts of it (clients {} and {}) were both answered ok", other.client, op.client));
  }
}

/// Where the takeover delay is what the other side may need at most. Nodes that sleep, or whose steps
/// take long, need more.
bool Ledger::ends_in_time_behind_a_split() const {
  const Profile& profile = world_.profile;
  return profile.partition != Partition::divergence && !profile.takeover_delay &&
         !profile.has(Fault::pause) && !profile.has(Fault::busy);
}

/// It was started for a request that was under way when the stop was asked for. Where each side of a split
/// saw one of them, the start may come behind the stop.
bool Ledger::belongs_to_later(const ChildId& id, const Op& stop, const Process& process) const {
  const auto& ops = records_.at(id).ops;
  return std::any_of(ops.begin(), ops.end(), [&](const Op& start) {
    return start.starts() && start.invoked <= process.from && start.answered > stop.invoked &&
           start.verdict != Verdict::refused;
  });
}

void Ledger::judge_that_it_is_gone(std::size_t node, const ChildId& id, const Op& op) {
  // What is ready and not open runs for nobody, and ends when the word on that reaches it.
  for (const Process* process : world_.processes->of(id))
    if (process->from < op.invoked && !process->prepared && world_.nodes[process->node].acts() &&
        !split_excused_ &&
        !(op.clouded && (process->stopping || world_.promise->are_strangers(node, process->node) ||
                         belongs_to_later(id, op, *process))))
      world_.violate("answers", &id,
                     "stop: ok, but it still runs on " + world_.nodes[process->node].name.text());
}

void Ledger::judge_stop(std::size_t node, const ChildId& id, const Op& op) {
  judge_that_it_is_gone(node, id, op);
  if (up_members(node) < 2 || !undisturbed(id, op, false)) return;
  const auto knowing = std::count_if(world_.nodes.begin(), world_.nodes.end(), [&](const SimNode& one) {
    return one.core && (one.core->spec(id) == nullptr || !one.core->spec(id)->wanted);
  });
  if (knowing < 2)
    world_.violate("acknowledged", &id,
                   fmt::format("stop is answered ok, but {} node(s) know of it", knowing));
}

/// A pid that is told must be, or a moment ago have been, a process of that child.
void Ledger::judge_place(const ChildId& id, const Op& op, const core::Outcome& outcome) {
  if (outcome.pid == core::ProcessId{}) return;  // it has none yet
  // What the coordinator knows is as old as a message; of a node that is stopped nothing new is heard.
  const bool paused = std::any_of(world_.nodes.begin(), world_.nodes.end(),
                                  [](const SimNode& node) { return node.pauses != 0; });
  // A node that is busy comes to each message with its next long step, and to the end of a child behind all
  // that it has to look at before, some of it in each of these; where changes come by any way it takes
  // several to miss one and to ask for it. Nothing bounds that more closely.
  const bool busy = world_.profile.has(Fault::busy);
  const Duration since = op.invoked - (paused || busy ? Duration(20s) : Duration(2s));
  const auto& lives = world_.processes->lives(id);
  const bool found = std::any_of(lives.begin(), lives.end(), [&](const Life& life) {
    return world_.nodes[life.node].name == outcome.host->node && life.creation == outcome.host->creation &&
           life.pid == outcome.pid && life.to >= since;
  });
  if (!found) world_.violate("answers", &id, "no such process was there at that time: " + describe(outcome));
}

// ---- certainty -----------------------------------------------------------------------------------------

bool Ledger::known_before(const Record& record, const Op& ensure) const {
  return std::any_of(record.ops.begin(), record.ops.end(), [&](const Op& op) {
    return op.starts() && op.verdict == Verdict::ok && op.answered <= ensure.invoked &&
           op.invoked > record.void_until;
  });
}

bool Ledger::certainly_exists(const ChildId& id, Duration from, Duration to) const {
  const auto found = records_.find(id);
  if (found == records_.end() || found->second.void_now || world_.catalog.of(id).ends_by_itself())
    return false;
  const Record& record = found->second;
  return std::any_of(record.ops.begin(), record.ops.end(), [&](const Op& start) {
    if (!start.starts() || start.verdict != Verdict::ok || start.answered >= from ||
        start.invoked <= record.void_until)
      return false;
    return std::none_of(record.ops.begin(), record.ops.end(), [&](const Op& stop) {
      if (&stop == &start || !may_stop(stop) || stop.invoked > to) return false;
      // An ensure finds a stopped child as it is: any stop before it counts too.
      return start.asked == Asked::ensure || stop.answered >= start.invoked;
    });
  });
}

bool Ledger::certainly_stopped(const ChildId& id, Duration from, Duration to) const {
  const auto found = records_.find(id);
  if (found == records_.end() || found->second.void_now) return false;
  const Record& record = found->second;
  return std::any_of(record.ops.begin(), record.ops.end(), [&](const Op& stop) {
    if (!stop.stops() || stop.verdict != Verdict::ok || stop.answered >= from ||
        stop.invoked <= record.void_until)
      return false;
    return std::none_of(record.ops.begin(), record.ops.end(), [&](const Op& start) {
      if (!start.starts() || !start.may_have_effect() || start.invoked > to) return false;
      // A node that starts anew behind a split does not know that it was ever there.
      if (start.asked == Asked::ensure && known_before(record, start) && !start.in_split) return false;
      return start.answered >= stop.invoked;
    });
  });
}

}  // namespace brood::sim

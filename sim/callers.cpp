#include "sim/callers.hpp"

#include <algorithm>

#include "flow/meant_instance.hpp"
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

using flow::CallStep;
using Child = flow::CallSight::Child;

namespace {

/// As the router has it.
constexpr Duration connection_pause = 100ms;
/// As a core asks again.
constexpr Duration lookup_pause = 500ms;
/// How often a process that handles nothing right now is looked at.
constexpr Duration handler_pause = 10ms;
/// Steps that a call may take at one time. Each is for something that has changed.
constexpr std::uint32_t steps_at_once_max = 50;

constexpr std::array<std::string_view, 15> step_names{
    "ask",          "wait_for_host",    "wait_for_next",     "ask_coordinator",
    "wait_for_row", "supervisor_ended", "no_answer_in_time", "partitioned",
    "given_up",     "node_left",        "no_such_child",     "nobody_said",
    "refused",      "cut_off",          "not_in_time"};

flow::InstanceSight sight_of(const core::Known::Seen& seen) {
  const core::Instance& one = *seen.instance;
  const bool has_process = one.pid != core::ProcessId{};
  return {has_process, has_process && (one.phase == core::Phase::running || one.phase == core::Phase::stuck),
          one.role == core::Role::active, one.phase == core::Phase::moved};
}

const core::Known::Seen* nearest(const core::Known& known, const NodeName& here) {
  return flow::nearest_instance(known.instances, sight_of,
                                [&](const core::Known::Seen& seen) { return seen.host->node == here; });
}

}  // namespace

Callers::Callers(World& world)
    : world_(world), random_(world.options.seed ^ 0x63616c6c), asked_(world.nodes.size()) {}

// ---- making them -----------------------------------------------------------------------------------------

void Callers::call_some() {
  for (std::size_t node = 0; node < world_.nodes.size(); ++node)
    if (world_.nodes[node].running() && random_.chance(500))
      begin(node, random_.pick(world_.catalog.ids()), false);
}

void Callers::call_all(std::size_t node) {
  // One that may run on no node there is waits for such a node.
  const core::Core& core = *world_.nodes[node].core;
  for (const ChildId& id : world_.catalog.ids())
    if (world_.ledger->certainly_exists(id, world_.now(), world_.now()) && !core.placement(id).empty())
      begin(node, id, true);
}

void Callers::begin(std::size_t node, const ChildId& id, bool is_last) {
  const core::SpecRow* row = world_.nodes[node].core->spec(id);
  if (row != nullptr && row->spec->is_program()) return;
  Call call;
  call.number = ++last_;
  call.id = id;
  call.node = node;
  call.incarnation = world_.nodes[node].incarnation;
  call.began = world_.now();
  call.until = world_.now() + (is_last ? Duration(10s) : random_.between(Duration(100ms), Duration(10s)));
  call.is_last = is_last;
  call.was_cloudy = world_.splits->cloudy();
  for (const Process* process : world_.processes->of(id))
    call.ran = call.ran || world_.processes->handles(*process);
  Call& kept = calls_.emplace(call.number, std::move(call)).first->second;
  const Number number = kept.number;
  world_.timeline.at(kept.until, [this, number, node, incarnation = kept.incarnation] {
    world_.driver->when_awake(node, incarnation, [this, number, node] {
      Call* late = find(number);
      if (late == nullptr) return;
      if (late->waits == Waits::for_answer) return answered(node, {number, late->question}, Result::timeout);
      if (late->waits == Waits::for_lookup)
        return go_on(*late, late->route.looked_up(look(*late).what, flow::CallRoute::Found::no_word),
                     look(*late));
      waited(*late, false);
    });
  });
  const Sight sight = look(kept);
  go_on(kept, kept.route.attempt(sight.what), sight);
}

Callers::Sight Callers::look(const Call& call) const {
  Sight sight;
  const SimNode& node = world_.nodes[call.node];
  const core::Core& core = *node.core;
  sight.what.left = core.self().state == core::MemberState::left;
  sight.what.in_time = world_.now() < call.until;
  sight.what.partitioned = core.partitioned();
  core::Known known;
  core.look_up(call.id, known);
  if (known.row == nullptr || !known.row->wanted) return sight;
  sight.what.given_up = known.row->trouble->failed;
  const core::Known::Seen* seen = nearest(known, node.name);
  if (seen == nullptr) {
    sight.what.child = Child::nowhere;
    return sight;
  }
  sight.host = world_.index_of(seen->host->node);
  sight.pid = seen->instance->pid;
  sight.epoch = seen->instance->epoch.clock;
  const bool in_reach =
      *sight.host == call.node || sight.what.left || world_.network->connected(call.node, *sight.host);
  sight.what.child = in_reach ? Child::in_reach : Child::cut_off;
  return sight;
}

void Callers::go_on(Call& call, CallStep step, const Sight& sight, core::Hlc not_epoch) {
  call.was_cloudy = call.was_cloudy || world_.splits->cloudy();
  call.steps_at_once = call.stepped_at == world_.now() ? call.steps_at_once + 1 : 0;
  call.stepped_at = world_.now();
  if (call.steps_at_once > steps_at_once_max)
    return world_.violate("calls", &call.id,
                          "a call to it takes one step after the other, and no time passes");
  ++call.step;
  call.waits = Waits::for_nothing;
  if (flow::ends(step)) return end(call, step);
  world_.marks.hit(fmt::format("call: {}", step_names.at(static_cast<std::size_t>(step))));
  switch (step) {
    case CallStep::ask:
      return ask(call, sight);
    case CallStep::wait_for_host:
      return wait(call, Waits::for_host, std::min(call.until, world_.now() + connection_pause), sight.epoch);
    case CallStep::wait_for_next:
      return wait(call, Waits::for_next, call.until, not_epoch);
    case CallStep::ask_coordinator:
      return look_up(call);
    default:
      return wait(call, Waits::for_row, call.until, core::Hlc{});
  }
}

// ---- waiting ---------------------------------------------------------------------------------------------

// Whether what is waited for has come (true), or never will (false).
std::optional<bool> Callers::is_over(Call& call) const {
  core::Known known;
  world_.nodes[call.node].core->look_up(call.id, known);
  const core::Known::Seen* seen = flow::running_instance(known.instances, sight_of);
  const bool wanted = known.row != nullptr && known.row->wanted;
  return call.wait.look({wanted, wanted && known.row->trouble->failed,
                         seen != nullptr && seen->instance->epoch.clock != call.not_epoch});
}

void Callers::wait(Call& call, Waits what, Duration until, core::Hlc not_epoch) {
  call.waits = what;
  call.not_epoch = not_epoch;
  using Row = flow::ChildWait::Row;
  call.wait = flow::ChildWait(what == Waits::for_row ? Row::may_come : Row::is_here);
  if (const auto over = is_over(call)) return waited(call, *over);
  if (until >= call.until) return;  // its time-out sees to that
  world_.timeline.at(until, [this, number = call.number, step = call.step, node = call.node,
                             incarnation = call.incarnation] {
    world_.driver->when_awake(node, incarnation, [this, number, step] {
      if (Call* late = find(number, step)) waited(*late, false);
    });
  });
}

void Callers::waited(Call& call, bool runs) {
  const Sight sight = look(call);
  switch (call.waits) {
    case Waits::for_host:
      return go_on(call, call.route.host_waited(sight.what), sight);
    case Waits::for_next:
      return go_on(call, call.route.waited(sight.what, runs), sight);
    default:
      return go_on(call, call.route.waited_for_row(sight.what), sight);
  }
}

void Callers::changed(std::size_t node, const std::vector<ChildId>& ids) {
  if (calls_.empty() || ids.empty()) return;
  std::vector<std::pair<Number, bool>> over;
  for (auto& [number, call] : calls_) {
    if (call.node != node || call.waits < Waits::for_host || call.waits == Waits::for_lookup) continue;
    if (std::find(ids.begin(), ids.end(), call.id) == ids.end()) continue;
    if (const auto runs = is_over(call)) over.emplace_back(number, *runs);
  }
  for (const auto& [number, runs] : over)
    if (Call* call = find(number)) waited(*call, runs);
}

// The coordinator answers by its table, as it does to a lookup of a client, which the ledger judges; and who
// coordinates is asked again when no answer comes.
void Callers::look_up(Call& call) {
  call.waits = Waits::for_lookup;
  world_.timeline.after(lookup_pause, [this, number = call.number, step = call.step, from = call.node,
                                       incarnation = call.incarnation] {
    world_.driver->when_awake(from, incarnation, [this, number, step] {
      if (Call* waiting = find(number, step)) look_up(*waiting);
    });
  });
  const SimNode& node = world_.nodes[call.node];
  const auto coordinator = node.core->node_for(call.id);
  if (!coordinator) return;
  const std::size_t to = world_.index_of(*coordinator);
  travel(call.node, to, [this, number = call.number, step = call.step, from = call.node, to, id = call.id] {
    const core::SpecRow* row = world_.nodes[to].core->spec(id);
    const bool found = row != nullptr && row->wanted;
    travel(to, from, [this, number, step, found] {
      Call* waiting = find(number, step);
      if (waiting == nullptr) return;
      const Sight sight = look(*waiting);
      go_on(*waiting,
            waiting->route.looked_up(sight.what,
                                     found ? flow::CallRoute::Found::yes : flow::CallRoute::Found::refused),
            sight);
    });
  });
}

// ---- one attempt -----------------------------------------------------------------------------------------

void Callers::travel(std::size_t from, std::size_t to, Job job) {
  const Duration delay = from == to ? Duration(1us) : random_.between(Duration(50us), Duration(3ms));
  const auto passes = [this, from, to] {
    return from == to || (world_.network->connected(from, to) && world_.splits->reach(from, to));
  };
  if (!passes()) return;
  const std::uint64_t incarnation = world_.nodes[to].incarnation;
  world_.timeline.after(delay, [this, passes, to, incarnation, job = std::move(job)]() mutable {
    if (passes()) world_.driver->when_awake(to, incarnation, std::move(job));
  });
}

void Callers::ask(Call& call, const Sight& sight) {
  const bool direct = *sight.host == call.node;
  call.waits = Waits::for_answer;
  call.not_epoch = sight.epoch;
  call.question = ++last_question_;
  asked_[call.node].add(call.question, {call.number, direct ? std::nullopt : sight.host});
  const auto arrives = [this, from = Reference{call.number, call.question}, node = *sight.host,
                        pid = sight.pid, id = call.id, direct] {
    if (direct) return arrive(from, node, pid);
    // The node that is asked looks for itself: only an instance of its own will do.
    core::Known known;
    world_.nodes[node].core->look_up(id, known);
    const core::Known::Seen* seen = nearest(known, world_.nodes[node].name);
    if (seen == nullptr || seen->host->node != world_.nodes[node].name)
      return reply(from, node, Result::nobody_saw_it);
    arrive(from, node, seen->instance->pid);
  };
  travel(call.node, *sight.host, arrives);
}

// At the process with that pid, or where it has departed to.
void Callers::arrive(Reference from, std::size_t node, core::ProcessId pid) {
  const Call* call = find(from.call);
  if (call == nullptr) return;
  for (const Process* process : world_.processes->of(call->id)) {
    if (process->node != node || process->pid != pid) continue;
    in_process_[process->serial].push_back({from});
    return handle(from, process->serial);
  }
  const auto forward = forwards_.find({node, world_.nodes[node].creation, pid});
  if (forward == forwards_.end() || forward->second.until < world_.now())
    return reply(from, node, Result::nobody_saw_it);
  world_.marks.hit("call: passed on by one that has departed");
  pass_on(from, node, forward->second);
}

// By what has taken the place of a process that has departed. Its node watches for callers of its own.
void Callers::pass_on(Reference from, std::size_t node, const Forward& to) {
  const Call* const call = find(from.call);
  if (call != nullptr && call->node == node && to.node != node)
    if (Question* const waiting = asked_[node].find(from.number)) {
      waiting->node = to.node;
      world_.marks.hit("call: waits for the node to which it was passed on");
    }
  travel(node, to.node, [this, from, to = to] { arrive(from, to.node, to.pid); });
}

// Whichever attempt brought it: one that its caller has given up is handled too.
void Callers::handle(Reference from, std::uint64_t serial) {
  Call* call = find(from.call);
  const Process* process = world_.processes->with(serial);
  Mail* mail = find_mail(serial, from);
  if (call == nullptr || process == nullptr || mail == nullptr) return;
  if (!world_.processes->handles(*process)) {
    world_.timeline.after(handler_pause, [this, from, serial] { handle(from, serial); });
    return;
  }
  if (call->was_handled) return world_.violate("calls", &call->id, "a call to it is handled a second time");
  call->was_handled = true;
  mail->begun = true;
  world_.timeline.after(random_.chance(500) ? Duration(0) : random_.between(Duration(1us), Duration(5ms)),
                        [this, from, serial] {
                          const Process* done = world_.processes->with(serial);
                          if (find_mail(serial, from) == nullptr || done == nullptr) return;
                          std::vector<Mail>& all = in_process_.at(serial);
                          std::erase_if(all, [&](const Mail& one) { return one.from == from; });
                          if (all.empty()) in_process_.erase(serial);
                          reply(from, done->node, Result::ok);
                        });
}

Callers::Mail* Callers::find_mail(std::uint64_t serial, Reference from) {
  const auto at = in_process_.find(serial);
  if (at == in_process_.end()) return nullptr;
  const auto found =
      std::find_if(at->second.begin(), at->second.end(), [&](const Mail& one) { return one.from == from; });
  return found == at->second.end() ? nullptr : &*found;
}

void Callers::reply(Reference from, std::size_t node, Result result) {
  const Call* call = find(from.call);
  if (call == nullptr) return;
  travel(node, call->node, [this, from, result, to = call->node] { answered(to, from, result); });
}

// By an instance, or by the time-out: the first counts.
void Callers::answered(std::size_t node, Reference from, Result result) {
  const auto question = asked_[node].take(from.number);
  if (!question) return world_.marks.hit("call: an answer that nobody waits for");
  if (Call* const call = find(question->call)) answered(*call, result);
}

void Callers::answered(Call& call, Result result) {
  const bool again = world_.has(Plant::call_again) && result == Result::ended;
  if (result != Result::nobody_saw_it && !again) return end(call, result);
  const core::Hlc epoch = call.not_epoch;
  const Sight sight = look(call);
  go_on(call, call.route.nobody_saw_it(sight.what), sight, epoch);
}

// ---- what comes and goes ---------------------------------------------------------------------------------

void Callers::departs(const Process& process, const core::Depart& depart) {
  const std::size_t to = world_.index_of(depart.host.node);
  const Forward forward{to, depart.pid, world_.now() + 30s};
  forwards_[{process.node, process.creation, process.pid}] = forward;
  const auto at = in_process_.find(process.serial);
  if (at == in_process_.end()) return;
  const auto all = std::move(at->second);
  in_process_.erase(at);
  for (const auto& [from, begun] : all) {
    // It was frozen when its handler had ended: nobody saw what waits behind that one.
    if (begun)
      reply(from, process.node, Result::ok);
    else
      pass_on(from, process.node, forward);
  }
}

void Callers::ends(const Process& process) {
  const auto at = in_process_.find(process.serial);
  if (at == in_process_.end()) return;
  const auto all = std::move(at->second);
  in_process_.erase(at);
  // One that is told to end ends between two handlers, unless it is killed.
  const bool in_order = process.stopping && !world_.catalog.of(process.id).brutal;
  const Result of_begun = in_order ? Result::ok : Result::ended;
  for (const auto& [from, begun] : all) reply(from, process.node, begun ? of_begun : Result::nobody_saw_it);
}

void Callers::connection_lost(std::size_t node, std::size_t peer) {
  for (const Question& lost : asked_[node].take_those_of(peer))
    if (Call* const call = find(lost.call)) answered(*call, Result::unreachable);
}

void Callers::node_gone(std::size_t node) {
  asked_[node] = {};
  std::erase_if(calls_, [node](const auto& one) { return one.second.node == node; });
  std::erase_if(forwards_, [node](const auto& one) { return std::get<0>(one.first) == node; });
}

// ---- judging ---------------------------------------------------------------------------------------------

bool Callers::only_planned() const {
  return std::all_of(world_.profile.faults.begin(), world_.profile.faults.end(),
                     [](Fault fault) { return fault == Fault::leave; });
}

void Callers::end(Call& call, CallStep how) {
  const bool certain = world_.ledger->certainly_exists(call.id, call.began, world_.now());
  if (how == CallStep::no_such_child && certain && !call.was_cloudy && !world_.splits->cloudy())
    world_.violate("calls", &call.id,
                   "a call is told that there is no such child, but it was started and never stopped");
  judge(call, false, step_names.at(static_cast<std::size_t>(how)));
}

void Callers::end(Call& call, Result how) {
  if (how == Result::ok && !call.was_handled)
    world_.violate("calls", &call.id, "a call is answered, and nobody has handled it");
  constexpr std::array<std::string_view, 5> names{"ok", "nobody saw it", "ended", "unreachable", "timeout"};
  judge(call, how == Result::ok, names.at(static_cast<std::size_t>(how)));
}

// The last: the call is gone then.
void Callers::judge(const Call& call, bool ok, std::string_view how) {
  world_.marks.hit(fmt::format("call: ends with {}", how));
  const Character& character = world_.catalog.of(call.id);
  const bool behaves = world_.healed || character.kind == Kind::steady || character.kind == Kind::slow;
  const bool must = call.is_last || (only_planned() && behaves && call.ran && !call.was_cloudy &&
                                     call.until - call.began > 8s);
  if (!ok && must && character.can_run() && !character.ends_by_itself() &&
      world_.ledger->certainly_exists(call.id, call.began, world_.now()))
    world_.violate("calls", &call.id,
                   fmt::format("a call from {} fails ({}), though nothing else did",
                               world_.nodes[call.node].name.text(), how));
  calls_.erase(call.number);
}

Callers::Call* Callers::find(Number number) {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : &found->second;
}

Callers::Call* Callers::find(Number number, std::uint64_t step) {
  Call* call = find(number);
  return call != nullptr && call->step == step ? call : nullptr;
}

}  // namespace brood::sim

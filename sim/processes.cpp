#include "sim/processes.hpp"

#include "sim/callers.hpp"
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

Processes::Processes(World& world)
    : world_(world), random_(world.random.fork()), caller_(world.options.seed ^ 0x63616c6c) {}

Process* Processes::find(std::uint64_t serial) {
  return live_.find(serial);
}

/// The job runs with the process, if both are still there, and not while its node is stopped.
void Processes::later(const Process& process, Duration delay, std::function<void(Process&)> job) {
  const std::uint64_t serial = process.serial;
  const std::uint64_t incarnation = process.incarnation;
  world_.timeline.after(delay, [this, serial, incarnation, node = process.node, job = std::move(job)] {
    world_.driver->when_awake(node, incarnation, [this, serial, job] {
      if (Process* alive = find(serial)) job(*alive);
    });
  });
}

// ---- starting ------------------------------------------------------------------------------------------

Process& Processes::add(std::size_t index, const ChildId& id, const core::SpecPtr& spec,
                        const core::Epoch& epoch) {
  SimNode& node = world_.nodes[index];
  Process process;
  process.serial = process.lineage = ++serials_;
  process.node = index;
  process.incarnation = node.incarnation;
  process.creation = node.creation;
  process.id = id;
  process.spec = spec;
  process.epoch = epoch;
  process.pid = {++node.next_pid, 0};
  if (const core::SpecRow* row = node.core->spec(id)) process.birth = row->birth;
  process.from = world_.now();
  if (follows() && !spec->is_program())
    process.follow.emplace(world_.profile.copies.follow == Copies::Follow::each_call, id);
  by_id_[id].push_back(process.serial);
  lives_[id].push_back({index, node.creation, process.pid, world_.now(), Duration::max()});
  return live_.add(std::move(process));
}

void Processes::start(std::size_t index, const core::Start& start) {
  SimNode& node = world_.nodes[index];
  const ChildId& id = start.id;
  ++world_.counts.starts;
  ++moves_;
  if (const Process* other = on(index, id); other != nullptr && !other->told_gone) {
    world_.violate("overlap", &id, "a second process of it is started on " + node.name.text());
    return;
  }
  // It begins anew: the node that had it is given up.
  if (const auto others = by_id_.find(id); others != by_id_.end() && !world_.profile.copies.several())
    for (const std::uint64_t serial : others->second) answered_.erase(find(serial)->lineage);
  const Process& kept = add(index, id, start.spec, start.epoch);
  find(kept.serial)->role = start.role.value_or(core::Role::active);
  find(kept.serial)->first_state = start.state;
  check(id);
  const bool slow = world_.catalog.of(id).kind == Kind::slow && !world_.healed;
  Duration takes = slow ? random_.between(1s, 3s) : random_.between(Duration(10us), Duration(20ms));
  // Every other one as quick as a worker that only allocates: within the time that its change may wait.
  if (!slow && takes.count() % 2 == 0) takes = Duration(10us) + takes % Duration(300us);
  if (world_.has(Plant::chance)) takes += Duration(world_.options.salt);
  later(kept, takes, [this](Process& starting) { started(starting); });
}

void Processes::started(Process& process) {
  const Kind kind = world_.healed ? Kind::steady : world_.catalog.of(process.id).kind;
  if (kind == Kind::unstartable || (kind == Kind::flaky && random_.chance(300))) return fail_start(process);
  if (kind == Kind::poison && random_.chance(700)) return take_node_down(process);
  if (process.stopping && random_.chance(500)) {  // told to end before it had begun
    end(process, true, "shutdown");
    return;
  }
  process.running = true;
  if (process.stopping)
    later(process, stop_time(process), [this](Process& stopping) { end(stopping, true, "shutdown"); });
  else
    begin_life(process);
  // What is told the core may be the end of the process.
  const std::size_t node = process.node;
  core::Started told{process.id, process.epoch, process.pid, 0, true};
  if (process.follow && process.role == core::Role::active) lead(process, process.first_state);
  world_.driver->post(node, std::move(told));
}

// ---- roles ---------------------------------------------------------------------------------------------

void Processes::set_role(std::size_t node, const core::SetRole& change) {
  const auto found = by_id_.find(change.id);
  if (found == by_id_.end()) return;
  for (const std::uint64_t serial : found->second) {
    Process& process = *find(serial);
    if (process.node != node || process.epoch != change.epoch) continue;
    if (process.prepared) {  // it is told when it is opened
      process.role = change.role;
      return;
    }
    process.to_tell.emplace_back(change.role, change.state);
    if (change.role == core::Role::passive) disturb(process);
    later(process, random_.between(Duration(1us), Duration(10ms)), [this](Process& it) { tell_role(it); });
    return;
  }
}

/// Behind what it does right now: its start, or a handler that blocks.
void Processes::tell_role(Process& process) {
  if (!process.running || process.stuck || (process.follow && process.follow->is_handling)) {
    later(process, random_.between(10ms, 100ms), [this](Process& it) { tell_role(it); });
    return;
  }
  const auto [role, state] = process.to_tell.front();
  process.to_tell.erase(process.to_tell.begin());
  if (role == core::Role::active || !world_.has(Plant::deaf_role)) process.role = role;
  world_.trace.line_of(process.id, "{} on {} is {}", process.id.text(),
                       world_.nodes[process.node].name.text(), core::to_string(process.role));
  if (role == core::Role::passive) {
    const std::size_t node = process.node;
    core::RoleTaken told{process.id, process.epoch};
    give_role_back(process);
    return world_.driver->post(node, std::move(told));
  }
  check_roles(process.id);
  if (process.follow) lead(process, state);
}

void Processes::check_roles(const ChildId& id) {
  if (!world_.profile.copies.roles || world_.ledger->split_excused() || world_.splits->cloudy()) return;
  const Process* first = nullptr;
  for (const Process* process : of(id)) {
    if (process->prepared || process->role != core::Role::active || !world_.nodes[process->node].acts())
      continue;
    if (process->stuck && process->stopping) continue;
    if (first != nullptr) {
      world_.violate("role", &id,
                     fmt::format("it is active on {} and on {}", world_.nodes[first->node].name.text(),
                                 world_.nodes[process->node].name.text()));
      return;
    }
    first = process;
  }
}

/// It runs where it could be active, and no process of it is, nor may go on as such.
bool Processes::lacks_a_leader(const ChildId& id) const {
  bool runs = false;
  for (const Process* process : of(id)) {
    if (process->role == core::Role::active || process->stuck) return false;
    const SimNode& node = world_.nodes[process->node];
    const core::SpecRow* row = node.core->spec(id);
    runs = runs || (process->running && !process->stopping && node.acts() && row != nullptr && row->wanted);
  }
  return runs;
}

void Processes::look_for_leaders() {
  /// The longest that a silent member is waited for, a view, and what is said about it.
  // Where the partition strategy locks, as long again as a part that is locked may have its children run.
  const bool locks = world_.profile.partition != Partition::divergence;
  // A claim is granted when all members hold it. One that has fallen behind takes in the table that is on its
  // way first; then its word waits until its own table is there, and it may have begun to send that before it
  // had heard of the claim: so three tables in a row, whichever way changes travel. Their portions are a row
  // or two here, four of them are under way, and a busy node comes to each with its next long step: in seed
  // 723434 tables of thirty rows took up to sixteen seconds.
  const bool crawls = world_.profile.has(Fault::busy) && world_.profile.portions;
  const Duration bound =
      20s + (locks ? world_.profile.takeover_delay.value_or(12s + world_.profile.stop_max) : 0s) +
      (crawls ? 40s : 0s);
  if (!world_.profile.copies.roles) return;
  if (world_.splits->cloudy()) return leaderless_.clear();
  const Counts& counts = world_.counts;
  const std::uint64_t disturbances =
      counts.crashes + counts.pauses + counts.breaks + counts.leaves + counts.boots;
  if (disturbances != disturbances_) leaderless_.clear();
  disturbances_ = disturbances;
  for (const auto& [id, serials] : by_id_) {
    if (!lacks_a_leader(id)) {
      leaderless_.erase(id);
      continue;
    }
    const auto [since, added] = leaderless_.try_emplace(id, world_.now());
    if (world_.now() - since->second < bound) continue;
    world_.violate("role", &id, fmt::format("it runs, and nobody is active since {} s", bound / 1s));
    return;
  }
}

void Processes::fail_start(Process& process) {
  core::StartFailed failed{process.id, process.epoch, "bad_argument",
                           encode_term(Term::atom("bad_argument")).octets()};
  const std::size_t node = process.node;
  erase(process.serial);
  world_.driver->post(node, std::move(failed));
}

void Processes::begin_life(Process& process) {
  if (world_.healed) return;
  if (world_.has(Plant::needless_stop))
    later(process, 3s, [this](Process& it) { stop(it.node, core::Stop{it.id, it.epoch, {}, {}}); });
  const auto end_after = [&](Duration delay, bool normal, const std::string& reason) {
    later(process, delay, [this, normal, reason](Process& ending) {
      if (!ending.stopping && !world_.healed) end(ending, normal, reason);
    });
  };
  switch (world_.catalog.of(process.id).kind) {
    case Kind::looping:
      return end_after(random_.between(Duration(0), Duration(50ms)), false, "looping");
    case Kind::crashing:
      return end_after(random_.between(1s, 30s), false, "crashing");
    case Kind::finishing:
      return end_after(random_.between(2s, 60s), random_.chance(700), "finished");
    case Kind::poison:
      return later(process, random_.between(Duration(0), Duration(300ms)),
                   [this](Process& it) { take_node_down(it); });
    case Kind::stuck:
      return later(process, random_.between(1s, 20s), [this](Process& it) {
        if (world_.healed || it.stopping) return;
        it.stuck = it.hung = true;
        if (it.follow && !it.follow->is_handling) it.follow->enter();
        later(it, random_.between(3s, 40s), [this](Process& again) {
          if (!again.stuck) return;
          again.stuck = false;
          end_handler(again);
          const std::size_t node = again.node;
          core::StuckChanged change{again.id, again.epoch, false};
          if (again.stopping)
            later(again, stop_time(again), [this](Process& stopping) { end(stopping, true, "shutdown"); });
          else
            begin_life(again);
          world_.driver->post(node, std::move(change));
        });
        world_.driver->post(it.node, core::StuckChanged{it.id, it.epoch, true});
      });
    default:
      return;
  }
}

void Processes::take_node_down(Process& process) {
  if (world_.healed) return;
  const std::size_t node = process.node;
  const Character& character = world_.catalog.of(process.id);
  ++taken_down_[process.id];
  world_.trace.line_of(process.id, "{} takes {} down", process.id.text(), world_.nodes[node].name.text());
  if (character.obituary) world_.driver->step(node, core::Crashing{process.id, process.epoch});
  world_.driver->kill(node, character.obituary, "a child crashed it");
}

// ---- ending --------------------------------------------------------------------------------------------

void Processes::stop(std::size_t node, const core::Stop& stop) {
  ++world_.counts.stops;
  ++moves_;
  const auto found = by_id_.find(stop.id);
  if (found == by_id_.end()) return;
  for (const std::uint64_t serial : found->second) {
    Process& process = *find(serial);
    if (process.node != node || process.epoch != stop.epoch) continue;
    const bool at_once = !stop.shutdown.infinity && stop.shutdown.patience.count() == 0;
    if (process.stopping && !at_once) continue;
    if (!process.stopping) check_need(process);
    process.stopping = true;
    if (!process.frozen) answered_.erase(process.lineage);
    if (world_.has(Plant::deaf_stop) && random_.chance(200)) {
      process.told_gone = true;
      world_.driver->when_awake(node, process.incarnation, [this, node, id = stop.id, epoch = stop.epoch] {
        world_.timeline.after(1ms, [this, node, id, epoch] {
          world_.driver->post(node, core::Exited{id, epoch, true, "shutdown"});
        });
      });
      return;
    }
    if (process.running)
      later(process, stop_time(process, at_once), [this](Process& stopping) {
        if (!stopping.stuck) end(stopping, true, "shutdown");
      });
    return;
  }
}

Duration Processes::stop_time(const Process& process, bool killed) {
  const Character& character = world_.catalog.of(process.id);
  if (character.kind == Kind::slow && !world_.healed && !character.brutal && !killed)
    return random_.between(1s, 3s);
  return random_.between(Duration(10us), Duration(20ms));
}

void Processes::end(Process& process, bool normal, std::string reason) {
  const std::size_t node = process.node;
  const bool was_stopping = process.stopping;
  core::Exited exited{process.id, process.epoch, normal, std::move(reason)};
  const core::NamedSpec named{process.id, process.spec};
  const std::uint64_t incarnation = process.incarnation;
  if (!process.frozen) answered_.erase(process.lineage);
  erase(process.serial);
  if (world_.has(Plant::silent_death) && !was_stopping) return;
  world_.driver->post(node, std::move(exited));
  if (world_.has(Plant::undead) && was_stopping && random_.chance(200)) {
    world_.timeline.after(100ms, [this, node, named, incarnation] {
      world_.driver->when_awake(node, incarnation, [this, node, named] {
        if (on(node, named.id) == nullptr) start(node, core::Start{named.id, named.spec, {}, {}});
      });
    });
  }
}

void Processes::erase(std::uint64_t serial) {
  const Process& process = live_.at(serial);
  world_.callers->ends(process);
  auto& lives = lives_[process.id];
  const auto life = std::find_if(lives.rbegin(), lives.rend(), [&](const Life& one) {
    return one.node == process.node && one.creation == process.creation && one.pid == process.pid;
  });
  BROOD_CHECK(life != lives.rend(), "every process has its life on record");
  life->to = world_.now();
  std::vector<std::uint64_t>& all = by_id_[process.id];
  std::erase(all, serial);
  // Nobody is left who could know.
  const bool is_known = std::any_of(all.begin(), all.end(), [&](std::uint64_t other) {
    return live_.at(other).lineage == process.lineage;
  });
  if (!is_known) answered_.erase(process.lineage);
  live_.erase(serial);
}

void Processes::node_gone(std::size_t node) {
  node_hurt();
  std::vector<std::uint64_t> gone;
  live_.each([&](const Process& process) {
    if (process.node != node) return;
    gone.push_back(process.serial);
    // What was ready elsewhere may still hold it all, but need not.
    if (!process.prepared) answered_.erase(process.lineage);
  });
  for (const std::uint64_t serial : gone) erase(serial);
}

void Processes::crash(const ChildId& id, std::string reason) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.empty()) return;
  Process& process = *find(found->second.front());
  // What is ready to take over and ends is HotSwap's and Overlap's, in the tests of the core.
  if (process.running && !process.prepared && !process.stopping && world_.nodes[process.node].running())
    end(process, false, std::move(reason));
}

void Processes::heal() {
  live_.each([this](const Process& process) {
    if (!process.stuck) return;
    later(process, random_.between(Duration(0), Duration(2s)), [this](Process& it) {
      if (!it.stuck) return;
      it.stuck = false;
      end_handler(it);
      const std::size_t node = it.node;
      core::StuckChanged change{it.id, it.epoch, false};
      if (it.stopping)
        later(it, stop_time(it), [this](Process& stopping) { end(stopping, true, "shutdown"); });
      world_.driver->post(node, std::move(change));
    });
  });
}

// ---- hand-overs ----------------------------------------------------------------------------------------

Process* Processes::find(std::size_t node, const ChildId& id, const core::Epoch& epoch) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  for (const std::uint64_t serial : found->second)
    if (Process* process = find(serial); process->node == node && process->epoch == epoch) return process;
  return nullptr;
}

void Processes::carry_out(std::size_t node, const core::Freeze& freeze) {
  Process* process = find(node, freeze.id, freeze.epoch);
  if (process == nullptr) return;  // its Exited is on the way
  process->frozen = true;
  process->attempt = freeze.attempt;
  const bool fails = !world_.healed && random_.chance(50);
  later(*process, random_.between(Duration(10us), Duration(20ms)), [this, freeze, fails](Process& it) {
    if (!it.frozen || it.attempt != freeze.attempt) return;
    if (fails || it.stuck) {
      it.frozen = false;
      return world_.driver->post(it.node,
                                 core::FreezeFailed{freeze.id, freeze.epoch, freeze.attempt, "simulated"});
    }
    world_.driver->post(it.node, core::Frozen{freeze.id, freeze.epoch, freeze.attempt,
                                              fmt::format("{} {}", it.held, it.lineage)});
  });
}

void Processes::carry_out(std::size_t node, const core::Thaw& thaw) {
  if (Process* process = find(node, thaw.id, thaw.epoch)) process->frozen = false;
}

void Processes::carry_out(std::size_t node, const core::Prepare& prepare) {
  const ChildId& id = prepare.id;
  if (on(node, id) != nullptr) {
    world_.violate("overlap", &id, "a second process of it is prepared on " + world_.nodes[node].name.text());
    return;
  }
  Process& process = add(node, id, prepare.spec, prepare.epoch);
  process.prepared = true;
  process.role = prepare.role.value_or(core::Role::active);
  if (!prepare.parcel.empty()) {  // a program takes nothing along
    process.held = world_.has(Plant::lost_parcel) ? 0 : std::stoull(prepare.parcel);
    process.lineage = std::stoull(prepare.parcel.substr(prepare.parcel.find(' ') + 1));
  }
  const bool fails = !world_.healed && random_.chance(50);
  later(process, random_.between(Duration(10us), Duration(20ms)), [this, fails](Process& it) {
    if (fails) {
      core::PrepareFailed failed{it.id, it.epoch, "simulated"};
      const std::size_t where = it.node;
      erase(it.serial);
      return world_.driver->post(where, std::move(failed));
    }
    it.running = true;
    if (world_.has(Plant::early_open)) {
      it.prepared = false;
      check(it.id);
    }
    world_.driver->post(it.node, core::Prepared{it.id, it.epoch, it.pid, true});
  });
}

void Processes::carry_out(std::size_t node, const core::Open& open) {
  Process* process = find(node, open.id, open.epoch);
  if (process == nullptr || !process->prepared || !process->running) {
    world_.violate("handover", &open.id,
                   "what is opened on " + world_.nodes[node].name.text() + " is not ready");
    return;
  }
  process->prepared = false;
  ++world_.counts.handovers;
  ++moves_;
  if (const auto answered = answered_.find(process->lineage);
      answered != answered_.end() && process->held != answered->second && !world_.splits->cloudy())
    world_.violate("state", &open.id,
                   fmt::format("it goes on with {} on {}, but a caller was answered {}", process->held,
                               world_.nodes[node].name.text(), answered->second));
  begin_lineage_of_its_own(*process);
  check(open.id);
  check_roles(open.id);
  begin_life(*process);
}

// The one that it was made from may be there still, on a node that sleeps. Each answers by itself from here
// on.
void Processes::begin_lineage_of_its_own(Process& process) {
  const std::vector<std::uint64_t>& all = by_id_.at(process.id);
  const bool shares = std::any_of(all.begin(), all.end(), [&](std::uint64_t other) {
    return other != process.serial && live_.at(other).lineage == process.lineage;
  });
  if (!shares) return;
  const auto answered = answered_.find(std::exchange(process.lineage, process.serial));
  if (answered != answered_.end()) answered_.emplace(process.lineage, answered->second);
}

void Processes::carry_out(std::size_t node, const core::Discard& discard) {
  if (const Process* process = find(node, discard.id, discard.epoch)) erase(process->serial);
}

void Processes::carry_out(std::size_t node, const core::Depart& depart) {
  const Process* process = find(node, depart.id, depart.epoch);
  if (process == nullptr) return;
  if (!process->frozen)
    world_.violate("handover", &depart.id,
                   "it departs from " + world_.nodes[node].name.text() + " and is not frozen");
  const core::ProcessId pid = process->pid;
  world_.callers->departs(*process, depart);
  erase(process->serial);
  // Its pid passes on what comes, and is told to callers, until all members know the new one.
  for (Life& life : lives_[depart.id])
    if (life.node == node && life.pid == pid) life.to = world_.now() + 30s;
}

void Processes::call_some() {
  if (world_.splits->cloudy() || world_.ledger->split_excused()) kept_.clear();
  std::vector<std::uint64_t> called;
  live_.each([&](Process& process) {
    if (!handles(process) || !random_.chance(300)) return;
    if (!process.follow)
      answered_[process.lineage] = ++process.held;
    else if (!is_hushed_)
      called.push_back(process.serial);
  });
  for (const std::uint64_t serial : called)
    if (Process* process = find(serial)) call_followed(*process);
}

bool Processes::handles(const Process& process) const {
  return process.running && !process.spec->is_program() && !process.prepared && !process.frozen &&
         !process.stopping && !process.stuck && world_.nodes[process.node].acts();
}

// ---- looking -------------------------------------------------------------------------------------------

std::vector<const Process*> Processes::of(const ChildId& id) const {
  std::vector<const Process*> out;
  if (const auto found = by_id_.find(id); found != by_id_.end())
    for (const std::uint64_t serial : found->second) out.push_back(&live_.at(serial));
  return out;
}

const std::vector<Life>& Processes::lives(const ChildId& id) const {
  static const std::vector<Life> none;
  const auto found = lives_.find(id);
  return found == lives_.end() ? none : found->second;
}

std::size_t Processes::count_on(std::size_t node) const {
  std::size_t count = 0;
  live_.each([&](const Process& process) { count += process.node == node ? 1 : 0; });
  return count;
}

const Process* Processes::on(std::size_t node, const ChildId& id) const {
  for (const Process* process : of(id))
    if (process->node == node) return process;
  return nullptr;
}

std::uint32_t Processes::nodes_taken_down(const ChildId& id) const {
  const auto found = taken_down_.find(id);
  return found == taken_down_.end() ? 0 : found->second;
}

// ---- the checker of overlap ----------------------------------------------------------------------------

void Processes::check(const ChildId& id) {
  if (world_.ledger->split_excused() || world_.splits->cloudy()) return;
  if (world_.profile.copies.several()) return check_roles(id);
  const Process* first = nullptr;
  for (const Process* process : of(id)) {
    if (!world_.nodes[process->node].acts() || (process->hung && process->stopping) || process->prepared)
      continue;
    if (first == nullptr) {
      first = process;
      continue;
    }
    world_.violate(
        "overlap", &id,
        fmt::format("it runs on {} (since {:.3f} s) and on {} (since {:.3f} s)",
                    world_.nodes[first->node].name.text(), static_cast<double>(first->from.count()) / 1e9,
                    world_.nodes[process->node].name.text(),
                    static_cast<double>(process->from.count()) / 1e9));
    return;
  }
}

/// The second checker: a child is stopped only for a reason. Of several events in one step, or in steps that
/// follow at once, the reason may be gone again when the step is over. And a hand-over goes on by the view in
/// which it was begun until the next one is confirmed.
void Processes::check_need(const Process& process) {
  const core::Core& core = *world_.nodes[process.node].core;
  const core::SpecRow* row = core.spec(process.id);
  if (world_.nodes[process.node].step_size > 1 || row == nullptr || !row->wanted || row->held ||
      row->trouble->failed || row->birth != process.birth || core.fenced() || core.partitioned() ||
      !core.view_confirmed() || core.self().state != core::MemberState::up)
    return;
  // Requests that waited for the end of the former process were decided in one step, one after the other.
  if (process.from == world_.now()) return;
  if (world_.profile.portions && world_.now() - process.from <= 5ms) return;  // or in its next portions
  auto placement = core.placement(process.id);
  const Copies& copies = world_.profile.copies;
  placement.resize(copies.of(placement.size()));
  if (std::find(placement.begin(), placement.end(), world_.nodes[process.node].name) == placement.end())
    return;
  if (!copies.several() && core.instances(process.id).size() > 1) return;
  if (!row->spec->same_as(*process.spec)) return;
  // A program is told a role by a restart.
  if (copies.several() && process.spec->is_program()) return;
  world_.violate("needless", &process.id,
                 "it is stopped where it belongs, on " + world_.nodes[process.node].name.text());
}

void Processes::check_node(std::size_t node) {
  std::vector<ChildId> ids;
  live_.each([&](const Process& process) {
    if (process.node == node) ids.push_back(process.id);
  });
  for (const ChildId& id : ids) check(id);
}

}  // namespace brood::sim

#include "supervisor/driver/children.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervisor/driver/children_slot.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/leaving.hpp"
#include "supervisor/driver/log_name.hpp"
#include "supervisor/driver/program_process.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

namespace {

Role api_role(core::Role role) {
  return role == core::Role::active ? Role::active : Role::passive;
}

}  // namespace

Children::Children(NodeImpl& node, Driver& driver) : node_(node), driver_(driver) {}
Children::~Children() = default;

Children::Slot* Children::find(const ChildId& id, const core::Epoch& epoch) {
  const auto* slot = slots_.find(id);
  return slot == nullptr || (*slot)->epoch != epoch ? nullptr : slot->get();
}

WorkerIdentity Children::identity(const Slot& slot) const {
  WorkerIdentity who;
  who.supervisor = driver_.name();
  who.child_id = Id(slot.id);
  who.epoch_clock = slot.epoch.clock.value;
  who.role = api_role(slot.role.value_or(core::Role::active));
  who.siblings = driver_.siblings();
  return who;
}

void Children::tell_first_role(const Slot& slot) {
  if (!slot.role) return;
  const Role role = api_role(*slot.role);
  if (driver_.redundancy().tells(role == Role::active))
    node_.runtime().set_role(slot.pid, {role, slot.epoch.clock.value, true});
}

// As after a start, ahead of all that waits for it. It may be another role than that for which it was made
// ready.
void Children::tell_role_at_opening(const Slot& slot) {
  if (!slot.role) return;
  const Role role = api_role(*slot.role);
  const bool is_told = driver_.redundancy().tells(role == Role::active);
  node_.runtime().set_role(slot.pid, {role, slot.epoch.clock.value, is_told, nullptr});
}

void Children::set_role(const core::SetRole& change) {
  Slot* slot = find(change.id, change.epoch);
  if (!slot) return;                         // it ended by itself; its Exited is on the way
  if (slot->hand == Slot::Hand::prepared) {  // it is told when it is opened
    slot->role = change.role;
    return;
  }
  const Role role = api_role(change.role);
  std::function<void()> done;
  if (role == Role::passive)
    done = [weak = driver_.weak_from_this(), id = change.id, epoch = change.epoch] {
      if (const auto driver = weak.lock()) driver->post(core::RoleTaken{id, epoch});
    };
  const bool is_told = driver_.redundancy().tells(role == Role::active);
  std::function<void()> before;
  if (slot->gate)
    before = [gate = slot->gate, role, state = kept_state(change.state)] { gate->become(role, state); };
  node_.runtime().set_role(slot->pid,
                           {role, change.token.clock.value, is_told, std::move(done), std::move(before)});
}

void Children::fail(const Slot& slot, const Error& error) {
  if (slot.hand == Slot::Hand::none)
    driver_.post(core::StartFailed{slot.id, slot.epoch, error.message, error.detail.octets()});
  else
    driver_.post(core::PrepareFailed{slot.id, slot.epoch, error.message});
}

void Children::start(const core::Start& start, const core::SpecPtr& run) {
  auto slot = std::make_unique<Slot>(Slot{driver_, start.id, start.spec, start.epoch, start.role, run});
  Slot& made = *slot;
  const bool added = slots_.add(start.id, std::move(slot));
  BROOD_CHECK(added, "the core started a child whose former instance has not ended");
  if (start.spec->is_program()) {
    start_program(made);
  } else {
    start_worker(made, start.state);
  }
}

// Raw pointers: they fit into std::function without a heap block, and the slot outlives the process.
process::SpawnOptions Children::options_of(const Slot& slot) const {
  const Slot* raw = &slot;
  process::SpawnOptions options;
  options.identity = identity(slot);
  options.on_exit = [raw](const ExitReason& reason) {
    raw->driver.post(core::Exited{raw->id, raw->epoch, reason.is_normal(), reason.text()});
  };
  options.on_stuck = [raw](bool stuck) { raw->driver.post(core::StuckChanged{raw->id, raw->epoch, stuck}); };
  return options;
}

void Children::start_worker(Slot& slot, const core::HeldPtr& state) {
  auto behaviour = node_.worker_table().make(slot.run->worker, EncodedTerm(slot.run->args));
  if (!behaviour) {
    fail(slot, behaviour.error());
    slots_.erase(slot.id);
    return;
  }
  slot.keeps_state = (*behaviour)->has_state();
  put_gate(slot, *behaviour, state);
  process::SpawnOptions options = options_of(slot);
  options.on_started = [raw = &slot](const Result<void>& result) {
    if (result) {
      raw->driver.post(core::Started{raw->id, raw->epoch, {}, 0});
    } else {
      raw->driver.post(
          core::StartFailed{raw->id, raw->epoch, result.error().message, result.error().detail.octets()});
    }
  };
  slot.pid = node_.runtime().spawn(std::move(*behaviour), std::move(options));
  tell_first_role(slot);
}

Result<exec::Command> Children::command_of_spec(const Slot& slot, const core::Spec& spec) const {
  // Checked again here, where it counts: `needs` came from whoever made the spec.
  if (!node_.worker_table().may_run(driver_.name(), command_token(spec.args)))
    return Error{Errc::not_allowed,
                 fmt::format("node {} does not run commands from the network; its own file must list "
                             "this very command, or set exec_allow = true",
                             node_.name().text())};
  auto term = decode_term((slot.run == slot.spec ? spec : *slot.run).args);
  auto command = term ? exec::command_from_term(*term) : Result<exec::Command>(term.error());
  if (!command) return command;
  command->env["BROOD_CHILD"] = slot.id.text();
  command->env["BROOD_SUPERVISOR"] = driver_.name();
  command->env["BROOD_NODE"] = slot.epoch.node.text();
  command->env["BROOD_EPOCH"] = fmt::format("{}", slot.epoch.clock.value);
  if (slot.role) command->env["BROOD_ROLE"] = std::string(to_string(api_role(*slot.role)));
  return command;
}

std::optional<exec::Command> Children::command_of(const Slot& slot) {
  auto command = command_of_spec(slot, *slot.spec);
  if (command) return *std::move(command);
  fail(slot, command.error());
  return std::nullopt;
}

// The callbacks hold the slot: it stays until the program has ended, and its handle goes with it.
void Children::start_program(Slot& slot) {
  auto command = command_of(slot);
  if (!command) {
    slots_.erase(slot.id);
    return;
  }
  slot.program_gone = false;
  slot.care = std::make_unique<Slot::Care>();
  slot.care->spec = slot.spec;
  slot.care->exit_codes = command->options.exit_codes;
  if (command->options.health) slot.care->checked = *command;
  const auto when_alive = [this, weak = driver_.weak_from_this(), raw = &slot](auto what) {
    if (const auto alive = weak.lock()) what(*this, *raw);
  };
  exec::Launcher::OnReady on_ready;
  if (slot.spec->starts_before_stop())
    on_ready = [when_alive] {
      when_alive([](Children& children, Slot& mine) {
        mine.program_ready = true;
        children.tell_if_ready(mine);
      });
    };
  slot.program = node_.launcher().start(
      log_name(driver_.name(), slot.id), *std::move(command),
      [when_alive](const Result<pid_t>& started) {
        when_alive([&](Children& children, Slot& mine) {
          if (started) return children.program_started(mine, *started);
          if (mine.hand == Slot::Hand::discarded) return children.driver_.departed(mine);
          children.fail(mine, started.error());
        });
      },
      [when_alive](const exec::ExitStatus& status) {
        when_alive([&](Children& children, Slot& mine) { children.program_ended(mine, status); });
      },
      std::move(on_ready));
}

void Children::program_started(Slot& slot, std::int32_t os_pid) {
  slot.os_pid = os_pid;
  watch_health(slot);
  Slot* raw = &slot;
  process::SpawnOptions options;
  options.identity = identity(slot);
  const bool prepares = slot.hand != Slot::Hand::none;
  options.on_started = [raw, prepares](const Result<void>& result) {
    if (!prepares) raw->driver.post(core::Started{raw->id, raw->epoch, {}, 0});
    // Told to end before it began (the program ended first): no on_exit follows.
    if (!result) raw->driver.post(core::Exited{raw->id, raw->epoch, false, result.error().message});
  };
  options.on_exit = [raw](const ExitReason& reason) {
    raw->driver.post(core::Exited{raw->id, raw->epoch, reason.is_normal(), reason.text()});
  };
  // Behind the fence it would hide that its program has ended, and a node that wakes waits for that.
  options.heeds_fence = false;
  slot.pid = node_.runtime().spawn(std::make_unique<ProgramProcess>(os_pid), std::move(options));
  tell_if_ready(slot);
}

void Children::tell_if_ready(Slot& slot) {
  if (slot.hand != Slot::Hand::preparing || !slot.program_ready || slot.os_pid == 0) return;
  driver_.post(core::Prepared{slot.id, slot.epoch, {slot.pid.id, slot.pid.serial}, slot.os_pid});
}

void Children::program_ended(Slot& slot, const exec::ExitStatus& status) {
  slot.program_gone = true;
  slot.care->watch.reset();
  if (slot.hand == Slot::Hand::discarded) {
    if (slot.process_gone) return driver_.departed(slot);
    return node_.runtime().exit(slot.pid, ExitReason::killed());  // departed_ended() comes to it
  }
  slot.ended_normally = status.is_expected(slot.care->exit_codes) || status.killed_by_stop();
  slot.reason = status.text();
  if (!slot.care->ill.empty() && !slot.stopping) {
    slot.ended_normally = false;
    slot.reason = fmt::format("{}; {}", slot.care->ill, *slot.reason);
  }
  if (slot.process_gone) {
    driver_.post(core::Exited{slot.id, slot.epoch, slot.ended_normally, *slot.reason});
  } else {
    const ExitReason reason =
        slot.ended_normally ? ExitReason::shutdown()
                            : ExitReason(Term::tuple({Term::atom("program"), Term::binary(*slot.reason)}));
    node_.runtime().exit(slot.pid, reason);
  }
}

bool Children::complete(core::Event& event) {
  if (auto* started = std::get_if<core::Started>(&event)) {
    Slot* slot = find(started->id, started->epoch);
    if (!slot) return false;
    started->pid = {slot->pid.id, slot->pid.serial};
    started->os_pid = slot->os_pid;
    started->keeps_state = slot->keeps_state;
    return true;
  }
  if (const auto* frozen = std::get_if<core::Frozen>(&event)) {
    const Slot* slot = find(frozen->id, frozen->epoch);
    return slot && slot->freezing == frozen->attempt;
  }
  if (const auto* failed = std::get_if<core::FreezeFailed>(&event)) return give_up_freezing(*failed);
  if (auto* prepared = std::get_if<core::Prepared>(&event)) return complete_prepared(*prepared);
  if (const auto* failed = std::get_if<core::PrepareFailed>(&event)) return forget_prepared(*failed);
  if (auto* failed = std::get_if<core::StartFailed>(&event)) {
    const Slot* slot = find(failed->id, failed->epoch);
    const bool told = !slot || !slot->ended_by_node;
    if (slot) slots_.erase(failed->id);
    return told;
  }
  if (auto* exited = std::get_if<core::Exited>(&event)) {
    Slot* slot = find(exited->id, exited->epoch);
    if (!slot) {
      departed_ended(*exited);
      return false;
    }
    if (!slot->program_gone) {
      // The process went first (somebody's exit signal): the program follows; its end is what is told.
      slot->process_gone = true;
      slot->program->stop(patience_of(*slot));
      return false;
    }
    if (slot->hand != Slot::Hand::none) {  // it ended before it was opened
      event = core::PrepareFailed{exited->id, exited->epoch, slot->program ? *slot->reason : exited->reason};
      return forget_prepared(std::get<core::PrepareFailed>(event));
    }
    if (slot->program) {
      exited->normal = slot->ended_normally;
      exited->reason = *slot->reason;
    }
    const bool told = !slot->ended_by_node;
    slots_.erase(exited->id);
    return told;
  }
  return true;
}

void Children::follow(const std::vector<ChildId>& changed) {
  if (slots_.empty()) return;
  for (const ChildId& id : changed) {
    const auto* found = slots_.find(id);
    if (found == nullptr) continue;
    Slot& slot = **found;
    const core::SpecRow* row = driver_.core().spec(id);
    if (row == nullptr || !row->spec) continue;
    const core::SpecPtr& spec = row->spec;
    if (slot.care ? slot.care->spec == spec : slot.shutdown == spec->shutdown) continue;
    if (!slot.spec->runs_like(*spec)) continue;  // it is about to end
    slot.shutdown = spec->shutdown;
    if (slot.care) follow_command(slot, spec);
  }
}

std::chrono::milliseconds Children::patience_of(const Slot& slot) {
  const core::Shutdown& shutdown = slot.shutdown;
  return shutdown.infinity ? std::chrono::milliseconds::max() : shutdown.patience;
}

Result<void> Children::signal(const ChildId& id, int signal) {
  const auto* found = slots_.find(id);
  if (found == nullptr)
    return {Errc::no_such_child, fmt::format("'{}' does not run on this node", id.text())};
  const Slot& slot = **found;
  if (slot.spec->is_program() == false)
    return {Errc::invalid_argument,
            fmt::format("'{}' is a C++ worker; only programs take signals", id.text())};
  if (!slot.program || slot.program_gone || slot.program->os_pid() == 0)
    return {Errc::no_such_child, fmt::format("'{}' does not run just now", id.text())};
  slot.program->signal(signal);
  return {};
}

void Children::stop(const core::Stop& stop) {
  Slot* slot = find(stop.id, stop.epoch);
  if (!slot) return;  // it ended by itself; its Exited is on the way
  end(*slot, stop.shutdown.infinity ? std::chrono::milliseconds::max() : stop.shutdown.patience);
}

void Children::end(Slot& slot, std::chrono::milliseconds patience) {
  const auto now = std::chrono::steady_clock::now();
  // A fenced node's handlers do not run, last words neither: what it gives up ends as if the node had died.
  if (!slot.program && driver_.fenced()) patience = std::chrono::milliseconds(0);
  slot.killed_at = std::min(slot.killed_at, deadline_after(now, patience));
  const bool first = !std::exchange(slot.stopping, true);
  if (slot.program) {
    slot.care->watch.reset();
    slot.program->stop(patience);
    return;
  }
  if (patience.count() <= 0) return kill(slot);
  if (first) node_.runtime().exit(slot.pid, ExitReason::shutdown());
  if (patience != std::chrono::milliseconds::max()) later(slot, slot.killed_at, &Children::kill);
}

void Children::kill(Slot& slot) {
  node_.runtime().exit(slot.pid, ExitReason::killed());
  later(slot, std::chrono::steady_clock::now() + kill_grace, &Children::overdue);
}

void Children::overdue(Slot&) {
  driver_.children_overdue();
}

void Children::later(Slot& slot, SteadyTime when, void (Children::*what)(Slot&)) {
  slot.killer = std::make_unique<boost::asio::steady_timer>(node_.control(), when);
  slot.killer->async_wait([this, what, weak = driver_.weak_from_this(), id = slot.id,
                           epoch = slot.epoch](const boost::system::error_code& error) {
    auto alive = weak.lock();
    if (error || !alive) return;
    if (Slot* late = find(id, epoch)) (this->*what)(*late);
  });
}

std::string Children::first_words() const {
  const auto* any = slots_.any();
  if (any == nullptr) return "none";
  const Slot& slot = **any;
  return fmt::format("{} (process {}, {}{})", slot.id.text(), to_string(slot.pid),
                     slot.stopping ? "stopping" : "not told to stop", slot.program ? ", program" : "");
}

SteadyTime Children::end_all(std::chrono::milliseconds infinity) {
  SteadyTime last{};
  slots_.each([&](const ChildId&, const std::unique_ptr<Slot>& slot) {
    const auto& shutdown = slot->shutdown;
    if (slot->hand == Slot::Hand::preparing && !slot->program) return;
    if (!slot->stopping) {
      slot->ended_by_node = true;
      end(*slot, shutdown.infinity ? infinity : shutdown.patience);
    } else if (slot->killed_at == SteadyTime::max() || shutdown.infinity) {
      end(*slot, infinity);  // the core waits for it without end; this node cannot
    }
    last = std::max(last, slot->killed_at);
  });
  end_departed();
  return last;
}

bool Children::only_unkillable(SteadyTime now) const {
  return !slots_.empty() &&
         slots_.all_of([now](const auto& slot) { return slot->killed_at <= now - kill_grace; });
}

}  // namespace brood::supervisor

// The steps of hand-overs, as the core asks for them: what the process layer does of each, and what is told
// the core.
#include <boost/asio/post.hpp>

#include "process/handover/handover.hpp"
#include "supervisor/driver/children_slot.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

void Children::carry_out(const core::HandoverStep& step) {
  struct Visit {
    Children& children;
    void operator()(const core::Freeze& step) const { children.freeze(step); }
    void operator()(const core::Thaw& step) const { children.thaw(step); }
    void operator()(const core::Prepare& step) const { children.prepare(step, step.spec); }
    void operator()(const core::Open& step) const { children.open(step); }
    void operator()(const core::Discard& step) const { children.discard(step); }
    void operator()(const core::Depart& step) const { children.depart(step); }
    void operator()(const core::Followed& step) const { children.followed(step); }
  };
  std::visit(Visit{*this}, step);
}

// ---- away from here --------------------------------------------------------------------------------------

void Children::freeze(const core::Freeze& step) {
  Slot* slot = find(step.id, step.epoch);
  if (!slot) return;  // it has ended; its Exited is on the way
  slot->freezing = step.attempt;
  auto handover = node_.runtime().handover();
  const Pid pid = slot->pid;
  const auto driver = driver_.weak_from_this();
  const auto fail = [driver, id = step.id, epoch = step.epoch, attempt = step.attempt](const Error& error) {
    if (const auto alive = driver.lock()) alive->post(core::FreezeFailed{id, epoch, attempt, error.message});
  };
  auto captured = [driver, fail, handover, pid, id = step.id, epoch = step.epoch, attempt = step.attempt,
                   state_only = step.state_only](Result<process::Parcel> parcel) mutable {
    if (!parcel) return fail(parcel.error());
    if (state_only) {
      parcel->mail.clear();
      parcel->timers.clear();
      parcel->callers.clear();
    }
    Bytes bytes = process::encode_parcel(*parcel).octets();
    const std::size_t size = bytes.size();
    if (const auto alive = driver.lock())
      alive->post(core::Frozen{id, epoch, attempt, std::move(bytes)}, size);
  };
  const auto patience = std::chrono::duration_cast<milliseconds>(step.patience);
  handover.freeze(pid, patience,
                  [handover, fail, pid, target = step.target,
                   captured = std::move(captured)](Result<void> frozen) mutable {
                    if (!frozen) return fail(frozen.error());
                    process::CaptureOptions options;
                    options.target = target;
                    handover.capture(pid, std::move(options), std::move(captured));
                  });
}

void Children::thaw(const core::Thaw& step) {
  Slot* slot = find(step.id, step.epoch);
  if (!slot) return;
  slot->freezing = 0;
  node_.runtime().handover().thaw(slot->pid);
}

// What comes late of an attempt that was taken back must not let go of what the next one has frozen.
bool Children::give_up_freezing(const core::FreezeFailed& event) {
  Slot* slot = find(event.id, event.epoch);
  if (!slot || slot->freezing != event.attempt) return false;
  slot->freezing = 0;
  node_.runtime().handover().thaw(slot->pid);
  return true;
}

void Children::depart(const core::Depart& step) {
  Slot* slot = find(step.id, step.epoch);
  if (!slot) return;
  slot->hand = Slot::Hand::departed;
  slot->killer.reset();
  Slot& gone = set_aside(step.id);
  process::StubOptions options;
  options.keep_at_least = std::chrono::duration_cast<milliseconds>(step.retention);
  options.on_end = [driver = driver_.weak_from_this(), raw = &gone] {
    const auto alive = driver.lock();
    if (!alive) return;
    boost::asio::post(alive->node().control(), [alive, raw] { alive->departed(*raw); });
  };
  const Pid there{step.host.node, step.pid.id, step.pid.serial, step.host.creation};
  node_.runtime().handover().become_stub(gone.pid, there, std::move(options));
}

// ---- to here ---------------------------------------------------------------------------------------------

void Children::prepare(const core::Prepare& step, const core::SpecPtr& run) {
  const ChildId& id = step.id;
  const auto fail = [&](std::string why) {
    driver_.post(core::PrepareFailed{id, step.epoch, std::move(why)});
  };
  if (step.spec->is_program()) {
    auto slot = std::make_unique<Slot>(Slot{driver_, step.id, step.spec, step.epoch, std::nullopt, run});
    slot->hand = Slot::Hand::preparing;
    Slot& made = *slot;
    const bool added = slots_.add(id, std::move(slot));
    BROOD_CHECK(added, "the core takes over a program that is here");
    return start_program(made);
  }
  auto parcel = process::decode_parcel(step.parcel);
  if (!parcel) return fail(parcel.error().message);
  auto behaviour = node_.worker_table().make(run->worker, EncodedTerm(run->args));
  if (!behaviour) return fail(behaviour.error().message);
  auto slot = std::make_unique<Slot>(Slot{driver_, step.id, step.spec, step.epoch, step.role, run});
  slot->hand = Slot::Hand::preparing;
  slot->keeps_state = (*behaviour)->has_state();
  Slot* raw = slot.get();
  const bool added = slots_.add(id, std::move(slot));
  BROOD_CHECK(added, "the core takes over a child that is here");
  process::SpawnOptions options = options_of(*raw);
  node_.runtime().handover().restore(
      std::move(*behaviour), std::move(options), std::move(*parcel),
      [driver = driver_.weak_from_this(), id, epoch = step.epoch](Result<Pid> pid) {
        const auto alive = driver.lock();
        if (!alive) return;
        if (pid)
          alive->post(core::Prepared{id, epoch, {pid->id, pid->serial}});
        else
          alive->post(core::PrepareFailed{id, epoch, pid.error().message});
      });
}

// False: nobody waits for it any more.
bool Children::complete_prepared(core::Prepared& event) {
  const auto pid = [&] { return Pid{node_.name(), event.pid.id, event.pid.serial, node_.creation()}; };
  if (Slot* slot = find(event.id, event.epoch)) {
    slot->pid = pid();
    slot->hand = Slot::Hand::prepared;
    event.keeps_state = slot->keeps_state;
    return true;
  }
  for (const auto& [raw, slot] : departed_) {
    if (slot->id != event.id || slot->epoch != event.epoch) continue;
    if (slot->program) return false;  // it ends, as it was told
    node_.runtime().handover().discard(
        pid(), [driver = driver_.weak_from_this(), raw = raw](const Result<void>&) {
          const auto alive = driver.lock();
          if (alive) boost::asio::post(alive->node().control(), [alive, raw] { alive->departed(*raw); });
        });
    break;
  }
  return false;
}

bool Children::forget_prepared(const core::PrepareFailed& event) {
  if (const Slot* slot = find(event.id, event.epoch)) {
    const bool told = !slot->ended_by_node;
    slots_.erase(event.id);
    return told;
  }
  for (const auto& [raw, slot] : departed_) {
    if (slot->id != event.id || slot->epoch != event.epoch) continue;
    departed_.erase(raw);
    return false;
  }
  return true;  // it could not even be tried
}

void Children::open(const core::Open& step) {
  Slot* slot = find(step.id, step.epoch);
  if (!slot) return;  // it has ended; that is on its way
  slot->hand = Slot::Hand::none;
  if (slot->program) return tell_health(*slot);
  tell_role_at_opening(*slot);
  node_.runtime().handover().open(slot->pid);
}

void Children::discard(const core::Discard& step) {
  Slot* slot = find(step.id, step.epoch);
  if (!slot) return;
  const bool ready = slot->hand == Slot::Hand::prepared;
  slot->hand = Slot::Hand::discarded;
  Slot& gone = set_aside(step.id);
  if (gone.care) gone.care->watch.reset();
  if (gone.program) return gone.program->stop(patience_of(gone));
  if (!ready) return;  // complete_prepared() comes to it
  node_.runtime().handover().discard(
      gone.pid, [driver = driver_.weak_from_this(), raw = &gone](const Result<void>&) {
        const auto alive = driver.lock();
        if (alive) boost::asio::post(alive->node().control(), [alive, raw] { alive->departed(*raw); });
      });
}

// ---- what is no child of this node any more --------------------------------------------------------------

Children::Slot& Children::set_aside(const ChildId& id) {
  auto& slot = *slots_.find(id);
  Slot* raw = slot.get();
  departed_.emplace(raw, std::move(slot));
  slots_.erase(id);
  return *raw;
}

void Children::forget(const Slot& slot) {
  departed_.erase(&slot);
}

void Children::departed_ended(const core::Exited& event) {
  for (const auto& [raw, slot] : departed_) {
    if (!slot->program || slot->id != event.id || slot->epoch != event.epoch) continue;
    slot->process_gone = true;
    return slot->program_gone ? driver_.departed(*raw) : slot->program->stop(patience_of(*slot));
  }
}

void Children::end_departed() {
  for (const auto& [raw, slot] : departed_) {
    if (slot->hand == Slot::Hand::departed) node_.runtime().exit(slot->pid, ExitReason::killed());
    if (slot->program) slot->program->stop(milliseconds(0));
  }
}

}  // namespace brood::supervisor

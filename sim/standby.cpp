// Processes whose state passive instances follow, and the checker of it: an answer that a caller had, and
// that another node held, is found again by the next active instance, unless a second node was lost since.
//
// A call brings a process from one number to the next, or reads it. What it saves is the number, or the step
// from one number to another; steps that do not follow on each other are found too. Which reply waits for
// which state is decided by the gate that real processes have (flow::ReplyGate).
#include "sim/driver.hpp"
#include "sim/faults.hpp"
#include "sim/ledger.hpp"
#include "sim/processes.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

// Its state is to be held under its own name from now on.
void Processes::lead(Process& process, const core::HeldPtr& state) {
  if (state) {
    process.held = std::stoull(*state->whole);
    for (const core::SharedBytes& change : state->changes) {
      const std::size_t middle = change->find('>');
      if (std::stoull(change->substr(0, middle)) != process.held)
        world_.violate("state", &process.id, fmt::format("{} does not follow on {}", *change, process.held));
      process.held = std::stoull(change->substr(middle + 1));
    }
  }
  check_followed(process);
  Following& follow = *process.follow;
  follow.form.begin_anew();
  follow.sent.reset();
  (void)follow.gate.become_active();  // their callers are told that nobody knows
  save(process, false);
}

void Processes::give_role_back(Process& process) {
  if (!process.follow || !process.follow->gate.is_active()) return;
  process.follow->form.begin_anew();
  save(process, true);
  process.follow->gate.become_passive();
}

void Processes::check_followed(const Process& process) {
  const auto kept = kept_.find(process.id);
  if (kept == kept_.end() || kept->second.birth != process.birth) return;
  if (world_.ledger->split_excused() || world_.splits->cloudy()) return;
  // Behind the fence, or in the moment in which its node wakes, it answers nobody.
  if (!world_.nodes[process.node].acts() || world_.nodes[process.node].slept > Duration{}) return;
  if (losses_ - kept->second.losses > 1) return;
  if (process.held >= kept->second.value || world_.profile.copies.follow != Copies::Follow::each_call) return;
  world_.violate("state", &process.id,
                 fmt::format("it goes on with {} on {}, but a caller was answered {}", process.held,
                             world_.nodes[process.node].name.text(), kept->second.value));
}

// ---- as FollowGate does it -------------------------------------------------------------------------------

void Processes::save(Process& process, bool is_last) {
  Following& follow = *process.follow;
  const auto covers = follow.gate.begin_save(is_last);
  if (!covers) return;
  const bool whole = !follow.has_changes || follow.form.is_whole();
  const bool same = whole ? follow.sent == process.held : follow.given == process.held;
  const std::uint64_t before = std::exchange(follow.given, process.held);
  if (same) return leaves(process, follow.gate.unchanged(*covers));
  if (!follow.has_changes) follow.sent = process.held;
  std::string state = whole ? std::to_string(process.held) : fmt::format("{}>{}", before, process.held);
  follow.form.sent(whole, state.size());
  follow.sent_losses = losses_;
  const std::uint64_t number = follow.gate.sent(*covers);
  world_.driver->post(process.node, core::StateSaved{process.id, process.epoch, number, whole, 0,
                                                     std::make_shared<const Bytes>(std::move(state))});
}

// Between two handlers.
void Processes::order_save(Process& process, Duration delay) {
  later(process, delay, [this](Process& it) {
    if (it.stopping) return;
    if (it.stuck || it.follow->is_handling) return order_save(it, caller_.between(1ms, 10ms));
    if (it.follow->gate.begin_ordered()) save(it, false);
  });
}

void Processes::carry_out(std::size_t node, const core::Followed& followed) {
  Process* process = find(node, followed.id, followed.epoch);
  if (process == nullptr || !process->follow) return;
  Following& follow = *process->follow;
  if (followed.how == core::Followed::How::given_up) {
    (void)follow.gate.given_up(followed.number);  // their callers are told that nobody knows
    return;
  }
  if (follow.gate.under_way() != 0 && followed.number >= follow.gate.under_way()) {
    follow.held_losses = follow.sent_losses;
    follow.is_held = followed.how == core::Followed::How::held;
  }
  const auto released = follow.gate.followed(followed.number);
  leaves(*process, released.ready);
  if (released.due == flow::SaveDue::order)
    order_save(*process, caller_.between(Duration(1us), Duration(1ms)));
}

// ---- what comes and goes ---------------------------------------------------------------------------------

// One call, or some that come while the state after the first is under way.
void Processes::call_followed(Process& process) {
  begin_call(process);
  const std::uint64_t more = caller_.chance(400) ? caller_.between(1, 5) : 0;
  for (std::uint64_t i = 0; i < more; ++i)
    later(process, caller_.between(Duration(0), Duration(20ms)), [this](Process& it) { begin_call(it); });
}

// While it is about to give its role back: it is called, and its node may be lost right then.
void Processes::disturb(const Process& process) {
  if (!process.follow || !process.follow->gate.is_active() || world_.healed) return;
  for (std::uint64_t calls = caller_.below(4); calls > 0; --calls)
    later(process, caller_.between(Duration(0), Duration(10ms)), [this](Process& it) { begin_call(it); });
  if (!world_.profile.has(Fault::crash) || !caller_.chance(30)) return;
  later(process, caller_.between(Duration(0), Duration(30ms)), [this](const Process& it) {
    if (!world_.healed) world_.faults->maybe_crash(it.node);
  });
}

void Processes::begin_call(Process& process) {
  if (!handles(process) || !process.follow->gate.is_active() || process.follow->is_handling) return;
  process.follow->enter();
  if (caller_.chance(500)) return end_handler(process);
  later(process, caller_.between(Duration(1us), Duration(5ms)), [this](Process& it) { end_handler(it); });
}

// A cast or a call, that changes something or only reads, and is answered at once or later, by a promise.
void Processes::end_handler(Process& process) {
  if (!process.follow || process.stuck || !process.follow->is_handling) return;
  const std::uint64_t dice = caller_.below(10);
  if (dice < 7) ++process.held;
  if (dice == 6)
    later(process,
          caller_.chance(800) ? caller_.between(Duration(0), Duration(50ms)) : caller_.between(1s, 20s),
          [this, value = process.held, term = process.follow->gate.term()](Process& it) {
            reply(it, value, term);
          });
  else if (dice != 5)
    reply(process, process.held, process.follow->gate.term());
  const flow::SaveDue due = process.follow->leave();
  if (due == flow::SaveDue::now) save(process, false);
  if (due == flow::SaveDue::order) order_save(process, 500ms);
}

void Processes::reply(Process& process, std::uint64_t value, std::uint64_t term) {
  if (world_.has(Plant::early_reply)) answered(process, value, losses_);
  Following::Reply reply{value, world_.now()};
  const auto held = process.follow->gate.hold(reply, term);
  if (held == Following::Gate::Held::no) leaves(process, {reply});
  if (held == Following::Gate::Held::order)
    order_save(process, caller_.between(Duration(1us), Duration(1ms)));
}

void Processes::leaves(const Process& process, const Following::Gate::Ready& replies) {
  if (!process.follow->is_held) return;  // nobody was waited for
  for (const Following::Reply& reply : replies) answered(process, reply.value, process.follow->held_losses);
}

// A node that has said that it holds the state may be lost before that is heard.
void Processes::answered(const Process& process, std::uint64_t value, std::uint64_t losses) {
  if (world_.ledger->split_excused() || world_.splits->cloudy()) {
    kept_.erase(process.id);
    return;
  }
  const Kept now{process.birth, value, losses};
  const auto [kept, added] = kept_.try_emplace(process.id, now);
  if (kept->second.birth != process.birth || kept->second.value <= value) kept->second = now;
}

void Processes::node_hurt() {
  ++losses_;
}

}  // namespace brood::sim

// Processes whose state passive instances follow, and the checker of it: an answer that a caller had, and
// that another node held, is found again by the next active instance, unless a second node was lost since.
//
// A call brings a process from one number to the next. What it saves is the number, or the step from one
// number to another; steps that do not follow on each other are found too.
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/processes.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

void Processes::lead(Process& process, const core::HeldPtr& state) {
  if (state) {
    process.held = std::stoull(*state->whole);
    for (const core::SharedBytes& change : state->changes) {
      const std::size_t middle = change->find('>');
      if (std::stoull(change->substr(0, middle)) != process.held)
        world_.violate("state", &process.spec->id,
                       fmt::format("{} does not follow on {}", *change, process.held));
      process.held = std::stoull(change->substr(middle + 1));
    }
  }
  process.leads = true;
  check_followed(process);
  save(process, true);
}

void Processes::check_followed(const Process& process) {
  const auto kept = kept_.find(process.id());
  if (kept == kept_.end() || kept->second.birth != process.birth) return;
  if (world_.ledger->split_excused() || world_.splits->cloudy()) return;
  // Behind the fence, or in the moment in which its node wakes, it answers nobody.
  if (!world_.nodes[process.node].acts() || world_.nodes[process.node].slept > Duration{}) return;
  if (losses_ - kept->second.losses > 1) return;
  if (process.held >= kept->second.value || world_.profile.copies.follow != Copies::Follow::each_call) return;
  world_.violate("state", &process.spec->id,
                 fmt::format("it goes on with {} on {}, but a caller was answered {}", process.held,
                             world_.nodes[process.node].name.text(), kept->second.value));
}

void Processes::save(Process& process, bool is_whole) {
  std::string state =
      is_whole ? std::to_string(process.held) : fmt::format("{}>{}", process.last_value, process.held);
  process.flying = ++process.saved;
  process.flying_value = process.last_value = process.held;
  process.flying_losses = losses_;
  world_.driver->post(process.node, core::StateSaved{process.id(), process.epoch, process.saved, is_whole, 0,
                                                     std::make_shared<const Bytes>(std::move(state))});
}

void Processes::call_followed(Process& process) {
  if (!process.leads) return;
  ++process.held;
  if (world_.has(Plant::early_reply)) answered(process, process.held);
  const bool waits = process.flying != 0 && world_.profile.copies.follow == Copies::Follow::each_call;
  if (!waits) save(process, random_.chance(400));
}

void Processes::carry_out(std::size_t node, const core::Followed& followed) {
  Process* process = find(node, followed.id, followed.epoch);
  if (process == nullptr || process->flying == 0 || followed.number < process->flying) return;
  process->flying = 0;
  if (followed.is_held) answered(*process, process->flying_value);
  if (process->leads && process->held != process->last_value)
    later(*process, random_.between(Duration(1us), Duration(1ms)), [this](Process& it) {
      if (it.leads && it.flying == 0 && it.held != it.last_value) save(it, random_.chance(400));
    });
}

// A node that has said that it holds the state may be lost before that is heard.
void Processes::answered(const Process& process, std::uint64_t value) {
  if (world_.ledger->split_excused() || world_.splits->cloudy()) {
    kept_.erase(process.id());
    return;
  }
  const Kept now{process.birth, value, process.flying_losses};
  const auto [kept, added] = kept_.try_emplace(process.id(), now);
  if (kept->second.birth != process.birth || kept->second.value <= value) kept->second = now;
}

void Processes::node_hurt() {
  ++losses_;
}

}  // namespace brood::sim

#include "process/handover/handover.hpp"

#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

using Code = Result<void> (MoveDesk::*)(Process&);

/// An order that is over at once. Where there is no such process the answer is dropped, which says so.
void order(RuntimeCore& core, const Pid& pid, Handover::Done done, Code code) {
  const Answer<void> answer(std::move(done));
  core.moving.order(pid, [&core, answer, code](Process& process) {
    answer((core.moving.*code)(process));
    return Step::go_on;
  });
}

/// Ends a freeze whose order is dropped undone, although its timer still holds it.
class FreezeOrder {
 public:
  FreezeOrder(RuntimeCore& core, FreezeRequestPtr request) : core_(core), request_(std::move(request)) {}
  ~FreezeOrder() {
    if (is_done_) return;
    core_.timers.cancel(*request_);
    if (request_->settle())
      request_->answer(Error{Errc::no_such_child, "the process is not there, or ended before it was frozen"});
  }
  FreezeOrder(const FreezeOrder&) = delete;
  FreezeOrder& operator=(const FreezeOrder&) = delete;
  void run(Process& process) {
    is_done_ = true;
    core_.moving.begin_freeze(process, request_);
  }

 private:
  RuntimeCore& core_;
  const FreezeRequestPtr request_;
  bool is_done_ = false;
};

}  // namespace

Handover Runtime::handover() const {
  return Handover(core_);
}

void Handover::freeze(const Pid& pid, std::chrono::milliseconds patience, Done done) {
  RuntimeCore& core = *core_;
  const FreezeRequestPtr request(
      new FreezeRequest(core, Identity::local(pid), Answer<void>(std::move(done))));
  // Before the order, which may be carried out, and take the timer back, at any time from then on.
  core.timers.add(request, patience);
  core.moving.order(pid, [order = std::make_shared<FreezeOrder>(core, request)](Process& process) {
    order->run(process);
    return Step::go_on;
  });
}

void Handover::capture(const Pid& pid, CaptureOptions options, Captured done) {
  RuntimeCore& core = *core_;
  const Answer<Parcel> answer(std::move(done));
  core.moving.order(pid, [&core, answer, options = std::move(options)](Process& process) {
    return core.moving.capture(process, options, answer, 0);
  });
}

void Handover::thaw(const Pid& pid, Done done) {
  order(*core_, pid, std::move(done), &MoveDesk::thaw);
}

void Handover::become_stub(const Pid& pid, const Pid& new_pid, StubOptions options, Done done) {
  RuntimeCore& core = *core_;
  const Answer<void> answer(std::move(done));
  core.moving.order(pid, [&core, answer, new_pid, options = std::move(options)](Process& process) {
    return core.moving.become_stub(process, new_pid, options, answer);
  });
}

void Handover::restore(std::unique_ptr<Behaviour> behaviour, SpawnOptions options, Parcel parcel,
                       Restored done) {
  auto restoration = std::make_shared<Restoration>(std::move(parcel));
  options.on_started = [answer = Answer<Pid>(std::move(done)),
                        restoration = std::weak_ptr(restoration)](const Result<void>& started) {
    if (!started) return answer(started.error());
    if (const auto whole = restoration.lock()) answer(whole->pid);
  };
  core_->spawn(std::move(behaviour), std::move(options), std::move(restoration));
}

void Handover::open(const Pid& pid, Done done) {
  order(*core_, pid, std::move(done), &MoveDesk::open);
}

void Handover::discard(const Pid& pid, Done done) {
  RuntimeCore& core = *core_;
  const Answer<void> answer(std::move(done));
  core.moving.order(pid, [&core, answer](Process& process) {
    if (auto begun = core.moving.discard(process, answer); !begun) answer(begun);
    return Step::go_on;
  });
}

void Handover::end_with_state(const Pid& pid, ExitReason reason, Saved done) {
  RuntimeCore& core = *core_;
  const Answer<SavedState> answer(std::move(done));
  core.moving.order(pid, [&core, answer, reason = std::move(reason)](Process& process) {
    core.moving.save_at_end(process, reason, answer);
    return Step::go_on;
  });
}

Pid Handover::start(std::unique_ptr<Behaviour> behaviour, SpawnOptions options, SavedState saved) {
  return core_->spawn(std::move(behaviour), std::move(options),
                      std::make_shared<Restoration>(std::move(saved)));
}

void Handover::save(const Pid& pid, Saved done) {
  RuntimeCore& core = *core_;
  const Answer<SavedState> answer(std::move(done));
  core.moving.order(pid, [&core, answer](Process& process) { return core.moving.save(process, answer); });
}

}  // namespace brood::process

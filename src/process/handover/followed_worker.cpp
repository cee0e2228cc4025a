// A worker behind a FollowGate: a Behaviour around it, and a Context between it and its process.
#include "process/handover/follow_gate.hpp"
#include "process/process.hpp"

namespace brood::process {
namespace {

/// As the process's own, but answers that were taken for later go through the gate, and jobs that the worker
/// posts count as handlers.
class FollowedContext final : public Context {
 public:
  explicit FollowedContext(std::shared_ptr<FollowGate> gate) : gate_(std::move(gate)) {}
  void set(Process& process) { process_ = &process; }
  [[nodiscard]] Process& process() const { return *process_; }

  [[nodiscard]] Pid self() const override { return process_->self(); }
  [[nodiscard]] const WorkerIdentity& identity() const override { return process_->identity(); }
  Result<void> send(const Address& to, Message message) override {
    return process_->send(to, std::move(message));
  }
  Result<void> cast(const Address& to, Message message) override {
    return process_->cast(to, std::move(message));
  }
  Future<EncodedTerm> call(const Address& to, Message message, std::chrono::milliseconds timeout) override {
    return process_->call(to, std::move(message), timeout);
  }
  TimerId send_after(std::chrono::milliseconds delay, Message message) override {
    return process_->send_after(delay, std::move(message));
  }
  void cancel(TimerId timer) override { process_->cancel(timer); }
  void link(const Pid& to) override { process_->link(to); }
  void unlink(const Pid& to) override { process_->unlink(to); }
  Ref monitor(const Pid& to) override { return process_->monitor(to); }
  Ref monitor(const NamedProcess& to) override { return process_->monitor(to); }
  void demonitor(const Ref& ref) override { process_->demonitor(ref); }
  Ref alias(AliasUntil until) override { return process_->alias(until); }
  bool unalias(const Ref& alias) override { return process_->unalias(alias); }
  Ref monitor(const Pid& to, MonitorAliasUntil until) override { return process_->monitor(to, until); }
  Ref monitor(const NamedProcess& to, MonitorAliasUntil until) override {
    return process_->monitor(to, until);
  }
  void trap_exit(bool on) override { process_->trap_exit(on); }
  void stop(ExitReason reason) override { process_->stop(std::move(reason)); }
  [[nodiscard]] EncodedTerm take_caller() override { return process_->take_caller(); }
  void reply(BytesView caller, EncodedTerm answer) override {
    gate_->hold([keep = ProcessPtr(process_),
                 to = Bytes(caller)](EncodedTerm bytes) { keep->reply(to, std::move(bytes)); },
                std::move(answer), gate_->term());
  }
  [[nodiscard]] std::function<void(std::function<void()>)> poster() override {
    return [gate = gate_, post = process_->poster()](std::function<void()> job) {
      post([gate, job = std::move(job)] {
        gate->enter();
        job();
        gate->leave();
      });
    };
  }
  [[nodiscard]] std::function<void(EncodedTerm answer)> take_replier() override { return take_call().answer; }
  [[nodiscard]] TakenCall take_call() override {
    TakenCall taken = process_->take_call();
    if (taken.answer)
      taken.answer = [gate = gate_, term = gate_->term(), answer = std::move(taken.answer)](
                         EncodedTerm bytes) { gate->hold(answer, std::move(bytes), term); };
    return taken;
  }
  [[nodiscard]] EncodedTerm hand_over(const std::shared_ptr<brood::detail::ReplySlot>& slot) override {
    return process_->hand_over(slot);
  }
  [[nodiscard]] TakenCall take_over(BytesView caller) override { return process_->take_over(caller); }
  [[nodiscard]] std::function<void()> suspend(std::coroutine_handle<> at) override {
    return process_->suspend(at);
  }
  [[nodiscard]] bool is_ending() const override { return process_->is_ending(); }

 private:
  const std::shared_ptr<FollowGate> gate_;
  Process* process_ = nullptr;
};

class FollowedWorker final : public Behaviour {
  using Scope = brood::detail::ContextScope;

  template <typename Handler>
  auto handle(const Handler& handler) {
    const Scope scope(&context_);
    gate_->enter();
    if constexpr (std::is_void_v<decltype(handler())>) {
      handler();
      gate_->leave();
    } else {
      auto result = handler();
      gate_->leave();
      return result;
    }
  }

 public:
  FollowedWorker(std::unique_ptr<Behaviour> inner, std::shared_ptr<FollowGate> gate)
      : gate_(gate), context_(std::move(gate)), inner_(std::move(inner)) {}
  ~FollowedWorker() override {
    const Scope scope(&context_);
    gate_->detach();
    inner_.reset();
  }

  Result<void> start(Context& context) override {
    context_.set(static_cast<Process&>(context));  // only a runtime starts it
    const Scope scope(&context_);
    gate_->attach(*inner_, context_, context_.process());
    if (auto begun = inner_->start(context_); !begun) return begun;
    return gate_->started();
  }
  Result<EncodedTerm> call(Message message) override {
    if (!gate_->is_active()) {
      context_.process().refuse_call(
          {Errc::busy, "this instance is a passive one and follows; ask again who the active one is"});
      return EncodedTerm{};
    }
    return handle([&]() -> Result<EncodedTerm> {
      auto answer = inner_->call(std::move(message));
      EncodedTerm bytes = answer ? *std::move(answer) : brood::detail::encode_error(answer.error());
      if (bytes.empty()) return bytes;
      if (TakenCall taken = context_.process().take_call(); taken.answer)
        gate_->hold(std::move(taken.answer), std::move(bytes), gate_->term());
      return EncodedTerm{};
    });
  }
  void cast(Message message) override {
    handle([&] { inner_->cast(std::move(message)); });
  }
  void info(Message message) override {
    handle([&] { inner_->info(std::move(message)); });
  }
  void down(const Down& down) override {
    handle([&] { inner_->down(down); });
  }
  void terminate(const ExitReason& reason) override {
    const Scope scope(&context_);
    inner_->terminate(reason);
  }
  void resume(std::coroutine_handle<> at) override {
    handle([&] { inner_->resume(at); });
  }
  void role_changed(Role role) override {
    handle([&] { inner_->role_changed(role); });
  }
  [[nodiscard]] Result<EncodedTerm> shown_state() override {
    const Scope scope(&context_);
    return inner_->shown_state();
  }
  [[nodiscard]] std::string shown_name() const override { return inner_->shown_name(); }
  [[nodiscard]] bool has_state() const override { return inner_->has_state(); }
  [[nodiscard]] EncodedTerm save() override {
    const Scope scope(&context_);
    return inner_->save();
  }
  Result<void> restore(BytesView state) override {
    const Scope scope(&context_);
    return inner_->restore(state);
  }
  [[nodiscard]] std::uint64_t state_version() const override { return inner_->state_version(); }
  Result<void> restore_version(std::uint64_t version, BytesView state) override {
    const Scope scope(&context_);
    return inner_->restore_version(version, state);
  }
  [[nodiscard]] EncodedTerm prepare_handover(const NodeName& target) override {
    const Scope scope(&context_);
    return inner_->prepare_handover(target);
  }
  Result<void> alter_handover(BytesView state) override {
    const Scope scope(&context_);
    return inner_->alter_handover(state);
  }

 private:
  const std::shared_ptr<FollowGate> gate_;
  FollowedContext context_;
  std::unique_ptr<Behaviour> inner_;
};

}  // namespace

std::unique_ptr<Behaviour> FollowGate::wrap(std::unique_ptr<Behaviour> inner) {
  return std::make_unique<FollowedWorker>(std::move(inner), shared_from_this());
}

}  // namespace brood::process

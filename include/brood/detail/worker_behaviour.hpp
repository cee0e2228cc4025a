// The adapter that makes a Behaviour of a worker class. Included by detail/worker.hpp only.
#pragma once

#include <brood/detail/worker_checks.hpp>
#include <brood/worker.hpp>
#include <memory>
#include <optional>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

/// A worker class as a Behaviour.
template <typename W>
class WorkerBehaviour final : public Behaviour {
 public:
  explicit WorkerBehaviour(EncodedTerm args) : args_(std::move(args)) {}

  Result<void> start(Context& context) override {
    ContextScope scope(&context);
    auto made = make_worker<W>(args_);
    args_ = EncodedTerm{};
    if (!made) return made.error();
    worker_ = std::move(*made);
    return {};
  }
  Result<EncodedTerm> call(Message message) override {
    if constexpr (requires { typename W::handles; }) {
      return Dispatch<W, typename W::handles>::call(*worker_, message, running_);
    } else {
      return no_handler(message.to_bytes(), {});
    }
  }
  void cast(Message message) override {
    if constexpr (requires { typename W::handles; }) {
      if (Dispatch<W, typename W::handles>::template forget<ByOn>(*worker_, message, running_)) return;
    }
    unhandled(message);
  }
  void info(Message message) override {
    if constexpr (SaysInfos<W>) {
      if (Dispatch<W, typename W::infos>::template forget<ByInfo>(*worker_, message, running_)) return;
    }
    if constexpr (requires(W & w, const Term& t) { w.info(t); }) {
      if (auto term = decode_term(message.to_bytes())) worker_->info(*term);
    } else {
      unhandled(message);
    }
  }
  void resume(std::coroutine_handle<> at) override {
    at.resume();
    if (running_.done()) running_ = Handling();
  }
  void down(const Down& down) override {
    if constexpr (requires(W & w, const Down& d) { w.on_down(d); }) worker_->on_down(down);
  }
  void terminate(const ExitReason& reason) override {
    if constexpr (requires(W & w, const ExitReason& r) { w.terminate(r); }) worker_->terminate(reason);
  }
  void role_changed(Role role) override {
    if constexpr (requires(W & w) { w.on_role(role); }) {
      worker_->on_role(role);
    } else if constexpr (requires(W & w, const Term& t) { w.info(t); }) {
      worker_->info(role_message(role));
    }
  }
  Result<EncodedTerm> shown_state() override {
    if constexpr (requires(W & w) { w.format_status(); }) {
      return encode(worker_->format_status());
    } else {
      return Behaviour::shown_state();
    }
  }
  std::string shown_name() const override { return worker_name<W>(); }
  bool is_quick() const override {
    if constexpr (requires { W::is_quick; }) {
      return W::is_quick;
    } else {
      return false;
    }
  }
  bool has_state() const override {
    return requires(W & w) {
      w.save();
    };
  }
  EncodedTerm save() override {
    if constexpr (requires(W & w) { w.save(); }) {
      return encode(worker_->save());
    } else {
      return {};
    }
  }
  Result<void> restore(BytesView state) override {
    if constexpr (requires { &W::restore; }) {
      auto value = decode<decltype(restore_argument(&W::restore))>(state);
      if (!value) return value.error();
      return take_state(std::move(*value));
    } else {
      return Error{Errc::invalid_argument, "this worker has no restore(); it cannot take over a state"};
    }
  }
  [[nodiscard]] std::uint64_t state_version() const override {
    if constexpr (requires { W::state_version; }) {
      return W::state_version;
    } else {
      return 0;
    }
  }
  Result<void> restore_version(std::uint64_t version, BytesView state) override {
    if constexpr (
        requires(const Term& old) { W::convert(version, old); } && requires { &W::restore; }) {
      auto old = decode_term(state);
      if (!old) return old.error();
      auto value = W::convert(version, *old);
      if constexpr (is_result<decltype(value)>) {
        if (!value) return value.error();
        return take_state(std::move(*value));
      } else {
        return take_state(std::move(value));
      }
    } else {
      return no_conversion(version, state_version(), type_name<W>());
    }
  }
  EncodedTerm prepare_handover(const NodeName& target) override {
    if constexpr (requires(W & w) { w.prepare_handover(target); }) {
      return encode(worker_->prepare_handover(target));
    } else {
      return save();
    }
  }
  Result<void> alter_handover(BytesView state) override {
    if constexpr (requires { &W::alter_handover; }) {
      auto value = decode<decltype(restore_argument(&W::alter_handover))>(state);
      if (!value) return value.error();
      if constexpr (is_result<decltype(worker_->alter_handover(std::move(*value)))>) {
        return worker_->alter_handover(std::move(*value));
      } else {
        worker_->alter_handover(std::move(*value));
        return {};
      }
    } else {
      return restore(state);
    }
  }
  [[nodiscard]] bool has_changes() const override {
    return requires(W & w) {
      w.changes();
    }
    &&requires {
      &W::apply;
    };
  }
  [[nodiscard]] std::optional<EncodedTerm> changes() override {
    if constexpr (requires(W & w) { w.changes(); }) {
      auto changed = worker_->changes();
      if constexpr (is_optional<decltype(changed)>) {
        if (!changed) return std::nullopt;
        return encode(*changed);
      } else {
        return encode(changed);
      }
    } else {
      return std::nullopt;
    }
  }
  Result<void> apply(BytesView changes) override {
    if constexpr (requires { &W::apply; }) {
      auto value = decode<decltype(restore_argument(&W::apply))>(changes);
      if (!value) return value.error();
      if constexpr (is_result<decltype(worker_->apply(std::move(*value)))>) {
        return worker_->apply(std::move(*value));
      } else {
        worker_->apply(std::move(*value));
        return {};
      }
    } else {
      return Error{Errc::invalid_argument, "this worker has no apply(); it cannot take over changes"};
    }
  }

 private:
  // Nobody waits for an answer: without on_unhandled() it is the sender's loss, as in OTP's
  // handle_cast(_, State) -> {noreply, State}.
  void unhandled([[maybe_unused]] const Message& message) {
    if constexpr (requires(W & w, const Term& t) { w.on_unhandled(t); }) {
      if (auto term = decode_term(message.to_bytes())) worker_->on_unhandled(*term);
    }
  }

  template <typename State>
  Result<void> take_state(State state) {
    if constexpr (is_result<decltype(worker_->restore(std::move(state)))>) {
      return worker_->restore(std::move(state));
    } else {
      worker_->restore(std::move(state));
      return {};
    }
  }

  EncodedTerm args_;
  std::unique_ptr<W> worker_;
  Handling running_;  // uses the worker
};

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <typename W>
std::unique_ptr<Behaviour> make_behaviour(EncodedTerm args) {
  if constexpr (detail::check_worker<W, detail::FoundIn<W>>()) {
    return std::make_unique<detail::WorkerBehaviour<W>>(std::move(args));
  } else {
    return nullptr;
  }
}

}  // namespace brood::inline v0

#pragma GCC visibility pop

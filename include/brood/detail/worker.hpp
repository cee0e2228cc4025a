// The templates behind worker.hpp: typed messages, deferred replies, and the adapter that makes a Behaviour
// of a worker class. Included by worker.hpp only.
#pragma once

#include <array>
#include <atomic>
#include <brood/worker.hpp>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::detail {

template <typename T>
inline char type_tag = 0;  // its address stands for the type; not const, so that no linker merges two

template <typename T>
struct TypedHolder final : Message::Holder {
  explicit TypedHolder(T content) : held(std::move(content)) {}
  [[nodiscard]] const void* type() const override { return &type_tag<T>; }
  [[nodiscard]] void* value() override { return &held; }
  [[nodiscard]] Bytes encode() const override { return brood::encode(held); }
  T held;
};

/// The context whose handler (or start) this thread runs; nullptr when none.
[[nodiscard]] Context* current_context() noexcept;
/// Sets it for a scope. The runtime does so around every handler.
class ContextScope {
 public:
  explicit ContextScope(Context* context) noexcept;
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  Context* before_;
};

/// {process_hub, redundancy_signal, active or passive}: ProcessHub's message, for workers without on_role().
[[nodiscard]] Term role_message(Role role);

/// The encoded atom `ok`, the reply of handlers that return nothing.
[[nodiscard]] const Bytes& encoded_ok();
/// {error, {Code, <<"message">>}}, encoded.
[[nodiscard]] Bytes encode_error(const Error& error);

/// The error in a reply that says {error, {Code, Text}} with one of our codes.
[[nodiscard]] std::optional<Error> error_in_reply(BytesView reply);
/// The reply of a call as a T; one that says an error and does not fit T is that error.
template <typename T>
[[nodiscard]] Result<T> decode_reply(const Result<Bytes>& reply) {
  if (!reply) return reply.error();
  // Looked for first: a Term, or any type that is as wide, would take the refusal for a value.
  if (auto error = error_in_reply(*reply)) return std::move(*error);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return decode<T>(*reply);
  }
}

/// Where a deferred reply goes. The last owner's end answers when nobody did, unless it is the end of the
/// process that promised it: then the call ends as its process does.
class ReplySlot {
 public:
  explicit ReplySlot(TakenCall call, const Context* promised_by = nullptr)
      : call_(std::move(call)), promised_by_(promised_by) {}
  ~ReplySlot();
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  bool answer(Bytes bytes);  ///< False when it was answered before.
  /// Its end answers nobody any more, for the answer is another process's to give (true); or as before.
  void hand_over(bool handed) { handed_over_.store(handed, std::memory_order_release); }
  /// The caller, if it still waits.
  [[nodiscard]] Bytes caller() const;

 private:
  TakenCall call_;
  const Context* promised_by_;  ///< To be compared only: it may be gone.
  std::atomic<bool> answered_{false};
  std::atomic<bool> handed_over_{false};
};
[[nodiscard]] std::shared_ptr<ReplySlot> take_reply_slot();
/// How a promise travels: while its process moves as its caller, {Pid, Tag}; in any other copy of a state as
/// `undefined`, which is a promise to nobody.
void write_promise(TermWriter& writer, const std::shared_ptr<ReplySlot>& slot);
[[nodiscard]] Result<std::shared_ptr<ReplySlot>> read_promise(TermReader& reader);
[[nodiscard]] Error no_conversion(std::uint64_t version, std::uint64_t known, std::string_view worker);

/// What an encoded message looks like from outside: the tag of a record or atom.
struct MessageShape {
  bool tagged = false;
  std::string tag;
};
[[nodiscard]] MessageShape shape_of(BytesView encoded);
/// The arguments of a start as single encoded terms. An empty string stands for no arguments.
[[nodiscard]] Result<std::vector<Bytes>> split_args(BytesView encoded);
[[nodiscard]] Error no_handler(BytesView encoded, const std::vector<std::string_view>& known);
[[nodiscard]] Error wrong_arity(std::size_t given, const std::string& worker);

}  // namespace brood::detail

namespace brood {

template <typename T>
Message Message::of(T value) {
  Message message;
  message.holder_ = std::make_unique<detail::TypedHolder<T>>(std::move(value));
  return message;
}

template <typename T>
T* Message::get_if() {
  if (!holder_ || holder_->type() != &detail::type_tag<T>) return nullptr;
  return static_cast<T*>(holder_->value());
}

/// What a handler returns to say that the reply comes later.
template <typename T>
class Later {};

/// Answers one call. Copies share the one answer; any thread. It may be part of a worker's saved state: when
/// the worker moves with its mail, the restored promise answers the same call.
template <typename T>
class Promise {
 public:
  Promise() = default;  ///< To nobody.
  explicit Promise(std::shared_ptr<detail::ReplySlot> slot) : slot_(std::move(slot)) {}
  /// False when the call was answered before, or there is none.
  template <typename U = T>
  requires(!std::is_void_v<U>) bool set(const U& value) const { return answer(encode(value)); }
  bool set() const requires std::is_void_v<T> { return answer(detail::encoded_ok()); }
  /// Answers {error, {Code, Text}}.
  bool fail(const Error& error) const { return answer(detail::encode_error(error)); }

 private:
  friend struct Codec<Promise<T>>;
  bool answer(Bytes bytes) const { return slot_ && slot_->answer(std::move(bytes)); }
  std::shared_ptr<detail::ReplySlot> slot_;
};

template <typename T>
struct Codec<Promise<T>> {
  static void write(TermWriter& writer, const Promise<T>& promise) {
    detail::write_promise(writer, promise.slot_);
  }
  static Result<Promise<T>> read(TermReader& reader) {
    auto slot = detail::read_promise(reader);
    if (!slot) return std::move(slot).error();
    return Promise<T>(std::move(*slot));
  }
};

template <typename T>
struct Deferred {
  Later<T> later;
  Promise<T> promise;
};

/// Takes the reply of the call that this thread handles. Outside a call, what is answered goes nowhere.
template <typename T>
[[nodiscard]] Deferred<T> defer() {
  return Deferred<T>{Later<T>{}, Promise<T>(detail::take_reply_slot())};
}

template <typename T, typename M>
Result<T> Worker::call(const Address& to, M message, std::chrono::milliseconds timeout) const {
  return detail::decode_reply<T>(context_->call(to, Message::of(std::move(message)), timeout));
}

template <typename T>
Deferred<T> Worker::defer() {
  return brood::defer<T>();
}

}  // namespace brood

namespace brood::detail {

template <typename R>
inline constexpr bool is_result = false;
template <typename T>
inline constexpr bool is_result<Result<T>> = true;
template <typename R>
inline constexpr bool is_later = false;
template <typename T>
inline constexpr bool is_later<Later<T>> = true;

/// Runs the handler of `message` and encodes what it returns; see Worker.
template <typename W, typename M>
Result<Bytes> run_handler(W& worker, M&& message) {
  using R = decltype(worker.on(std::forward<M>(message)));
  if constexpr (std::is_void_v<R>) {
    worker.on(std::forward<M>(message));
    return encoded_ok();
  } else if constexpr (is_later<R>) {
    (void)worker.on(std::forward<M>(message));
    return Bytes{};
  } else if constexpr (is_result<R>) {
    R result = worker.on(std::forward<M>(message));
    if (!result) return result.error();
    if constexpr (std::is_void_v<typename R::value_type>) {
      return encoded_ok();
    } else {
      return encode(*result);
    }
  } else {
    return encode(worker.on(std::forward<M>(message)));
  }
}

/// As run_handler, when nobody waits for the answer.
template <typename W, typename M>
Result<void> run_and_forget(W& worker, M&& message) {
  using R = decltype(worker.on(std::forward<M>(message)));
  if constexpr (is_result<R>) {
    R result = worker.on(std::forward<M>(message));
    if (!result) return result.error();
  } else {
    (void)worker.on(std::forward<M>(message));
  }
  return {};
}

template <typename M>
inline constexpr bool is_record =
    std::is_aggregate_v<M>&& std::is_class_v<M> && !TravelsAsMap<M> && !requires {
  std::tuple_size<M>::value;
};

/// Finds the handler of a message and runs it.
template <typename W, typename List>
struct Dispatch;

template <typename W, typename... Ms>
struct Dispatch<W, messages<Ms...>> {
  static Result<Bytes> call(W& worker, Message& message) {
    std::optional<Result<Bytes>> out;
    auto run = [&](auto&& value) { out.emplace(run_handler(worker, std::forward<decltype(value)>(value))); };
    if (auto failed = visit(message, run)) return std::move(*failed);
    return std::move(*out);
  }
  static Result<void> cast(W& worker, Message& message) {
    Result<void> out;
    auto run = [&](auto&& value) { out = run_and_forget(worker, std::forward<decltype(value)>(value)); };
    if (auto failed = visit(message, run)) return std::move(*failed);
    return out;
  }

 private:
  template <typename Run>
  static std::optional<Error> visit(Message& message, Run& run) {
    if (!message.is_encoded()) {
      if ((try_typed<Ms>(message, run) || ...)) return std::nullopt;
      const Bytes encoded = message.to_bytes();
      return visit_encoded(encoded, run);
    }
    return visit_encoded(message.bytes(), run);
  }
  template <typename M, typename Run>
  static bool try_typed(Message& message, Run& run) {
    M* value = message.get_if<M>();
    if (value == nullptr) return false;
    run(std::move(*value));
    return true;
  }
  // Records are told apart by their tag first, so that a near miss costs no error text. Only what no tag
  // fits is tried against every type: a Codec of one's own may use any tag.
  template <typename Run>
  static std::optional<Error> visit_encoded(BytesView encoded, Run& run) {
    const MessageShape shape = shape_of(encoded);
    std::optional<Error> near_miss;
    if ((try_encoded<Ms>(encoded, shape, true, near_miss, run) || ...)) return std::nullopt;
    if (near_miss) return near_miss;
    if ((try_encoded<Ms>(encoded, shape, false, near_miss, run) || ...)) return std::nullopt;
    return no_handler(encoded, {type_name<Ms>()...});
  }
  template <typename M, typename Run>
  static bool try_encoded(BytesView encoded, const MessageShape& shape, bool first_pass,
                          std::optional<Error>& near_miss, Run& run) {
    bool tag_fits = !is_record<M>;
    if constexpr (is_record<M>) tag_fits = shape.tagged && shape.tag == type_name<M>();
    if (tag_fits != first_pass) return false;
    auto value = decode<M>(encoded);
    if (!value) {
      if (is_record<M> && first_pass) near_miss = value.error();
      return false;
    }
    run(std::move(*value));
    return true;
  }
};

/// A start argument that did not fit; thrown and caught within make_worker.
struct ArgFailure {
  Error error;
};

/// Stands for one start argument of any type: becomes what the constructor's parameter asks for.
template <typename W>
struct AnyArg {
  const Bytes* bytes = nullptr;
  template <typename T>
  requires(!std::is_base_of_v<Worker, T> && !std::is_same_v<T, AnyArg>) operator T()
      const {  // NOLINT: implicit is the point
    auto value = decode<T>(*bytes);
    if (!value) throw ArgFailure{value.error()};
    return std::move(*value);
  }
};

template <typename W, std::size_t N>
std::unique_ptr<W> construct(const std::vector<Bytes>& values) {
  return [&]<std::size_t... I>(std::index_sequence<I...>)->std::unique_ptr<W> {
    if constexpr (std::is_constructible_v<W, decltype((void(I), AnyArg<W>{}))...>) {
      return std::make_unique<W>(AnyArg<W>{&values[I]}...);
    } else {
      return nullptr;
    }
  }
  (std::make_index_sequence<N>{});
}

template <typename W>
inline constexpr std::size_t args_max = 10;

template <typename W>
Result<std::unique_ptr<W>> make_worker(BytesView encoded) {
  auto values = split_args(encoded);
  if (!values) return values.error();
  std::unique_ptr<W> made;
  try {
    [&]<std::size_t... N>(std::index_sequence<N...>) {
      (void)((values->size() == N && ((made = construct<W, N>(*values)), true)) || ...);
    }
    (std::make_index_sequence<args_max<W> + 1>{});
  } catch (const ArgFailure& failure) {
    return failure.error;
  }
  if (!made) return wrong_arity(values->size(), std::string(type_name<W>()));
  return made;
}

template <typename C, typename R, typename A>
std::decay_t<A> restore_argument(R (C::*)(A));

/// A worker class as a Behaviour.
template <typename W>
class WorkerBehaviour final : public Behaviour {
 public:
  explicit WorkerBehaviour(Bytes args) : args_(std::move(args)) {}

  Result<void> start(Context& context) override {
    ContextScope scope(&context);
    auto made = make_worker<W>(args_);
    args_ = Bytes{};
    if (!made) return made.error();
    worker_ = std::move(*made);
    return {};
  }
  Result<Bytes> call(Message message) override {
    if constexpr (requires { typename W::handles; }) {
      return Dispatch<W, typename W::handles>::call(*worker_, message);
    } else {
      return no_handler(message.to_bytes(), {});
    }
  }
  void cast(Message message) override {
    // Nobody waits for the answer: a message that fits no handler is the sender's loss, as in OTP's
    // handle_cast(_, State) -> {noreply, State}.
    if constexpr (requires { typename W::handles; })
      (void)Dispatch<W, typename W::handles>::cast(*worker_, message);
  }
  void info(Message message) override {
    if constexpr (requires(W & w, const Term& t) { w.info(t); }) {
      if (auto term = decode_term(message.to_bytes())) worker_->info(*term);
    }
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
  bool has_state() const override {
    return requires(W & w) {
      w.save();
    };
  }
  Bytes save() override {
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
  Bytes prepare_handover(const NodeName& target) override {
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
  [[nodiscard]] std::optional<Bytes> changes() override {
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
  template <typename State>
  Result<void> take_state(State state) {
    if constexpr (is_result<decltype(worker_->restore(std::move(state)))>) {
      return worker_->restore(std::move(state));
    } else {
      worker_->restore(std::move(state));
      return {};
    }
  }

  Bytes args_;
  std::unique_ptr<W> worker_;
};

}  // namespace brood::detail

namespace brood {

template <typename W>
std::unique_ptr<Behaviour> make_behaviour(Bytes args) {
  return std::make_unique<detail::WorkerBehaviour<W>>(std::move(args));
}

}  // namespace brood

#pragma GCC visibility pop

// The templates behind worker.hpp: typed messages, deferred replies, and how a handler is found and run.
// Included by worker.hpp only.
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

namespace brood::inline v0::detail {

template <typename T>
inline char type_tag = 0;  // its address stands for the type; not const, so that no linker merges two

template <typename T>
struct TypedHolder final : Message::Holder {
  explicit TypedHolder(T content) : held(std::move(content)) {}
  [[nodiscard]] const void* type() const override { return &type_tag<T>; }
  [[nodiscard]] void* value() override { return &held; }
  [[nodiscard]] EncodedTerm encode() const override { return brood::encode(held); }
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
[[nodiscard]] const EncodedTerm& encoded_ok();
/// {error, {Code, <<"message">>}}, encoded.
[[nodiscard]] EncodedTerm encode_error(const Error& error);

/// The error in a reply that says {error, {Code, Text}} with one of our codes.
[[nodiscard]] std::optional<Error> error_in_reply(BytesView reply);
/// The error of a reply that is no T.
[[nodiscard]] Error wrong_reply(Error error);
/// The reply of a call as a T; one that says an error and does not fit T is that error.
template <typename T>
[[nodiscard]] Result<T> decode_reply(const Result<EncodedTerm>& reply) {
  if (!reply) return reply.error();
  // Looked for first: a Term, or any type that is as wide, would take the refusal for a value.
  if (auto error = error_in_reply(*reply)) return std::move(*error);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    auto value = decode<T>(*reply);
    if (!value) return wrong_reply(value.error());
    return value;
  }
}

template <typename T>
[[nodiscard]] Result<T> read_reply(const FutureCore& core) {
  return decode_reply<T>(static_cast<const FutureValue<EncodedTerm>&>(core).value());
}
/// The reply as a T, read whenever it is asked for, by who asks.
template <typename T>
[[nodiscard]] Future<T> reply_future(const Future<EncodedTerm>& reply) {
  return Future<T>(reply.core(), &read_reply<T>);
}

/// Those of the supervisor of the worker whose context it is; never null.
[[nodiscard]] std::shared_ptr<Siblings> siblings_of(const Context& context);

/// Where a deferred reply goes. The last owner's end answers when nobody did, unless it is the end of the
/// process that promised it: then the call ends as its process does.
class ReplySlot {
 public:
  explicit ReplySlot(TakenCall call, const Context* promised_by = nullptr)
      : call_(std::move(call)), promised_by_(promised_by) {}
  ~ReplySlot();
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  bool answer(EncodedTerm bytes);  ///< False when it was answered before.
  /// Its end answers nobody any more, for the answer is another process's to give (true); or as before.
  void hand_over(bool handed) { handed_over_.store(handed, std::memory_order_release); }
  /// The caller, if it still waits.
  [[nodiscard]] EncodedTerm caller() const;

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
/// The arguments of a start, one by one. An empty one stands for none.
[[nodiscard]] Result<std::vector<EncodedTerm>> split_args(BytesView encoded);
[[nodiscard]] Error no_handler(BytesView encoded, const std::vector<std::string_view>& known);
[[nodiscard]] Error wrong_argument(Error error, std::size_t number, const std::string& worker);
[[nodiscard]] Error wrong_arity(std::size_t given, const std::string& worker);

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

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
  bool answer(EncodedTerm bytes) const { return slot_ && slot_->answer(std::move(bytes)); }
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
Future<T> Worker::call(const Address& to, M message, std::chrono::milliseconds timeout) const {
  return detail::reply_future<T>(context_->call(to, Message::of(std::move(message)), timeout));
}

template <typename T>
Deferred<T> Worker::defer() {
  return brood::defer<T>();
}

}  // namespace brood::inline v0

namespace brood::inline v0::detail {

template <typename R>
inline constexpr bool is_result = false;
template <typename T>
inline constexpr bool is_result<Result<T>> = true;
template <typename R>
inline constexpr bool is_later = false;
template <typename T>
inline constexpr bool is_later<Later<T>> = true;
/// A handler that returns it has ended when it is ready, not before.
template <typename R>
inline constexpr bool is_awaited = is_task<R> || is_future<R>;

/// What a handler that returns an R answers.
template <typename R>
struct Answered {
  using type = R;
};
template <typename T>
struct Answered<Result<T>> : Answered<T> {};
template <typename T>
struct Answered<Later<T>> : Answered<T> {};
template <typename T>
struct Answered<Task<T>> : Answered<T> {};
template <typename T>
struct Answered<Future<T>> : Answered<T> {};

}  // namespace brood::inline v0::detail

#include <brood/detail/worker_checks.hpp>

namespace brood::inline v0::detail {

template <typename T, typename List>
inline constexpr bool is_among = false;
template <typename T, typename... Ms>
inline constexpr bool is_among<T, messages<Ms...>> = (std::is_same_v<T, Ms> || ...);

template <typename W, typename M>
concept HandlesMessage = is_among<M, typename W::handles>;  // none: among none
template <typename W, typename M>
inline constexpr bool handles_message = HandlesMessage<W, M>;  // in one word, so that no compiler explains it

/// Stands before the type of the message in a call that says no type: so call<T>(...) is never that one, also
/// where the message is a T itself.
enum class NoTypeSaid : bool { yes };

/// What the answer of a call of M to a worker of class W is: what the handler says, or else the message.
/// NotSaid: neither does.
struct NotSaid {};
template <typename W, typename M>
struct ReplyTo {
  using type = NotSaid;
};
template <typename W, typename M>
requires requires(W& worker, M message) {
  worker.on(std::move(message));
}
struct ReplyTo<W, M> : Answered<decltype(std::declval<W&>().on(std::declval<M>()))> {};
template <typename W, typename M>
requires(
    !requires(W & worker, M message) { worker.on(std::move(message)); } &&
    requires { typename M::reply; }) struct ReplyTo<W, M> {
  using type = typename M::reply;
};
template <typename W, typename M>
using ReplyOf = typename ReplyTo<W, M>::type;
template <typename W, typename M>
inline constexpr bool says_reply = !std::is_same_v<ReplyOf<W, M>, NotSaid>;

/// What a handler returned, or gave in the end, as the bytes of the answer.
template <typename R>
[[nodiscard]] Result<EncodedTerm> encode_answer(const R& value) {
  if constexpr (is_result<R>) {
    if (!value) return value.error();
    if constexpr (std::is_void_v<typename R::value_type>) {
      return encoded_ok();
    } else {
      return encode(*value);
    }
  } else {
    return encode(value);
  }
}

/// The answer of a call whose handler is a coroutine: kept where that ends at its first step, else sent.
struct HandlingAnswer {
  std::optional<Result<EncodedTerm>> kept = std::nullopt;
  std::shared_ptr<ReplySlot> slot = nullptr;
  void give(Result<EncodedTerm> answer);
};

/// Which function of a worker takes a message: on() calls and casts, info() what is neither.
struct ByOn {
  template <typename W, typename M>
  static decltype(auto) handle(W& worker, M&& message) {
    return worker.on(std::forward<M>(message));
  }
};
struct ByInfo {
  template <typename W, typename M>
  static decltype(auto) handle(W& worker, M&& message) {
    return worker.info(std::forward<M>(message));
  }
};

/// Runs a handler that is a coroutine, or returns a future, to its end. `answer`: null where nobody waits.
template <typename By, typename W, typename M>
Handling run_to_its_end(W& worker, M message, std::shared_ptr<HandlingAnswer> answer) {
  const auto handler = By::handle(worker, std::move(message));
  using Value = decltype(handler.operator co_await().await_resume());
  if constexpr (std::is_void_v<Value>) {
    co_await handler;
    if (answer) answer->give(encoded_ok());
  } else {
    const Value value = co_await handler;
    if (answer) answer->give(encode_answer(value));
  }
}

/// Runs the handler of `message` and encodes what it returns; see Worker. One that stands still when this
/// returns is `running`, and its answer (empty here) comes later.
template <typename W, typename M>
Result<EncodedTerm> run_handler(W& worker, M&& message, Handling& running) {
  using R = decltype(worker.on(std::forward<M>(message)));
  if constexpr (is_awaited<R>) {
    auto answer = std::make_shared<HandlingAnswer>();
    Handling handling =
        run_to_its_end<ByOn, W, std::remove_cvref_t<M>>(worker, std::forward<M>(message), answer);
    handling.begin(current_context());
    if (answer->kept) return std::move(*answer->kept);
    answer->slot = take_reply_slot();
    running = std::move(handling);
    return EncodedTerm{};
  } else if constexpr (std::is_void_v<R>) {
    worker.on(std::forward<M>(message));
    return encoded_ok();
  } else if constexpr (is_later<R>) {
    (void)worker.on(std::forward<M>(message));
    return EncodedTerm{};
  } else {
    return encode_answer(worker.on(std::forward<M>(message)));
  }
}

/// As run_handler, when nobody waits for the answer.
template <typename By, typename W, typename M>
void run_and_forget(W& worker, M&& message, Handling& running) {
  using R = decltype(By::handle(worker, std::forward<M>(message)));
  if constexpr (is_awaited<R>) {
    Handling handling =
        run_to_its_end<By, W, std::remove_cvref_t<M>>(worker, std::forward<M>(message), nullptr);
    handling.begin(current_context());
    if (!handling.done()) running = std::move(handling);
  } else {
    (void)By::handle(worker, std::forward<M>(message));
  }
}

/// Finds the handler of a message and runs it.
template <typename W, typename List>
struct Dispatch;

template <typename W, typename... Ms>
struct Dispatch<W, messages<Ms...>> {
  static Result<EncodedTerm> call(W& worker, Message& message, Handling& running) {
    std::optional<Result<EncodedTerm>> out;
    auto run = [&](auto&& value) {
      out.emplace(run_handler(worker, std::forward<decltype(value)>(value), running));
    };
    if (auto failed = visit(message, run)) return std::move(*failed);
    return std::move(*out);
  }
  /// False: no handler fits; the message is as it was.
  template <typename By>
  static bool forget(W& worker, Message& message, Handling& running) {
    auto run = [&](auto&& value) {
      run_and_forget<By>(worker, std::forward<decltype(value)>(value), running);
    };
    return !visit(message, run);
  }

 private:
  template <typename Run>
  static std::optional<Error> visit(Message& message, Run& run) {
    if (!message.is_encoded()) {
      if ((try_typed<Ms>(message, run) || ...)) return std::nullopt;
      const EncodedTerm encoded = message.to_bytes();
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
    return no_handler(encoded, {wire_name<Ms>()...});
  }
  template <typename M, typename Run>
  static bool try_encoded(BytesView encoded, const MessageShape& shape, bool first_pass,
                          std::optional<Error>& near_miss, Run& run) {
    bool tag_fits = !is_record<M>;
    if constexpr (is_record<M>) tag_fits = shape.tagged && shape.tag == wire_name<M>();
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
  const EncodedTerm* bytes = nullptr;
  std::size_t number = 0;  ///< From 1.
  template <typename T>
  requires(!std::is_base_of_v<Worker, T> && !std::is_same_v<T, AnyArg>) operator T()
      const {  // NOLINT: implicit is the point
    auto value = decode<T>(*bytes);
    if (!value) throw ArgFailure{wrong_argument(value.error(), number, std::string(type_name<W>()))};
    return std::move(*value);
  }
};

template <typename W, std::size_t N>
std::unique_ptr<W> construct(const std::vector<EncodedTerm>& values) {
  return [&]<std::size_t... I>(std::index_sequence<I...>)->std::unique_ptr<W> {
    if constexpr (std::is_constructible_v<W, decltype((void(I), AnyArg<W>{}))...>) {
      return std::make_unique<W>(AnyArg<W>{&values[I], I + 1}...);
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

}  // namespace brood::inline v0::detail

#pragma GCC visibility pop

#include <brood/child_ref.hpp>
#include <brood/detail/worker_behaviour.hpp>

// Worker: the base of the C++ classes that children run, and Behaviour, what a process runs underneath.
//
// A worker is an ordinary class:
//
//   class Account : public brood::Worker {
//    public:
//     using handles = brood::messages<deposit, balance>;   // calls and casts it understands
//     explicit Account(std::int64_t opening = 0);           // the start arguments, decoded from the spec's
//     std::int64_t on(deposit d);                           // its return value is the reply
//     std::int64_t on(balance) const;
//     // all optional:
//     using infos = brood::messages<expired>;               // plain messages that it understands: those of
//     void info(expired e);                                 // its timers, and what others send to its pid
//     void info(const brood::Term& message);                // any other plain message
//     void on_down(const brood::Down& down);                // a monitor fired
//     void on_role(brood::Role role);                       // one of several instances: what it is now
//     void on_unhandled(const brood::Term& message);        // a cast, or a plain message, for which there is
//                                                           // no handler; else it is dropped
//     void terminate(const brood::ExitReason& reason);      // last words; also on stop
//     Shown format_status() const;                          // what sys:get_state of Erlang shows of it; else
//                                                           // what save() gives
//     State save() const;  void restore(State state);       // what a planned move takes along; restore() may
//                                                           // return Result<void>: an error refuses the move
//     Changes changes();  void apply(Changes changes);  // for passive instances that follow, in place of the
//                                                       // whole state: what has changed since the last time
//     Handed prepare_handover(const brood::NodeName& target);  // in place of both in a hot swap, for what is
//     void alter_handover(Handed handed);                      // not to be part of other copies of the state
//     static constexpr std::uint64_t state_version = 2;        // when the State's shape has changed
//     static State convert(std::uint64_t version, const brood::Term& old);  // takes an older shape over
//   };
//
// A handler may return `void` (the reply is `ok`), a value, a Result<value> (an error is sent to the caller
// as {error, {Code, Text}}), `brood::Later<T>` (see defer(): the reply comes afterwards, and other messages
// are handled meanwhile), `brood::Task<T>` (it is a coroutine: brood/task.hpp) or `brood::Future<T>` (the
// reply is its answer); with these two the worker takes no other message until the reply is there. A typed
// info() may return `void` or `brood::Task<void>`. An
// exception that leaves a handler ends the process abnormally with {exception, <<"what">>}.
//
// Thread rule: one handler of a worker runs at a time, on whichever scheduler thread is free, or on that of
// its caller (see Worker, `is_quick`); handlers see each other's effects. Context and Worker members may be
// used only inside handlers, except what says otherwise.
#pragma once

#include <brood/codec.hpp>
#include <brood/exit_reason.hpp>
#include <brood/future.hpp>
#include <brood/id.hpp>
#include <brood/remote.hpp>
#include <brood/result.hpp>
#include <brood/task.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// What an instance is to its child. `passive` only where the supervisor's redundancy keeps one instance
/// active and the others in reserve; an instance that is alone is active.
enum class Role : std::uint8_t { active, passive };
[[nodiscard]] constexpr std::string_view to_string(Role role) noexcept {
  return role == Role::active ? "active" : "passive";
}

namespace detail {
class Siblings;
}

/// Who a worker is in the cluster; empty for a process outside any supervisor.
struct WorkerIdentity {
  std::string supervisor;
  Id child_id = {};
  /// The epoch as (clock, node): rises at every start of the child, and when an instance becomes the active
  /// one.
  std::uint64_t epoch_clock = 0;
  Role role = Role::active;
  std::shared_ptr<detail::Siblings> siblings = nullptr;  ///< See Worker::child().
  /// Below a child of type supervisor, whose all the above is: its id there. Else null.
  std::shared_ptr<const Id> inner_id = nullptr;
};

/// A monitored process ended.
struct Down {
  Ref ref;
  Pid pid;                 ///< Empty where it was monitored by name.
  ExitReason reason;       ///< noproc and noconnection among them.
  NamedProcess name = {};  ///< Set where it was monitored by name.
};

/// Until when an alias is one, at the latest until its process ends. The words are Erlang's.
enum class AliasUntil : std::uint8_t {
  explicit_unalias,  ///< Until unalias().
  reply,             ///< As that, but the first message that comes by it is the last.
};

/// The same for an alias that is the reference of a monitor.
enum class MonitorAliasUntil : std::uint8_t {
  explicit_unalias,  ///< Until unalias(), whatever becomes of the monitor.
  demonitor,         ///< As long as the monitor: until demonitor() or until it fires.
  reply_demonitor,   ///< As that, but the first message that comes by it ends both.
};

/// A timer of a worker; see Context::send_after.
struct TimerId {
  std::uint64_t value = 0;
};

/// A value on its way to a process: a C++ message that stays as it is (same node), or an encoded term.
class Message {
 public:
  [[nodiscard]] static Message encoded(EncodedTerm term);
  /// A C++ value: moved to a process of this node, encoded when it leaves.
  template <typename T>
  [[nodiscard]] static Message of(T value);

  Message() = default;
  [[nodiscard]] bool is_encoded() const { return holder_ == nullptr; }
  [[nodiscard]] const EncodedTerm& bytes() const { return bytes_; }
  /// The encoding, made now if it is a C++ value.
  [[nodiscard]] EncodedTerm to_bytes() const;
  /// The same of a message that is not needed any more: an encoded one is not copied.
  [[nodiscard]] EncodedTerm take_bytes();
  /// The value if it is a C++ value of exactly this type; nullptr otherwise.
  template <typename T>
  [[nodiscard]] T* get_if();

  struct Holder {
    virtual ~Holder() = default;
    [[nodiscard]] virtual const void* type() const = 0;
    [[nodiscard]] virtual void* value() = 0;
    [[nodiscard]] virtual EncodedTerm encode() const = 0;
  };

 private:
  EncodedTerm bytes_;
  std::unique_ptr<Holder> holder_;
};

namespace detail {
class ReplySlot;

/// The children of a supervisor, for those who hold them by name: ChildRefs, and its workers. It outlives the
/// supervisor and the node, and answers then that they have ended. Any thread.
class Siblings {
 public:
  virtual ~Siblings() = default;
  /// The reply as it came, an encoded term.
  [[nodiscard]] virtual Future<EncodedTerm> call(const Id& id, Message message,
                                                 std::chrono::milliseconds timeout) = 0;
  virtual void cast(const Id& id, Message message) = 0;
  virtual Result<void> send(const Id& id, Message message) = 0;
  [[nodiscard]] virtual std::optional<Pid> whereis(const Id& id) const = 0;
};
}  // namespace detail

/// A call whose reply was taken: how to answer it, and who waits for the answer.
struct TakenCall {
  /// See Context::take_replier().
  std::function<void(EncodedTerm answer)> answer = nullptr;
  /// Any thread: the encoded {Pid, Tag} of the caller, to which a process of any node can answer; empty when
  /// nobody waits any more.
  std::function<EncodedTerm()> caller = nullptr;
};

/// What a handler may ask of the runtime. Valid while its process lives.
class Context {
 public:
  virtual ~Context() = default;
  [[nodiscard]] virtual Pid self() const = 0;
  [[nodiscard]] virtual const WorkerIdentity& identity() const = 0;
  /// What this instance is to its child; changes only between two handlers (Worker: on_role()).
  [[nodiscard]] Role role() const { return identity().role; }
  /// To any node. An error says that it has certainly not arrived; no error promises nothing.
  virtual Result<void> send(const Address& to, Message message) = 0;
  virtual Result<void> cast(const Address& to, Message message) = 0;
  /// The reply as it came, an encoded term.
  [[nodiscard]] virtual Future<EncodedTerm> call(const Address& to, Message message,
                                                 std::chrono::milliseconds timeout) = 0;
  /// Sends `message` to this very process after `delay`, as a plain message: `info(expired)` of a worker that
  /// has it among its `infos` takes the value itself. Cancelled by cancel() and at the end.
  virtual TimerId send_after(std::chrono::milliseconds delay, Message message) = 0;
  virtual void cancel(TimerId timer) = 0;
  virtual void link(const Pid& to) = 0;
  virtual void unlink(const Pid& to) = 0;
  /// on_down() is called once, at the latest when the connection is lost.
  virtual Ref monitor(const Pid& to) = 0;
  virtual Ref monitor(const NamedProcess& to) = 0;
  virtual void demonitor(const Ref& ref) = 0;
  /// A second address of this process, to be given to others on any node, Erlang's too (`Alias ! Message`).
  /// What is sent to it arrives like what is sent to the pid, for as long as it is an alias; later messages
  /// are dropped. So an answer that comes too late is in nobody's way.
  virtual Ref alias(AliasUntil until) = 0;
  Ref alias() { return alias(AliasUntil::explicit_unalias); }
  /// False: it was none of this process any more. What had arrived before still comes.
  virtual bool unalias(const Ref& alias) = 0;
  /// As monitor(to), and the reference is an alias of this process too.
  virtual Ref monitor(const Pid& to, MonitorAliasUntil until) = 0;
  virtual Ref monitor(const NamedProcess& to, MonitorAliasUntil until) = 0;
  /// Exit signals of linked processes arrive as info {'EXIT', Pid, Reason} instead of ending this process.
  virtual void trap_exit(bool on) = 0;
  /// Ends this process with `reason` after the running handler.
  virtual void stop(ExitReason reason) = 0;
  /// Takes the reply of the running call into one's own hands: the encoded {Pid, Tag} for reply(). Empty
  /// when the running handler serves no call.
  [[nodiscard]] virtual EncodedTerm take_caller() = 0;
  /// Any thread, also after the process ended: answers a call whose caller was taken.
  virtual void reply(BytesView caller, EncodedTerm answer) = 0;
  /// Any thread: runs `job` on this process as if it were a message; dropped when the process has ended.
  /// What is returned may outlive the process and the runtime.
  [[nodiscard]] virtual std::function<void(std::function<void()>)> poster() = 0;
  /// As take_caller(), as a function that answers: any thread, first call counts, may outlive the process
  /// and the runtime (it then does nothing). The caller learns of this process's end like any other caller.
  [[nodiscard]] virtual std::function<void(EncodedTerm answer)> take_replier();
  /// The same with the caller, for a promise that may have to move.
  [[nodiscard]] virtual TakenCall take_call() { return {take_replier(), nullptr}; }
  /// While the state is saved for a move: `slot` owes an answer, and the worker at the target is to give it.
  /// The caller to write into the state; empty at any other time.
  [[nodiscard]] virtual EncodedTerm hand_over(const std::shared_ptr<detail::ReplySlot>& slot) {
    (void)slot;
    return {};
  }
  /// While a moved state is restored: a caller that hand_over() wrote at the source. What is answered before
  /// the move is final is sent when it is.
  [[nodiscard]] virtual TakenCall take_over(BytesView caller) {
    (void)caller;
    return {};
  }
  /// The running handler is to stand still at `at` when it returns: no other message is handled before the
  /// function that is returned has been called, from any thread; then Behaviour::resume() goes on with it.
  /// Empty: this context cannot.
  [[nodiscard]] virtual std::function<void()> suspend(std::coroutine_handle<> at) {
    (void)at;
    return nullptr;
  }
  /// On this process's thread: its end has begun, of which whoever waits for an answer of it will be told.
  [[nodiscard]] virtual bool is_ending() const { return false; }
};

/// What a process runs: a Worker through its adapter, or something made by hand. All functions are called
/// by the runtime, one at a time.
class Behaviour {
 public:
  virtual ~Behaviour() = default;
  /// The worker's construction. An error is the start's failure.
  virtual Result<void> start(Context& context) = 0;
  /// A call; the answer, or an empty term when the caller was taken (reply later).
  /// An error of code type_mismatch or similar is sent to the caller as {error, {Code, Text}}.
  virtual Result<EncodedTerm> call(Message message) = 0;
  virtual void cast(Message message) = 0;
  virtual void info(Message message) = 0;
  virtual void down(const Down& down) = 0;
  virtual void terminate(const ExitReason& reason) = 0;
  /// A handler that stood still goes on; see Context::suspend().
  virtual void resume(std::coroutine_handle<> at) { at.resume(); }
  /// One of several instances of a child: after its start, and when its role is another one.
  virtual void role_changed(Role role) { (void)role; }
  /// Its handlers end within microseconds and wait for nothing: see Worker.
  [[nodiscard]] virtual bool is_quick() const { return false; }
  /// Whether save() gives anything.
  [[nodiscard]] virtual bool has_state() const { return false; }
  /// The state as an encoded term; empty where the worker has none.
  [[nodiscard]] virtual EncodedTerm save() { return {}; }
  /// Called between start() and the first message. An error ends the process, which has then not started.
  virtual Result<void> restore(BytesView state) {
    (void)state;
    return {};
  }
  /// Of the form of what save() gives.
  [[nodiscard]] virtual std::uint64_t state_version() const { return 0; }
  /// As restore(), of a state that was saved in another form.
  virtual Result<void> restore_version(std::uint64_t version, BytesView state);
  /// In place of save() and restore() where the process moves as it is, with its mail.
  [[nodiscard]] virtual EncodedTerm prepare_handover(const NodeName& target) {
    (void)target;
    return save();
  }
  virtual Result<void> alter_handover(BytesView state) { return restore(state); }
  /// The state as people are shown it (sys:get_state), an encoded term: what save() gives, where nothing else
  /// is said. not_allowed: it shows none.
  [[nodiscard]] virtual Result<EncodedTerm> shown_state();
  /// The name of what runs, which stands for OTP's module.
  [[nodiscard]] virtual std::string shown_name() const { return "brood"; }
  /// Whether changes() may be asked in place of save(), once a whole state was saved.
  [[nodiscard]] virtual bool has_changes() const { return false; }
  /// What has changed since it was asked last, as an encoded term; nullopt: nothing.
  [[nodiscard]] virtual std::optional<EncodedTerm> changes() { return std::nullopt; }
  /// After restore(), in the order in which changes() gave them. An error as of restore().
  virtual Result<void> apply(BytesView changes) {
    (void)changes;
    return {};
  }
};

/// The reply of a call that is answered later: `auto [later, promise] = defer<T>();` return `later`, keep
/// `promise`, call promise.set(value) from any thread. A promise that is dropped answers {error, ...}.
template <typename T>
class Later;
template <typename T>
class Promise;
template <typename T>
struct Deferred;
class Worker;

template <typename W = Worker>
class ChildRef;

/// Base of user workers. Construction happens on a scheduler thread with the context already set, so
/// constructors may use context().
///
/// A worker may say `static constexpr bool is_quick = true;`: each of its handlers ends within microseconds
/// and waits for nothing (no lock that is held for long, no file, no get()). A call of it from a thread that
/// is none of the node's then runs the handler on that very thread where the worker is idle, in a fraction of
/// the time that waking another takes. One that blocks all the same holds up its caller, beyond the call's
/// time-out, and nobody else; it is shown as `stuck`, as any.
class Worker {
 public:
  Worker();
  virtual ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 protected:
  [[nodiscard]] Context& context() const { return *context_; }
  [[nodiscard]] Pid self() const { return context_->self(); }
  /// Another child of this worker's supervisor, or this one, by id. Of a worker outside any supervisor a call
  /// is `no_such_supervisor`. What is returned may outlive the worker.
  template <typename W = Worker>
  [[nodiscard]] ChildRef<W> child(Id id) const;
  /// gen_server:call to a process of any node. Errors: no_such_child (nothing there, or it ended with the
  /// message unread), died, unreachable, node_lost, timeout, type_mismatch (shows the reply), deadlock (of
  /// processes of this node); what the callee answered as {error, {Code, Text}} is that error.
  template <typename T, typename M>
  Future<T> call(const Address& to, M message,
                 std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) const;
  /// gen_server:cast and a plain message.
  template <typename M>
  Result<void> cast(const Address& to, M message) const {
    return context_->cast(to, Message::of(std::move(message)));
  }
  template <typename M>
  Result<void> send(const Address& to, M message) const {
    return context_->send(to, Message::of(std::move(message)));
  }
  /// Takes the running call's reply; only inside its handler.
  template <typename T>
  [[nodiscard]] static Deferred<T> defer();
  /// Context::send_after() with a value: `timer_ = send_after(30s, expired{});`
  template <typename M>
  TimerId send_after(std::chrono::milliseconds delay, M message) const {
    return context_->send_after(delay, Message::of(std::move(message)));
  }

 private:
  Context* context_;
};

/// The calls and casts (`handles`), or the plain messages (`infos`), a worker understands, by type.
template <typename... Ms>
struct messages {};

/// The name under which class W is registered where no other is given: its `static constexpr std::string_view
/// worker_name`, or else its C++ name without namespaces.
template <typename W>
[[nodiscard]] std::string worker_name() {
  if constexpr (requires { std::string_view(W::worker_name); }) {
    return std::string(W::worker_name);
  } else {
    return std::string(type_name<W>());
  }
}

/// Makes a Behaviour of worker class W with the given arguments (brood::args).
/// Arguments that do not fit W's constructor make start() fail with type_mismatch.
template <typename W>
[[nodiscard]] std::unique_ptr<Behaviour> make_behaviour(EncodedTerm args);

/// Builds a behaviour from encoded arguments; what a worker name stands for.
using BehaviourFactory = std::function<std::unique_ptr<Behaviour>(EncodedTerm args)>;

}  // namespace brood::inline v0

#pragma GCC visibility pop

#include <brood/detail/worker.hpp>

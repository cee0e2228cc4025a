// FollowGate: what a process that others follow has between its worker and the world. Its state is saved for
// them, and where it is to, the reply of a call waits until one of them holds the state after it.
//
//   worker -- reply --> held --------------------------------------> caller
//          -- state --> send() ... the one that sees to it ... followed()
//
// Which reply waits for which state is decided by flow::ReplyGate, which the simulator runs too; here are its
// lock, the worker, and the ways out. A burst of calls costs as many states as there are round trips, and not
// one for each call. A reply after which the state is what it was (a call that only reads) waits for the
// states before it alone.
//
// It is put around a Behaviour, so that a process that nobody follows costs nothing. While it is passive its
// worker is given no calls: its state is not the child's. A local caller's call ends as if the process were
// not there (no handler saw it, so a call by id goes to the next instance), any other is answered `busy`.
//
// What a worker sends by itself leaves at once, as ever: only replies wait, deferred ones too.
//
// Thread rule: followed(), given_up() and the answers of promises from any thread; the rest belongs to the
// thread that runs the process's turn, but for begin_as(), before the spawn.
#pragma once

#include <brood/worker.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "flow/reply_gate.hpp"
#include "flow/state_form.hpp"
#include "process/runtime.hpp"

namespace brood::process {

class Process;

using SharedState = std::shared_ptr<const Bytes>;  // as the core keeps it

/// A state on its way to those who follow.
struct SavedCopy {
  std::uint64_t number = 0;   ///< From 1, one more each time.
  bool is_whole = true;       ///< false: what has changed since the one before.
  std::uint64_t version = 0;  ///< The worker's state_version.
  SharedState state;
};

/// What a new active instance goes on with.
struct KeptState {
  std::uint64_t version = 0;
  SharedState whole;  ///< Null: there is none.
  std::vector<SharedState> changes;
};

struct FollowOptions {
  /// Saved that often, if anything was handled, and no reply waits; nothing: replies wait.
  std::optional<std::chrono::milliseconds> every = std::nullopt;
  /// Called on the process's thread; must not block. Where replies wait, followed() is to be called.
  std::function<void(SavedCopy)> send;
  /// So many changes in a row, or as many bytes of them as the whole state had, then a whole one. Too small:
  /// more bytes on the way. Too large: more of them kept by each who follows, and a longer promotion.
  std::size_t changes_max = 1000;
};

class FollowGate : public std::enable_shared_from_this<FollowGate> {
 public:
  FollowGate(std::weak_ptr<RuntimeCore> core, FollowOptions options)
      : core_(std::move(core)),
        options_(std::move(options)),
        form_(options_.changes_max),
        replies_(!options_.every) {}
  FollowGate(const FollowGate&) = delete;
  FollowGate& operator=(const FollowGate&) = delete;

  /// What it starts as, and with.
  void begin_as(Role role, KeptState state);
  /// What it is from now on, between two handlers. Active: its worker takes `state` over; one that refuses it
  /// throws. Passive: what was not sent of the state is.
  void become(Role role, const KeptState& state);
  /// Any thread: somebody holds the state of that number, or nobody is waited for.
  void followed(std::uint64_t number);
  /// Any thread: whether the state of that number, or one before, is part of what goes on nobody knows.
  void given_up(std::uint64_t number);

  /// Around `inner`, which it owns.
  [[nodiscard]] std::unique_ptr<Behaviour> wrap(std::unique_ptr<Behaviour> inner);

  // For what is around the worker.
  void attach(Behaviour& worker, Context& context, const Process& process);
  void detach();
  [[nodiscard]] Result<void> started();
  [[nodiscard]] bool is_active() const { return replies_.is_active(); }
  void enter();
  void leave();
  using Answer = std::function<void(EncodedTerm)>;
  /// In which the running handler began.
  [[nodiscard]] std::uint64_t term() const { return replies_.term(); }
  /// Any thread: gives the answer of a handler of that term when it may leave.
  void hold(Answer answer, EncodedTerm bytes, std::uint64_t term);
  /// Saves the state if it is time for it.
  void save();

 private:
  struct Reply {
    Answer answer;
    EncodedTerm bytes;
  };
  using Replies = flow::ReplyGate<Reply>;
  [[nodiscard]] Result<void> take_over(const KeptState& state);
  void save_now(bool is_last);
  [[nodiscard]] std::optional<EncodedTerm> next_state(bool whole);
  void ask_to_save();
  void arm();
  static void give(Replies::Ready ready);

  const std::weak_ptr<RuntimeCore> core_;
  const FollowOptions options_;

  // The process's thread.
  Behaviour* worker_ = nullptr;
  Context* context_ = nullptr;
  LocalPid pid_;
  Role first_role_ = Role::passive;
  KeptState first_state_;
  flow::StateForm form_;
  SharedState last_;  ///< What was sent last, of a worker without changes().

  std::mutex mutex_;  ///< Around each use of replies_, but for its role, which is the process's thread's.
  Replies replies_;
};

}  // namespace brood::process

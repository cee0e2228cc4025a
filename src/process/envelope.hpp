// Envelopes: what lies in a process's mailbox, and the two queues it passes through.
//
// Senders push onto Inbox, which is lock-free and takes eight bytes. The process empties it in its turn:
// signals act at once, messages move on to its MessageQueue. So a signal does not wait behind messages that
// no handler has seen, as in OTP.
#pragma once

#include <algorithm>
#include <atomic>
#include <brood/exit_reason.hpp>
#include <brood/worker.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "process/calls/pending_call.hpp"
#include "process/runtime.hpp"

namespace brood::process {

class Process;

struct Envelope {
  enum class Kind : std::uint8_t {
    // messages, handled in order
    start,
    info,
    cast,
    call,
    job,
    down,
    timer,
    // signals
    exit,
    link,
    unlink,
    unlink_ack,
    monitor,
    demonitor,
    node_down,
    order,    // of a move, see handover/move.hpp
    resume,   // a handler that stood still goes on
    aliased,  // a message in a wrapper: it becomes one if the alias still is one
  };

  explicit Envelope(Kind k) : kind(k) {}
  virtual ~Envelope() = default;
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  [[nodiscard]] bool is_message() const { return kind < Kind::exit; }
  /// It counts towards the mailbox limits, with the size that it has encoded.
  void count(std::size_t size) {
    counted = true;
    bytes = static_cast<std::uint32_t>(std::min<std::size_t>(size, UINT32_MAX));
  }

  Envelope* next = nullptr;
  Kind kind;
  bool counted = false;  ///< See count().
  std::uint32_t bytes = 0;
};

struct Restoration;  // handover/restoring.hpp

struct StartEnvelope final : Envelope {
  explicit StartEnvelope(std::function<void(const Result<void>&)> done)
      : Envelope(Kind::start), on_started(std::move(done)) {}
  std::function<void(const Result<void>&)> on_started;
  std::shared_ptr<Restoration> restoration;  ///< What the worker takes over, if anything.
};

/// info or cast.
struct MessageEnvelope : Envelope {
  MessageEnvelope(Kind k, Message m) : Envelope(k), message(std::move(m)) {}
  Message message;
};

/// One of `local` and `from` is set; neither once the caller was taken or answered.
struct CallEnvelope final : MessageEnvelope {
  CallEnvelope(Message m, PendingCallPtr caller)
      : MessageEnvelope(Kind::call, std::move(m)), local(std::move(caller)) {}
  CallEnvelope(Message m, EncodedTerm caller)
      : MessageEnvelope(Kind::call, std::move(m)), from(std::move(caller)) {}
  PendingCallPtr local;  ///< A caller of this runtime's call().
  EncodedTerm from;      ///< Encoded {Pid, Tag} of any other.
};

struct TimerEnvelope final : MessageEnvelope {
  TimerEnvelope(std::uint64_t timer, Message m) : MessageEnvelope(Kind::timer, std::move(m)), id(timer) {}
  std::uint64_t id;
};

struct JobEnvelope final : Envelope {
  explicit JobEnvelope(std::function<void()> work) : Envelope(Kind::job), job(std::move(work)) {}
  std::function<void()> job;
};

/// A monitor of this process fired.
struct DownEnvelope final : Envelope {
  DownEnvelope(std::uint64_t ref, ExitReason why) : Envelope(Kind::down), id(ref), reason(std::move(why)) {}
  std::uint64_t id;
  ExitReason reason;
  std::unique_ptr<Down> moved;  ///< It fired where the process was before: this is to be told.
};

/// What becomes of a process after a step of its turn. `left`: it is somebody else's now, touch it no more.
enum class Step : std::uint8_t { go_on, left };

/// Something to be done with a process between two handlers. An order that is dropped undone, because the
/// process has ended, tells whoever gave it (see handover/answer.hpp).
struct OrderEnvelope final : Envelope {
  using Code = std::function<Step(Process&)>;
  explicit OrderEnvelope(Code c) : Envelope(Kind::order), code(std::move(c)) {}
  Code code;
};

/// A signal that says no more than its kind.
struct SignalEnvelope final : Envelope {
  using Envelope::Envelope;
};

struct ExitEnvelope final : Envelope {
  enum class Source : std::uint8_t {
    link,   ///< A linked process ended.
    other,  ///< exit/2 of some process.
    owner,  ///< Runtime::exit: cannot be trapped.
    stop,   ///< The runtime stops: as owner.
  };
  ExitEnvelope(Pid f, ExitReason why, Source s)
      : Envelope(Kind::exit), from(std::move(f)), reason(std::move(why)), source(s) {}
  Pid from;
  ExitReason reason;
  Source source;
};

/// link, unlink, unlink_ack.
struct LinkEnvelope final : Envelope {
  LinkEnvelope(Kind k, Pid f, std::uint64_t id = 0) : Envelope(k), from(std::move(f)), unlink_id(id) {}
  Pid from;
  std::uint64_t unlink_id;
};

/// Who watches a process: of this runtime (a process, or the outside with id 0), or of another node.
struct Watcher {
  LocalPid local;
  std::uint64_t id = 0;  ///< The reference, when local.
  bool is_remote = false;
  Pid remote = {};
  Ref ref = {};
  Atom name = {};  ///< The name that was monitored, when it was a name.
};

/// monitor, demonitor.
struct MonitorEnvelope final : Envelope {
  MonitorEnvelope(Kind k, Watcher w) : Envelope(k), watcher(std::move(w)) {}
  Watcher watcher;
};

struct NodeDownEnvelope final : Envelope {
  explicit NodeDownEnvelope(NodeName n) : Envelope(Kind::node_down), node(std::move(n)) {}
  NodeName node;
};

/// A message that came by an alias. It counts in place of the message until that is let in.
struct AliasedEnvelope final : Envelope {
  AliasedEnvelope(std::uint64_t a, std::unique_ptr<Envelope> m)
      : Envelope(Kind::aliased), alias(a), message(std::move(m)) {
    counted = message->counted;
    bytes = message->bytes;
  }
  std::uint64_t alias;
  std::unique_ptr<Envelope> message;
};

/// Many senders, one receiver. `idle` and `busy` say, while it is empty, whether somebody runs the process
/// (or has it in a run queue); not empty means busy.
class Inbox {
 public:
  enum class Push : std::uint8_t {
    closed,  ///< Not taken: the process has ended.
    queued,
    wake,  ///< The process was idle: who pushed must schedule it.
  };

  Push push(Envelope* envelope) {
    Envelope* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) return Push::closed;
      envelope->next = head == busy() ? nullptr : head;
    } while (
        !head_.compare_exchange_weak(head, envelope, std::memory_order_acq_rel, std::memory_order_relaxed));
    return head == nullptr ? Push::wake : Push::queued;
  }
  [[nodiscard]] bool has_some() const {
    Envelope* head = head_.load(std::memory_order_relaxed);
    return head != nullptr && head != busy() && head != closed();
  }
  [[nodiscard]] bool is_closed() const { return head_.load(std::memory_order_acquire) == closed(); }
  /// Receiver: everything, oldest first; it stays busy.
  [[nodiscard]] Envelope* take() {
    return has_some() ? oldest_first(head_.exchange(busy(), std::memory_order_acq_rel)) : nullptr;
  }
  /// Receiver: true when it is idle now and belongs to whoever wakes it; false when something came in.
  [[nodiscard]] bool become_idle() {
    Envelope* expected = busy();
    return head_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
  }
  /// Receiver: takes no more; returns what is left.
  [[nodiscard]] Envelope* close() {
    return oldest_first(head_.exchange(closed(), std::memory_order_acq_rel));
  }

 private:
  static Envelope* busy() { return reinterpret_cast<Envelope*>(std::uintptr_t{1}); }
  static Envelope* closed() { return reinterpret_cast<Envelope*>(std::uintptr_t{2}); }
  static Envelope* oldest_first(Envelope* newest) {
    if (newest == busy() || newest == closed()) return nullptr;
    Envelope* list = nullptr;
    while (newest != nullptr) {
      Envelope* next = newest->next;
      newest->next = list;
      list = newest;
      newest = next;
    }
    return list;
  }

  std::atomic<Envelope*> head_{busy()};  // a new process is scheduled by who makes it
};

/// The messages that a process has taken in and not handled. One thread at a time. Does not own what is left
/// in it: the end of a process empties it.
class MessageQueue {
 public:
  [[nodiscard]] Envelope* front() const { return head_; }
  [[nodiscard]] Envelope* back() const { return head_ == nullptr ? nullptr : tail_; }
  void push(Envelope* envelope) {
    envelope->next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = envelope;
    tail_ = envelope;
  }
  [[nodiscard]] Envelope* pop() {
    Envelope* first = head_;
    if (first != nullptr) head_ = first->next;
    return first;
  }

 private:
  Envelope* head_ = nullptr;
  Envelope* tail_ = nullptr;
};

}  // namespace brood::process

// The workers of the tests: one that reports to a witness, and some that misbehave in each way there is.
//
// witness         #{host, port, beat_ms}: reports start and stop, and with beat_ms that it still runs; a
// counter crasher         #{after_ms} or none: throws then, or in its start; on the call `crash` too
// leader          #{host, port}: reports to a witness while it is the active one of several instances, and
//                 answers `who` with {Role, Node, [Role that it was told]}
// fails_to_start  throws in its constructor, always
// blocker         blocks for ever on the call `block`; with the argument `start` in its start
// segfaulter      crashes its whole node on the call `crash`, on `overflow` by using up its stack, and ends
// it with
//                 exit() on `quit`; with the argument `start` crashes it in its start
// exiter          ends on the calls `{leave, Reason}`: normal, shutdown or any other term
#include <brood/node.hpp>
#include <brood/worker.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>

#include "tests/plugins/witness_line.hpp"

namespace brood::chaos {
namespace {

struct get {};
struct increment {};
struct add {
  std::int64_t n;
};
struct ping {};
struct crash {};
struct overflow {};
struct quit {};
struct block {};
struct leave {
  Term reason;
};

std::int64_t integer_at(const Term& map, std::string_view key, std::int64_t otherwise) {
  const auto* value = map.get(key);
  const auto* integer = value == nullptr ? nullptr : value->as_integer();
  return integer == nullptr ? otherwise : *integer;
}

Message tick() {
  return Message::encoded(encode_term(Term::atom("tick")));
}

class Witness : public Worker {
 public:
  using handles = messages<get, increment, add, ping>;
  explicit Witness(const Term& options) : beat_(integer_at(options, "beat_ms", 0)) {
    const auto* host = options.get("host");
    line_ = WitnessLine::to(host == nullptr ? "127.0.0.1" : host->text().value_or("127.0.0.1"),
                            static_cast<std::uint16_t>(integer_at(options, "port", 0)));
    if (!report("start")) throw std::runtime_error("the witness cannot be reached");
    if (beat_ > 0) next_beat();
  }
  std::int64_t on(get) const { return value_; }
  std::int64_t on(increment) { return ++value_; }
  std::int64_t on(add request) { return value_ += request.n; }
  Atom on(ping) const { return Atom("pong"); }
  void info(const Term& message) {
    if (!message.is_atom("tick")) return;
    (void)report("beat");
    next_beat();
  }
  // Not in terminate(): a killed worker (its node had to give it up) has no last words, but it does end.
  ~Witness() override { (void)report("stop"); }

 private:
  bool report(std::string_view what) { return line_->report(what, context().identity(), self()); }
  void next_beat() { context().send_after(std::chrono::milliseconds(beat_), tick()); }

  std::int64_t beat_;
  std::int64_t value_ = 0;
  std::shared_ptr<WitnessLine> line_;
};

struct who {};

class Leader : public Worker {
 public:
  using handles = messages<who>;
  explicit Leader(const Term& options) {
    const auto* host = options.get("host");
    line_ = WitnessLine::to(host == nullptr ? "127.0.0.1" : host->text().value_or("127.0.0.1"),
                            static_cast<std::uint16_t>(integer_at(options, "port", 0)));
  }
  void on_role(Role role) {
    told_.push_back(Term::atom(to_string(role)));
    if (role == Role::active) {
      leads_ = context().identity();
      (void)line_->report("start", *leads_, self());
    } else if (leads_) {
      (void)line_->report("stop", *leads_, self());
      leads_.reset();
    }
  }
  Term on(who) const {
    return Term::tuple(
        {Term::atom(to_string(context().role())), Term(self().node), Term::list(std::vector<Term>(told_))});
  }
  ~Leader() override {
    if (leads_) (void)line_->report("stop", *leads_, self());
  }

 private:
  std::shared_ptr<WitnessLine> line_;
  std::optional<WorkerIdentity> leads_;  ///< As it was when it became active.
  std::vector<Term> told_;
};

class Crasher : public Worker {
 public:
  using handles = messages<crash, ping>;
  Crasher() { throw std::runtime_error("crashes at its start"); }
  explicit Crasher(const Term& options) {
    context().send_after(std::chrono::milliseconds(integer_at(options, "after_ms", 0)), tick());
  }
  void on(crash) { throw std::runtime_error("crashed when asked to"); }
  Atom on(ping) const { return Atom("pong"); }
  void info(const Term& message) {
    if (message.is_atom("tick")) throw std::runtime_error("crashed by itself");
  }
};

class FailsToStart : public Worker {
 public:
  FailsToStart() { throw std::runtime_error("never starts"); }
};

// Never returns: nobody ever signals.
void block_for_ever() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait(lock, [] { return false; });
}

class Blocker : public Worker {
 public:
  using handles = messages<block, ping>;
  Blocker() = default;
  explicit Blocker(const Term& when) {
    if (when.is_atom("start")) block_for_ever();
  }
  void on(block) { block_for_ever(); }
  Atom on(ping) const { return Atom("pong"); }
};

// A real fault: a raised signal would not come again after a handler that looked at it. Sanitizers would turn
// it into an exit of their own.
__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) void crash_the_node() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

// Not for the compiler to see through: it has no end.
__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) int recurse(volatile int* depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  return *depth == 0 ? 0 : recurse(depth) + frame[0];
}

class Segfaulter : public Worker {
 public:
  using handles = messages<crash, overflow, quit, ping>;
  Segfaulter() = default;
  explicit Segfaulter(const Term& when) {
    if (when.is_atom("start")) crash_the_node();
  }
  void on(crash) { crash_the_node(); }
  void on(quit) { std::exit(3); }
  int on(overflow) {
    volatile int depth = 1;
    return recurse(&depth);
  }
  Atom on(ping) const { return Atom("pong"); }
};

class Exiter : public Worker {
 public:
  using handles = messages<leave, ping>;
  void on(leave request) { context().stop(ExitReason(std::move(request.reason))); }
  Atom on(ping) const { return Atom("pong"); }
};

}  // namespace
}  // namespace brood::chaos

BROOD_REGISTER_WORKERS(registry) {
  using namespace brood::chaos;
  (void)registry.add<Witness>("witness");
  (void)registry.add<Leader>("leader");
  (void)registry.add<Crasher>("crasher");
  (void)registry.add<FailsToStart>("fails_to_start");
  (void)registry.add<Blocker>("blocker");
  (void)registry.add<Segfaulter>("segfaulter");
  (void)registry.add<Exiter>("exiter");
}

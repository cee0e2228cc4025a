// A local supervisor with workers that say what happens to them.
#pragma once

#include <map>
#include <set>

#include "process/local/local_supervisor.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {

/// Its workers are named by their one argument. Each says "+name" when it starts and "-name Reason" in its
/// last words, and does what it is sent: `crash`, `{stop, Reason}`, `hang` (until `release` opens), `ask`
/// (the supervisor `asked`, for 300 ms).
class LocalSupervisorTest : public RuntimeTest {
 protected:
  static InnerSpec worker(const std::string& name, Restart restart = Restart::permanent) {
    return {.id = Id(Atom(name)), .run = WorkerSpec{"worker", brood::args(name)}, .restart = restart};
  }
  static InnerSpec significant(const std::string& name, Restart restart) {
    InnerSpec spec = worker(name, restart);
    spec.significant = true;
    return spec;
  }

  /// Until it has started, or failed to; then `started` has how that went.
  Pid spawn_args(EncodedTerm args, SpawnOptions options = {}) {
    Channel<Result<void>> starts;
    options.on_started = [&](const Result<void>& result) { starts.put(result); };
    options.on_exit = [this](const ExitReason& reason) { said.put("supervisor: " + reason.text()); };
    const Pid pid = runtime.spawn(make_supervisor(std::move(args)), std::move(options));
    started = starts.take().value_or(Error{Errc::timeout, "no start"});
    return pid;
  }
  Pid spawn(const SupervisorSpec& spec, SpawnOptions options = {}) {
    return spawn_args(spec.args(), std::move(options));
  }

  std::unique_ptr<Behaviour> make_supervisor(EncodedTerm args) {
    return std::make_unique<LocalSupervisor>(
        std::move(args),
        [this](const std::string& name, const EncodedTerm& with) { return make(name, with); });
  }
  Result<std::unique_ptr<Behaviour>> make(const std::string& worker, const EncodedTerm& args) {
    if (worker == supervisor_worker) return make_supervisor(args);
    if (worker != "worker") return Error{Errc::no_such_worker, "no worker named " + worker};
    const std::string name = *decode_term(args)->as_list()->front().text();
    return scripted({.start = [this, name](Context&) { return begin(name); },
                     .call = [](Context& context, Message) { return encode_term(role_term(context)); },
                     .info = [this, name](Context& context, Message m) { obey(context, name, m); },
                     .terminate = [this, name](Context&, const ExitReason& reason) { end(name, reason); }});
  }
  static Term role_term(Context& context) { return Term::atom(brood::to_string(context.role())); }

  Result<void> begin(const std::string& name) {
    {
      std::unique_lock lock(mutex_);
      if (fails[name] > 0) {
        --fails[name];
        said.put("!" + name);
        return Error{Errc::start_failed, "as it was told"};
      }
    }
    if (name == slow) {
      said.put("~" + name);
      (void)release.wait();
    }
    if (name == asks && asked != Pid{}) said.put(name + ": " + ask(asked, "which_children"));
    said.put("+" + name);
    return {};
  }
  void obey(Context& context, const std::string& name, const Message& given) {
    const auto term = *decode_term(given.to_bytes());
    if (term.is_atom("ask")) {
      said.put("asks");
      said.put(name + ": " + text(runtime.call_and_wait(asked, message("which_children"), 300ms)));
    }
    if (term.is_atom("crash")) throw std::runtime_error("as it was told");
    if (term.is_atom("hang")) {
      said.put("hangs");
      (void)release.wait();
    }
    if (term.is_record("stop", 2)) context.stop(ExitReason((*term.as_tuple())[1]));
  }
  void end(const std::string& name, const ExitReason& reason) { said.put("-" + name + " " + reason.text()); }

  /// The next things said, in that order.
  void expect(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      const auto next = said.take();
      ASSERT_TRUE(next.has_value()) << "nothing was said, expected " << line;
      EXPECT_EQ(*next, line);
    }
  }
  /// Nothing more is said, and the supervisor is idle: it answers.
  void expect_quiet(const Pid& supervisor) {
    (void)ask(supervisor, "which_children");
    EXPECT_EQ(said.size(), 0U);
  }

  bool nothing_runs() {
    return eventually([&] { return runtime.process_count() == 0; });
  }

  std::string ask(const Pid& pid, const std::string& what) {
    return text(runtime.call_and_wait(pid, message(what), patience));
  }
  /// Of an inner child, by its name; waits until it runs.
  Pid inner(const Pid& supervisor, const std::string& name) {
    std::optional<Pid> found;
    EXPECT_TRUE(eventually([&] {
      const auto answer = runtime.call_and_wait(supervisor, message("{which_child, " + name + "}"), patience);
      const auto term = answer ? decode_term(*answer) : Result<Term>(answer.error());
      if (!term || term->as_pid() == nullptr) return false;
      found = *term->as_pid();
      return true;
    })) << name;
    return found.value_or(Pid{});
  }
  void tell(const Pid& supervisor, const std::string& name, const std::string& what) {
    (void)runtime.send(inner(supervisor, name), message(what));
  }

  void TearDown() override {
    release.open();
    RuntimeTest::TearDown();
  }

  std::map<std::string, int> fails;  ///< How many of its next starts fail.
  std::string slow;                  ///< Its start says "~name" and waits for `release`.
  std::string asks;                  ///< Its start calls the supervisor, and says what comes of it.
  Pid asked;
  Gate release;
  Channel<std::string> said;
  Result<void> started;

 private:
  std::mutex mutex_;
};

}  // namespace brood::process::testing

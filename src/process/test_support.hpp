// What is shared by this layer's tests: a runtime without network, a network that writes down what it is
// asked, and waiting for conditions.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "process/runtime.hpp"

namespace brood::process::testing {

using namespace std::chrono_literals;

inline constexpr auto patience = std::chrono::seconds(20);

/// Something that threads set and the test waits for.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait(std::chrono::milliseconds limit = patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// Values that threads add and the test takes in order.
template <typename T>
class Channel {
 public:
  void put(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  std::optional<T> take(std::chrono::milliseconds limit = patience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, limit, [this] { return !values_.empty(); })) return std::nullopt;
    T first = std::move(values_.front());
    values_.erase(values_.begin());
    return first;
  }
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return condition();
}

inline EncodedTerm encoded(const std::string& erlang) {
  return encode_term(*parse_term(erlang));
}
inline Message message(const std::string& erlang) {
  return Message::encoded(encoded(erlang));
}
inline std::string text(const Result<EncodedTerm>& result) {
  return result ? encoded_to_string(*result) : "error: " + std::string(to_string(result.error().code));
}

/// A behaviour made of functions; each may be left out.
struct Script {
  std::function<Result<void>(Context&)> start = nullptr;
  std::function<Result<EncodedTerm>(Context&, Message)> call = nullptr;
  std::function<void(Context&, Message)> cast = nullptr;
  std::function<void(Context&, Message)> info = nullptr;
  std::function<void(Context&, const Down&)> down = nullptr;
  std::function<void(Context&, const ExitReason&)> terminate = nullptr;
  bool is_quick = false;
};

class Scripted final : public Behaviour {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Result<void> start(Context& context) override {
    context_ = &context;
    return script_.start ? script_.start(context) : Result<void>();
  }
  Result<EncodedTerm> call(Message m) override {
    if (script_.call) return script_.call(*context_, std::move(m));
    return m.to_bytes();
  }
  void cast(Message m) override {
    if (script_.cast) script_.cast(*context_, std::move(m));
  }
  void info(Message m) override {
    if (script_.info) script_.info(*context_, std::move(m));
  }
  void down(const Down& d) override {
    if (script_.down) script_.down(*context_, d);
  }
  bool is_quick() const override { return script_.is_quick; }
  void terminate(const ExitReason& reason) override {
    if (script_.terminate) script_.terminate(*context_, reason);
  }

 private:
  Script script_;
  Context* context_ = nullptr;
};

inline std::unique_ptr<Behaviour> scripted(Script script = {}) {
  return std::make_unique<Scripted>(std::move(script));
}

inline const NodeName here{"here@127.0.0.1"};
inline const NodeName there{"there@127.0.0.1"};
inline Pid far_pid(std::uint32_t id) {
  return Pid{there, id, 0, 7};
}
inline Ref far_ref(std::uint32_t id) {
  return Ref{there, 7, {id, 0, 0}};
}

/// Writes down what is asked of it, a line each.
class FakeRemote final : public Remote {
 public:
  struct Asked {
    std::string what;  ///< "send", "monitor", ...
    Pid from, to;
    Atom name;
    Ref ref;
    std::uint64_t id = 0;
    EncodedTerm term;
  };
  bool try_send(const Pid& from, const Pid& to, EncodedTerm term) override {
    return !busy && Remote::try_send(from, to, std::move(term));
  }
  bool try_send_named(const Pid& from, const NamedProcess& to, EncodedTerm term) override {
    return !busy && Remote::try_send_named(from, to, std::move(term));
  }
  CallSent try_call(const Pid& from, const Address& to, const Ref& ref, EncodedTerm request) override {
    if (busy) return CallSent::refused;
    Bytes octets(1, '\x83');
    put_call_head(octets, from, ref, watches);
    EncodedTerm term(octets.append(request, 1));
    const auto* pid = std::get_if<Pid>(&to);
    const auto* named = std::get_if<NamedProcess>(&to);
    if (!watches && pid != nullptr) monitor(from, *pid, ref);
    if (!watches && named != nullptr) monitor_named(from, *named, ref);
    if (pid != nullptr) {
      send(from, *pid, std::move(term));
    } else if (named != nullptr) {
      send_named(from, *named, std::move(term));
    } else {
      send_alias(from, std::get<Ref>(to), std::move(term));
    }
    return watches ? CallSent::watched : CallSent::monitored;
  }
  void reply(const Pid& from, const GenFrom& caller, EncodedTerm answer, bool) override {
    EncodedTerm term = make_gen_reply(caller.tag, answer);
    if (caller.alias) {
      send_alias(from, *caller.alias, std::move(term));
    } else {
      send(from, caller.pid, std::move(term));
    }
  }
  void send(const Pid& from, const Pid& to, EncodedTerm term) override {
    put({"send", from, to, {}, {}, 0, std::move(term)});
  }
  void send_named(const Pid& from, const NamedProcess& to, EncodedTerm term) override {
    put({"send_named", from, {}, to.name, {}, 0, std::move(term)});
  }
  void send_alias(const Pid& from, const Ref& alias, EncodedTerm term) override {
    put({"send_alias", from, {}, {}, alias, 0, std::move(term)});
  }
  void link(const Pid& from, const Pid& to) override { put({"link", from, to, {}, {}, 0, {}}); }
  void unlink(const Pid& from, const Pid& to, std::uint64_t id) override {
    put({"unlink", from, to, {}, {}, id, {}});
  }
  void unlink_ack(const Pid& from, const Pid& to, std::uint64_t id) override {
    put({"unlink_ack", from, to, {}, {}, id, {}});
  }
  void exit(const Pid& from, const Pid& to, EncodedTerm reason) override {
    put({"exit", from, to, {}, {}, 0, std::move(reason)});
  }
  void exit2(const Pid& from, const Pid& to, EncodedTerm reason) override {
    put({"exit2", from, to, {}, {}, 0, std::move(reason)});
  }
  void monitor(const Pid& from, const Pid& to, const Ref& ref) override {
    put({"monitor", from, to, {}, ref, 0, {}});
  }
  void monitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) override {
    put({"monitor_named", from, {}, to.name, ref, 0, {}});
  }
  void demonitor(const Pid& from, const Pid& to, const Ref& ref) override {
    put({"demonitor", from, to, {}, ref, 0, {}});
  }
  void demonitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) override {
    put({"demonitor_named", from, {}, to.name, ref, 0, {}});
  }
  void monitor_exit(const Pid& watched, const Atom& name, const Pid& watcher, const Ref& ref,
                    EncodedTerm reason) override {
    put({"monitor_exit", watched, watcher, name, ref, 0, std::move(reason)});
  }

  /// The next thing asked, which must be `what`.
  Asked next(const std::string& what) {
    auto asked = asked_.take();
    EXPECT_TRUE(asked.has_value()) << "nothing was asked, expected " << what;
    if (!asked) return {};
    EXPECT_EQ(asked->what, what);
    return *asked;
  }
  /// The same, where `other` may come before it: of two things that are asked on two threads.
  Asked next_after(const std::string& other, const std::string& what) {
    auto asked = asked_.take();
    if (asked && asked->what == other) return next(what);
    EXPECT_TRUE(asked.has_value()) << "nothing was asked, expected " << what;
    if (!asked) return {};
    EXPECT_EQ(asked->what, what);
    return *asked;
  }
  std::size_t waiting() { return asked_.size(); }
  std::optional<Asked> take() { return asked_.take(); }

  std::atomic<bool> busy{false};     ///< Refuses what can be refused.
  std::atomic<bool> watches{false};  ///< Calls carry their watch.

 private:
  void put(Asked asked) { asked_.put(std::move(asked)); }
  Channel<Asked> asked_;
};

/// A runtime of two threads, quick to call a handler stuck.
class RuntimeTest : public ::testing::Test {
 protected:
  static RuntimeOptions options() {
    RuntimeOptions out;
    out.threads = 2;
    out.stuck_after = 100ms;
    return out;
  }
  void TearDown() override {
    EXPECT_EQ(runtime.stop(patience), 0U);
    runtime.set_remote(nullptr);
  }

  FakeRemote remote;
  Runtime runtime{here, 3, options()};
};

/// A runtime with a network and with processes that do what the test posts to them.
class ProbeTest : public RuntimeTest {
 protected:
  void SetUp() override { runtime.set_remote(&remote); }

  /// A process that runs posted jobs in its context and writes down what reaches it.
  struct Probe {
    Pid pid;
    Context* context = nullptr;
    std::function<void(std::function<void()>)> post;
    Channel<std::string> seen;
  };
  Probe& make(bool traps = false) {
    Probe* raw = probes_.emplace_back(std::make_unique<Probe>()).get();
    Gate ready;
    SpawnOptions spawn;
    spawn.on_exit = [raw](const ExitReason& reason) { raw->seen.put("exit: " + reason.text()); };
    raw->pid = runtime.spawn(
        scripted({.start =
                      [&, raw, traps](Context& context) {
                        context.trap_exit(traps);
                        raw->context = &context;
                        raw->post = context.poster();
                        ready.open();
                        return Result<void>();
                      },
                  .info = [raw](Context&,
                                Message m) { raw->seen.put("info: " + encoded_to_string(m.to_bytes())); },
                  .down =
                      [raw](Context&, const Down& down) {
                        raw->seen.put("down: " + to_string(down.pid) + " " + down.reason.text());
                      }}),
        std::move(spawn));
    EXPECT_TRUE(ready.wait());
    return *raw;
  }
  /// Runs `job` in the process and waits until it is over.
  template <typename Job>
  void in(Probe& probe, Job job) {
    Gate done;
    probe.post([&] {
      job(*probe.context);
      done.open();
    });
    ASSERT_TRUE(done.wait());
  }
  void TearDown() override {
    RuntimeTest::TearDown();
    probes_.clear();
  }
  std::vector<std::unique_ptr<Probe>> probes_;
};

}  // namespace brood::process::testing

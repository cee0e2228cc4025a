// The hot paths, for callgrind: tools/bench/instructions.py runs this under valgrind and divides. Each path
// does the same work `times` times; only what stands between Counted's begin and end, in that thread, is
// counted.
//
//   instructions    runs each path and says `PATH TIMES`; under callgrind each makes a dump, in the same
//   order
#include <fmt/format.h>

#include <brood/brood.hpp>
#include <cstdio>
#include <deque>
#include <future>
#include <map>
#include <stdexcept>

#include "core/core.hpp"
#include "core/placement/choice.hpp"
#include "core/wire/wire.hpp"
#include "node/channel/assembler.hpp"
#include "node/channel/control.hpp"
#include "node/channel/dist_header.hpp"
#include "node/channel/frames.hpp"
#include "process/runtime.hpp"
#include "process/sched/timer_wheel.hpp"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_DUMP_STATS
#endif

namespace {

using namespace brood;
using namespace std::chrono_literals;

class Counted {
 public:
  Counted() { CALLGRIND_TOGGLE_COLLECT; }
  ~Counted() { CALLGRIND_TOGGLE_COLLECT; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};

/// Keeps the compiler from leaving out what makes `value`.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

/// `f` so many times, after some that are not counted: what is made once is made then.
template <typename F>
void repeat(int times, const F& f) {
  for (int i = 0; i < 10; ++i) f();
  const Counted counted;
  for (int i = 0; i < times; ++i) f();
}

// ---- terms -----------------------------------------------------------------------------------------------

Term sample_term() {
  return *parse_term(
      R"x({call, web, <<"account-4711">>, #{amount => 25, currency => eur, note => <<"rent">>}, 5000})x");
}

void term_encode(int times) {
  const Term term = sample_term();
  repeat(times, [&] { keep(encode_term(term)); });
}

void term_decode(int times) {
  const EncodedTerm bytes = encode_term(sample_term());
  repeat(times, [&] { keep(decode_term(bytes)); });
}

struct deposit {
  std::int64_t cents;
  std::string note;
};

void struct_encode(int times) {
  const deposit message{25, "rent"};
  repeat(times, [&] { keep(encode(message)); });
}

void struct_decode(int times) {
  const EncodedTerm bytes = encode(deposit{25, "rent"});
  repeat(times, [&] { keep(decode<deposit>(bytes)); });
}

// ---- the network -----------------------------------------------------------------------------------------

const Pid here{NodeName("a@127.0.0.1"), 100, 0, 1};
const Pid there{NodeName("b@127.0.0.1"), 200, 0, 1};

/// A call as it is sent: its request behind the control message.
Bytes call_frame(BytesView request) {
  Bytes out;
  const std::size_t start = node::begin_frame(out);
  node::put_header(out);
  TermWriter writer(out);
  const node::OutgoingControl control{.op = node::Op::send_sender, .from = &here, .to = &there};
  node::encode_control(writer, control);
  out.append(request, 1);
  node::end_frame(out, start, 0);
  return out;
}

void message_out(int times) {
  const EncodedTerm request = encode(deposit{25, "rent"});
  repeat(times, [&] { keep(call_frame(request)); });
}

void message_in(int times) {
  const Bytes frame = call_frame(encode(deposit{25, "rent"}).octets());
  node::FrameBuffer buffer(1 << 20);
  node::Assembler assembler({.message_bytes_max = 1 << 20, .bytes_max = 1 << 20});
  node::IncomingControl control;
  repeat(times, [&] {
    const auto space = buffer.space();
    frame.copy(space.data(), frame.size());
    buffer.commit(frame.size());
    const auto whole = assembler.take(*buffer.next());
    if (!whole || !*whole || !node::decode_control((*whole)->body, {}, control, assembler.payload()))
      throw std::runtime_error("a message is not understood");
    keep(control.term());
  });
}

// ---- the core --------------------------------------------------------------------------------------------

ChildId child(int number) {
  return ChildId::binary("c" + std::to_string(number)).value();
}

/// Two cores, and what one sends the other carried by hand. `counted`: whose steps are.
class Cores {
 public:
  Cores() {
    for (int i = 0; i < 2; ++i) {
      core::Settings settings;
      settings.supervisor = "web";
      settings.self = names_[i];
      settings.creation = 1;
      settings.join = {names_[1 - i]};
      settings.offers = {"counter"};
      settings.expect = 2;
      settings.history_events = 0;
      cores_[i] = std::make_unique<core::Core>(std::move(settings));
    }
    for (int i = 0; i < 2; ++i) give(i, core::Boot{});
    run();
    for (int i = 0; cores_[0]->up_nodes().size() < 2 || !cores_[0]->view_confirmed(); ++i) {
      if (i == 1000) throw std::runtime_error("no cluster came");
      pass(100ms);
    }
  }

  /// A client of the first node starts a new child that belongs on that node.
  void start() {
    auto spec = std::make_shared<core::Spec>();
    ChildId id;
    do {
      id = child(children_++);
    } while (cores_[0]->node_for(id) != names_[0]);
    spec->needs = spec->worker = "counter";
    give(0, core::ClientStart{
                {++clients_}, core::StartMode::start, std::nullopt, {{std::move(id), std::move(spec)}}, {}});
    for (int i = 0; answered_ < clients_; ++i) {
      if (i == 1000) throw std::runtime_error("a child did not start");
      run();
      if (answered_ < clients_) pass(1ms);
    }
  }

  int counted = -1;  ///< 0, 1, 2: both, -1: none.
  bool records = false;
  std::vector<core::MessageBody> recorded;

 private:
  void give(int to, core::Event event) { queue_.emplace_back(to, std::move(event)); }
  void pass(core::Duration time) {
    now_.monotonic += time;
    now_.boot += time;
    now_.wall += time;
    for (int i = 0; i < 2; ++i)
      if (cores_[i]->next_deadline() <= now_.monotonic) give(i, core::Tick{});
    run();
  }
  void run() {
    while (!queue_.empty()) {
      auto [to, event] = std::move(queue_.front());
      queue_.pop_front();
      carry_out(to, step(to, std::move(event)));
      if (cores_[to]->next_deadline() < now_.monotonic) give(to, core::Tick{});
    }
  }
  const core::Effects& step(int i, core::Event event) {
    if (counted != i && counted != 2) return cores_[i]->step(std::move(event), now_);
    const Counted counting;
    return cores_[i]->step(std::move(event), now_);
  }
  void carry_out(int i, const core::Effects& effects) {
    for (const core::Connect& connect : effects.connects) {
      if (connected_ || connect.node != names_[1 - i]) continue;
      connected_ = true;
      for (int side = 0; side < 2; ++side) give(side, core::PeerUp{names_[1 - side], 1});
    }
    for (const core::Start& start : effects.starts)
      give(i, core::Started{start.id, start.epoch, {++pids_, 0}, 0, false});
    for (const core::Send& send : effects.sends) {
      if (records) recorded.push_back(send.body);
      give(1 - i, core::PeerMessage{names_[i], 1, send.body});
    }
    for (const core::Reply& reply : effects.replies) {
      for (const core::Outcome& outcome : reply.outcomes)
        if (outcome.error) throw std::runtime_error(outcome.error->message);
      if (reply.last) ++answered_;
    }
  }

  const NodeName names_[2]{NodeName("a@127.0.0.1"), NodeName("b@127.0.0.1")};
  std::unique_ptr<core::Core> cores_[2];
  std::deque<std::pair<int, core::Event>> queue_;
  core::Now now_{1000s, 1000s, 1'700'000'000s};
  bool connected_ = false;
  std::uint32_t pids_ = 0;
  int children_ = 0;
  std::uint64_t clients_ = 0;
  std::uint64_t answered_ = 0;
};

/// Steps of `counted` (see Cores) for each start on the first node, by a client of it.
void starts(int times, int counted) {
  Cores cores;
  for (int i = 0; i < 100; ++i) cores.start();
  cores.counted = counted;
  for (int i = 0; i < times; ++i) cores.start();
}

void start_child(int times) {
  starts(times, 2);
}
void take_change(int times) {
  starts(times, 1);
}

core::MessageBody sample_delta() {
  Cores cores;
  cores.start();
  cores.records = true;
  cores.start();
  for (core::MessageBody& body : cores.recorded)
    if (std::holds_alternative<core::Delta>(body)) return std::move(body);
  throw std::runtime_error("no change was sent");
}

void delta_encode(int times) {
  const core::MessageBody delta = sample_delta();
  repeat(times, [&] { keep(core::encode(delta)); });
}

void delta_decode(int times) {
  const Bytes bytes = core::encode(sample_delta());
  repeat(times, [&] { keep(core::decode(bytes)); });
}

void place(int times) {
  std::vector<RingNode> nodes;
  for (int i = 0; i < 10; ++i) {
    const std::string name = fmt::format("n{}@127.0.0.1", i);
    nodes.push_back({NodeName(name), strategy_hash(name), 100});
  }
  const auto ring = core::built_in_strategies().distribution->prepare(std::move(nodes));
  const RingKey key{.id = "account-4711",
                    .id_kind = IdKind::binary,
                    .hash = strategy_hash("account-4711"),
                    .tag = {},
                    .mapping = {}};
  repeat(times, [&] { keep(ring->first(key)); });
}

// ---- processes -------------------------------------------------------------------------------------------

struct get {};

class Idle : public Worker {
 public:
  using handles = messages<get>;
  std::int64_t on(get) const { return 42; }
};

/// Calls of one process after the other, all on the one thread of the scheduler.
class Chain {
 public:
  Chain(process::Runtime& runtime, int times) : runtime_(runtime), left_(times) {
    callee_ = runtime_.spawn(make_behaviour<Idle>({}), {});
  }
  void run() {
    next();
    done_.get_future().get();
  }

 private:
  void next() {
    runtime_.call(callee_, Message::of(get{}), 60s, [this](const process::CallResult& answer) {
      if (!answer) throw std::runtime_error(answer.error().message);
      // From the first answer on, all happens on the scheduler's thread.
      if (!begun_) CALLGRIND_TOGGLE_COLLECT;
      begun_ = true;
      if (left_-- > 0) return next();
      CALLGRIND_TOGGLE_COLLECT;
      done_.set_value();
    });
  }

  process::Runtime& runtime_;
  Pid callee_;
  int left_;
  bool begun_ = false;
  std::promise<void> done_;
};

void local_call(int times) {
  process::RuntimeOptions options;
  options.threads = 1;
  process::Runtime runtime(NodeName("a@127.0.0.1"), 1, options);
  Chain(runtime, times).run();
}

/// A node by itself with `count` children.
struct Alone {
  explicit Alone(int count) : node(options()), web(node, {.name = "web"}) {
    (void)node.workers().add<Idle>("idle");
    std::vector<ChildSpec> specs;
    for (int i = 0; i < count; ++i)
      specs.push_back({.id = "c" + std::to_string(i), .run = WorkerSpec{"idle"}});
    const auto started = web.start_children(specs, {.timeout = 300s}).get();
    if (!started || !started->ok()) throw std::runtime_error("children did not start");
  }
  static NodeOptions options() {
    NodeOptions made;
    made.threads = 1;
    return made;
  }
  Node node;
  Supervisor web;
};

void look_up(int times) {
  Alone alone(1000);
  const Id id = "c500";
  repeat(times, [&] { keep(alone.web.whereis(id)); });
}

/// What the caller's thread does until the call is in the mailbox.
void local_call_by_id(int times) {
  Alone alone(100);
  const Id id = "c50";
  for (int i = 0; i < times; ++i) {
    std::optional<Future<std::int64_t>> answer;
    {
      const Counted counted;
      answer = alone.web.call<std::int64_t>(id, get{}, 60s);
    }
    if (!answer->get()) throw std::runtime_error("a call failed");
  }
}

class NoTimer final : public process::TimerNode {
 public:
  void fire() override {}
};

void timer(int times) {
  process::TimerWheel wheel;
  const process::TimerPtr node(new NoTimer);
  repeat(times, [&] {
    wheel.add(node, 5000ms);
    (void)wheel.cancel(*node);
  });
}

void count(const char* name, void (*path)(int), int times) {
  CALLGRIND_ZERO_STATS;
  path(times);
  CALLGRIND_DUMP_STATS;
  std::printf("%s %d\n", name, times);
}

}  // namespace

int main() {
  try {
    count("term_encode", term_encode, 1000);
    count("term_decode", term_decode, 1000);
    count("struct_encode", struct_encode, 1000);
    count("struct_decode", struct_decode, 1000);
    count("message_out", message_out, 1000);
    count("message_in", message_in, 1000);
    count("place", place, 1000);
    count("start_child", start_child, 200);
    count("take_change", take_change, 200);
    count("delta_encode", delta_encode, 1000);
    count("delta_decode", delta_decode, 1000);
    count("look_up", look_up, 1000);
    count("local_call_by_id", local_call_by_id, 500);
    count("local_call", local_call, 1000);
    count("timer", timer, 1000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instructions: %s\n", error.what());
    return 1;
  }
  return 0;
}

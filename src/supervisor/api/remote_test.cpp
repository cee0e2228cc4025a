// The public API among real Erlang and Elixir nodes: calls, casts, messages, monitors and links both ways.
// One long file because all of it needs the peers that its fixture starts.
#include <gtest/gtest.h>

#include <atomic>
#include <brood/brood.hpp>
#include <condition_variable>
#include <deque>

#include "node/test_support.hpp"

namespace brood::inline v0 {
namespace remote_test {

// Messages, each as Erlang writes it.
struct add {
  std::int64_t amount;
};
struct get {};
struct eval {
  std::string text;
};
struct point {
  double x = 0, y = 0;
  std::optional<std::string> label;
};
constexpr auto brood_map_keys(const point*) {
  return std::array{std::string_view("x"), std::string_view("y"), std::string_view("label")};
}
struct parcel {
  std::string from;
  std::vector<std::string> to;
  std::optional<int> weight;
  std::variant<add, get, std::string> inside;
  std::map<std::string, point> stops;
};
struct link_to {
  Pid pid;
};
struct watch {
  Pid pid;
};
struct seen {};
struct make_alias {
  bool for_reply = false;
};
struct drop_alias {
  Ref alias;
};
/// Asks `pid` for its sum as gen_server:call does, without waiting.
struct ask {
  Pid pid;
};
struct numbered {
  std::int64_t number;
};

using namespace std::chrono_literals;
using node::test::ChildProcess;
using node::test::Epmd;
using node::test::eventually;

/// A C++ process for Erlang to speak with.
class Probe : public Worker {
 public:
  using handles =
      messages<add, get, parcel, point, link_to, watch, seen, numbered, make_alias, drop_alias, ask>;
  explicit Probe(bool traps = false) { context().trap_exit(traps); }

  std::int64_t on(add a) { return sum_ += a.amount; }
  std::int64_t on(get) const { return sum_; }
  parcel on(parcel p) {
    p.to.push_back(p.from);
    for (auto& [name, stop] : p.stops) std::swap(stop.x, stop.y);
    return p;
  }
  point on(point p) { return {p.y, p.x, p.label}; }
  void on(link_to l) { context().link(l.pid); }
  void on(watch w) { context().monitor(w.pid); }
  std::vector<std::string> on(seen) { return seen_; }
  Ref on(make_alias m) {
    return context().alias(m.for_reply ? AliasUntil::reply : AliasUntil::explicit_unalias);
  }
  bool on(drop_alias d) { return context().unalias(d.alias); }
  void on(ask a) {
    const Ref ref = context().monitor(a.pid, MonitorAliasUntil::reply_demonitor);
    const auto tag = Term::improper_list({Term::atom("alias")}, Term(ref));
    const auto from = Term::tuple({Term(self()), tag});
    (void)send(a.pid, Term::tuple({Term::atom("$gen_call"), from, Term::atom("get")}));
  }
  /// False: it came out of order.
  bool on(numbered n) { return n.number == ++last_number_; }
  void info(const Term& message) { seen_.push_back(to_string(message)); }
  void on_down(const Down& down) { seen_.push_back("down " + down.reason.text()); }

 private:
  std::int64_t sum_ = 0;
  std::int64_t last_number_ = 0;
  std::vector<std::string> seen_;
};

/// One value from another thread.
template <typename T>
class Box {
 public:
  void put(T value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    there_.notify_all();
  }
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    there_.wait_for(lock, 20s, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<T> value_;
};

/// What the other node runs: a process `driver` that evaluates the text of each call and answers with the
/// value, and a gen_server `counter`. In Erlang and in Elixir.
constexpr const char* erlang_driver =
    "Loop = fun L() -> receive {'$gen_call', {P, Tag}, {eval, Text}} -> spawn(fun() -> "
    "{ok, T, _} = erl_scan:string(binary_to_list(Text)), {ok, E} = erl_parse:parse_exprs(T), "
    "P0 = case Tag of [alias | A] -> A; _ -> P end, "
    "V = try element(2, erl_eval:exprs(E, [])) catch C:R -> {caught, C, R} end, P0 ! {Tag, V} end), L() end "
    "end, "
    "Counter = fun L(N) -> receive "
    "{'$gen_call', F, {add, A}} -> gen_server:reply(F, N + A), L(N + A); "
    "{'$gen_cast', {add, A}} -> L(N + A); "
    "{add, A} -> L(N + A); "
    "{'$gen_call', F, get} -> gen_server:reply(F, N), L(N); "
    "{'$gen_call', F, {numbered, I}} when I =:= N + 1 -> gen_server:reply(F, true), L(I); "
    "{'$gen_call', F, {numbered, _}} -> gen_server:reply(F, false), L(N); "
    "{'$gen_call', F, {parcel, _, _, _, _, _} = T} -> gen_server:reply(F, T), L(N); "
    "{'$gen_call', F, #{x := X, y := Y} = M} -> gen_server:reply(F, M#{x := Y, y := X}), L(N); "
    "{'$gen_call', _, silence} -> L(N); "
    "reset -> L(0); "
    "{'$gen_call', _, {stop, R}} -> exit(R) "
    "end end, "
    "register(counter, spawn(fun() -> Counter(0) end)), register(driver, spawn(Loop)).";

constexpr const char* elixir_driver = R"(
defmodule Counter do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call({:add, a}, _, n), do: {:reply, n + a, n + a}
  def handle_call(:get, _, n), do: {:reply, n, n}
  def handle_call({:numbered, i}, _, n), do: {:reply, i == n + 1, i}
  def handle_call({:parcel, _, _, _, _, _} = t, _, n), do: {:reply, t, n}
  def handle_call(%{x: x, y: y} = m, _, n), do: {:reply, %{m | x: y, y: x}, n}
  def handle_call(:silence, _, n), do: {:noreply, n}
  def handle_call({:stop, r}, _, _), do: exit(r)
  def handle_cast({:add, a}, n), do: {:noreply, n + a}
  def handle_info({:add, a}, n), do: {:noreply, n + a}
  def handle_info(:reset, _), do: {:noreply, 0}
end
defmodule Driver do
  use GenServer
  def init(_), do: {:ok, nil}
  def handle_call({:eval, text}, from, state) do
    spawn(fn ->
      {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text))
      {:ok, exprs} = :erl_parse.parse_exprs(tokens)
      value = try do
        elem(:erl_eval.exprs(exprs, []), 1)
      catch
        class, reason -> {:caught, class, reason}
      end
      GenServer.reply(from, value)
    end)
    {:noreply, state}
  end
end
Logger.configure(level: :none)
{:ok, _} = GenServer.start(Counter, 0, name: :counter)
{:ok, _} = GenServer.start(Driver, nil, name: :driver)
Process.sleep(:infinity)
)";

class Remote : public ::testing::TestWithParam<const char*> {
 protected:
  static bool is_elixir() { return std::string_view(GetParam()) == "elixir"; }

  void SetUp() override {
    NodeOptions options;
    options.name = "cpp@127.0.0.1";
    options.cookie = "secret";
    options.epmd_port = epmd().port();
    node_ = std::make_unique<Node>(std::move(options));
    if (!peer()) start_peer();
    ASSERT_TRUE(eventually([&] {
      return node_->call<Term>(remote("driver", peer_), eval{"counter ! reset, 1 + 1."}, 5s)
          .get()
          .has_value();
    }));
  }
  void TearDown() override { node_.reset(); }
  static void TearDownTestSuite() {
    peers().clear();
    epmd_of_all().reset();
  }

  // They start slowly, so all tests of a kind share one, until one of them spoils it.
  static std::map<std::string, std::unique_ptr<ChildProcess>>& peers() {
    static std::map<std::string, std::unique_ptr<ChildProcess>> all;
    return all;
  }
  static std::unique_ptr<Epmd>& epmd_of_all() {
    static std::unique_ptr<Epmd> epmd;
    return epmd;
  }
  static Epmd& epmd() {
    if (!epmd_of_all()) epmd_of_all() = std::make_unique<Epmd>();
    return *epmd_of_all();
  }
  static std::unique_ptr<ChildProcess>& peer() { return peers()[GetParam()]; }

  void start_peer() {
    ASSERT_EQ(
        std::system((std::string("command -v ") + (is_elixir() ? "elixir" : "erl") + " > /dev/null").c_str()),
        0)
        << "no " << GetParam() << " on this machine: ./dev setup installs it";
    std::vector<std::string> command;
    if (is_elixir()) {
      command = {"elixir",
                 "--name",
                 peer_,
                 "--cookie",
                 "secret",
                 "--erl",
                 "-kernel inet_dist_use_interface {127,0,0,1}",
                 "-e",
                 elixir_driver};
    } else {
      command = {"erl",         "-name",    peer_,        "-setcookie",
                 "secret",      "-noinput", "-kernel",    "inet_dist_use_interface",
                 "{127,0,0,1}", "-eval",    erlang_driver};
    }
    peer() = std::make_unique<ChildProcess>(
        command, std::vector<std::pair<std::string, std::string>>{
                     {"ERL_EPMD_PORT", std::to_string(epmd().port())}, {"ERL_EPMD_ADDRESS", "127.0.0.1"}});
  }

  /// The value of an Erlang expression on the other node.
  std::string value_of(const std::string& expression, std::chrono::milliseconds timeout = 20s) {
    auto value = node_->call<Term>(remote("driver", peer_), eval{expression + "."}, timeout).get();
    return value ? to_string(*value) : "error: " + value.error().message;
  }
  Pid pid_of(const std::string& expression) {
    auto pid = node_->call<Pid>(remote("driver", peer_), eval{expression + "."}, 20s).get();
    EXPECT_TRUE(pid) << pid.error().message;
    return pid ? *pid : Pid{};
  }
  /// As Erlang writes it, for use in an expression.
  static std::string in_erlang(const Pid& pid) {
    return "binary_to_term(base64:decode(\"" + base64(encode(pid)) + "\"))";
  }
  static std::string base64(BytesView bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < 3; ++k)
        bits = bits << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
      for (std::size_t k = 0; k < 4; ++k)
        out += i + k <= bytes.size() ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
  }
  /// How long `work` takes: the best of a few times, because the machine may be busy.
  template <typename Work>
  static std::chrono::milliseconds time_of(Work work) {
    auto best = std::chrono::milliseconds::max();
    for (int tries = 0; tries < 5 && best >= at_once; ++tries) {
      const auto begin = std::chrono::steady_clock::now();
      work();
      const auto took = std::chrono::steady_clock::now() - begin;
      best = std::min(best, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    }
    return best;
  }
  template <typename T = std::int64_t, typename M>
  std::string call_text(const Address& to, M message, std::chrono::milliseconds timeout = 20s) {
    auto answer = node_->call<T>(to, std::move(message), timeout).get();
    if (!answer) return std::string(to_string(answer.error().code));
    return encoded_to_string(encode(*answer));
  }

  static constexpr auto at_once = 50ms;  ///< Far less than any time-out here.
  const std::string peer_ = std::string(GetParam()) + "@127.0.0.1";
  const NamedProcess counter_ = remote("counter", peer_);
  std::unique_ptr<Node> node_;
};

// ---- from C++ --------------------------------------------------------------------------------------------

TEST_P(Remote, ACallCastAndMessageReachANameAPidAndAnAlias) {
  EXPECT_EQ(call_text(counter_, add{5}), "5");
  EXPECT_TRUE(node_->cast(counter_, add{2}));
  EXPECT_TRUE(node_->send(counter_, add{1}));
  EXPECT_EQ(call_text(counter_, get{}), "8");
  const Pid pid = pid_of("whereis(counter)");
  EXPECT_EQ(call_text(pid, add{5}), "13");
  EXPECT_TRUE(node_->cast(pid, add{2}));
  EXPECT_TRUE(node_->send(pid, add{1}));
  EXPECT_EQ(call_text(pid, get{}), "16");

  auto alias = node_
                   ->call<Ref>(remote("driver", peer_),
                               eval{"Me = self(), spawn(fun() -> Me ! {alias, alias()}, "
                                    "(fun L() -> receive {'$gen_call', F, M} -> gen_server:reply(F, "
                                    "{called, M}), L(); M -> counter ! M, L() end "
                                    "end)() end), receive {alias, A} -> A end."},
                               20s)
                   .get();
  ASSERT_TRUE(alias) << alias.error().message;
  EXPECT_EQ(call_text<Term>(*alias, get{}), "{called,get}");
  EXPECT_TRUE(node_->send(*alias, add{4}));
  EXPECT_TRUE(eventually([&] { return call_text(counter_, get{}) == "20"; }));
}

TEST_P(Remote, StructsTravelAsTheirObviousTerms) {
  const parcel sent{"here", {"a", "b"}, 3, add{7}, {{"one", {1, 2, "x"}}, {"two", {3, 4, std::nullopt}}}};
  auto back = node_->call<parcel>(counter_, sent, 20s).get();
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encoded_to_string(encode(*back)), encoded_to_string(encode(sent)));
  EXPECT_EQ(
      encoded_to_string(encode(sent)),
      "{parcel,<<\"here\">>,[<<\"a\">>,<<\"b\">>],3,{add,7},#{<<\"one\">>=>#{label=><<\"x\">>,x=>1.0,y=>2.0},"
      "<<\"two\">>=>#{label=>undefined,x=>3.0,y=>4.0}}}");
  EXPECT_EQ(call_text<point>(counter_, point{1, 2, "p"}), "#{label=><<\"p\">>,x=>2.0,y=>1.0}");
}

TEST_P(Remote, AReplyThatDoesNotFitIsAnErrorThatShowsIt) {
  auto answer = node_->call<std::vector<int>>(counter_, add{12345}, 20s).get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::type_mismatch);
  EXPECT_NE(answer.error().message.find("12345"), std::string::npos) << answer.error().message;
}

TEST_P(Remote, CallsToTheDeadFailAtOnceWithTheReason) {
  const Pid dead =
      pid_of("P = spawn(fun() -> ok end), R = monitor(process, P), receive {'DOWN', R, _, _, _} -> P end");
  EXPECT_LT(time_of([&] { EXPECT_EQ(call_text(dead, get{}), "no_such_child"); }), at_once);
  EXPECT_LT(time_of([&] { EXPECT_EQ(call_text(remote("nobody", peer_), get{}), "no_such_child"); }), at_once);
  // It ends during the call.
  auto ended = node_->call<Term>(counter_, std::pair(Atom("stop"), Atom("enough")), 20s).get();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Errc::died);
  EXPECT_EQ(encoded_to_string(ended.error().detail), "enough");
  EXPECT_LT(time_of([&] { EXPECT_EQ(call_text(counter_, get{}), "no_such_child"); }), at_once);
  // A node that does not run.
  EXPECT_LT(time_of([&] { EXPECT_EQ(call_text(remote("x", "nobody@127.0.0.1"), get{}), "unreachable"); }),
            at_once);
  peer().reset();  // its counter is gone
}

TEST_P(Remote, ALostNodeEndsCallsAndMonitors) {
  Box<std::string> call, monitor, named;
  ASSERT_TRUE(
      node_->monitor(pid_of("whereis(counter)"), [&](const ExitReason& why) { monitor.put(why.text()); }));
  ASSERT_TRUE(node_->monitor(counter_, [&](const ExitReason& why) { named.put(why.text()); }));
  (void)node_->call<Term>(counter_, Atom("silence"), 60s).then([&](const Result<Term>& answer) {
    call.put(answer ? "answered" : std::string(to_string(answer.error().code)));
  });
  peer().reset();  // kill -9
  EXPECT_EQ(call.take(), "node_lost");
  EXPECT_EQ(monitor.take(), "noconnection");
  EXPECT_EQ(named.take(), "noconnection");
}

TEST_P(Remote, MonitorsTellHowAProcessEnded) {
  const std::vector<std::pair<std::string, std::string>> ends = {{"ok", "normal"},
                                                                 {"exit(crash)", "crash"},
                                                                 {"exit({shutdown, 5})", "{shutdown,5}"},
                                                                 {"exit(kill)", "kill"}};
  for (const auto& [code, reason] : ends) {
    const Pid pid = pid_of("spawn(fun() -> receive go -> " + code + " end end)");
    Box<std::string> told;
    ASSERT_TRUE(node_->monitor(pid, [&](const ExitReason& why) { told.put(why.text()); }));
    EXPECT_TRUE(node_->send(pid, Atom("go")));
    EXPECT_EQ(told.take(), reason);
    Box<std::string> late;
    EXPECT_LT(time_of([&] {
                ASSERT_TRUE(node_->monitor(pid, [&](const ExitReason& why) { late.put(why.text()); }));
                EXPECT_EQ(late.take(), "noproc");
              }),
              at_once);
  }
  Box<std::string> nobody;
  ASSERT_TRUE(
      node_->monitor(remote("nobody", peer_), [&](const ExitReason& why) { nobody.put(why.text()); }));
  EXPECT_EQ(nobody.take(), "noproc");
}

TEST_P(Remote, AHundredThousandCallsInFlightAreAnsweredInOrder) {
  constexpr int count = 100'000;
  std::atomic<int> good = 0, bad = 0;
  for (int i = 1; i <= count; ++i) {
    (void)node_->call<bool>(counter_, numbered{i}, 120s).then([&](const Result<bool>& right) {
      ++(right && *right ? good : bad);
    });
  }
  EXPECT_TRUE(eventually([&] { return good + bad == count; })) << good << " of " << count;
  EXPECT_EQ(bad, 0);
}

// ---- to C++ ----------------------------------------------------------------------------------------------

TEST_P(Remote, GenServerCallCastAndMessagesReachACppProcess) {
  const auto pid = node_->spawn<Probe>("probe");
  ASSERT_TRUE(pid) << pid.error().message;
  EXPECT_EQ(value_of("gen_server:call({probe, 'cpp@127.0.0.1'}, {add, 5})"), "5");
  EXPECT_EQ(value_of("P = " + in_erlang(*pid) +
                     ", gen_server:call(P, {add, 5}), gen_server:cast(P, {add, 2}), "
                     "gen_server:call(P, get)"),
            "12");
  EXPECT_EQ(value_of("P = " + in_erlang(*pid) +
                     ", P ! {hello, <<\"you\">>}, {probe, 'cpp@127.0.0.1'} ! again, "
                     "gen_server:call(P, seen)"),
            "[<<\"{hello,<<\\\"you\\\">>}\">>,<<\"again\">>]");
  EXPECT_EQ(
      value_of("gen_server:call({probe, 'cpp@127.0.0.1'}, {parcel, <<\"a\">>, [\"b\", c], undefined, get, "
               "#{here => #{x => 1, y => 2, other => 3}}})"),
      "{parcel,<<\"a\">>,[<<\"b\">>,<<\"c\">>,<<\"a\">>],undefined,get,"
      "#{<<\"here\">>=>#{label=>undefined,x=>2.0,y=>1.0}}}");
  EXPECT_EQ(value_of("gen_server:call({probe, 'cpp@127.0.0.1'}, #{x => 1, y => 2})"),
            "#{label=>undefined,x=>2.0,y=>1.0}");
}

TEST_P(Remote, AnAliasOfACppProcessTakesMessagesUntilItEnds) {
  const auto pid = node_->spawn<Probe>("probe");
  ASSERT_TRUE(pid);
  // What is sent in between, to the pid, keeps its place.
  EXPECT_EQ(
      value_of("P = " + in_erlang(*pid) +
               ", A = gen_server:call(P, {make_alias, false}), erlang:send(A, {one, 1}), P ! two, A ! 3, "
               "Seen = gen_server:call(P, seen), true = gen_server:call(P, {drop_alias, A}), "
               "A ! late, false = gen_server:call(P, {drop_alias, A}), "
               "{Seen, gen_server:call(P, seen) -- Seen}"),
      "{[<<\"{one,1}\">>,<<\"two\">>,<<\"3\">>],[]}");
  // One for a reply takes the first message alone, and so does one of a call: gen_server:call to it.
  EXPECT_EQ(value_of("P = {probe, 'cpp@127.0.0.1'}, Before = gen_server:call(P, seen), "
                     "A = gen_server:call(P, {make_alias, true}), A ! first, A ! second, "
                     "gen_server:call(P, seen) -- Before"),
            "[<<\"first\">>]");
  EXPECT_EQ(value_of("A = gen_server:call({probe, 'cpp@127.0.0.1'}, {make_alias, false}), R = make_ref(), "
                     "A ! {'$gen_cast', {add, 5}}, A ! {'$gen_call', {self(), R}, get}, "
                     "receive {R, Sum} -> Sum after 5000 -> none end"),
            "5");
}

TEST_P(Remote, AnAliasOfACppProcessReachesItFromAnotherCppNode) {
  const auto pid = node_->spawn<Probe>("probe");
  ASSERT_TRUE(pid);
  NodeOptions options;
  options.name = "cpp2@127.0.0.1";
  options.cookie = "secret";
  options.epmd_port = epmd().port();
  Node other(std::move(options));
  const auto alias = other.call<Ref>(remote("probe", "cpp@127.0.0.1"), make_alias{}, 20s).get();
  ASSERT_TRUE(alias) << alias.error().message;
  EXPECT_TRUE(other.send(*alias, Atom("hello")));
  EXPECT_TRUE(other.cast(*alias, add{3}));
  EXPECT_EQ(other.call<std::int64_t>(*alias, get{}, 20s).get().value_or(-1), 3);
  EXPECT_EQ(node_->call<std::vector<std::string>>(*pid, seen{}).get().value(),
            std::vector<std::string>{"hello"});
  ASSERT_TRUE(other.call<bool>(remote("probe", "cpp@127.0.0.1"), drop_alias{*alias}, 20s).get().value());
  EXPECT_TRUE(other.send(*alias, Atom("late")));
  EXPECT_EQ(other.call<std::int64_t>(remote("probe", "cpp@127.0.0.1"), get{}, 20s).get().value_or(-1), 3);
  EXPECT_EQ(node_->call<std::vector<std::string>>(*pid, seen{}).get().value(),
            std::vector<std::string>{"hello"});
}

TEST_P(Remote, ACppProcessAsksByAnAliasThatEndsWithTheAnswer) {
  const auto pid = node_->spawn<Probe>();
  ASSERT_TRUE(pid);
  // It answers each question twice; then it ends, and is watched no more.
  const Pid server = pid_of(
      "spawn(fun() -> receive {'$gen_call', {_, [alias | A] = Tag}, get} -> A ! {Tag, 7}, A ! {Tag, 8} end, "
      "receive {'$gen_call', F, get} -> gen_server:reply(F, ended) end end)");
  ASSERT_TRUE(node_->call<void>(*pid, ask{server}).get());
  const auto what = [&] { return node_->call<std::vector<std::string>>(*pid, seen{}).get().value(); };
  EXPECT_TRUE(eventually([&] { return !what().empty(); }));
  EXPECT_EQ(call_text<Atom>(server, get{}), "ended");
  value_of("M = monitor(process, " + in_erlang(server) + "), receive {'DOWN', M, _, _, _} -> gone end");
  const auto seen = what();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_NE(seen[0].find(",7}"), std::string::npos) << seen[0];
  // One that is not there is told by the monitor.
  ASSERT_TRUE(node_->call<void>(*pid, ask{server}).get());
  EXPECT_TRUE(eventually([&] { return what().size() == 2; }));
  EXPECT_EQ(what()[1], "down noproc");
}

TEST_P(Remote, AMessageThatDoesNotFitIsAnErrorThatShowsIt) {
  ASSERT_TRUE(node_->spawn<Probe>("probe"));
  for (const std::string wrong : {"{add, <<\"much\">>}", "{unheard, thing}", "#{x => 1}", "7"}) {
    // Inside a tuple, for as the whole answer it would be the error of the call that brings it here.
    const std::string answer = value_of("{got, gen_server:call({probe, 'cpp@127.0.0.1'}, " + wrong + ")}");
    EXPECT_EQ(answer.rfind("{got,{error,{type_mismatch,", 0), 0U) << answer;
    const auto term = parse_term(answer);
    ASSERT_TRUE(term) << answer;
  }
  EXPECT_NE(value_of("gen_server:call({probe, 'cpp@127.0.0.1'}, {unheard, thing})").find("{unheard,thing}"),
            std::string::npos);
  EXPECT_EQ(value_of("gen_server:call({probe, 'cpp@127.0.0.1'}, get)"), "0") << "it lives on";
}

TEST_P(Remote, ErlangCallsToTheDeadFailAtOnceWithNoproc) {
  const auto pid = node_->spawn<Probe>();
  ASSERT_TRUE(pid);
  node_->exit(*pid, ExitReason::shutdown());
  ASSERT_EQ(
      value_of("M = monitor(process, " + in_erlang(*pid) + "), receive {'DOWN', M, _, _, _} -> gone end"),
      "gone");
  for (const std::string& target : {in_erlang(*pid), std::string("{nobody, 'cpp@127.0.0.1'}")}) {
    const std::string answer =
        value_of("T0 = erlang:monotonic_time(millisecond), R = try gen_server:call(" + target +
                 ", get, 5000) catch exit:{Why, _} -> Why end, "
                 "{R, erlang:monotonic_time(millisecond) - T0 < 50}");
    EXPECT_EQ(answer, "{noproc,true}");
  }
}

TEST_P(Remote, ErlangMonitorsSeeHowACppProcessEnds) {
  const std::vector<std::pair<Term, std::string>> ends = {
      {Term::atom("crash"), "crash"}, {Term::atom("shutdown"), "shutdown"}, {Term::atom("killed"), "killed"}};
  for (const auto& [reason, text] : ends) {
    const auto pid = node_->spawn<Probe>();
    ASSERT_TRUE(pid);
    const Pid waiter = pid_of("P = " + in_erlang(*pid) +
                              ", Me = self(), W = spawn(fun() -> R = monitor(process, P), Me ! ready, "
                              "receive {'DOWN', R, process, P, Why} -> receive {'$gen_call', F, get} -> "
                              "gen_server:reply(F, Why) end end end), receive ready -> W end");
    // A process that is called is a process that has read what came before.
    node_->exit(*pid, ExitReason(reason));
    EXPECT_EQ(call_text<Term>(waiter, get{}), text);
  }
}

TEST_P(Remote, LinksCarryExitsBothWays) {
  const auto linked = [&](const Pid& cpp) {
    const Pid other = pid_of(
        "spawn(fun() -> receive {die, Why} -> exit(Why); {'$gen_call', F, get} -> "
        "gen_server:reply(F, alive) end end)");
    EXPECT_TRUE(node_->call<void>(cpp, link_to{other}).get());
    return other;
  };
  const auto dies = [&](const Pid& pid) {
    auto told = std::make_shared<Box<std::string>>();
    EXPECT_TRUE(node_->monitor(pid, [told](const ExitReason& why) { told->put(why.text()); }));
    return told;
  };
  // Not trapped: the C++ process goes with the other, and the other with it.
  auto cpp = node_->spawn<Probe>();
  Pid other = linked(*cpp);
  auto told = dies(*cpp);
  EXPECT_TRUE(node_->send(other, std::pair(Atom("die"), Atom("crash"))));
  EXPECT_EQ(told->take(), "crash");
  cpp = node_->spawn<Probe>();
  other = linked(*cpp);
  told = dies(other);
  node_->exit(*cpp, ExitReason(Term::atom("crash")));
  EXPECT_EQ(told->take(), "crash");
  // Trapped: it is a message. So is what exit/2 sends, but for kill.
  const auto trapping = node_->spawn<Probe>({}, args(true));
  ASSERT_TRUE(trapping);
  other = linked(*trapping);
  const std::string exits = "{'EXIT'," + to_string(Term(other)) + ",crash}";
  EXPECT_TRUE(node_->send(other, std::pair(Atom("die"), Atom("crash"))));
  EXPECT_TRUE(eventually([&] {
    auto list = node_->call<std::vector<std::string>>(*trapping, seen{}).get();
    return list && *list == std::vector{exits};
  }));
  value_of("exit(" + in_erlang(*trapping) + ", please)");
  EXPECT_TRUE(eventually(
      [&] { return node_->call<std::vector<std::string>>(*trapping, seen{}).get()->size() == 2; }));
  told = dies(*trapping);
  value_of("exit(" + in_erlang(*trapping) + ", kill)");
  EXPECT_EQ(told->take(), "killed");
}

TEST_P(Remote, AHundredThousandErlangCallsInFlightAreHandledInOrder) {
  ASSERT_TRUE(node_->spawn<Probe>("probe"));
  EXPECT_EQ(
      value_of(
          "T = {probe, 'cpp@127.0.0.1'}, N = 100000, "
          "Ids = [gen_server:send_request(T, {numbered, I}) || I <- lists:seq(1, N)], "
          "Good = [R || R <- Ids, gen_server:receive_response(R, 60000) =:= {reply, true}], length(Good)",
          120s),
      "100000");
}

INSTANTIATE_TEST_SUITE_P(Nodes, Remote, ::testing::Values("erlang", "elixir"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace remote_test
}  // namespace brood::inline v0

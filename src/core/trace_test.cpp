// Golden traces: scripts of events in tests/traces/*.txt with everything that the cores answer to them.
// CORE_TRACES_REWRITE=1 writes the answers anew; commit only differences that you can explain.
//
// A line that begins with `> ` is a command. After `nodes N`: `use KIND NAME [KEY=VALUE...]` chooses a
// strategy, `copies N [follow]` is one of them (of each child N, one of them active, whose state the others
// follow), `quiet [but KIND...]` leaves out what members say to each other without need (hello, ack, view,
// probe, tables without rows and the like), `differs I` gives a node another tick time-out, `later I` is a
// node of a later version, that says more than this one knows. Then: boot I, run MS, start I ID [on J],
// temporary I ID, static I ID, program I ID, stop I ID, retry I ID, exit ID normal|abnormal, kill I, break I,
// sleep I, wake I, drain I..., fail ID; save I ID STATE and change I ID STATE (the active instance there
// holds that, or that besides), hold WHAT ID and release WHAT ID (a freeze, prepare or stop of it takes
// long), lose MESSAGE... and deliver (all again), split 1,2 3 ... and heal; look I ID (what a node knows of a
// child or of another node), hint I (a message of a kind that this version does not have).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace trace_test {

namespace fs = std::filesystem;

fs::path folder() {
  return fs::path(__FILE__).parent_path() / "../../tests/traces";
}

/// Fields of later versions.
std::string unknown(const std::map<std::string, Bytes>& fields) {
  std::string all;
  for (const auto& [name, value] : fields) all += " +" + name;
  return all;
}

std::string text(const InstanceChange& change) {
  if (!change.instance) return change.id.text() + "=gone";
  const bool is_active = change.instance->role == Role::active;
  return change.id.text() + "=" + std::string(to_string(change.instance->phase)) +
         (is_active ? "" : " " + std::string(to_string(change.instance->role)));
}

std::string text(const SpecChange& change) {
  if (!change.row) return change.id.text() + " removed";
  const SpecRow& row = *change.row;
  return change.id.text() + (row.wanted ? " wanted" : " unwanted") + (row.trouble->failed ? " failed" : "") +
         (row.trouble->blame.nodes() > 0 ? fmt::format(" losses={}", row.trouble->blame.nodes()) : "") +
         unknown(row.spec->extras->unknown);
}

template <typename List>
std::string joined(const List& list) {
  std::string all;
  for (const auto& one : list) all += (all.empty() ? "" : ", ") + text(one);
  return all;
}

std::string_view verdict(OfferVerdict verdict) {
  switch (verdict) {
    case OfferVerdict::ready:
      return "ready";
    case OfferVerdict::later:
      return "later";
    case OfferVerdict::refused:
      return "refused";
    case OfferVerdict::seen:
      return "seen";
  }
  return "?";
}

struct StepWords {
  std::string operator()(const Freeze& m) const { return "freeze " + m.id.text(); }
  std::string operator()(const Thaw& m) const { return "thaw " + m.id.text(); }
  std::string operator()(const Prepare& m) const {
    return fmt::format("prepare {} holding '{}'", m.id.text(), m.parcel);
  }
  std::string operator()(const Open& m) const { return "open " + m.id.text(); }
  std::string operator()(const Discard& m) const { return "discard " + m.id.text(); }
  std::string operator()(const Depart& m) const {
    return fmt::format("depart {} for {}", m.id.text(), m.host.node.text());
  }
  std::string operator()(const Followed& m) const {
    return fmt::format("followed {} up to {}{}", m.id.text(), m.number,
                       m.how == Followed::How::given_up ? ", given up" : "");
  }
};

std::string going_on(const HeldPtr& state) {
  if (!state) return "";
  Bytes all = *state->whole;
  for (const SharedBytes& change : state->changes) all += *change;
  return fmt::format(", with '{}'", all);
}

/// What passes between members all the time, and tells nothing of children.
bool is_small_talk(const MessageBody& body) {
  if (const auto* sync = std::get_if<Sync>(&body)) return sync->rows.empty() && sync->instances.empty();
  if (const auto* delta = std::get_if<Delta>(&body)) return delta->specs.empty() && delta->instances.empty();
  return std::holds_alternative<Hello>(body) || std::holds_alternative<DeltaAck>(body) ||
         std::holds_alternative<View>(body) || std::holds_alternative<Probe>(body) ||
         std::holds_alternative<ProbeAck>(body) || std::holds_alternative<SyncAck>(body) ||
         std::holds_alternative<SyncRequest>(body) || std::holds_alternative<CensusNews>(body) ||
         std::holds_alternative<Have>(body) || std::holds_alternative<Taken>(body) ||
         std::holds_alternative<Through>(body) || std::holds_alternative<Want>(body);
}

std::string describe_have(const Have& have) {
  std::string all = "have";
  for (const auto& [session, number] : have.held) all += fmt::format(" {}:{}", session.node.text(), number);
  return all;
}

std::string describe_sync(const Sync& sync) {
  std::string fields;
  for (const auto& [id, row] : sync.rows)
    if (!row.spec->extras->unknown.empty())
      fields += fmt::format(" {}{}", id.text(), unknown(row.spec->extras->unknown));
  return fmt::format("sync rows={}{} [{}] next={}", sync.rows.size(), fields, joined(sync.instances),
                     sync.next_delta);
}

std::string describe(const HandoverWord& word) {
  return std::visit(
      [](const auto& m) -> std::string {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, Offer>)
          return fmt::format("offer {} holding '{}'", m.id.text(), m.parcel);
        else if constexpr (std::is_same_v<M, OfferAnswer>)
          return fmt::format("offer_answer {} {}{}", m.id.text(), verdict(m.verdict),
                             m.why.empty() ? "" : ": " + m.why);
        else if constexpr (std::is_same_v<M, Commit>)
          return "commit " + m.id.text();
        else
          return "withdrawal " + m.id.text();
      },
      word);
}

std::string describe_handovers(const Handovers& handovers) {
  std::string all;
  for (const HandoverWord& word : handovers.words) all += (all.empty() ? "" : ", ") + describe(word);
  return all;
}

std::string describe(const MessageBody& body) {
  return std::visit(
      [](const auto& m) -> std::string {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, Hello>)
          return fmt::format("hello {}.{} {}{}{}", m.sender.session.creation, m.sender.session.session,
                             to_string(m.sender.state), m.fresh ? " fresh" : "",
                             m.receiver_is_down ? " you_are_down" : "");
        else if constexpr (std::is_same_v<M, Sync>)
          return describe_sync(m);
        else if constexpr (std::is_same_v<M, Delta>)
          return fmt::format("delta {} [{}] [{}]{}", m.number, joined(m.specs), joined(m.instances),
                             m.member ? " " + std::string(to_string(m.member->state)) : "");
        else if constexpr (std::is_same_v<M, DeltaAck>)
          return fmt::format("ack {}", m.number);
        else if constexpr (std::is_same_v<M, View>)
          return "view";
        else if constexpr (std::is_same_v<M, Have>)
          return describe_have(m);
        else if constexpr (std::is_same_v<M, Want>)
          return fmt::format("want {}:{}", m.origin.node.text(), m.from);
        else if constexpr (std::is_same_v<M, Through>)
          return fmt::format("through {}", m.number);
        else if constexpr (std::is_same_v<M, Taken>)
          return fmt::format("taken {} up to {}", m.count, m.number);
        else if constexpr (std::is_same_v<M, Probe>)
          return "probe";
        else if constexpr (std::is_same_v<M, ProbeAck>)
          return m.session_over ? "probe_ack session_over" : "probe_ack";
        else if constexpr (std::is_same_v<M, StartRequest>)
          return fmt::format("start_request of {}", m.specs.size());
        else if constexpr (std::is_same_v<M, StopRequest>)
          return fmt::format("stop_request of {}", m.ids.size());
        else if constexpr (std::is_same_v<M, Answer>)
          return fmt::format("answer of {}", m.outcomes.size());
        else if constexpr (std::is_same_v<M, Goodbye>)
          return "goodbye";
        else if constexpr (std::is_same_v<M, Refusal>)
          return "refusal: " + m.why;
        else if constexpr (std::is_same_v<M, Handovers>)
          return describe_handovers(m);
        else if constexpr (std::is_same_v<M, CensusNews>)
          return "census";
        else if constexpr (std::is_same_v<M, Follow>)
          return fmt::format("follow {} number {}{}", m.id.text(), m.copy.number,
                             m.after == 0 ? fmt::format(" holding '{}'", m.copy.whole) : " changes");
        else if constexpr (std::is_same_v<M, FollowAnswer>)
          return fmt::format("follow_answer {} number {} {}", m.id.text(), m.number,
                             m.verdict == FollowVerdict::held  ? "held"
                             : m.verdict == FollowVerdict::gap ? "gap"
                                                               : "stale");
        else if constexpr (std::is_same_v<M, StateAsk>)
          return fmt::format("state_ask {} newer than {}", m.id.text(), m.number);
        else if constexpr (std::is_same_v<M, StateTell>)
          return fmt::format("state_tell {} {}", m.id.text(), m.newer ? "newer" : "nothing newer");
        else
          return fmt::format("message of kind {}", MessageBody(m).index());
      },
      body);
}

/// What is left out of a trace: the kinds that its reader need not see.
struct Quiet {
  bool on = false;
  std::set<std::size_t> aloud;  ///< But for these kinds.
  [[nodiscard]] bool hides(const MessageBody& body) const {
    return on && is_small_talk(body) && !aloud.contains(body.index());
  }
};

std::string describe(const Cluster& cluster, std::size_t i, const Effects& effects, const Quiet& quiet) {
  std::string out;
  const auto line = [&](std::string words) {
    out += fmt::format("{:>7} n{} {}\n", (cluster.now.monotonic - 1000s) / 1ms, i + 1, words);
  };
  if (!quiet.on)
    for (const auto& connect : effects.connects) line("connect " + connect.node.text());
  for (const auto& member : effects.members)
    line(fmt::format("member {} {} {}", member.session.node.text(), to_string(member.state), member.words));
  for (const auto& change : effects.roles)
    line(fmt::format("tell {} that it is {}{}", change.id.text(), to_string(change.role),
                     going_on(change.state)));
  for (const auto& step : effects.handovers) line(std::visit(StepWords{}, step));
  for (const auto& start : effects.starts)
    line(fmt::format("start {}{}{} ({})", start.id.text(),
                     start.role ? " as " + std::string(to_string(*start.role)) : "", going_on(start.state),
                     start.cause.event));
  for (const auto& stop : effects.stops) line(fmt::format("stop {} ({})", stop.id.text(), stop.cause.event));
  for (const auto& send : effects.sends) {
    if (quiet.hides(send.body)) continue;
    std::string to;
    for (const auto& name : send.to) to += (to.empty() ? "" : " ") + name.text().substr(0, 2);
    line("to " + to + ": " + describe(send.body));
  }
  for (const auto& reply : effects.replies)
    for (const auto& outcome : reply.outcomes)
      line(fmt::format("reply {} {}", outcome.id.text(),
                       outcome.error ? to_string(outcome.error->code) : "ok"));
  if (effects.fence) line(*effects.fence ? "fence" : "unfence");
  if (effects.lock) line(effects.lock->locked ? "locked: " + effects.lock->words : "unlocked");
  if (effects.refused) line("refused: " + *effects.refused);
  if (effects.left) line("left");
  return out;
}

class Script {
 public:
  std::string run(std::istream& in) {
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("#")) out_ += line + "\n";
      if (!line.starts_with("> ")) continue;
      out_ += line + "\n";
      std::istringstream words(line.substr(2));
      std::string command;
      words >> command;
      obey(command, words);
    }
    return out_;
  }

 private:
  std::size_t node_of(std::istream& words) {
    std::size_t number = 1;
    words >> number;
    return number - 1;
  }
  std::string id_of_word(std::istream& words) {
    std::string id;
    words >> id;
    return id;
  }
  void start(std::istream& words, Restart restart, bool is_static) {
    const std::size_t node = node_of(words);
    const std::string id = id_of_word(words);
    std::optional<NodeName> on;
    if (std::string word; words >> word) on = cluster_->nodes[node_of(words)].name;
    auto spec = opened(spec_of(id, "counter", restart, is_static));
    if (later_.contains(node))
      spec->extras.change().unknown["colour"] = encode_term(Term::atom("red")).octets().substr(1);
    cluster_->start(node, {std::move(spec)}, is_static ? StartMode::ensure : StartMode::start, on);
    cluster_->run();
  }
  void obey(const std::string& command, std::istream& words) {
    if (command == "nodes") {
      cluster_ = std::make_unique<Cluster>(node_of(words) + 1);
      cluster_->watch = [this](std::size_t i, const Effects& effects) {
        out_ += describe(*cluster_, i, effects, quiet_);
      };
      cluster_->change = [this](std::size_t i, Settings& settings) {
        settings.strategies = make_strategies(chosen_).value();
        if (const auto own = odd_.find(i); own != odd_.end()) own->second(settings);
      };
    } else if (command == "quiet") {
      quiet_.on = true;
      for (std::string name; words >> name;)
        if (name != "but") quiet_.aloud.insert(kind_of(name));
    } else if (command == "later") {
      later_.insert(node_of(words));
      cluster_->write = [this](std::size_t from, const MessageBody& body) { return write(from, body); };
    } else if (command == "hint") {
      hint(node_of(words));
    } else if (command == "look") {
      const std::size_t node = node_of(words);
      look(node, id_of_word(words));
    } else if (command == "save" || command == "change") {
      const std::size_t node = node_of(words);
      const std::string id = id_of_word(words);
      (void)cluster_->save(node, id, id_of_word(words), command == "save");
    } else if (command == "use") {
      use(words);
    } else if (command == "copies") {
      std::int64_t factor = 1;
      words >> factor;
      StrategyChoice redundancy{"replication", {{"factor", factor}, {"mode", std::string("active_passive")}}};
      if (id_of_word(words) == "follow") redundancy.settings["follow"] = std::string("each_call");
      chosen_.redundancy = std::move(redundancy);
    } else if (command == "differs") {
      const std::size_t node = node_of(words);
      odd_[node] = [](Settings& settings) {
        settings.strategies = make_strategies({.migration = "hot_swap"}).value();
      };
    } else if (command == "program") {
      const std::size_t node = node_of(words);
      const auto spec = opened(spec_of(id_of_word(words), "exec"));
      spec->needs = "counter";
      spec->extras.change().ready_within = 10s;
      cluster_->start(node, {spec});
    } else if (command == "hold" || command == "release") {
      const std::string what = id_of_word(words);
      auto& held = what == "freeze"    ? cluster_->hold_freezes
                   : what == "prepare" ? cluster_->hold_prepares
                                       : cluster_->hold_stops;
      const ChildId id = id_of(id_of_word(words));
      command == "hold" ? (void)held.insert(id) : (void)held.erase(id);
    } else if (command == "lose") {
      for (std::string name; words >> name;) lose(name);
    } else if (command == "deliver") {
      cluster_->lost.clear();
      cluster_->lost_words.clear();
    } else if (command == "split") {
      split(words);
    } else if (command == "heal") {
      cluster_->heal();
    } else if (command == "boot") {
      cluster_->boot(node_of(words));
    } else if (command == "run") {
      std::int64_t ms = 0;
      words >> ms;
      cluster_->run(std::chrono::milliseconds(ms));
    } else if (command == "start") {
      start(words, Restart::permanent, false);
    } else if (command == "temporary") {
      start(words, Restart::temporary, false);
    } else if (command == "static") {
      start(words, Restart::permanent, true);
    } else if (command == "stop") {
      const std::size_t node = node_of(words);
      cluster_->stop(node, id_of_word(words));
    } else if (command == "retry") {
      const std::size_t node = node_of(words);
      cluster_->ask<ClientRetry>(node, id_of_word(words));
    } else if (command == "exit") {
      const std::string id = id_of_word(words);
      cluster_->exit(id, id_of_word(words) == "normal");
    } else if (command == "fail") {
      cluster_->fail_starts.insert(id_of(id_of_word(words)));
    } else if (command == "kill") {
      cluster_->kill(node_of(words));
    } else if (command == "break") {
      cluster_->drop_channels(node_of(words), false);
    } else if (command == "sleep") {
      const std::size_t node = node_of(words);
      cluster_->pause(node);
      cluster_->drop_channels(node, true);
    } else if (command == "wake") {
      cluster_->resume(node_of(words));
    } else if (command == "drain") {
      for (std::size_t number = 0; words >> number;) cluster_->give(number - 1, ClientDrain{{9999}});
    } else {
      ADD_FAILURE() << "unknown command " << command;
    }
    cluster_->run();
  }

  // use KIND NAME [KEY=VALUE...]; a value of digits is a number.
  void use(std::istream& words) {
    const std::string kind = id_of_word(words);
    StrategyChoice choice{id_of_word(words), {}};
    for (std::string word; words >> word;) {
      const std::string key = word.substr(0, word.find('=')), value = word.substr(word.find('=') + 1);
      const bool number = value.find_first_not_of("0123456789") == std::string::npos;
      choice.settings[key] = number ? Setting(static_cast<std::int64_t>(std::stoll(value))) : Setting(value);
    }
    if (kind == "distribution") chosen_.distribution = choice;
    if (kind == "redundancy") chosen_.redundancy = choice;
    if (kind == "migration") chosen_.migration = choice;
    if (kind == "partition") chosen_.partition = choice;
    if (kind == "synchronisation") chosen_.synchronisation = choice;
  }
  void split(std::istream& words) {
    std::vector<std::vector<std::size_t>> groups;
    for (std::string word; words >> word;) {
      std::istringstream numbers(word);
      auto& group = groups.emplace_back();
      for (std::string number; std::getline(numbers, number, ',');) group.push_back(std::stoul(number) - 1);
    }
    cluster_->split(groups);
  }
  static std::size_t kind_of(const std::string& name) {
    const std::map<std::string, std::size_t> kinds{
        {"delta", MessageBody(Delta{}).index()}, {"hello", MessageBody(Hello{}).index()},
        {"have", MessageBody(Have{}).index()},   {"want", MessageBody(Want{}).index()},
        {"taken", MessageBody(Taken{}).index()}, {"through", MessageBody(Through{}).index()},
        {"view", MessageBody(View{}).index()}};
    return kinds.at(name);
  }
  void lose(const std::string& name) {
    const std::map<std::string, std::size_t> words{{"offer", HandoverWord(Offer{}).index()},
                                                   {"offer_answer", HandoverWord(OfferAnswer{}).index()},
                                                   {"commit", HandoverWord(Commit{}).index()}};
    if (const auto word = words.find(name); word != words.end())
      cluster_->lost_words.insert(word->second);
    else
      cluster_->lost.insert(kind_of(name));
  }

  // A later version has a word more of each member and of each message.
  Bytes write(std::size_t from, const MessageBody& body) {
    if (!later_.contains(from)) return encode(body);
    MessageBody more = body;
    const auto extend = [&](Member& member) {
      if (member.session.node == cluster_->nodes[from].name)
        member.unknown["zone"] = encode_term(Term::atom("attic")).octets().substr(1);
    };
    if (auto* hello = std::get_if<Hello>(&more)) extend(hello->sender);
    if (auto* delta = std::get_if<Delta>(&more); delta && delta->member) extend(*delta->member);
    if (auto* sync = std::get_if<Sync>(&more); sync && sync->member) extend(*sync->member);
    const auto term = decode_term(encode(more));
    std::vector<Term> fields = *term->as_tuple();
    fields.back() = Term::map({{Term::atom("hurry"), 1}});
    return encode_term(Term::tuple(std::move(fields))).octets();
  }
  // And a kind of message that this version does not know.
  void hint(std::size_t from) {
    const auto body = decode(encode_term(Term::tuple({Term::atom("hint"), 1, Term::map({})})));
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, unknown_message);
    for (const NodeName& to : cluster_->nodes[from].channels)
      say(cluster_->index(to), fmt::format("skips what n{} says: {}", from + 1, body.error().message));
  }
  void say(std::size_t i, const std::string& words) {
    out_ += fmt::format("{:>7} n{} {}\n", (cluster_->now.monotonic - 1000s) / 1ms, i + 1, words);
  }
  void look(std::size_t i, const std::string& what) {
    const Core& core = *cluster_->nodes[i].core;
    std::string words = "nothing";
    if (const Member* member = core.member(NodeName(what)))
      words = std::string(to_string(member->state)) + unknown(member->unknown);
    else if (const SpecRow* row = core.spec(id_of(what)))
      words = std::string(row->wanted ? "wanted" : "unwanted") + unknown(row->spec->extras->unknown);
    say(i, fmt::format("knows of {}: {}", what, words));
  }

  std::unique_ptr<Cluster> cluster_;
  brood::Strategies chosen_;
  std::set<std::size_t> later_;
  std::map<std::size_t, std::function<void(Settings&)>> odd_;
  Quiet quiet_;
  std::string out_;
};

TEST(Traces, AreAsTheyWere) {
  const bool rewrite = std::getenv("CORE_TRACES_REWRITE") != nullptr;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    std::ifstream in(entry.path());
    std::stringstream golden;
    golden << in.rdbuf();
    std::istringstream script(golden.str());
    const std::string now = Script().run(script);
    if (rewrite)
      std::ofstream(entry.path()) << now;
    else
      EXPECT_EQ(now, golden.str()) << entry.path();
  }
  EXPECT_GE(count, 5U) << "no traces in " << folder();
}

}  // namespace trace_test
}  // namespace brood::core::testing

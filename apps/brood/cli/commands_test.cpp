// What each command asks a node and what it shows of the answer. It is one long file because every command is
// run in the same way, against a made-up node, and each needs a few lines only.
#include "apps/brood/cli/commands.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/brood/cli/fake_api.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"

namespace brood::app {
namespace commands_test {

struct Ran {
  int status = 0;
  std::string out;
  std::string remarks;  ///< On stderr, without the error that ends it.
  std::vector<std::string> asked;
  std::string code;
  std::string message;
  [[nodiscard]] Json json() const { return Json::parse(out); }
};

// Runs a command line against these answers; what it writes is caught.
Ran run(std::vector<std::string> words, FakeApi api) {
  const auto arguments = parse_arguments(std::move(words), [](const std::string&) { return ""; });
  EXPECT_TRUE(arguments) << (arguments ? "" : arguments.error().text);
  Ran ran;
  if (!arguments) return ran;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    Output out(arguments->common.json, arguments->common.color);
    Session session{api, out, *arguments};
    const auto done = run_command(session);
    ran.remarks = testing::internal::GetCapturedStderr();
    if (done) {
      out.flush();
    } else {
      ran.code = done.error().code;
      ran.message = done.error().message;
      testing::internal::CaptureStderr();
      ran.status = out.show(done.error());
      (void)testing::internal::GetCapturedStderr();
    }
  }
  std::fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.asked = api.asked;
  return ran;
}

Ran run(const std::vector<std::string>& words, const std::vector<std::string>& answers) {
  return run(words, FakeApi(answers));
}

Term with_pid(const Term& term, const Pid& pid) {
  if (term.is_atom("pid")) return Term(pid);
  if (const auto* items = term.as_tuple()) {
    std::vector<Term> out;
    for (const auto& item : *items) out.push_back(with_pid(item, pid));
    return Term::tuple(std::move(out));
  }
  if (const auto* items = term.as_list()) {
    std::vector<Term> out;
    for (const auto& item : *items) out.push_back(with_pid(item, pid));
    return Term::list(std::move(out));
  }
  if (const auto* entries = term.as_map()) {
    std::vector<std::pair<Term, Term>> out;
    for (const auto& [key, value] : *entries) {
      out.emplace_back(key, key.is_atom("pid") && value.is_atom("here") ? Term(pid) : value);
      if (!value.is_atom("here")) out.back().second = with_pid(value, pid);
    }
    return Term::map(std::move(out));
  }
  return term;
}

const Pid some_pid{NodeName("n2@h"), 7, 0, 1};

FakeApi answering(const std::vector<std::string>& answers) {
  FakeApi api({});
  for (const auto& text : answers) api.add(with_pid(parse_term(text).value(), some_pid));
  return api;
}

constexpr const char* one_child =
    "{ok, [#{id => <<\"a\">>, worker => <<\"counter\">>, restart => permanent, tags => [<<\"t\">>], static "
    "=> true, "
    "wanted => true, failed => false, failure => <<\"\">>, node_for => 'n2@h', args => [5], shutdown => "
    "5000, "
    "instances => [#{node => 'n2@h', pid => here, os_pid => 0, phase => running, role => active, restarts => "
    "2, "
    "uptime_ms => 61500, reason => <<\"\">>}]}]}";

TEST(Commands, TheOnlySupervisorIsFoundByAsking) {
  const auto ran = run({"ps", "--json"}, answering({"[web]", one_child}));
  EXPECT_EQ(ran.asked, (std::vector<std::string>{"supervisors", "{describe,web,all}"}));
}

TEST(Commands, OfSeveralSupervisorsOneMustBeNamed) {
  const auto ran = run({"show", "a"}, {"[jobs, web]"});
  EXPECT_EQ(ran.status, exit_usage);
  EXPECT_EQ(ran.message, "n1@h has several supervisors; say which: --supervisor jobs | web");
  EXPECT_EQ(run({"ps", "--supervisor", "web"}, answering({one_child})).asked.front(), "{describe,web,all}");
}

TEST(Commands, PsPrintsExactlyThePromisedKeys) {
  const auto ran = run({"ps", "--json"}, answering({"[web]", one_child}));
  EXPECT_EQ(ran.out,
            "[{\"supervisor\":\"web\",\"id\":\"a\",\"worker\":\"counter\",\"restart\":\"permanent\",\"tags\":"
            "[\"t\"],\"instances\":["
            "{\"node\":\"n2@h\","
            "\"pid\":\"<n2@h.7.0>\",\"os_pid\":0,\"phase\":\"running\",\"role\":\"active\",\"restarts\":2,"
            "\"uptime_s\":61.5}]}]\n");
}

TEST(Commands, PsShowsATable) {
  const auto ran = run({"ps"}, answering({"[web]", one_child}));
  EXPECT_EQ(ran.out,
            "ID  RUNS     NODE  PHASE    OS PID  RESTARTS     UP\n"
            "a   counter  n2@h  running       -         2  1m 1s\n");
}

TEST(Commands, PsShowsAFailedChildAndWhy) {
  const std::string failed =
      "{ok, [#{id => bad, worker => <<\"exec\">>, restart => permanent, tags => [], failed => true, "
      "failure => <<\"no such file\">>, args => #{argv => [<<\"nothing\">>, <<\"-x\">>]}, instances => []}]}";
  EXPECT_EQ(run({"ps"}, {"[web]", failed}).out,
            "ID    RUNS        NODE  PHASE   OS PID  RESTARTS  UP  WHY\n"
            ":bad  nothing -x  -     failed       -         -   -  no such file\n");
  EXPECT_EQ(run({"ps", "--json"}, {"[web]", failed}).json()[0]["failure"], "no such file");
}

TEST(Commands, PsSaysWhyAChildWaits) {
  const std::string waits =
      "{ok, [#{id => <<\"a\">>, worker => <<\"w\">>, wanted => true, instances => []}]}";
  const std::string why =
      "{ok, [#{id => <<\"a\">>, wanted => true, waiting => <<\"no member knows the worker w\">>, "
      "instances => []}]}";
  EXPECT_EQ(run({"ps"}, {"[web]", waits, why}).out,
            "ID  RUNS  NODE  PHASE    OS PID  RESTARTS  UP  WHY\n"
            "a   w     -     waiting       -         -   -  no member knows the worker w\n");
}

TEST(Commands, CommandsAreShownAsAShellTakesThem) {
  EXPECT_EQ(command_line({"sh", "-c", "echo it's $HOME; exit", "", "a=b", "/x-1.0"}),
            "sh -c 'echo it'\\''s $HOME; exit' '' a=b /x-1.0");
  const std::string program =
      "{ok, [#{id => <<\"a\">>, worker => <<\"exec\">>, restart => transient, wanted => false, args => "
      "#{argv => "
      "[<<\"sleep\">>, <<\"1 2\">>], cwd => <<\"/srv\">>, env => #{<<\"TOKEN\">> => <<\"secret\">>}}, "
      "instances => "
      "[]}]}";
  const auto text = run({"show", "a"}, {"[web]", program}).out;
  EXPECT_NE(text.find("command    sleep '1 2'\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cwd        /srv\n"), std::string::npos) << text;
  EXPECT_NE(text.find("env        TOKEN\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  EXPECT_NE(text.find("wanted     no: it has ended for good, or was stopped\n"), std::string::npos) << text;
  const std::string end = "{ok, #{text => <<\"exited with code 7\">>, ended_ms => 1700000000123}}";
  const auto ended = run({"show", "a"}, {"[web]", program, end});
  EXPECT_NE(ended.out.find("wanted     no: exited with code 7 at 2023-11-14 22:13:20 UTC\n"),
            std::string::npos)
      << ended.out;
}

TEST(Commands, ShowTellsOfTheLastEndAndTheNextTry) {
  const std::string restarting =
      "{ok, [#{id => <<\"a\">>, worker => <<\"w\">>, restart => permanent, wanted => true, last_end => "
      "<<\"exited "
      "with code 1\">>, instances => [#{node => 'n1@h', phase => restarting, restarts => 3, next_try_ms => "
      "4200, reason => <<\"exited with code 1\">>}]}]}";
  const auto text = run({"show", "a"}, {"[web]", restarting}).out;
  EXPECT_NE(text.find("last end   exited with code 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("next try in 5s\n"), std::string::npos) << text;
  EXPECT_NE(run({"ps"}, {"[web]", restarting}).out.find("restarting in 5s"), std::string::npos);
}

TEST(Commands, PsShowsTheChildrenOfAllSupervisors) {
  const auto ran = run({"ps"}, answering({"[jobs, web]", "{ok, []}", one_child}));
  EXPECT_EQ(ran.asked,
            (std::vector<std::string>{"supervisors", "{describe,jobs,all}", "{describe,web,all}"}));
  EXPECT_EQ(ran.out,
            "SUPERVISOR  ID  RUNS     NODE  PHASE    OS PID  RESTARTS     UP\n"
            "web         a   counter  n2@h  running       -         2  1m 1s\n");
}

TEST(Commands, PsSelects) {
  EXPECT_EQ(run({"ps", "--local"}, {"[web]", "{ok, []}"}).asked[1], "{describe,web,local}");
  EXPECT_EQ(run({"ps", "--tag", "t"}, {"[web]", "{ok, []}"}).asked[1], "{describe,web,{tag,<<\"t\">>}}");
  EXPECT_EQ(run({"ps", "--local", "--tag", "t", "--json"}, answering({"[web]", one_child})).json().size(),
            1u);
  EXPECT_EQ(run({"ps", "--local", "--tag", "u", "--json"}, answering({"[web]", one_child})).out, "[]\n");
}

TEST(Commands, ShowSaysEverything) {
  const auto json = run({"show", "a", "--json"}, answering({"[web]", one_child})).json();
  EXPECT_EQ(json["args"], "[5]");
  EXPECT_EQ(json["node_for"], "n2@h");
  EXPECT_EQ(json["static"], true);
  const auto text = run({"show", "a"}, answering({"[web]", one_child})).out;
  EXPECT_NE(text.find("belongs on n2@h\n"), std::string::npos) << text;
  EXPECT_NE(text.find("2 restarts, up 1m 1s\n"), std::string::npos) << text;
  const auto none = run({"show", "a"}, {"[web]", "{ok, []}", "{ok, undefined}"});
  EXPECT_EQ(none.status, exit_refused);
  EXPECT_EQ(none.code, "no_such_child");
}

TEST(Commands, ShowTellsHowAProgramEndedThatIsInNoTableAnyMore) {
  const std::string end =
      "{ok, #{node => 'n1@h', text => <<\"exited with code 7\">>, ended_ms => 1700000000123}}";
  const auto ran = run({"show", "a"}, {"[web]", "{ok, []}", end});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out,
            "id         a\n"
            "wanted     no: exited with code 7 at 2023-11-14 22:13:20 UTC\n"
            "ran on     n1@h\n");
  EXPECT_EQ(run({"show", "a", "--json"}, {"[web]", "{ok, []}", end}).json(),
            (Json{{"id", "a"},
                  {"wanted", false},
                  {"node", "n1@h"},
                  {"last_end", "exited with code 7 at 2023-11-14 22:13:20 UTC"}}));
}

TEST(Commands, StartSendsTheSpecAndSaysWhere) {
  const auto ran = run({"start", "a", "--worker", "counter", "--args", "5", "--tag", "t", "--restart",
                        "transient", "--shutdown", "100"},
                       answering({"[web]", "{ok, pid, <<\"a\">>}"}));
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.asked[1],
            "{start_child,web,#{id=><<\"a\">>,metadata=>#{tag=><<\"t\">>},restart=>transient,shutdown=>100,"
            "start=>{<<\"counter\">>,[5]}}}");
  EXPECT_EQ(ran.out, "started a on n2@h as <n2@h.7.0>\n");
  const auto json = run({"start", "a", "--json", "--on", "n2@h:9000", "--", "ls", "-l"},
                        answering({"[web]", "{ok, pid, <<\"a\">>}"}));
  EXPECT_EQ(json.json(), (Json{{"id", "a"}, {"pid", "<n2@h.7.0>"}, {"node", "n2@h"}}));
  EXPECT_NE(json.asked[1].find("start=>{exec,#{argv=>[<<\"ls\">>,<<\"-l\">>]}}"), std::string::npos)
      << json.asked[1];
  EXPECT_NE(json.asked[1].find("#{node=>n2@h}}"), std::string::npos) << json.asked[1];
}

TEST(Commands, PathsOfACommandAreRelativeToWhereOneStands) {
  const auto command_of = [](std::vector<std::string> words) {
    const auto arguments = parse_arguments(std::move(words), [](const std::string&) { return ""; });
    const auto spec = start_spec(*arguments);
    EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
    return to_string(spec->get("start")->as_tuple()->back());
  };
  const auto here = std::filesystem::current_path().string();
  EXPECT_NE(command_of({"start", "a", "--", "sub/prog", "sub/x"})
                .find("argv=>[<<\"" + here + "/sub/prog\">>,<<\"sub/x\">>]"),
            std::string::npos);
  EXPECT_NE(command_of({"start", "a", "--", "prog"}).find("argv=>[<<\"prog\">>]"), std::string::npos);
  const auto placed = command_of({"start", "a", "--cwd", "sub", "--health-exec", "./ok", "--", "./prog"});
  EXPECT_NE(placed.find("cwd=><<\"" + here + "/sub\">>"), std::string::npos) << placed;
  EXPECT_NE(placed.find("<<\"./prog\">>"), std::string::npos) << placed << ": relative to its own folder";
  EXPECT_NE(placed.find("<<\"./ok\">>"), std::string::npos) << placed;
}

TEST(Commands, StartSaysWhenACommandHasEndedAtOnce) {
  const std::string started = "{ok, pid, <<\"x\">>}";
  const std::string looping =
      "{ok, [#{id => <<\"x\">>, wanted => true, instances => [#{node => 'n2@h', phase => restarting, "
      "restarts => 1, "
      "reason => <<\"exited with code 1\">>}]}]}";
  EXPECT_EQ(
      run({"start", "x", "--", "false"}, answering({"[web]", started, looping})).out,
      "started x on n2@h as <n2@h.7.0>, and it ended at once: exited with code 1; it is started again and "
      "again\n");
  EXPECT_EQ(
      run({"start", "x", "--restart", "temporary", "--", "false"}, answering({"[web]", started, "{ok, []}"}))
          .out,
      "started x on n2@h as <n2@h.7.0>, and it has ended already\n");
  const std::string done =
      "{ok, [#{id => <<\"x\">>, wanted => false, last_end => <<\"exited with code 0\">>, instances => []}]}";
  EXPECT_EQ(run({"start", "x", "--json", "--", "true"}, answering({"[web]", started, done})).json()["ended"],
            "it has ended already: exited with code 0");
}

TEST(Commands, ACommandThatNobodyAllowsNamesTheCure) {
  const auto ran = run({"start", "x", "--", "ls"},
                       {"[web]", "{error, {not_allowed, <<\"no member allows that command\">>}}"});
  EXPECT_NE(ran.message.find("exec_allow = true under [node]"), std::string::npos) << ran.message;
  EXPECT_NE(ran.message.find("--exec-allow"), std::string::npos) << ran.message;
}

TEST(Commands, ARefusalHasStatusOneAndItsReason) {
  const auto taken =
      run({"start", "a", "--worker", "w", "--json"}, answering({"[web]", "{error, {already_started, pid}}"}));
  EXPECT_EQ(taken.status, exit_refused);
  EXPECT_EQ(taken.json()["error"]["code"], "already_started");
  EXPECT_EQ(taken.json()["error"]["message"], "a: it runs already, as <n2@h.7.0>");
  const auto pausing = run({"start", "a", "--worker", "w"},
                           {"[web]", "{error, {already_started, <<\"a child 'a' runs already\">>}}"});
  EXPECT_NE(pausing.message.find("a child 'a' runs already"), std::string::npos) << pausing.message;
  EXPECT_EQ(pausing.message.find("<<"), std::string::npos) << pausing.message;
  const auto worker =
      run({"start", "a", "--worker", "w"}, {"[web]", "{error, {no_such_worker, <<\"no node knows w\">>}}"});
  EXPECT_EQ(worker.message, "a: no node knows w");
  const auto supervisor =
      run({"start", "a", "--worker", "w", "--supervisor", "x"}, {"{error, no_supervisor}"});
  EXPECT_EQ(supervisor.code, "no_such_supervisor");
}

TEST(Commands, StopTellsOfOneId) {
  EXPECT_EQ(run({"stop", ":b"}, {"[web]", "ok"}).asked[1], "{stop_child,web,b}");
  EXPECT_EQ(run({"stop", "a"}, {"[web]", "ok"}).out, "stopped a\n");
  EXPECT_EQ(run({"stop", "a", "--json"}, {"[web]", "ok"}).out, "{\"stopped\":[\"a\"]}\n");
  const auto one = run({"stop", "a", "--json"}, {"[web]", "{error, not_found}"});
  EXPECT_EQ(one.status, exit_refused);
  EXPECT_EQ(one.json()["error"]["code"], "no_such_child");
}

TEST(Commands, SeveralAreStoppedAtOnceAndEachIsToldOf) {
  const auto all = run({"stop", "a", ":b", "a"}, {"[web]",
                                                  "{ok, #{status => ok, stopped => [{b, ['n1@h']}, "
                                                  "{<<\"a\">>, []}], errors => []}}"});
  EXPECT_EQ(all.asked[1], "{stop_children,web,[<<\"a\">>,b,<<\"a\">>]}");
  EXPECT_EQ(all.out, "stopped a\nstopped :b\n");
  const std::string answer =
      "{ok, #{status => error, stopped => [{<<\"b\">>, []}], errors => [{<<\"a\">>, undefined, not_found}]}}";
  const auto some = run({"stop", "a", "b", "--json"}, {"[web]", answer});
  EXPECT_EQ(some.status, exit_refused);
  EXPECT_EQ(some.json()["stopped"], Json::array({"b"}));
  EXPECT_EQ(some.json()["errors"][0]["id"], "a");
  EXPECT_EQ(some.json()["errors"][0]["code"], "no_such_child");
  const auto text = run({"stop", "a", "b", "c"}, {"[web]", answer});
  EXPECT_EQ(text.out, "stopped b\n");
  EXPECT_EQ(text.message,
            "a: no such child; `brood ps` shows those there are\n"
            "brood: c: no answer in time; it may still happen");
}

TEST(Commands, AllWithATagAreStopped) {
  const std::string two =
      "{ok, [#{id => <<\"a\">>, worker => <<\"w\">>, wanted => true, instances => []}, "
      "#{id => b, worker => <<\"w\">>, wanted => true, instances => []}]}";
  const auto ran =
      run({"stop", "--tag", "t"},
          {"[web]", two, "{ok, #{status => ok, stopped => [{b, []}, {<<\"a\">>, []}], errors => []}}"});
  EXPECT_EQ(ran.asked[1], "{describe,web,{tag,<<\"t\">>}}");
  EXPECT_EQ(ran.asked[2], "{stop_children,web,[<<\"a\">>,b]}");
  EXPECT_EQ(ran.out, "stopped a\nstopped :b\n");
  EXPECT_EQ(run({"stop", "--tag", "u"}, {"[web]", "{ok, []}"}).message, "no child has the tag u");
}

TEST(Commands, StartOfAnIdAloneStartsWhatWasStopped) {
  const auto ran = run({"start", "a"}, answering({"[web]", "{ok, pid, <<\"a\">>}"}));
  EXPECT_EQ(ran.asked[1], "{start_child,web,#{id=><<\"a\">>}}");
  EXPECT_EQ(ran.out, "started a on n2@h as <n2@h.7.0>\n");
  const auto none = run({"start", "a"}, {"[web]", "{error, {no_such_child, <<\"words\">>}}"});
  EXPECT_EQ(none.status, exit_usage);
  EXPECT_NE(none.message.find("Give --worker NAME, or -- and a command"), std::string::npos) << none.message;
}

TEST(Commands, PsShowsWhatWasStoppedIfAskedTo) {
  const std::string stopped =
      "{ok, [#{id => <<\"Z\">>, worker => <<\"w\">>, restart => permanent, wanted => false, instances => "
      "[]}]}";
  const auto ran = run({"ps", "-a"}, answering({"[web]", one_child, stopped}));
  EXPECT_EQ(ran.asked[2], "{describe,web,stopped}");
  EXPECT_EQ(ran.out,
            "ID  RUNS     NODE  PHASE    OS PID  RESTARTS     UP\n"
            "Z   w        -     stopped       -         -      -\n"
            "a   counter  n2@h  running       -         2  1m 1s\n");
}

TEST(Commands, PsSaysWhyNothingIsStarted) {
  const auto ran = run({"ps"}, {"[web]", "{ok, []}",
                                "{ok, #{partitioned => false, locked => true, why => <<\"1 node is up, and "
                                "min_nodes is 2\">>}}"});
  EXPECT_EQ(ran.remarks, "web: no child is started at the moment: 1 node is up, and min_nodes is 2\n");
}

TEST(Commands, TheTimeoutIsSentToTheNode) {
  EXPECT_EQ(run({"stop", "a", "--timeout", "70"}, {"[web]", "ok"}).asked[1],
            "{stop_child,web,<<\"a\">>,#{timeout=>70}}");
  EXPECT_EQ(
      run({"stop", "a", "b", "--timeout", "70"}, {"[web]", "{ok, #{stopped => [], errors => []}}"}).asked[1],
      "{stop_children,web,[<<\"a\">>,<<\"b\">>],#{timeout=>70}}");
  EXPECT_NE(
      run({"start", "a", "--worker", "w", "--timeout", "15000"}, answering({"[web]", "{ok, pid, <<\"a\">>}"}))
          .asked[1]
          .find(",#{timeout=>15000}}"),
      std::string::npos);
  EXPECT_EQ(run({"drain", "--timeout", "70"}, {"ok"}).asked[0], "{drain,all,#{timeout=>70}}");
  EXPECT_EQ(run({"retry", "a", "--timeout", "70"}, {"[web]", "ok"}).asked[1],
            "{retry,web,<<\"a\">>,#{timeout=>70}}");
}

TEST(Commands, StopWaitsAsLongAsTheChildMayTake) {
  FakeApi api({"[web]", "ok"});
  const auto arguments = parse_arguments({"stop", "a"}, [](const std::string&) { return ""; });
  ASSERT_TRUE(arguments);
  testing::internal::CaptureStdout();
  Output out(false, When::never);
  Session session{api, out, *arguments};
  EXPECT_TRUE(run_command(session));
  (void)testing::internal::GetCapturedStdout();
  EXPECT_GE(api.timeouts[1], std::chrono::hours(24));
}

TEST(Commands, ALostNodeHasStatusThree) {
  const auto ran = run({"stop", "a", "--json"}, {"[web]"});
  EXPECT_EQ(ran.status, exit_unreachable);
  EXPECT_EQ(ran.json()["error"]["code"], "node_lost");
}

TEST(Commands, CallPrintsTheReplyAsItIs) {
  const auto ran = run({"call", "a", "{add, 5}"}, {"[web]", "{ok, {reply, 5}}"});
  EXPECT_EQ(ran.asked[1], "{call,web,<<\"a\">>,{add,5},5000}");
  EXPECT_EQ(ran.out, "{reply,5}\n");
  EXPECT_EQ(run({"call", "a", "x", "--timeout", "70"}, {"[web]", "{ok, ok}"}).asked[1],
            "{call,web,<<\"a\">>,x,70}");
  const auto json =
      run({"call", "a", "x", "--json"}, {"[web]", "{ok, #{up => true, n => [1, 2.5], t => <<\"x\">>}}"})
          .json();
  EXPECT_EQ(json["value"], (Json{{"n", {1, 2.5}}, {"t", "x"}, {"up", true}}));
  EXPECT_TRUE(json["reply"].is_string());
}

TEST(Commands, AMessageThatTheChildRefusesIsAnError) {
  const auto ran = run({"call", "a", "foo"},
                       {"[web]", "{ok, {error, {type_mismatch, <<\"counter does not know foo\">>}}}"});
  EXPECT_EQ(ran.status, exit_refused);
  EXPECT_EQ(ran.code, "type_mismatch");
  EXPECT_EQ(ran.message, "a: counter does not know foo");
  // What a child answers in words of its own stays an answer.
  EXPECT_EQ(run({"call", "a", "x"}, {"[web]", "{ok, {error, {enoent, <<\"x\">>}}}"}).status, 0);
}

TEST(Commands, AReplyThatIsAnErrorTupleIsStillAReply) {
  EXPECT_EQ(run({"call", "a", "x"}, {"[web]", "{ok, {error, no}}"}).out, "{error,no}\n");
}

TEST(Commands, CastIsSilent) {
  const auto ran = run({"cast", "a", "{add, 5}"}, {"[web]", "ok"});
  EXPECT_EQ(ran.asked[1], "{cast,web,<<\"a\">>,{add,5}}");
  EXPECT_EQ(ran.out, "");
}

TEST(Commands, NodesPrintsExactlyThePromisedKeys) {
  const std::string answer =
      "{ok, [#{name => 'n1@h', up => true, self => true, state => up, supervisors => #{web => #{children => "
      "3}}}, "
      "#{name => 'n2@h', up => false, self => false, state => down, supervisors => #{}}]}";
  EXPECT_EQ(run({"nodes", "--json"}, {answer}).out,
            "[{\"name\":\"n1@h\",\"up\":true,\"self\":true,\"state\":\"up\",\"supervisors\":{\"web\":{"
            "\"children\":3}}},"
            "{\"name\":\"n2@h\",\"up\":false,\"self\":false,\"state\":\"down\",\"supervisors\":{}}]\n");
  EXPECT_EQ(run({"nodes"}, {answer}).out,
            "NODE          STATE  CHILDREN\n"
            "n1@h (asked)  up     web: 3\n"
            "n2@h          down   -\n");
}

TEST(Commands, WhereTellsWhereAChildBelongsAndRuns) {
  const auto ran = run({"where", "a"}, answering({"[web]", one_child}));
  EXPECT_EQ(ran.asked[1], "{describe,web,{id,<<\"a\">>}}");
  EXPECT_EQ(ran.out, "a belongs on n2@h; it runs on n2@h as <n2@h.7.0>\n");
  EXPECT_EQ(run({"where", "a", "--json"}, answering({"[web]", one_child})).out,
            "{\"key\":\"a\",\"node\":\"n2@h\",\"pid\":\"<n2@h.7.0>\",\"runs_on\":\"n2@h\"}\n");
}

TEST(Commands, WhereSaysWhyAChildRunsNowhere) {
  const std::string pinned =
      "{ok, [#{id => <<\"a\">>, wanted => true, node_for => undefined, waiting => <<\"only n9@h may run "
      "it\">>, "
      "instances => []}]}";
  EXPECT_EQ(run({"where", "a"}, {"[web]", pinned}).out, "a: no node could run it (only n9@h may run it)\n");
  EXPECT_EQ(run({"where", "a", "--json"}, {"[web]", pinned}).json()["why"], "only n9@h may run it");
}

TEST(Commands, WhereOfAMereKeyAsksTheHash) {
  const auto ran = run({"where", "k"}, {"[web]", "{ok, []}", "'n1@h'"});
  EXPECT_EQ(ran.asked[2], "{node_for,web,<<\"k\">>}");
  EXPECT_EQ(ran.out, "k belongs on n1@h; it does not run\n");
  EXPECT_EQ(run({"where", "k", "--json"}, {"[web]", "{ok, []}", "undefined"}).out,
            "{\"key\":\"k\",\"node\":null,\"pid\":null,\"runs_on\":null}\n");
}

TEST(Commands, DrainAndWorkersAndRetry) {
  EXPECT_EQ(run({"drain"}, {"ok"}).asked[0], "{drain,all}");
  EXPECT_EQ(run({"drain", "--supervisor", "web"}, {"ok"}).asked[0], "{drain,web}");
  EXPECT_EQ(run({"drain", "--json"}, {"ok"}).out, "{\"drained\":\"n1@h\"}\n");
  EXPECT_EQ(run({"drain"}, {"{error, no_target}"}).code, "no_target");
  EXPECT_EQ(run({"undrain"}, {"ok"}).out, "n1@h gets children again\n");
  EXPECT_EQ(run({"undrain", "--json", "--timeout", "70"}, {"ok"}).asked[0], "{undrain,all,#{timeout=>70}}");
  EXPECT_EQ(run({"undrain"}, {"{error, {not_member, <<\"it has left\">>}}"}).code, "not_member");
  EXPECT_EQ(run({"workers"}, {"[<<\"counter\">>, <<\"echo\">>]"}).out, "counter\necho\n");
  EXPECT_EQ(run({"workers", "--json"}, {"[<<\"counter\">>]"}).out, "[\"counter\"]\n");
  EXPECT_EQ(run({"retry", "a"}, {"[web]", "ok"}).asked[1], "{retry,web,<<\"a\">>}");
}

TEST(Commands, MoveAndForgetAndRebalance) {
  EXPECT_EQ(run({"move", "a", "n2@h"}, {"[web]", "ok"}).asked[1], "{move,web,<<\"a\">>,n2@h}");
  EXPECT_EQ(run({"move", "a", "n2@h", "--timeout", "70"}, {"[web]", "ok"}).asked[1],
            "{move,web,<<\"a\">>,n2@h,#{timeout=>70}}");
  EXPECT_EQ(run({"move", ":a", "--auto"}, {"[web]", "ok"}).asked[1], "{move,web,a,auto}");
  EXPECT_EQ(run({"move", "a", "n2@h", "--json"}, {"[web]", "ok"}).out, "{\"moved\":\"a\",\"to\":\"n2@h\"}\n");
  EXPECT_EQ(run({"move", "a", "n2@h"}, {"[web]", "{error, {no_target, <<\"no\">>}}"}).code, "no_target");
  EXPECT_EQ(run({"forget", "n3@h"}, {"[web, db]", "ok", "ok"}).asked[2], "{forget_node,db,n3@h}");
  EXPECT_EQ(run({"rebalance"}, {"[web]", "ok"}).asked[1], "{rebalance,web}");
}

TEST(Commands, TheScoreboardIsATableAndSaysWhoHasAllOfIt) {
  const std::string board =
      "{ok, #{leader => 'n2@h', nodes => [#{node => 'n1@h', weight => 100, told => 0, score => 0.25, share "
      "=> 0.4, "
      "children => 7, scheduler => 0.0, run_queue => 0, processes => 0, memory => 0}]}}";
  const auto ran = run({"scoreboard"}, {"[web]", board});
  EXPECT_EQ(ran.asked[1], "{scoreboard,web}");
  EXPECT_NE(ran.out.find("40.0%"), std::string::npos) << ran.out;
  const auto json = run({"scoreboard", "--json"}, {"[web]", board}).json();
  EXPECT_EQ(json["leader"], "n2@h");
  EXPECT_EQ(json["nodes"][0]["children"], 7);
}

TEST(Commands, PartitionSaysWhyAndResetsTheSize) {
  const std::string locked =
      "{ok, #{partitioned => true, locked => true, why => <<\"2 of 5 are here\">>, strategy => "
      "<<\"majority_quorum/1\">>, count => <<\"2 of 5 are here\">>, members => ['n1@h', 'n2@h'], size => 5, "
      "here => 2, "
      "missing => ['n3@h'], takeover_delay_ms => 15000, overlap_bound_ms => 0}}";
  const std::string free =
      "{ok, #{partitioned => false, locked => false, why => <<>>, strategy => <<\"divergence/1\">>, count => "
      "<<\"1 member "
      "is here (n1@h)\">>, members => ['n1@h'], size => 0, here => 0, missing => [], takeover_delay_ms => 0, "
      "overlap_bound_ms => 0}}";
  EXPECT_EQ(run({"partition"}, {"[web, db]", locked, free}).out,
            "web: partitioned, its children have ended: 2 of 5 are here (majority_quorum/1)\n"
            "db: goes on: 1 member is here (n1@h) (divergence/1)\n");
  const auto json = run({"partition", "--json"}, {"[web]", locked}).json();
  EXPECT_EQ(json[0]["missing"][0], "n3@h");
  EXPECT_EQ(json[0]["takeover_delay_ms"], 15000);
  const auto reset = run({"partition", "--reset-size", "2"}, {"[web]", "ok", "[web]", free});
  EXPECT_EQ(reset.asked[1], "{reset_cluster_size,web,2}");
  EXPECT_EQ(
      run({"partition", "--reset-size", "2"}, {"[web]", "{error, {invalid_argument, <<\"no\">>}}"}).code,
      "invalid_argument");
}

// ---- history --------------------------------------------------------------------------------------------

const std::string moved =
    "#{number => 7, time_ms => 1700000000123, id => <<\"a\">>, event => started, cause => joined, node => "
    "'n4@h', other => 'n1@h', epoch => 5, reason => <<>>, text => <<\"a started on n4@h: it belongs there "
    "since "
    "that node came; it ran on n1@h\">>}";

TEST(Why, SaysWhyAChildIsWhereItIsAndWhatHasHappened) {
  const std::string answer =
      "{ok, #{id => <<\"a\">>, state => <<\"it runs\">>, here => [#{node => 'n4@h', phase => running, cause "
      "=> "
      "joined, last_cause => joined, text => <<\"on n4@h: it belongs there since that node came\">>}], "
      "events => [" +
      moved + "]}}";
  const auto text = run({"why", "a"}, {"[web]", answer});
  EXPECT_EQ(text.asked[1], "{why,web,<<\"a\">>}");
  EXPECT_EQ(
      text.out,
      "a: it runs\n  on n4@h: it belongs there since that node came\n\n2023-11-14 22:13:20.123  a started on "
      "n4@h: it belongs there since that node came; it ran on n1@h\n");
  const auto json = run({"why", "a", "--json"}, {"[web]", answer}).json();
  EXPECT_EQ(json["here"][0]["cause"], "joined");
  EXPECT_EQ(json["events"][0]["time"], "2023-11-14 22:13:20.123Z");
  EXPECT_EQ(json["events"][0]["id"], "a");
}

TEST(Events, AreAskedForByPrefixAndNumber) {
  const auto ran = run({"events", "--id", "we", "-n", "3"}, {"[web]", "{ok, #{events => [" + moved +
                                                                          "], next => 7, "
                                                                          "lost => 0}}"});
  EXPECT_EQ(ran.asked[1], "{events,web,#{'after'=>0,limit=>3,prefix=><<\"we\">>}}");
  EXPECT_NE(ran.out.find("a started on n4@h"), std::string::npos);
  const auto json =
      run({"events", "--json"}, {"[web]", "{ok, #{events => [" + moved + "], next => 7, lost => 0}}"}).json();
  EXPECT_EQ(json["next"], 7);
  EXPECT_EQ(json["events"][0]["other"], "n1@h");
}

TEST(Events, AreFollowedFromWhereOneHasCome) {
  const auto page = [](const std::string& events, int next, int lost) {
    return "{ok, #{events => [" + events + "], next => " + std::to_string(next) + ", lost => " +
           std::to_string(lost) + "}}";
  };
  const auto ran = run({"events", "-f"}, {"[web]", page("", 6, 0), page(moved, 7, 2)});
  EXPECT_EQ(ran.asked[2], "{events,web,#{'after'=>6,limit=>1000}}");
  EXPECT_EQ(ran.asked[3], "{events,web,#{'after'=>7,limit=>1000}}");
  EXPECT_NE(ran.out.find("a started on n4@h"), std::string::npos);
  EXPECT_NE(ran.remarks.find("2 events lost"), std::string::npos);
}

// ---- logs -----------------------------------------------------------------------------------------------

std::string log_answer(const std::string& text, int next, const std::string& node = "n1@h",
                       const std::string& runs_on = "n1@h") {
  return "{ok, #{text => <<\"" + text + "\">>, next => " + std::to_string(next) + ", node => '" + node +
         "', runs_on => '" + runs_on + "'}}";
}

TEST(Commands, LogsReadsToTheEnd) {
  const auto ran =
      run({"logs", "a"}, {"[web]", log_answer("one ", 4), log_answer("two", 7), log_answer("", 7)});
  EXPECT_EQ(ran.out, "one two");
  EXPECT_EQ(ran.asked[1], "{logs,web,<<\"a\">>,#{bytes=>262144,offset=>0}}");
  EXPECT_EQ(ran.asked[2], "{logs,web,<<\"a\">>,#{bytes=>262144,offset=>4}}");
}

TEST(Commands, LogsShowsTheLastLines) {
  const auto three = "{ok, #{text => <<97,10,98,10,99,10>>, next => 6, node => 'n1@h'}}";
  EXPECT_EQ(run({"logs", "a", "-n", "2"}, {"[web]", three}).out, "b\nc\n");
  EXPECT_EQ(run({"logs", "a", "-n", "0"}, {"[web]", three}).out, "");
  EXPECT_EQ(run({"logs", "a", "-n", "9"}, {"[web]", three}).out, "a\nb\nc\n");
}

TEST(Commands, LogsAsOneDocument) {
  EXPECT_EQ(run({"logs", "a", "--json", "-n", "5"}, {"[web]", log_answer("x", 1)}).out,
            "{\"id\":\"a\",\"node\":\"n1@h\",\"text\":\"x\"}\n");
}

TEST(Commands, LogsFollowsTheChildToAnotherNodeAndEndsWithIt) {
  const auto ran = run({"logs", "a", "-f"},
                       {"[web]", log_answer("one ", 4), log_answer("", 4),  // what is there
                        log_answer("two ", 8),                              // more of it
                        log_answer("last ", 13, "n1@h", "n2@h"),  // elsewhere, but this log has more
                        log_answer("", 13, "n1@h", "n2@h"),       // read to its end
                        log_answer("three ", 6, "n2@h", "n2@h"),  // from its beginning
                        log_answer("", 2, "n2@h", "n2@h"),        // a new log there
                        log_answer("four ", 5, "n2@h", "n2@h"), log_answer("end", 8, "n2@h", "undefined"),
                        log_answer("", 8, "n2@h", "undefined"), "{ok, []}"});
  EXPECT_EQ(ran.out, "one two last three four end");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.asked[3], "{logs,web,<<\"a\">>,#{bytes=>262144,node=>n1@h,offset=>4}}");
}

TEST(Commands, LogsFollowsAChildWhoseNodeIsLost) {
  const std::string lost = "{error, {not_member, <<\"not connected\">>}}";
  const std::string gone = "{error, {no_such_child, <<\"stopped\">>}}";
  const auto ran =
      run({"logs", "a", "-f"}, {"[web]", log_answer("one ", 4), log_answer("", 4),  // what is there
                                lost, log_answer("", 0, "n3@h", "undefined"),  // lost, and nowhere else yet
                                lost, log_answer("", 0, "n2@h", "n2@h"),       // it has come back there
                                log_answer("two", 3, "n2@h", "n2@h"), gone, gone, "{ok, []}"});
  EXPECT_EQ(ran.out, "one two");
  EXPECT_EQ(ran.status, 0);
}

TEST(Commands, LogsFollowsWithoutAPauseWhilePiecesAreFullAndSaysWhatIsLost) {
  const int piece = 262144;  // as long as one may be
  const int pieces = 20;
  const std::string full(piece, 'x');
  std::vector<std::string> answers{"[web]", log_answer("", 0)};
  for (int i = 1; i <= pieces; ++i) answers.push_back(log_answer(full, i * piece));
  answers.push_back(log_answer("end", pieces * piece + 1003, "n1@h", "undefined"));
  answers.push_back(log_answer("", pieces * piece + 1003, "n1@h", "undefined"));
  answers.emplace_back("{ok, []}");
  const auto began = std::chrono::steady_clock::now();
  const auto ran = run({"logs", "a", "-f"}, answers);
  // A pause at each piece would be 5 s.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(2500));
  EXPECT_EQ(ran.out.size(), static_cast<std::size_t>(pieces * piece + 3));
  EXPECT_EQ(ran.remarks, "--- 1000 bytes lost ---\n");
}

TEST(Commands, LogsOfAProgramThatEndedSaysHowAndWhen) {
  const std::string end =
      "last_end => #{text => <<\"exited with code 7\">>, ended_ms => 1700000000123, code => 7, node => "
      "'n1@h'}";
  const std::string answer = "{ok, #{text => <<\"x\">>, next => 1, node => 'n1@h', runs_on => ";
  const auto ran = run({"logs", "a", "-n", "5"}, {"[web]", answer + "undefined, " + end + "}}"});
  EXPECT_EQ(ran.out, "x");
  EXPECT_EQ(ran.remarks, "--- exited with code 7 at 2023-11-14 22:13:20 UTC ---\n");
  EXPECT_EQ(run({"logs", "a", "-n", "5"}, {"[web]", answer + "'n1@h', " + end + "}}"}).remarks, "")
      << "it runs again";
  const auto document =
      run({"logs", "a", "-n", "5", "--json"}, {"[web]", answer + "undefined, " + end + "}}"}).out;
  EXPECT_NE(document.find("\"code\":7"), std::string::npos) << document;
}

// ---- apply ----------------------------------------------------------------------------------------------

class Apply : public testing::Test {
 protected:
  Apply() {
    path = testing::TempDir() + "brood-apply-XXXXXX";
    ::close(::mkstemp(path.data()));
    std::ofstream(path) << "[[supervisor.web.child]]\nid = \"a\"\nworker = \"counter\"\n";
  }
  ~Apply() override { ::unlink(path.c_str()); }
  std::string path;
};

constexpr const char* plan =
    "{ok, [#{supervisor => web, id => <<\"a\">>, action => start}, "
    "#{supervisor => web, id => <<\"b\">>, action => extra}, "
    "#{supervisor => web, id => <<\"c\">>, action => start}, "
    "#{supervisor => web, id => <<\"d\">>, action => update, changed => [restart, tag]}, "
    "#{supervisor => web, id => <<\"e\">>, action => replace, changed => [args]}, "
    "#{supervisor => web, id => <<\"f\">>, action => stopped}, "
    "#{supervisor => web, action => unchanged, count => 7}]}";

constexpr const char* words_of_plan =
    "will start 2 in web: a, c\n"
    "will replace 1 in web (each is ended and started anew): e (args)\n"
    "will change 1 in web (they go on running): d (restart, tag)\n"
    "left stopped: 1 in web (--start-stopped starts them): f\n"
    "not in the file, left alone: 1 in web (--prune removes them): b\n"
    "unchanged 7 in web\n";

TEST_F(Apply, DryRunOnlySaysWhatItWouldDo) {
  const auto ran = run({"apply", path, "--dry-run"}, {plan});
  ASSERT_EQ(ran.asked.size(), 1u);
  EXPECT_NE(ran.asked[0].find("#{dry_run=>true,prune=>false,start_stopped=>false}"), std::string::npos)
      << ran.asked[0];
  EXPECT_EQ(ran.out, words_of_plan);
  EXPECT_EQ(ran.status, 0);
}

TEST_F(Apply, NothingIsRemovedUnlessAskedFor) {
  const auto ran = run({"apply", path}, {plan, "{ok, []}"});
  ASSERT_EQ(ran.asked.size(), 2u);
  EXPECT_NE(ran.asked[1].find("prune=>false"), std::string::npos) << ran.asked[1];
  const auto pruned = run({"apply", path, "--prune", "--start-stopped"}, {plan, "{ok, []}"});
  EXPECT_NE(pruned.asked[1].find("#{dry_run=>false,prune=>true,start_stopped=>true}"), std::string::npos)
      << pruned.asked[1];
}

TEST_F(Apply, SaysWhatItWillDoAndThenWhatItDid) {
  const auto ran =
      run({"apply", path, "--prune"},
          {"{ok, [#{supervisor => web, id => <<\"a\">>, action => start}, "
           "#{supervisor => web, id => <<\"b\">>, action => remove}]}",
           "{ok, [#{supervisor => web, id => <<\"a\">>, action => start, result => ok}, "
           "#{supervisor => web, id => <<\"b\">>, action => remove, result => {error, not_found}}]}"});
  EXPECT_EQ(ran.out, "will start 1 in web: a\nwill remove 1 in web: b\nstarted 1 in web: a\n");
  EXPECT_EQ(ran.status, exit_refused);
  EXPECT_NE(ran.message.find("could not remove b: "), std::string::npos) << ran.message;
  EXPECT_EQ(ran.code, "no_such_child");
}

TEST_F(Apply, WhatWouldBeRefusedEndsItBeforeAnythingIsChanged) {
  const std::string refused =
      "{ok, [#{supervisor => web, id => <<\"a\">>, action => start}, #{supervisor => web, id => <<\"b\">>, "
      "action => "
      "start, result => {error, {no_such_worker, <<\"no member knows the worker cuonter\">>}}}, "
      "#{supervisor => web, id => <<\"c\">>, action => extra}]}";  // left alone, and not counted
  for (const auto& words : {std::vector<std::string>{"apply", path}, {"apply", path, "--dry-run"}}) {
    const auto ran = run(words, {refused});
    EXPECT_EQ(ran.asked.size(), 1u);
    EXPECT_EQ(ran.status, exit_refused);
    EXPECT_EQ(ran.code, "no_such_worker");
    EXPECT_EQ(
        ran.message,
        "nothing was changed: 1 of 2 would be refused\nbrood: cannot start b: no member knows the worker "
        "cuonter");
  }
  const auto json = run({"apply", path, "--json"}, {refused}).json();
  EXPECT_EQ(json["error"]["code"], "no_such_worker");
  EXPECT_EQ(json["actions"][1]["result"]["error"]["code"], "no_such_worker");
}

TEST_F(Apply, AsOneDocument) {
  const auto ran = run({"apply", path, "--json"},
                       {plan,
                        "{ok, [#{supervisor => web, id => <<\"a\">>, action => start, result => ok}, "
                        "#{supervisor => web, id => <<\"b\">>, action => extra}, "
                        "#{supervisor => web, action => unchanged, count => 7}]}"});
  EXPECT_EQ(ran.out,
            "{\"dry_run\":false,\"actions\":[{\"supervisor\":\"web\",\"id\":\"a\",\"action\":\"start\","
            "\"result\":\"ok\"},{\"supervisor\":\"web\",\"id\":\"b\",\"action\":\"extra\"}],"
            "\"unchanged\":{\"web\":7}}\n");
}

TEST_F(Apply, NothingToDoStillHasTheNodesReadTheirFiles) {
  const auto ran = run({"apply", path}, {"{ok, []}", "{ok, []}"});
  EXPECT_EQ(ran.out, "nothing to do: what the file lists is as it says\n");
  ASSERT_EQ(ran.asked.size(), 2u);
  EXPECT_NE(ran.asked[1].find("#{dry_run=>false,"), std::string::npos) << ran.asked[1];
}

TEST_F(Apply, TheTimeoutIsSentToTheNode) {
  EXPECT_NE(
      run({"apply", path, "--dry-run", "--timeout", "9000"}, {"{ok, []}"}).asked[0].find("timeout=>9000"),
      std::string::npos);
}

TEST(ApplyErrors, ABadFileIsAUsageErrorThatNamesIt) {
  const auto ran = run({"apply", "/nowhere/fleet.toml"}, std::vector<std::string>{});
  EXPECT_EQ(ran.status, exit_usage);
  EXPECT_EQ(ran.message, "/nowhere/fleet.toml: cannot be read: No such file or directory");
}

// ---- restart, signal, wait ------------------------------------------------------------------------------

TEST(Restart, SaysWhereEachRunsAgain) {
  const auto ran = run({"restart", "a", "b", "a"}, {"[web]", "{ok, nil, <<\"a\">>}", "{ok, nil, <<\"b\">>}"});
  EXPECT_EQ(ran.asked[1], "{restart_child,web,<<\"a\">>}");
  EXPECT_EQ(ran.asked.size(), 3U) << "one that is named twice is restarted once";
  EXPECT_EQ(ran.status, exit_ok);
}

TEST(Restart, GoesOnAfterAFailureUnlessItIsRolling) {
  const std::vector<std::string> answers{"[web]", "{error, not_found}", "{ok, nil, <<\"b\">>}"};
  const auto all = run({"restart", "a", "b"}, answers);
  EXPECT_EQ(all.status, exit_refused);
  EXPECT_EQ(all.asked.size(), 3U);
  const auto rolling = run({"restart", "--rolling", "a", "b"}, answers);
  EXPECT_EQ(rolling.asked.size(), 2U);
  EXPECT_NE(rolling.message.find("1 more were left"), std::string::npos) << rolling.message;
}

TEST(Restart, OfATagRestartsItsChildren) {
  const auto ran = run({"restart", "--tag", "blue", "--json"},
                       {"[web]", "[#{id=><<\"a\">>, wanted=>true}]", "{ok, nil, <<\"a\">>}"});
  EXPECT_EQ(ran.asked[1], "{describe,web,{tag,<<\"blue\">>}}");
  EXPECT_EQ(ran.json()["restarted"], Json::array({"a"}));
  EXPECT_EQ(run({"restart", "--tag", "red"}, {"[web]", "[]"}).code, "no_such_child");
}

TEST(Signal, IsSentByItsNumber) {
  const auto ran = run({"signal", "a", "HUP"}, {"[web]", "ok"});
  EXPECT_EQ(ran.asked[1], "{signal,web,<<\"a\">>,1}");
  EXPECT_EQ(ran.out, "a was sent SIGHUP\n");
  EXPECT_EQ(run({"signal", "a", "NONSENSE"}, std::vector<std::string>{}).status, exit_usage);
}

TEST(Wait, EndsWhenTheChildRuns) {
  const auto ran = run({"wait", "a"}, {"[web]", "[#{id=><<\"a\">>, wanted=>true, instances=>[]}]",
                                       "[#{id=><<\"a\">>, wanted=>true, instances=>[#{node=>'n1@h', "
                                       "phase=>running}]}]"});
  EXPECT_EQ(ran.out, "a runs on n1@h\n");
  EXPECT_EQ(ran.asked.size(), 3U);
}

TEST(Wait, ForTheEndIsOverWhenNobodyWantsItAnyMore) {
  const auto ran = run({"wait", "a", "--for", "stopped"}, {"[web]", "[]", "undefined"});
  EXPECT_EQ(ran.out, "a does not run\n");
}

TEST(Wait, PastItsTimeSaysWhatTheChildDoesInstead) {
  const auto ran =
      run({"wait", "a", "--timeout", "1"}, {"[web]", "[#{id=><<\"a\">>, wanted=>false, instances=>[]}]",
                                            "[#{id=><<\"a\">>, wanted=>false, instances=>[]}]"});
  EXPECT_EQ(ran.code, "timeout");
  EXPECT_NE(ran.message.find("it was stopped"), std::string::npos) << ran.message;
}

/// A program with a health check, as describe tells of it.
std::string checked_child(const std::string& id, const std::string& health, const std::string& reason = "") {
  return "[#{id=><<\"" + id +
         "\">>, worker=><<\"exec\">>, wanted=>true, args=>#{argv=>[<<\"p\">>], health=>#{tcp=>" +
         "<<\"h:1\">>}}, instances=>[#{node=>'n1@h', phase=>running, os_pid=>7, health=>" + health +
         ", reason=><<\"" + reason + "\">>}]}]";
}

TEST(Wait, ForHealthWaitsForAGoodAnswerAndKnowsWhoHasNoCheck) {
  const auto well = run({"wait", "a", "--for", "healthy"},
                        {"[web]", checked_child("a", "starting"), checked_child("a", "healthy")});
  EXPECT_EQ(well.out, "a is healthy on n1@h\n");
  EXPECT_EQ(well.asked.size(), 3U);
  const auto unchecked =
      run({"wait", "a", "--for", "healthy"},
          {"[web]", "[#{id=><<\"a\">>, wanted=>true, instances=>[#{node=>'n1@h', phase=>running}]}]"});
  EXPECT_EQ(unchecked.message, "a is not healthy: it has no health check");
}

TEST(Restart, RollingWaitsUntilEachIsWellAndEndsAtTheFirstThatIsNot) {
  const auto well =
      run({"restart", "--rolling", "a"},
          {"[web]", "{ok, nil, <<\"a\">>}", checked_child("a", "starting"), checked_child("a", "healthy")});
  EXPECT_EQ(well.status, exit_ok) << well.message;
  EXPECT_EQ(well.asked.size(), 4U);
  const auto ill =
      run({"restart", "--rolling", "a", "b"},
          {"[web]", "{ok, nil, <<\"a\">>}", checked_child("a", "unhealthy", "unhealthy: h:1: refused")});
  EXPECT_EQ(ill.asked.size(), 3U);
  EXPECT_NE(ill.message.find(
                "a is not healthy after its restart: on n1@h it is unhealthy: unhealthy: h:1: refused"),
            std::string::npos)
      << ill.message;
}

TEST(Commands, PsAndShowTellOfHealthAndOptions) {
  EXPECT_NE(run({"ps"}, {"[web]", checked_child("a", "unhealthy")}).out.find("running (unhealthy)"),
            std::string::npos);
  EXPECT_EQ(
      run({"ps", "--json"}, {"[web]", checked_child("a", "healthy")}).json()[0]["instances"][0]["health"],
      "healthy");
  const auto shown =
      run({"show", "a", "--json"}, {"[web]", checked_child("a", "healthy"), "undefined"}).json();
  EXPECT_EQ(shown["options"], (Json{{"health", {{"tcp", "h:1"}}}}));
  EXPECT_NE(run({"show", "a"}, {"[web]", checked_child("a", "healthy"), "undefined"})
                .out.find("health     tcp=h:1\n"),
            std::string::npos);
}

TEST(Commands, PsFiltersSortsAndPages) {
  const std::string three =
      "#{id=><<\"a\">>, wanted=>true, instances=>[#{node=>'n1@h', phase=>running, restarts=>1}]}, "
      "#{id=><<\"b\">>, wanted=>true, instances=>[#{node=>'n2@h', phase=>restarting, restarts=>9}]}, "
      "#{id=><<\"c\">>, wanted=>true, instances=>[]}";
  const auto ids = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "ps");
    words.push_back("-q");
    return run(words, {"[web]", "[" + three + "]"}).out;
  };
  EXPECT_EQ(ids({"--phase", "waiting"}), "c\n");
  EXPECT_EQ(ids({"--on", "n1@h"}), "a\n");
  EXPECT_EQ(
      run({"ps", "--on", "n3@h"}, {"[web]", "[" + three + "]", "{ok, [#{name => 'n1@h', up => true}]}"}).code,
      "no_such_node");
  EXPECT_EQ(
      run({"ps", "--on", "n3@h"}, {"[web]", "[" + three + "]", "{ok, [#{name => 'n3@h', up => true}]}"}).code,
      "");
  EXPECT_EQ(ids({"--id", "b"}), "b\n");
  EXPECT_EQ(ids({"--sort", "restarts"}), "b\na\nc\n");
  EXPECT_EQ(ids({"--sort", "restarts", "--limit", "1"}), "b\n");
  const auto page = run({"ps", "--limit", "3", "--json"},
                        {"[web]", "{ok, #{items => [" + three + "], next => <<\"c\">>}}"});
  EXPECT_EQ(page.asked[1], "{describe,web,all,#{limit=>3}}");
  EXPECT_EQ(page.json()["next"], "c");
  EXPECT_EQ(page.json()["children"].size(), 3U);
  const auto next = run({"ps", "--limit", "3", "--after", "c", "--json"},
                        {"[web]", "{ok, #{items => [], next => undefined}}"});
  EXPECT_EQ(next.asked[1], "{describe,web,all,#{'after'=><<\"c\">>,limit=>3}}");
  EXPECT_TRUE(next.json()["next"].is_null());
  const auto quiet =
      run({"ps", "-q", "--limit", "3"}, {"[web]", "{ok, #{items => [" + three + "], next => <<\"c\">>}}"});
  EXPECT_EQ(quiet.out, "a\nb\nc\n");
  EXPECT_NE(quiet.remarks.find("--after c"), std::string::npos) << quiet.remarks;
}

TEST(Commands, LogsOfSeveralSayWhoseEachLineIs) {
  const auto one = "{ok, #{text => <<97,10,98,10>>, next => 4, node => 'n1@h'}}";
  const auto end = "{ok, #{text => <<>>, next => 4, node => 'n1@h'}}";
  EXPECT_EQ(run({"logs", "web", "b"}, {"[web]", one, end, one, end}).out,
            "web | a\nweb | b\nb   | a\nb   | b\n");
  const auto since = run({"logs", "web", "--since", "10m"}, {"[web]", one, end});
  EXPECT_EQ(since.asked[1].find("{logs,web,<<\"web\">>,#{bytes=>262144,since_ms=>"), 0U) << since.asked[1];
  EXPECT_EQ(run({"logs", "web", "--since", "soon"}, std::vector<std::string>{}).status, exit_usage);
  EXPECT_EQ(run({"logs", "web", "--previous"}, {"[web]", one, end}).code, "no_previous_run");
}

// ---- before any node is asked ---------------------------------------------------------------------------

std::string refused_early(std::vector<std::string> words) {
  const auto arguments = parse_arguments(std::move(words), [](const std::string&) { return ""; });
  if (!arguments) return arguments.error().text;
  const auto checked = check_before_connecting(*arguments);
  if (checked) return "";
  EXPECT_EQ(checked.error().status, exit_usage);
  return checked.error().message;
}

TEST(Commands, WrongTermsAndIdsAreRefusedWithoutANode) {
  EXPECT_NE(refused_early({"call", "a", "{add, "}), "");
  EXPECT_NE(refused_early({"cast", "a", "]"}), "");
  EXPECT_NE(refused_early({"start", "a", "--worker", "w", "--args", "{"}), "");
  EXPECT_NE(refused_early({"start", "a", "--worker", "w", "--shutdown", "soon"}), "");
  EXPECT_NE(refused_early({"start", "a", "--worker", "w", "--on", "n2"}), "");
  EXPECT_NE(refused_early({"show", std::string(300, 'x')}), "");
  EXPECT_NE(refused_early({"stop", "a", ":"}), "");
  EXPECT_EQ(refused_early({"call", "a", "{add, 5}"}), "");
  EXPECT_EQ(refused_early({"start", "a", "--", "ls"}), "");
}

}  // namespace commands_test
}  // namespace brood::app

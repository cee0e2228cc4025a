// What the tests against real Erlang nodes share: a node of ours, one of theirs, and a driver there that
// evaluates what it is sent.
#pragma once

#include "node/test_support.hpp"

namespace brood::node::test {

/// Evaluates what it is sent, each in a process of its own, and sends the value back.
inline constexpr const char* driver =
    "spawn(fun() -> register(driver, self()), "
    "(fun L() -> receive {eval, From, Text} -> spawn(fun() -> "
    "{ok, Tokens, _} = erl_scan:string(binary_to_list(Text)), {ok, Exprs} = erl_parse:parse_exprs(Tokens), "
    "Value = try element(2, erl_eval:exprs(Exprs, [{'From', From}])) catch C:R -> {caught, C, R} end, "
    "From ! {value, Value} end), L() end end)() end).";

class Interop : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v erl > /dev/null 2>&1") != 0) GTEST_SKIP() << "no Erlang on this machine";
    start_brood(options_of("brood@127.0.0.1", epmd_.port()));
  }
  void TearDown() override { node_.reset(); }

  void start_brood(DistributionOptions options) {
    node_.reset();
    node_ = std::make_unique<TestNode>(std::move(options));
    ASSERT_TRUE(node_->started().has_value());
  }
  /// A real Erlang node; it evaluates `eval` at its start.
  [[nodiscard]] std::unique_ptr<ChildProcess> erlang(const std::string& name, const std::string& eval,
                                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"erl",         "-name",    name,      "-setcookie",
                                     "secret",      "-noinput", "-kernel", "inet_dist_use_interface",
                                     "{127,0,0,1}", "-eval",    eval};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<ChildProcess>(
        command, std::vector<std::pair<std::string, std::string>>{
                     {"ERL_EPMD_PORT", std::to_string(epmd_.port())}, {"ERL_EPMD_ADDRESS", "127.0.0.1"}});
  }
  void start_erlang(const std::vector<std::string>& more = {}) {
    process_ = erlang(erlang_.text(), driver, more);
    reach_erlang();
  }
  void reach_erlang() {
    ASSERT_TRUE(eventually([&] {
      (*node_)->connect(erlang_);
      EXPECT_TRUE(eventually([&] { return record().count("up") + record().count("failed") != 0; }));
      if (record().count("up") != 0) return true;
      record().take("failed");
      return false;
    }));
    record().take("up");
    // The node may be there before its driver.
    int asked = 0;
    ASSERT_TRUE(eventually([&] {
      ask(std::to_string(++asked) + ".");
      return record().wait_for("send", 100ms);
    }));
    const std::string last = "{value," + std::to_string(asked) + "}";
    while (encoded_to_string(record().take("send").term) != last && !HasFailure()) {
    }
  }
  [[nodiscard]] EncodedTerm question(std::string_view text) {
    return encode_term(Term::tuple({Term::atom("eval"), me_pid(), Term::binary(text)}));
  }
  Recorder& record() { return node_->record; }
  Distribution& me() { return **node_; }
  Pid me_pid() { return node_->pid(7); }

  void ask(std::string_view text) { me().send_named(me_pid(), {Atom("driver"), erlang_}, question(text)); }
  /// The value of an expression; 'From' is bound to our pid.
  Term value_of(const std::string& text) {
    ask(text + ".");
    const auto answer = decode_term(record().take("send").term);
    if (!answer || !answer->is_record("value", 2)) return Term::atom("no_value");
    return answer->as_tuple()->at(1);
  }
  std::string text_of(const std::string& text) { return to_string(value_of(text)); }

  Epmd epmd_;
  NodeName erlang_{"erl@127.0.0.1"};
  std::unique_ptr<TestNode> node_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace brood::node::test

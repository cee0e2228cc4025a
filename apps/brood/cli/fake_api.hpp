// FakeApi: answers requests from a list, and keeps what was asked. For the tests of the commands.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "apps/brood/cli/api.hpp"

namespace brood::app {

class FakeApi final : public Api {
 public:
  /// Terms in Erlang syntax, one for each request to come. A request too many is `unreachable`.
  explicit FakeApi(const std::vector<std::string>& answers) {
    for (const auto& text : answers) answers_.push_back(parse_term(text).value());
  }
  void add(Term answer) { answers_.push_back(std::move(answer)); }

  Outcome<Term> request(const Term& request, std::chrono::milliseconds timeout) override {
    asked.push_back(to_string(request));
    timeouts.push_back(timeout);
    if (answers_.empty()) return unreachable("node_lost", "n1@h: lost");
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  Outcome<Term> request_while(const Term& request, std::chrono::milliseconds timeout,
                              const std::function<void()>& meanwhile) override {
    auto answer = this->request(request, timeout);
    if (!answers_.empty()) meanwhile();
    return answer;
  }
  Outcome<void> reach_again() override { return unreachable("node_lost", "n1@h: lost"); }
  [[nodiscard]] const std::string& node() const override { return node_; }

  std::vector<std::string> asked;
  std::vector<std::chrono::milliseconds> timeouts;

 private:
  std::deque<Term> answers_;
  std::string node_ = "n1@h";
};

}  // namespace brood::app

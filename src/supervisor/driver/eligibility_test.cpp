#include "supervisor/driver/eligibility.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace eligibility_test {

const std::vector<Candidate> two{{NodeName("n1@h"), {"counter"}, 100},
                                 {NodeName("n2@h"), {"counter", "echo", "exec:1"}, 100}};

core::Spec worker(const std::string& name, std::vector<NodeName> nodes = {}) {
  core::Spec spec;
  spec.worker = spec.needs = name;
  spec.extras.change().nodes = std::move(nodes);
  return spec;
}

core::Spec command(const std::string& needs) {
  auto spec = worker("exec");
  spec.needs = needs;
  return spec;
}

std::string words(const core::Spec& spec, const std::vector<Candidate>& members = two) {
  const auto error = why_nowhere(spec, members);
  return error ? std::string(to_string(error->code)) + ": " + error->message : "may run";
}

TEST(Eligibility, OneMemberThatOffersItIsEnough) {
  EXPECT_EQ(words(worker("counter")), "may run");
  EXPECT_EQ(words(worker("echo")), "may run");
  EXPECT_EQ(words(command("exec:1")), "may run");
  EXPECT_EQ(words(command("exec:2"), {{NodeName("n1@h"), {"exec:*"}, 100}}), "may run");
}

TEST(Eligibility, AnUnknownWorkerIsNamed) {
  EXPECT_EQ(words(worker("cuonter")).substr(0, 52), "no_such_worker: no member knows the worker cuonter; ");
}

TEST(Eligibility, ALocalSupervisorNeedsAllOfItsWorkersOnOneNode) {
  auto spec = worker("supervisor");
  spec.needs = "supervisor:counter:echo";
  EXPECT_EQ(words(spec, {{NodeName("n1@h"), {"counter", "echo", "supervisor"}, 100}}), "may run");
  const auto text = words(spec);
  EXPECT_EQ(text.find("no_such_worker: no member knows all of the workers supervisor, counter, echo; check"),
            0U)
      << text;
}

TEST(Eligibility, ACommandInNobodysFileNamesTheCure) {
  const auto text = words(command("exec:2"));
  EXPECT_EQ(text.find("not_allowed: no member allows that command"), 0U) << text;
  EXPECT_NE(text.find("exec_allow = true"), std::string::npos) << text;
  EXPECT_NE(text.find("give the file to the nodes"), std::string::npos) << text;
  // A worker that happens to be called like the wildcard is no command.
  EXPECT_NE(words(worker("w"), {{NodeName("n1@h"), {"exec:*"}, 100}}), "may run");
}

TEST(Eligibility, APinnedChildSaysWhichNodesAreMissing) {
  EXPECT_EQ(words(worker("counter", {NodeName("n3@h")})),
            "no_target: only n3@h may run it (`nodes`), and that node is not up");
  EXPECT_EQ(words(worker("counter", {NodeName("n3@h"), NodeName("n4@h")})),
            "no_target: only n3@h, n4@h may run it (`nodes`), and none of them is up");
  EXPECT_EQ(
      words(worker("echo", {NodeName("n1@h")})).find("no_such_worker: none of the nodes that may run it"),
      0U);
}

TEST(Eligibility, AChildWithAMappingSaysWhichNodesAreMissing) {
  auto spec = worker("counter");
  spec.extras.change().mapping = {NodeName("n3@h")};
  EXPECT_EQ(words(spec), "no_target: only n3@h may run it (`mapping`), and that node is not up");
  spec.extras.change().mapping = {NodeName("n3@h"), NodeName("n2@h")};
  EXPECT_EQ(words(spec), "may run");
}

TEST(Eligibility, ANodeThatIsNotOnTheListRunsNothing) {
  const std::vector<Candidate> unlisted{{NodeName("n1@h"), {"counter"}, 100, false}};
  EXPECT_EQ(words(worker("counter"), unlisted).find("no_target: no member that could run it is among"), 0U);
  EXPECT_EQ(words(worker("counter"), {unlisted.front(), two.front()}), "may run");
}

TEST(Eligibility, ANodeOfWeightZeroRunsNothing) {
  EXPECT_EQ(words(worker("counter"), {{NodeName("n1@h"), {"counter"}, 0}}),
            "no_target: every member that could run it has weight 0");
  EXPECT_EQ(words(worker("counter"), {}), "no_target: no member is up");
}

}  // namespace eligibility_test
}  // namespace brood::supervisor

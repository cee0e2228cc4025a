#include "apps/brood/fleet/spec_term.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace spec_term_test {

Term parsed(std::string_view text) {
  return parse_term(text).value();
}

TEST(SpecTerm, AWorkerTravelsWithItsArguments) {
  ChildSpec spec;
  spec.id = "a";
  spec.run = WorkerSpec{"counter", encode_term(parsed("[1, 2]"))};
  spec.tag = "t";
  EXPECT_EQ(spec_term(spec),
            parsed("#{id => <<\"a\">>, start => {<<\"counter\">>, [1, 2]}, restart => permanent, "
                   "shutdown => 5000, metadata => #{tag => <<\"t\">>}}"));
}

TEST(SpecTerm, ACommandTravelsAsItsMap) {
  ChildSpec spec;
  spec.id = Atom("a");
  spec.run = Command{.argv = {"sleep", "5"},
                     .env = {{"A", "1"}},
                     .cwd = "/srv",
                     .stop_signal = 2,
                     .options = {.user = "u", .nice = 3}};
  spec.restart = Restart::temporary;
  spec.shutdown.infinity = true;
  spec.nodes = {"n1@h"};
  spec.start_period = std::chrono::seconds(1);
  spec.backoff_max = std::chrono::seconds(9);
  EXPECT_EQ(spec_term(spec),
            parsed("#{id => a, start => {exec, #{argv => [<<\"sleep\">>, <<\"5\">>], cwd => <<\"/srv\">>, "
                   "env => #{<<\"A\">> => <<\"1\">>}, stop_signal => 2, user => <<\"u\">>, nice => 3}}, "
                   "restart => temporary, shutdown => infinity, "
                   "metadata => #{}, start_period_ms => 1000, backoff_max_ms => 9000, nodes => ['n1@h']}"));
}

TEST(SpecTerm, NoPatienceIsABrutalKill) {
  ChildSpec spec;
  spec.run = WorkerSpec{"w"};
  spec.shutdown.patience = std::chrono::milliseconds(0);
  EXPECT_TRUE(spec_term(spec).get("shutdown")->is_atom("brutal_kill"));
}

}  // namespace spec_term_test
}  // namespace brood::app

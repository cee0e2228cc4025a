// A partition strategy of one's own: where the network splits, the part that has the lighthouse goes on. The
// lighthouse is a node that is chosen beforehand; where two sites hold the same number of nodes it decides
// between them, and nothing runs while it is away.
//
//   lighthouse        shows both sides of that, on a cluster of one without network
#include <algorithm>
#include <brood/brood.hpp>
#include <brood/strategies.hpp>
#include <iostream>
#include <memory>
#include <string>

namespace {

class Lighthouse final : public brood::PartitionTolerance {
 public:
  explicit Lighthouse(brood::NodeName node) : node_(std::move(node)) {}

  // All nodes must have the same: what is told apart by the name is told apart by the settings too.
  std::string name() const override { return "lighthouse/1 node=" + node_.text(); }

  // Asked with each view, before anything is started in it.
  bool may_run(const brood::Tally& tally) const override {
    return std::find(tally.members.begin(), tally.members.end(), node_) != tally.members.end();
  }

  // Follows on who is here.
  std::string needs(const brood::Tally& /*tally*/) const override { return node_.text() + " is needed"; }

 private:
  brood::NodeName node_;
};

struct ping {};

class Echo : public brood::Worker {
 public:
  using handles = brood::messages<ping>;
  std::string on(ping) const { return "pong"; }
};

bool shows(const std::string& lighthouse, bool runs) {
  brood::Node node(brood::NodeOptions{});
  (void)node.workers().add<Echo>("echo");
  brood::Supervisor web(
      node, {.name = "web", .strategies = {.partition = std::make_shared<Lighthouse>(lighthouse)}});
  if (!node.wait_up(std::chrono::seconds(10))) return false;
  const auto started = web.start_child({.id = "one", .run = brood::WorkerSpec{"echo"}}).get();
  std::cout << "lighthouse " << lighthouse << ": "
            << (started ? "it runs on " + started->pid.node.text() : started.error().message) << "\n";
  const bool refused = !started && started.error().code == brood::Errc::partitioned;
  return runs ? started.has_value() && !web.is_partitioned()
              : refused && web.is_partitioned() && web.is_locked();
}

}  // namespace

int main() {
  const bool here = shows("nonode@nohost", true);
  const bool away = shows("n1@lighthouse.example", false);
  return here && away ? 0 : 1;
}

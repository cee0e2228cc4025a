// A synchronisation of one's own: members pass a change on along a chain, in the order of their names, both
// ways from whoever made it. Nobody sends a change to more than two others, as where each link between two
// sites costs; the price is that a long chain takes long.
//
//   chain PORT...             a cluster of as many nodes as there are ports, all in this program
#include <brood/brood.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

class Chain final : public brood::Synchronisation {
 public:
  // What nodes compare before they take each other for members: another rule needs another version.
  std::string name() const override { return "chain/1"; }
  bool passes_on() const override { return true; }

  // A pure function of what it is given: each member works out its own link of the chain. Who is left out,
  // because a neighbour has just died, hears of it from others (partners()) and asks for what it lacks.
  void recipients(const brood::Spreading& batch, std::vector<std::size_t>& to) const override {
    if (batch.self >= batch.origin && batch.self + 1 < batch.members) to.push_back(batch.self + 1);
    if (batch.self <= batch.origin && batch.self > 0) to.push_back(batch.self - 1);
  }
  std::size_t partners() const override { return 1; }
  std::chrono::milliseconds sync_interval() const override { return std::chrono::seconds(5); }
};

class Lamp : public brood::Worker {
 public:
  using handles = brood::messages<>;
};

struct Place {
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> lamps;
};

std::vector<Place> cluster_of(const std::vector<std::string>& ports) {
  std::vector<std::string> names;
  for (const std::string& port : ports)
    names.push_back("s" + std::to_string(names.size() + 1) + "@127.0.0.1:" + port);
  std::vector<Place> places;
  for (const std::string& name : names) {
    brood::NodeOptions options{.name = name, .cookie = "secret", .join = names};
    options.epmd = false;
    Place place{std::make_unique<brood::Node>(std::move(options)), nullptr};
    if (auto added = place.node->workers().add<Lamp>("lamp"); !added) throw brood::NodeError(added.error());
    brood::SupervisorOptions lamps{.name = "lamps",
                                   .strategies = {.synchronisation = std::make_shared<Chain>()}};
    lamps.expect = static_cast<std::uint32_t>(names.size());
    place.lamps = std::make_unique<brood::Supervisor>(*place.node, std::move(lamps));
    places.push_back(std::move(place));
  }
  for (Place& place : places)
    if (auto up = place.node->wait_up(std::chrono::seconds(30)); !up) throw brood::NodeError(up.error());
  return places;
}

/// How many of the lamps a node knows of, where they run.
std::size_t known(const Place& place) {
  std::size_t count = 0;
  for (const brood::ChildInfo& lamp : place.lamps->children()) count += lamp.instances.size();
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t lamps = 30;
  try {
    std::vector<Place> places = cluster_of(std::vector<std::string>(argv + 1, argv + argc));
    if (places.empty()) {
      std::cerr << "usage: chain PORT...\n";
      return 2;
    }
    std::vector<brood::ChildSpec> specs;
    for (std::size_t i = 1; i <= lamps; ++i)
      specs.push_back({.id = "lamp " + std::to_string(i), .run = brood::WorkerSpec{"lamp"}});
    const auto started = places.front().lamps->start_children(specs).get();
    if (!started) throw brood::NodeError(started.error());
    if (!started->ok()) std::cerr << started->format() << "\n";
    // The last link of the chain hears of them a little after the client that asked.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool all = false;
    while (!all && std::chrono::steady_clock::now() < patience) {
      all = true;
      for (const Place& place : places) all = all && known(place) == lamps;
      if (!all) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (const Place& place : places)
      std::cout << place.node->name() << " knows " << known(place) << " lamps\n";
    return all ? 0 : 1;
  } catch (const brood::NodeError& error) {
    std::cerr << "chain: " << error.what() << "\n";
    return 1;
  }
}

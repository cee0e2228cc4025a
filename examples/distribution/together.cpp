// A distribution of one's own: children whose ids begin alike, up to the first '/', live on one node. So the
// rooms of a building talk to each other without the network, and when a node comes or goes whole buildings
// move.
//
//   together PORT...          a cluster of as many nodes as there are ports, all in this program
#include <algorithm>
#include <brood/brood.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

std::string_view building_of(std::string_view id) {
  return id.substr(0, id.find('/'));
}

// Each building has a mark for each node; the node with the greatest gets it. Without that node the others'
// marks are what they were, so only the buildings of a node that goes move.
class BuildingRing final : public brood::Ring {
 public:
  explicit BuildingRing(std::vector<brood::RingNode> nodes) : nodes_(std::move(nodes)) {}

  std::size_t first(const brood::RingKey& key) const override {
    const std::uint64_t building = brood::strategy_hash(building_of(key.id));
    std::size_t best = 0;
    for (std::size_t i = 1; i < nodes_.size(); ++i)
      if (mark(building, i) > mark(building, best)) best = i;
    return best;
  }

  std::vector<std::size_t> order(const brood::RingKey& key) const override {
    const std::uint64_t building = brood::strategy_hash(building_of(key.id));
    std::vector<std::size_t> all(nodes_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::stable_sort(all.begin(), all.end(),
                     [&](std::size_t a, std::size_t b) { return mark(building, a) > mark(building, b); });
    return all;
  }

 private:
  std::uint64_t mark(std::uint64_t building, std::size_t node) const {
    return brood::strategy_hash(building, nodes_[node].hash);
  }

  std::vector<brood::RingNode> nodes_;
};

class Together final : public brood::Distribution {
 public:
  // What nodes compare before they take each other for members: another rule needs another version.
  std::string name() const override { return "together/1"; }
  std::shared_ptr<const brood::Ring> prepare(std::vector<brood::RingNode> nodes) const override {
    return std::make_shared<BuildingRing>(std::move(nodes));
  }
};

struct enter {};

class Room : public brood::Worker {
 public:
  using handles = brood::messages<enter>;
  std::int64_t on(enter) { return ++guests_; }

 private:
  std::int64_t guests_ = 0;
};

struct Place {
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> rooms;
};

std::vector<Place> cluster_of(const std::vector<std::string>& ports) {
  std::vector<std::string> names;
  for (const std::string& port : ports)
    names.push_back("t" + std::to_string(names.size() + 1) + "@127.0.0.1:" + port);
  std::vector<Place> places;
  for (const std::string& name : names) {
    brood::NodeOptions options{.name = name, .cookie = "secret", .join = names};
    std::erase(options.join, name);
    options.epmd = false;
    Place place{std::make_unique<brood::Node>(std::move(options)), nullptr};
    if (auto added = place.node->workers().add<Room>("room"); !added) throw brood::NodeError(added.error());
    brood::SupervisorOptions rooms{.name = "rooms",
                                   .strategies = {.distribution = std::make_shared<Together>()}};
    rooms.expect = static_cast<std::uint32_t>(names.size());
    place.rooms = std::make_unique<brood::Supervisor>(*place.node, std::move(rooms));
    places.push_back(std::move(place));
  }
  for (Place& place : places)
    if (auto up = place.node->wait_up(std::chrono::seconds(30)); !up) throw brood::NodeError(up.error());
  return places;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<Place> places = cluster_of(std::vector<std::string>(argv + 1, argv + argc));
    if (places.empty()) {
      std::cerr << "usage: together PORT...\n";
      return 2;
    }
    std::vector<brood::ChildSpec> specs;
    for (const std::string building : {"north", "south", "east", "west", "tower", "annex"})
      for (int room = 1; room <= 5; ++room)
        specs.push_back({.id = building + "/" + std::to_string(room), .run = brood::WorkerSpec{"room"}});
    std::map<std::string, std::set<std::string>> nodes;
    const auto rooms = places.front().rooms->start_children(specs).get();
    if (!rooms) throw brood::NodeError(rooms.error());
    if (!rooms->ok()) std::cerr << rooms->format() << "\n";
    for (const brood::Started& room : rooms->started)
      nodes[std::string(building_of(room.id.text()))].insert(room.pid.node.text());
    bool together = true;
    for (const auto& [building, on] : nodes) {
      std::cout << building << ":";
      for (const std::string& node : on) std::cout << " " << node;
      std::cout << "\n";
      together = together && on.size() == 1;
    }
    return together ? 0 : 1;
  } catch (const brood::NodeError& error) {
    std::cerr << "together: " << error.what() << "\n";
    return 1;
  }
}

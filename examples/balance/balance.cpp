// A load balancer with a measure of one's own: how many guests each node has already, whoever brought them.
// One node, the leader, gives each new child to the node that has most room, by what the nodes tell it.
//
//   balance PORT...          a cluster of as many nodes as there are ports, all in this program
#include <algorithm>
#include <atomic>
#include <brood/brood.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

// Where a child does not come to run on the node that it was given, the next by name is tried. All else is
// said by the settings: a class that has some is centralised.
class NextByName final : public brood::Ring {
 public:
  explicit NextByName(std::size_t nodes) : nodes_(nodes) {}
  std::size_t first(const brood::RingKey&) const override { return 0; }
  std::vector<std::size_t> order(const brood::RingKey&) const override {
    std::vector<std::size_t> all(nodes_);
    for (std::size_t i = 0; i < nodes_; ++i) all[i] = i;
    return all;
  }

 private:
  std::size_t nodes_;
};

class ByGuests final : public brood::Distribution {
 public:
  ByGuests() {
    settings_.history = 1;  // what was is of no interest
    settings_.push_interval = std::chrono::milliseconds(200);
  }
  std::string name() const override { return "by_guests/1"; }
  std::shared_ptr<const brood::Ring> prepare(std::vector<brood::RingNode> nodes) const override {
    return std::make_shared<NextByName>(nodes.size());
  }
  const brood::BalancingSettings* balancing() const override { return &settings_; }

 private:
  brood::BalancingSettings settings_;
};

struct enter {};

class Room : public brood::Worker {
 public:
  using handles = brood::messages<enter>;
  std::int64_t on(enter) { return ++guests_; }

 private:
  std::int64_t guests_ = 0;
};

struct House {
  std::atomic<int> guests = 0;
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> rooms;
};

constexpr int beds = 100;

std::vector<std::unique_ptr<House>> town_of(const std::vector<std::string>& ports) {
  std::vector<std::string> names;
  for (const std::string& port : ports)
    names.push_back("h" + std::to_string(names.size() + 1) + "@127.0.0.1:" + port);
  std::vector<std::unique_ptr<House>> houses;
  for (const std::string& name : names) {
    auto house = std::make_unique<House>();
    // The first has half of its beds taken, the second a quarter, the others none.
    house->guests = houses.empty() ? beds / 2 : houses.size() == 1 ? beds / 4 : 0;
    brood::NodeOptions options{.name = name, .cookie = "secret", .join = names};
    std::erase(options.join, name);
    options.epmd = false;
    house->node = std::make_unique<brood::Node>(std::move(options));
    if (auto added = house->node->workers().add<Room>("room"); !added) throw brood::NodeError(added.error());
    brood::SupervisorOptions rooms{.name = "rooms",
                                   .strategies = {.distribution = std::make_shared<ByGuests>()}};
    rooms.expect = static_cast<std::uint32_t>(names.size());
    rooms.load = [house = house.get()] { return static_cast<double>(house->guests) / beds; };
    house->rooms = std::make_unique<brood::Supervisor>(*house->node, std::move(rooms));
    houses.push_back(std::move(house));
  }
  for (auto& house : houses)
    if (auto up = house->node->wait_up(std::chrono::seconds(30)); !up) throw brood::NodeError(up.error());
  return houses;
}

/// The leader's scoreboard, once all have told it.
bool all_have_told(const std::vector<std::unique_ptr<House>>& houses) {
  return std::any_of(houses.begin(), houses.end(), [&](const auto& house) {
    const auto board = house->rooms->scoreboard();
    return board.nodes.size() == houses.size() && std::all_of(board.nodes.begin(), board.nodes.end(),
                                                              [](const auto& node) { return node.told > 0; });
  });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto houses = town_of(std::vector<std::string>(argv + 1, argv + argc));
    if (houses.size() < 3) {
      std::cerr << "usage: balance PORT PORT PORT...\n";
      return 2;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!all_have_told(houses) && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::vector<brood::ChildSpec> specs;
    for (int room = 0; room < 225; ++room)
      specs.push_back({.id = "room " + std::to_string(room), .run = brood::WorkerSpec{"room"}});
    std::map<std::string, int> rooms;
    const auto started = houses.front()->rooms->start_children(specs).get();
    if (!started) throw brood::NodeError(started.error());
    if (!started->ok()) std::cerr << started->format() << "\n";
    for (const brood::Pid& pid : started->pids()) ++rooms[pid.node.text()];
    for (const auto& [node, count] : rooms) std::cout << node << ": " << count << "\n";
    // Half, three quarters and all of their beds are free: 2 to 3 to 4, of three houses 50, 75 and 100 rooms.
    const double all = 0.5 + 0.75 + static_cast<double>(houses.size() - 2);
    const auto wanted = [&](double free) { return 225 * free / all; };
    const auto near = [](int count, double share) { return count > share * 0.9 && count < share * 1.1; };
    const bool fair = near(rooms["h1@127.0.0.1"], wanted(0.5)) && near(rooms["h2@127.0.0.1"], wanted(0.75)) &&
                      near(rooms["h3@127.0.0.1"], wanted(1));
    return fair ? 0 : 1;
  } catch (const brood::NodeError& error) {
    std::cerr << "balance: " << error.what() << "\n";
    return 1;
  }
}

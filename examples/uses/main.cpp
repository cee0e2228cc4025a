// Six uses of brood, each in a file of its own: this program is one node of a cluster that runs one of them.
//
//   uses USE NAME@HOST:PORT [OTHER@HOST:PORT...]      USE: sessions, cache, jobs, devices, rooms, locks
#include <iostream>
#include <map>
#include <sstream>

#include "place.hpp"

namespace uses {

brood::NodeOptions node_options(const Words& names) {
  brood::NodeOptions options{.name = names.front(), .cookie = "example"};
  options.join.assign(names.begin() + 1, names.end());
  options.epmd = false;  // the names have ports
  return options;
}

brood::Strategies kept_on_two_nodes() {
  return {.redundancy = brood::StrategyChoice{"replication",
                                              {{"factor", std::int64_t{2}},
                                               {"mode", std::string("active_passive")},
                                               {"follow", std::string("each_call")}}},
          .migration = "hot_swap"};
}

void prompt(brood::Node& node, const std::function<std::string(const Words&)>& answer) {
  if (const auto up = node.wait_up(std::chrono::seconds(30)); !up) throw brood::NodeError(up.error());
  std::cout << node.name() << " is up" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) continue;
    words.resize(4);  // what is missing is empty
    std::cout << answer(words) << std::endl;
  }
}

std::string words_of(const brood::Result<std::string>& reply) {
  return reply ? *reply : reply.error().message;
}

std::string words_of(const brood::Result<void>& reply) {
  return reply ? "ok" : reply.error().message;
}

std::string where(const brood::Supervisor& group, const std::string& id) {
  const auto child = group.child_lookup(id);
  return child && !child->instances.empty() ? child->instances.front().first.text() : "nowhere";
}

}  // namespace uses

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const uses::Words&)> all = {
      {"sessions", uses::sessions}, {"cache", uses::cache}, {"jobs", uses::jobs},
      {"devices", uses::devices},   {"rooms", uses::rooms}, {"locks", uses::locks}};
  const auto use = argc < 3 ? all.end() : all.find(argv[1]);
  if (use == all.end()) {
    std::cerr << "usage: uses sessions|cache|jobs|devices|rooms|locks NAME@HOST:PORT [OTHER@HOST:PORT...]\n";
    return 2;
  }
  try {
    use->second(uses::Words(argv + 2, argv + argc));
  } catch (const brood::NodeError& error) {
    std::cerr << "uses: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

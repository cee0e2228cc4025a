// Real nodes under work, through brood's public API: `cluster_bench GROUP [CHILDREN [SECONDS [SCALE]]]`
// measures the rows of that group once, and writes a line `ROW VALUE` for each. tools/bench runs it
// several times, and what is to be compared beside it.
//
// GROUP: see rows.hpp. SECONDS: how long calls go on; SCALE: a factor for all that is counted. `member ...`
// is how it starts the other nodes of a cluster.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>

#include "bench/cluster/cluster.hpp"
#include "bench/cluster/rows.hpp"

namespace {

using namespace brood::bench;

int member(int argc, char** argv) {
  if (argc != 3 + Place::word_count) return 2;
  BenchNode(Place::from(argv + 3), Board::open(std::atoi(argv[2]))).serve();
  return 0;
}

void run(int argc, char** argv) {
  static const std::map<std::string, void (*)(const Work&, const Tell&)> groups = {
      {"life", life},   {"alone", alone},   {"single", single},  {"lookup", lookup},
      {"local", local}, {"quick", quick},   {"remote", remote},  {"one_way", one_way},
      {"hot", hot},     {"silent", silent}, {"balance", balance}};
  Work work;
  if (argc > 2) work.children = std::stoll(argv[2]);
  if (argc > 3) work.seconds = std::stod(argv[3]);
  if (argc > 4) work.scale = std::stod(argv[4]);
  const auto group = groups.find(argv[1]);
  if (group == groups.end()) throw std::invalid_argument("no group of that name; see rows.hpp");
  group->second(work, [](const std::string& row, double value) {
    std::printf("%s %.9g\n", row.c_str(), value);
    std::fflush(stdout);
  });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) return 2;
    if (std::string(argv[1]) == "member") return member(argc, argv);
    run(argc, argv);
    std::_Exit(0);  // its node runs: see ~Cluster()
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argc > 1 ? argv[1] : "cluster_bench", error.what());
    std::_Exit(1);
  }
}

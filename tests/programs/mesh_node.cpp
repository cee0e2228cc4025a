// A node that says what it sees of the others: `mesh_node NAME COOKIE_FILE TICK_MS CHILDREN [SEED]...`.
//
// Each line on its output is `MILLISECONDS WHAT NODE DETAIL`, the time as of the system's clock:
//   up NODE CREATION     a connection stands
//   down NODE REASON     it has ended
//   monitor NODE REASON  a monitor of the process `target` there has fired; set whenever the node comes up
// It has that process itself, and its part of the supervisor `web`. It ends with its input.
#include <brood/brood.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

namespace {

struct ping {};

class Idle : public brood::Worker {
 public:
  using handles = brood::messages<ping>;
  brood::Atom on(ping) const { return brood::Atom("pong"); }
};

void say(const char* what, const brood::NodeName& node, const std::string& detail) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::printf("%lld %s %s %s\n", static_cast<long long>(ms), what, node.text().c_str(), detail.c_str());
  std::fflush(stdout);
}

void on_node(brood::Node& node, const brood::NodeStatus& other) {
  if (!other.up) return say("down", other.name, std::string(to_string(other.reason)));
  say("up", other.name, std::to_string(other.creation));
  const auto fired = [name = other.name](const brood::ExitReason& why) { say("monitor", name, why.text()); };
  if (const auto set = node.monitor(brood::remote("target", other.name), fired); !set)
    say("monitor", other.name, set.error().message);
}

brood::NodeOptions options_from(int argc, char** argv) {
  brood::NodeOptions options;
  options.name = argv[1];
  std::ifstream(argv[2]) >> options.cookie;
  options.tick_timeout = options.erlang_tick_timeout = std::chrono::milliseconds(std::atoi(argv[3]));
  options.join.assign(argv + 5, argv + argc);
  return options;
}

std::vector<brood::ChildSpec> children(int count) {
  std::vector<brood::ChildSpec> all;
  for (int i = 1; i <= count; ++i)
    all.push_back({.id = "c" + std::to_string(i), .run = brood::WorkerSpec{"idle"}});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  auto node = brood::Node::start(options_from(argc, argv));
  if (!node) {
    std::fprintf(stderr, "%s\n", node.error().message.c_str());
    return 1;
  }
  (void)(*node)->workers().add<Idle>("idle");
  if (!(*node)->spawn<Idle>("target")) return 1;
  (*node)->monitor_nodes([&node](const brood::NodeStatus& other) { on_node(**node, other); });
  const brood::Supervisor web(**node, {.name = "web", .children = children(std::atoi(argv[4]))});
  while (std::getchar() != EOF) {
  }
  return 0;
}

// brood: the class is no worker: derive it from brood::Worker
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
class Wrong {
 public:
  using handles = brood::messages<deposit>;
  void on(deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

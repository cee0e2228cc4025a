// brood: the worker has no public on() for a message of its `handles`
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

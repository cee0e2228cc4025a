// brood: the worker has on() but no public `using handles = brood::messages<...>;`
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  void on(deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

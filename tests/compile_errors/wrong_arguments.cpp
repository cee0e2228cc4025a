// brood: the worker cannot be constructed from these arguments
#include <brood/brood.hpp>

class Wrong : public brood::Worker {
 public:
  explicit Wrong(int opening);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)supervisor.start_child(brood::ChildSpec::of<Wrong>("a", "much"));
}

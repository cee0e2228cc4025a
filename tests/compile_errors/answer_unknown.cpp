// brood: what does this call answer?
#include <brood/brood.hpp>

struct deposit {
  int cents;
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)supervisor.call("a", deposit{5});
}

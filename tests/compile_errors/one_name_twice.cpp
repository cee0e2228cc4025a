// brood: two messages of the worker have one name on the wire
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
namespace other {
struct deposit {
  int cents;
};
}  // namespace other
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit, other::deposit>;
  void on(deposit);
  void on(other::deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

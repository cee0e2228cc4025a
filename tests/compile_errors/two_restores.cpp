// brood: restore() must be public, and one: `void restore(State)`
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  int save() const { return 1; }
  void restore(int) {}
  void restore(std::string) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

// brood: save() and restore() go together: the worker has only one of them
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  int save() const { return 1; }
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

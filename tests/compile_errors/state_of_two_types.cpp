// brood: restore() must take the type that save() gives
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  int save() const { return 1; }
  void restore(std::string) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

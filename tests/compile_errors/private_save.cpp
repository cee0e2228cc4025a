// brood: save() must be public and take nothing: `State save() const`
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  void restore(int) {}

 private:
  int save() const { return 1; }
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

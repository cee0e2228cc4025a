// brood: on_unhandled() must be public: `void on_unhandled(const brood::Term&)`
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  void on_unhandled(int) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

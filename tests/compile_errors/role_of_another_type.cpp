// brood: on_role() must be public: `void on_role(brood::Role)`
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;
  void on_role(std::string) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

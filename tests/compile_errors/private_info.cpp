// brood: info() must be public: `void info(const brood::Term&)`
#include <brood/brood.hpp>

class Account : public brood::Worker {
 public:
  using handles = brood::messages<>;

 private:
  void info(const brood::Term&) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

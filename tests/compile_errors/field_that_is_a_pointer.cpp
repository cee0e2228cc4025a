// brood: a message in `handles`, or a field of it, cannot be read: own the text, as a std::string
#include <brood/brood.hpp>

struct greet {
  const char* name;
};

class Account : public brood::Worker {
 public:
  using handles = brood::messages<greet>;
  void on(greet) {}
};

void use(brood::Node& node) {
  (void)node.workers().add<Account>("account");
}

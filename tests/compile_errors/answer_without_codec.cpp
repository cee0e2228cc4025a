// brood: what a handler answers, or a field of it, has no brood::Codec
#include <brood/brood.hpp>

class Socket {
 public:
  Socket();

 private:
  int fd_;
};
struct deposit {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  Socket on(deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

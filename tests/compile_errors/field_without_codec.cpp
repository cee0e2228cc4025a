// brood: a message in `handles`, or a field of it, has no brood::Codec
#include <brood/brood.hpp>

class Socket {
 public:
  Socket();

 private:
  int fd_;
};
struct deposit {
  Socket from;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  void on(deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

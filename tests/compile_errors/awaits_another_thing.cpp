// brood: in a handler co_await takes a brood::Future or a brood::Task, nothing else
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  brood::Task<> on(deposit) { co_await std::suspend_always(); }
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)node.workers().add<Wrong>("wrong");
}

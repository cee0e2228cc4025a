// brood: name it first, `auto task = ...; co_await task`
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  brood::Task<> helper();
  brood::Task<> on(deposit) { co_await helper(); }
};

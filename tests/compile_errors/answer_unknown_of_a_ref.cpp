// brood: what does this call answer?
#include <brood/brood.hpp>

struct deposit {
  int cents;
};

void use(const brood::ChildRef<>& alice) {
  (void)alice.call(deposit{5});
}

// A worker library: one worker, `greeter`, which greets by name and counts how often it did.
//
//   brood node --name n1@127.0.0.1 --worker-lib libgreeter.so
//   brood start hello --worker greeter --args '[<<"Good morning">>]'
//   brood call hello '{greet, <<"Ada">>}'
#include <brood/node.hpp>
#include <brood/worker.hpp>
#include <string>

namespace {

struct greet {
  std::string name;
};
struct greeted {};

class Greeter : public brood::Worker {
 public:
  using handles = brood::messages<greet, greeted>;
  explicit Greeter(std::string salutation = "Hello") : salutation_(std::move(salutation)) {}

  std::string on(const greet& request) {
    ++count_;
    return salutation_ + ", " + request.name + "!";
  }
  std::int64_t on(greeted) const { return count_; }

 private:
  std::string salutation_;
  std::int64_t count_ = 0;
};

}  // namespace

BROOD_REGISTER_WORKERS(workers) {
  (void)workers.add<Greeter>("greeter");
}

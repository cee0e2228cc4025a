// A program that is a node of its own: accounts that exist once in the whole cluster, each on the node its
// name hashes to.
//
//   bank                                                      a cluster of one, without network
//   bank NAME COOKIE [NODE...]                                joins these nodes and serves until its input
//   ends
//
// Every node that runs this program (or another one with the worker `account`) shares the supervisor `bank`.
#include <brood/brood.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace {

struct deposit {
  std::int64_t cents;
};
struct balance {};

class Account : public brood::Worker {
 public:
  using handles = brood::messages<deposit, balance>;
  explicit Account(std::int64_t opening = 0) : cents_(opening) {}

  std::int64_t on(deposit d) { return cents_ += d.cents; }
  std::int64_t on(balance) const { return cents_; }

  // What a move to another node takes along.
  std::int64_t save() const { return cents_; }
  void restore(std::int64_t cents) { cents_ = cents; }

 private:
  std::int64_t cents_;
};

brood::NodeOptions options_from(int argc, char** argv) {
  brood::NodeOptions options;
  if (argc < 3) return options;
  options.name = argv[1];
  options.cookie = argv[2];
  options.join.assign(argv + 3, argv + argc);
  return options;
}

// Opens the account on whichever node it belongs; another node may have done so before.
void open_account(brood::Supervisor& bank, const std::string& owner) {
  const auto started =
      bank.start_child({.id = owner, .run = brood::WorkerSpec{"account", brood::args(100)}}).get();
  if (started) {
    std::cout << owner << ": account opened on " << started->pid.node.text() << "\n";
  } else if (started.error().code == brood::Errc::already_started) {
    std::cout << owner << ": has an account already\n";
  } else {
    std::cout << owner << ": " << started.error().message << "\n";
  }
}

void pay_in(brood::Supervisor& bank, const std::string& owner, std::int64_t cents) {
  const auto total = bank.call<std::int64_t>(owner, deposit{cents}).get();
  if (total) {
    std::cout << owner << ": " << *total << " cents\n";
  } else {
    std::cout << owner << ": " << total.error().message << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    brood::Node node(options_from(argc, argv));
    if (auto added = node.workers().add<Account>("account"); !added) throw brood::NodeError(added.error());
    brood::Supervisor bank(node, {.name = "bank"});

    for (const std::string owner : {"alice", "bob", "carol"}) open_account(bank, owner);
    pay_in(bank, "alice", 25);
    pay_in(bank, "bob", 5);

    if (argc >= 3) {
      std::cout << node.name() << " serves until its input ends" << std::endl;
      for (std::string line; std::getline(std::cin, line);) pay_in(bank, line, 1);
      (void)node.drain(std::chrono::seconds(10));
    }
  } catch (const brood::NodeError& error) {
    std::cerr << "bank: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

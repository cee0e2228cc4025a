// Locks with fencing: a lock is a child, so there is one of each name. Whoever gets it is given a token that
// is greater than all before it, also where the lock's own node has died and it has forgotten who held it:
// the first part of the token is the epoch, which rises at each start of a child. What the lock protects
// refuses a token that is smaller than one that it has seen, so a holder that was given up (it slept, or was
// cut off) does no harm.
//
//   lock NAME, unlock NAME, where NAME
//   write NAME TEXT      into the ledger, with the token that this node was given last
//   read
#include <map>
#include <optional>
#include <tuple>

#include "place.hpp"

namespace uses {
namespace {

struct token {
  std::uint64_t epoch;
  std::uint64_t grant;
  friend auto operator<=>(const token&, const token&) = default;
};
struct acquire {
  brood::Pid holder;
  brood::NodeName of;  // its node, for people
};
struct release {
  token held;
};

class Lock : public brood::Worker {
 public:
  using handles = brood::messages<acquire, release>;

  brood::Result<token> on(acquire a) {
    if (holder_ && *holder_ != a.holder)
      return brood::Error{brood::Errc::not_allowed, "held by " + of_.text()};
    if (!holder_) watch_ = context().monitor(a.holder);
    holder_ = a.holder;
    of_ = a.of;
    return last_ = token{context().identity().epoch_clock, last_.grant + 1};
  }
  void on(release r) {
    if (holder_ && r.held == last_) free();
  }
  // The holder has ended, or its node is lost.
  void on_down(const brood::Down& down) {
    if (holder_ && down.ref == watch_) free();
  }

 private:
  void free() {
    context().demonitor(watch_);
    holder_.reset();
  }

  std::optional<brood::Pid> holder_;
  brood::NodeName of_;
  brood::Ref watch_;
  token last_{};
};

struct write {
  std::string lock;
  token held;
  std::string text;
};
struct read {};

// What the locks protect. Here it is a child that is kept on two nodes; a database would do the same by a
// condition on the token in its write.
class Ledger : public brood::Worker {
 public:
  using handles = brood::messages<write, read>;
  brood::Result<std::string> on(write w) {
    if (w.held < seen_[w.lock])
      return brood::Error{brood::Errc::not_allowed, "another has held the lock since"};
    seen_[w.lock] = w.held;
    return lines_ += w.text + " ";
  }
  std::string on(read) const { return lines_; }

  using State = std::pair<std::map<std::string, token>, std::string>;
  State save() const { return {seen_, lines_}; }
  void restore(State state) { std::tie(seen_, lines_) = std::move(state); }

 private:
  std::map<std::string, token> seen_;
  std::string lines_;
};

// A process of this program, for the locks to watch.
class Holder : public brood::Worker {
 public:
  using handles = brood::messages<>;
};

}  // namespace

void locks(const Words& names) {
  const auto expect = static_cast<std::uint32_t>(names.size());
  brood::Node node(node_options(names));
  (void)node.workers().add<Lock>("lock");
  (void)node.workers().add<Ledger>("ledger");
  brood::Supervisor locks(node, {.name = "locks", .expect = expect});
  brood::Supervisor ledger(node, {.name = "ledger",
                                  .strategies = kept_on_two_nodes(),
                                  .children = {{.id = "ledger", .run = brood::WorkerSpec{"ledger"}}},
                                  .expect = expect});
  const auto holder = node.spawn<Holder>();
  if (!holder) throw brood::NodeError(holder.error());
  std::map<std::string, token> held;
  prompt(node, [&](const Words& words) -> std::string {
    const std::string& name = words[1];
    if (words[0] == "lock") {
      (void)locks.start_child({.id = name, .run = brood::WorkerSpec{"lock"}}).get();
      const auto got = locks.call<token>(name, acquire{*holder, node.name()}).get();
      if (!got) return got.error().message;
      held[name] = *got;
      return "locked";
    }
    if (words[0] == "unlock") return words_of(locks.call<void>(name, release{held[name]}).get());
    if (words[0] == "write")
      return words_of(ledger.call<std::string>("ledger", write{name, held[name], words[2]}).get());
    if (words[0] == "read") return words_of(ledger.call<std::string>("ledger", read{}).get());
    if (words[0] == "where") return where(locks, name);
    return "lock NAME, unlock NAME, where NAME, write NAME TEXT, read";
  });
}

}  // namespace uses

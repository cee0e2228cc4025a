// A session store: each session is a child, whose id is the session's key. Any node finds it by that key;
// what was answered survives a node that leaves and one that is killed; a session that nobody uses ends by
// itself.
//
//   login KEY [IDLE_MS]    begins a session, or goes on with the one that there is
//   set KEY NAME VALUE, get KEY NAME, where KEY, logout KEY
#include <map>

#include "place.hpp"

namespace uses {
namespace {

struct set {
  std::string name;
  std::string value;
};
struct get {
  std::string name;
};
struct expired {};

class Session : public brood::Worker {
 public:
  using handles = brood::messages<set, get>;
  using infos = brood::messages<expired>;

  // The arguments of the child's spec.
  explicit Session(std::chrono::milliseconds idle) : idle_(idle) { used(); }

  std::string on(set s) {
    used();
    return data_[s.name] = s.value;
  }
  std::string on(get g) {
    used();
    const auto found = data_.find(g.name);
    return found == data_.end() ? "-" : found->second;
  }

  // The timer has run out. A passive instance, which holds the data for the active one, does not decide.
  void info(expired) {
    if (context().role() == brood::Role::active) {
      context().stop(brood::ExitReason::normal());
    } else {
      used();
    }
  }

  // What the second instance holds, and what a move takes along.
  std::map<std::string, std::string> save() const { return data_; }
  void restore(std::map<std::string, std::string> data) { data_ = std::move(data); }

 private:
  void used() {
    context().cancel(timer_);
    timer_ = send_after(idle_, expired{});
  }

  std::chrono::milliseconds idle_;
  brood::TimerId timer_;
  std::map<std::string, std::string> data_;
};

// `transient`: a session that ends normally, as an expired one does, is gone; one that crashes is restarted.
std::string login(brood::Supervisor& store, const std::string& key, std::chrono::milliseconds idle) {
  const auto started = store
                           .start_child({.id = key,
                                         .run = brood::WorkerSpec{"session", brood::args(idle)},
                                         .restart = brood::Restart::transient})
                           .get();
  if (started) return "begun";
  if (started.error().code == brood::Errc::already_started) return "goes on";
  return started.error().message;
}

}  // namespace

void sessions(const Words& names) {
  brood::Node node(node_options(names));
  (void)node.workers().add<Session>("session");
  brood::Supervisor store(node, {.name = "sessions",
                                 .strategies = kept_on_two_nodes(),
                                 .expect = static_cast<std::uint32_t>(names.size())});
  prompt(node, [&](const Words& words) -> std::string {
    const std::string& key = words[1];
    if (words[0] == "login") {
      const auto idle = std::chrono::milliseconds(std::atoll(words[2].c_str()));
      return login(store, key, idle.count() > 0 ? idle : std::chrono::minutes(30));
    }
    if (words[0] == "set") return words_of(store.call<std::string>(key, set{words[2], words[3]}).get());
    if (words[0] == "get") return words_of(store.call<std::string>(key, get{words[2]}).get());
    if (words[0] == "where") return where(store, key);
    if (words[0] == "logout") return words_of(store.stop_child(key).get());
    return "login KEY [IDLE_MS], set KEY NAME VALUE, get KEY NAME, where KEY, logout KEY";
  });
}

}  // namespace uses

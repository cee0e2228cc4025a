// A distributed cache: a fixed number of children share the keys among them. Every node finds the right one
// without asking anybody. A node that joins or leaves takes its shards over with what is in them; of one that
// is killed the shards begin empty elsewhere, and all others keep what they have.
//
//   put KEY VALUE, get KEY, where KEY, here (how many shards this node has)
#include <deque>
#include <map>
#include <optional>

#include "place.hpp"

namespace uses {
namespace {

constexpr std::size_t shards = 32;
constexpr std::size_t keys_max = 10'000;  // of a shard; the oldest go first

struct put {
  std::string key;
  std::string value;
};
struct fetch {
  std::string key;
};

class Shard : public brood::Worker {
 public:
  using handles = brood::messages<put, fetch>;

  void on(put p) {
    if (values_.insert_or_assign(p.key, p.value).second) order_.push_back(p.key);
    if (order_.size() <= keys_max) return;
    values_.erase(order_.front());
    order_.pop_front();
  }
  std::optional<std::string> on(fetch f) const {
    const auto found = values_.find(f.key);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }

  // What a planned move takes along.
  std::map<std::string, std::string> save() const { return values_; }
  void restore(std::map<std::string, std::string> values) {
    values_ = std::move(values);
    for (const auto& [key, value] : values_) order_.push_back(key);
  }

 private:
  std::map<std::string, std::string> values_;
  std::deque<std::string> order_;
};

// The same on every node and every machine.
std::string shard_of(const std::string& key) {
  return "shard/" + std::to_string(brood::strategy_hash(key) % shards);
}

// Each node lists all of them; each runs once in the cluster.
std::vector<brood::ChildSpec> all_shards() {
  std::vector<brood::ChildSpec> specs;
  for (std::size_t number = 0; number < shards; ++number)
    specs.push_back({.id = "shard/" + std::to_string(number), .run = brood::WorkerSpec{"shard"}});
  return specs;
}

}  // namespace

void cache(const Words& names) {
  brood::Node node(node_options(names));
  (void)node.workers().add<Shard>("shard");
  brood::Supervisor cache(node, {.name = "cache",
                                 .strategies = {.migration = "hot_swap"},
                                 .children = all_shards(),
                                 .expect = static_cast<std::uint32_t>(names.size())});
  prompt(node, [&](const Words& words) -> std::string {
    // A child by name: it is looked up at each use, so it may move or restart meanwhile.
    const brood::ChildRef<Shard> shard(cache, shard_of(words[1]));
    if (words[0] == "put") return words_of(shard.call(put{words[1], words[2]}).get());
    if (words[0] == "get") {
      const auto found = shard.call(fetch{words[1]}).get();
      return found ? found->value_or("miss") : found.error().message;
    }
    if (words[0] == "where") return where(cache, shard_of(words[1]));
    if (words[0] == "here") return std::to_string(cache.local_children().size());
    return "put KEY VALUE, get KEY, where KEY, here";
  });
}

}  // namespace uses

// Offers: the workers and commands that a node can run. As long as the node's fleet file, and held by every
// view, placement and answer about members: so all copies share one, which is never changed.
//
// Thread rule: a value; copies may be read by several threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>

namespace brood::core {

class Offers {
 public:
  Offers() = default;
  Offers(std::set<std::string> names);  // NOLINT(google-explicit-constructor)
  Offers(std::initializer_list<std::string> names) : Offers(std::set<std::string>(names)) {}

  /// Names of workers; "exec:" and a token for each command, "exec:*" where any may run.
  [[nodiscard]] const std::set<std::string>& names() const;
  /// Whether what needs that (Spec::needs) can run here.
  [[nodiscard]] bool include(const std::string& needs) const;
  /// The same on every node for the same names; 0 for none.
  [[nodiscard]] std::uint64_t hash() const { return content_ ? content_->hash : 0; }

  friend bool operator==(const Offers& a, const Offers& b) {
    return a.content_ == b.content_ || (a.hash() == b.hash() && a.names() == b.names());
  }

 private:
  struct Content {
    std::set<std::string> names;
    std::uint64_t hash = 0;
  };
  std::shared_ptr<const Content> content_;  ///< None where there is no name.
};

}  // namespace brood::core

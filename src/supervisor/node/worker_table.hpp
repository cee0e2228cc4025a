// WorkerTable: the worker names of a node, what they make, and the commands it trusts.
//
// Thread rule: any thread.
#pragma once

#include <brood/worker.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace brood::supervisor {

class WorkerTable {
 public:
  /// `on_change` runs (on the caller's thread) after each change.
  explicit WorkerTable(bool exec_allow) : exec_allow_(exec_allow) {}
  void on_change(std::function<void()> notify);

  Result<void> add(const std::string& name, BehaviourFactory factory);
  /// Loads a shared library that exports brood_register_workers; it stays loaded.
  [[nodiscard]] Result<void*> open_library(const std::string& path);
  /// Has the library's own code register its workers. What it throws is the answer: start_failed.
  [[nodiscard]] static Result<void> let_register(const std::string& path,
                                                 const std::function<void()>& registration);
  /// A local supervisor makes its workers with this table, which must outlive the runtime.
  [[nodiscard]] Result<std::unique_ptr<Behaviour>> make(const std::string& name, EncodedTerm args) const;
  [[nodiscard]] std::vector<std::string> names() const;

  /// The commands in this node's own file: replaces those of the former file.
  void trust(const std::string& supervisor, std::set<std::string> tokens);
  [[nodiscard]] bool trusts(const std::string& supervisor, const std::string& token) const;
  /// Whether this node runs that command, whoever asks: it is trusted, or every command is (exec_allow).
  [[nodiscard]] bool may_run(const std::string& supervisor, const std::string& token) const {
    return exec_allow_ || trusts(supervisor, token);
  }
  /// What this node can run. As long as the node's file: not for each child.
  [[nodiscard]] core::Offers offers(const std::string& supervisor) const;

 private:
  void changed();

  mutable std::mutex mutex_;
  const bool exec_allow_;
  std::map<std::string, BehaviourFactory> factories_;
  std::map<std::string, std::set<std::string>> trusted_;
  std::function<void()> notify_;
};

}  // namespace brood::supervisor

// Siblings: the children of one supervisor as ChildRefs and workers use them. Holds the node and the driver
// weakly: who keeps a reference to a child keeps nothing else alive.
//
// Thread rule: any thread.
#pragma once

#include <brood/worker.hpp>
#include <memory>

#include "supervisor/node/gate.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

class Siblings final : public brood::detail::Siblings {
 public:
  Siblings(std::weak_ptr<NodeImpl> node, std::weak_ptr<Driver> driver)
      : node_(std::move(node)), driver_(std::move(driver)) {}

  [[nodiscard]] Future<EncodedTerm> call(const Id& id, Message message,
                                         std::chrono::milliseconds timeout) override;
  void cast(const Id& id, Message message) override;
  [[nodiscard]] Result<void> send(const Id& id, Message message) override;
  [[nodiscard]] std::optional<Pid> whereis(const Id& id) const override;

 private:
  const std::weak_ptr<NodeImpl> node_;
  const std::weak_ptr<Driver> driver_;
};

/// A call of a user's thread, which lends itself. `pass` is one of that node.
[[nodiscard]] Future<EncodedTerm> call_child(NodeImpl& node, std::shared_ptr<Driver> driver, const Id& id,
                                             Message message, std::chrono::milliseconds timeout,
                                             Gate::Pass pass);

}  // namespace brood::supervisor

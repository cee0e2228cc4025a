// What a peer may do, by whether it has proved to be the node that it says it is.
#include "process/log/log.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

std::optional<std::uint32_t> NodeImpl::proven_creation(const NodeName& node) {
  if (distribution() && distribution()->is_proven(node)) return connected_creation(node);
  ++unproven_refused_;
  if (limiter_.allow(node.value)) {
    log::warn(
        "{} speaks as a brood node, but has not proved to be it: it is no member. Another program has its "
        "name, or somebody stands between the two nodes",
        node.value);
  }
  return std::nullopt;
}

bool NodeImpl::may_start_commands(const NodeName& node) const {
  return options_.tls || options_.unproven_exec || runtime_->is_here(node) ||
         (distribution() && distribution()->is_proven(node));
}

void NodeImpl::note_refused_command(const NodeName& by) {
  ++commands_refused_;
  if (limiter_.allow("command " + by.value)) {
    log::warn("refused to start a command for {}, which has not proved to be that node (see unproven_exec)",
              by.value);
  }
}

void NodeImpl::warn_of_plain_exec() const {
  if (!options_.exec_allow || options_.tls) return;
  log::warn("exec_allow without TLS: whoever can change the traffic of this node can start commands here{}",
            options_.unproven_exec
                ? ", and with unproven_exec whoever can connect to it and to another node of the "
                  "cluster, even without the cookie"
                : "");
}

}  // namespace brood::supervisor

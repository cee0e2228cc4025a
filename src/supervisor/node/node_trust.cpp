// What a peer may do, by whether it has proved to be the node that it says it is.
#include "supervisor/node/node_trust.hpp"

#include "process/log/log.hpp"

namespace brood::supervisor {

std::optional<std::uint32_t> NodeTrust::proven_creation(const NodeName& node) {
  if (network_.is_proven(node)) return peers_.creation_of(node);
  ++unproven_refused_;
  if (limiter_.allow(node.text())) {
    log::warn(
        "{} speaks as a brood node, but has not proved to be it: it is no member. Another program has its "
        "name, or somebody stands between the two nodes",
        node.text());
  }
  return std::nullopt;
}

bool NodeTrust::may_start_commands(const NodeName& node) const {
  return options_.tls || options_.unproven_exec || runtime_.is_here(node) || network_.is_proven(node);
}

void NodeTrust::note_refused_command(const NodeName& by) {
  ++commands_refused_;
  if (limiter_.allow("command " + by.text())) {
    log::warn("refused to start a command for {}, which has not proved to be that node (see unproven_exec)",
              by.text());
  }
}

void warn_of_plain_exec(const NodeOptions& options) {
  if (!options.exec_allow || options.tls) return;
  log::warn("exec_allow without TLS: whoever can change the traffic of this node can start commands here{}",
            options.unproven_exec
                ? ", and with unproven_exec whoever can connect to it and to another node of the "
                  "cluster, even without the cookie"
                : "");
}

}  // namespace brood::supervisor

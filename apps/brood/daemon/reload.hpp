// The daemon's own fleet file, read again while the node runs.
//
// Thread rule: any thread; they wait for no other node.
#pragma once

#include <string>

#include "supervisor/node/node_impl.hpp"

namespace brood::app {

/// Whoever changed this node's own file trusts the commands in it: `brood apply` may start them here.
/// Reads the file, and changes nothing.
Result<supervisor::NodeImpl::FileCommands> commands_of(supervisor::NodeImpl& node, const std::string& path);

/// What SIGHUP asks for: as `brood apply` of that file, but nothing is removed, and what somebody stopped
/// stays stopped. The log tells what is done, and how it ended; a file with mistakes changes nothing.
void apply_own_file(supervisor::NodeImpl& node, const std::string& path);

/// Says in the log which children of the file the cluster has with another spec: that one counts, and nobody
/// would know why an edited file has no effect.
void say_what_differs(supervisor::NodeImpl& node, const std::string& path);

}  // namespace brood::app

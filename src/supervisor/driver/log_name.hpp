// Under which names the launcher keeps the output of a supervisor's programs, and of their health checks. A
// node runs one program at a time under a name, so no two children of it may have the same one, whatever
// their ids and supervisors are called.
#pragma once

#include <string>
#include <string_view>

#include "term/child_id.hpp"

namespace brood::supervisor {

[[nodiscard]] std::string log_name(std::string_view supervisor, const ChildId& id);
/// Of a health check that is a command.
[[nodiscard]] std::string health_log_name(std::string_view supervisor, const ChildId& id);

}  // namespace brood::supervisor

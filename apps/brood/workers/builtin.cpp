#include "apps/brood/workers/builtin.hpp"

#include "apps/brood/workers/counter.hpp"
#include "apps/brood/workers/echo.hpp"
#include "apps/brood/workers/tcp_monitor.hpp"

namespace brood::app {

Result<void> add_builtin_workers(WorkerRegistry registry) {
  if (auto added = registry.add<builtin::Counter>("counter"); !added) return added;
  if (auto added = registry.add_factory("echo", builtin::make_echo); !added) return added;
  return registry.add<builtin::TcpMonitor>("tcp_monitor");
}

}  // namespace brood::app

// Lasting: a behaviour whose start and whose end may take longer than one handler. Both may stand still
// (Context::suspend()) as a handler may; the process has started, or has ended, once they stand no more.
//
//            start()        start_result()                exit            last words over
//   (spawned) ----> starting ------------> running -------------> ending ----------------> ended
//                       | kill: kill()        | kill: kill()         | kill: kill()
//                       +---------------------+----------------------+  each goes on as above, and is quick
//                       now
//
// Also a kill waits for the end to be over: what such a process keeps has ended before anybody is told that
// it has. Only the runtime's stop waits for nothing; then the destructor has to do.
//
// Thread rule: as of Behaviour. The flags are the runtime's.
#pragma once

#include <functional>

#include "process/runtime.hpp"

namespace brood::process {

class Lasting : public Behaviour {
 public:
  /// Once, when the start stands no more, and succeeded so far: how it went.
  [[nodiscard]] virtual Result<void> start_result() = 0;
  /// It is to end as quickly as it can, whatever it does now; terminate() follows unless it has been called,
  /// or the start has failed. Not called while another of its handlers runs, but maybe while one stands.
  virtual void kill() = 0;
  /// In place of role_changed(): its process has that role by now. `change.done` is called when all that it
  /// keeps knows.
  virtual void change_role(const Runtime::RoleChange& change) = 0;

  struct Stage {
    bool starts = false;  ///< Its start stands still.
    bool is_killed = false;
    bool ends = false;                                              ///< terminate() has been called.
    std::function<void(const Result<void>&)> on_started = nullptr;  ///< While it starts.
  };
  Stage stage;
};

}  // namespace brood::process

// PgFeed: tells OTP's pg, by the supervisor's PgHandle, which children run on this node.
//
// Owns: the handle. Thread rule: control thread only, but for what PgHandle allows.
#pragma once

#include "supervisor/driver/registry_writer.hpp"
#include "supervisor/pg/pg_process.hpp"

namespace brood::supervisor {

class PgFeed {
 public:
  PgFeed(process::Runtime& runtime, const std::string& supervisor) : handle_(runtime, supervisor) {}

  void publish(std::vector<MovedHere> moved);
  [[nodiscard]] PgHandle& handle() { return handle_; }

 private:
  PgHandle handle_;
};

}  // namespace brood::supervisor

// PgFeed: tells OTP's pg, by the supervisor's PgHandle, which children run on this node.
//
// Owns: the handle. Reads: the core's tables. Thread rule: control thread only, but for what PgHandle allows.
#pragma once

#include "supervisor/driver/registry_writer.hpp"
#include "supervisor/pg/pg_process.hpp"

namespace brood::supervisor {

class PgFeed {
 public:
  PgFeed(process::Runtime& runtime, const std::string& supervisor, const CoreTables& tables)
      : handle_(runtime, supervisor), tables_(tables) {}

  /// `self` and `creation`: this node as it is called now.
  void publish(const std::vector<ChildId>& changed, const NodeName& self, std::uint32_t creation);
  [[nodiscard]] PgHandle& handle() { return handle_; }

 private:
  PgHandle handle_;
  const CoreTables& tables_;
};

}  // namespace brood::supervisor

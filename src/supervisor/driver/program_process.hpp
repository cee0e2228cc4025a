// ProgramProcess: the process that stands for an ordinary program, so that the program has a pid that can be
// monitored and linked. It answers the call `status`; everything else is a type_mismatch.
#pragma once

#include <brood/worker.hpp>

namespace brood::supervisor {

class ProgramProcess final : public Behaviour {
 public:
  explicit ProgramProcess(std::int32_t os_pid) : os_pid_(os_pid) {}
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message message) override;
  void cast(Message) override {}
  void info(Message) override {}
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}
  Result<EncodedTerm> shown_state() override;  ///< As the answer to `status`.
  std::string shown_name() const override { return "exec"; }

 private:
  std::int32_t os_pid_;
};

}  // namespace brood::supervisor

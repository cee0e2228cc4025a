// PgProcess: the process that stands for a supervisor in OTP's `pg`: it has the supervisor's name, as each
// node's scope process has the scope's, and carries out what PgScope says.
//
// PgProcess runs on a scheduler thread; PgHandle is how the rest of the node talks to it.
#pragma once

#include <brood/worker.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "process/runtime.hpp"
#include "supervisor/pg/pg_scope.hpp"

namespace brood::supervisor {

/// Thread rule: every function from any thread. What one thread tells arrives in order.
class PgHandle {
 public:
  /// Starts the process and registers its name. Where the name is taken there is a warning, and OTP nodes do
  /// not see this supervisor's children.
  PgHandle(process::Runtime& runtime, const std::string& supervisor);
  void node_up(const NodeName& node);
  void node_down(const NodeName& node);
  /// That node is of our kind: it needs no telling.
  void is_brood(const NodeName& node);
  void changed(std::vector<PgChange> changes);
  /// This node has got its name; told before any node_up().
  void rename();
  /// Ends it; OTP nodes drop all its members. The name is free at once.
  void stop();

  /// Whom to tell, on any thread, when the process has ended though nobody called stop(). No other process
  /// can end it: what can is a fault of its own.
  void on_end(std::function<void()> told);
  /// After such an end: a new process, which has to be told everything.
  void begin_anew();

 private:
  /// What the process's end may still reach when the handle is gone.
  struct Shared {
    std::mutex mutex;
    bool is_stopped = false;
    bool has_ended = false;  ///< Before there was anybody to tell.
    std::function<void()> on_end;
  };
  void spawn();
  [[nodiscard]] Pid pid() const;

  process::Runtime& runtime_;
  const Atom name_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  Pid pid_;             ///< Guarded by shared_->mutex.
  bool named_ = false;  ///< The same.
};

class PgProcess final : public Behaviour {
 public:
  /// What PgHandle sends, as a message that is never encoded.
  struct NodeEvent {
    enum class Kind : std::uint8_t { up, down, is_brood, look_again, renamed } kind;
    NodeName node;
  };
  struct Changes {
    std::vector<PgChange> changes;
  };

  explicit PgProcess(Atom scope) : name_(std::move(scope)) {}
  Result<void> start(Context& context) override;
  Result<EncodedTerm> call(Message message) override;
  void cast(Message message) override;
  void info(Message message) override;
  void down(const Down& down) override;
  void terminate(const ExitReason&) override {}

 private:
  void on_node(const NodeEvent& event);
  void carry_out(PgEffects effects);

  const Atom name_;
  Context* context_ = nullptr;
  std::optional<PgScope> scope_;  ///< From start() on.
  std::map<NodeName, Ref> watches_;
  std::set<NodeName> up_;  ///< Connected nodes. A scope of any other is made up: nothing is sent to it.
  std::set<Pid> unsure_;   ///< Scopes that something could not be sent to while effects were carried out.
};

}  // namespace brood::supervisor

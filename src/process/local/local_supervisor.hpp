// LocalSupervisor: what the process of a child of type supervisor runs; see brood/supervisor_spec.hpp. Its
// rules are those of OTP's supervisor.erl, and like that it does one thing at a time: while it starts or ends
// inner children it stands still, and its mail waits.
//
// Inner children are processes of the same runtime. No link goes between: the supervisor is told of each end,
// and does not end before them.
//
// Thread rule: as of Behaviour. Owns its table of inner children; what other threads tell it is InnerNews.
#pragma once

#include <brood/task.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "process/local/inner_news.hpp"
#include "process/local/lasting.hpp"
#include "process/local/restart_window.hpp"
#include "process/local/spec_terms.hpp"
#include "process/process.hpp"

namespace brood::process {

/// Makes what an inner child runs. Called in the supervisor's handlers; must stay callable until the runtime
/// has stopped.
using MakeWorker =
    std::function<Result<std::unique_ptr<Behaviour>>(const std::string& worker, EncodedTerm args)>;

class LocalSupervisor final : public Lasting {
 public:
  /// `args` as of SupervisorSpec::args(). What is wrong with them is the start's failure.
  LocalSupervisor(EncodedTerm args, MakeWorker make) : args_(std::move(args)), make_(std::move(make)) {}
  ~LocalSupervisor() override;

  Result<void> start(Context& context) override;
  [[nodiscard]] Result<void> start_result() override { return start_result_; }
  Result<EncodedTerm> call(Message message) override;
  void cast(Message) override {}
  void info(Message) override {}  // exit signals of others among them: OTP's ignores them too
  void down(const Down&) override {}
  void terminate(const ExitReason& reason) override;
  void kill() override;
  void resume(std::coroutine_handle<> at) override;
  [[nodiscard]] Result<EncodedTerm> shown_state() override { return encode_term(which_children()); }
  [[nodiscard]] std::string shown_name() const override { return std::string(supervisor_worker); }

  void change_role(const Runtime::RoleChange& change) override;

 private:
  class Waiting;
  struct Inner {
    InnerSpec spec;
    std::uint64_t run = 0;  ///< The number of its start while its process is there; else 0.
    Pid pid = {};
    bool restarting = false;  ///< Its last start has failed, and will be tried again.
  };
  using Outcome = Task<Result<void>>;

  // What it does with its children; each is the whole of a handler, or a part of one.
  void run(Task<void> task);
  Task<void> begin();
  Outcome start_inner(Inner& inner);
  /// In order, those from `first` on that do not run. Where one fails, its id is put into `failed`.
  Outcome start_from(std::size_t first, std::optional<Term>& failed);
  Task<void> stop_inner(Inner& inner);
  /// In reverse order; temporary ones are forgotten.
  Task<void> stop_from(std::size_t first);
  Task<void> serve();
  Task<void> on_ended(InnerEvent event);
  Task<void> restart(Term id);
  Task<void> try_again(Term id);
  Task<InnerEvent> next_of(std::uint64_t run);

  /// A significant one has ended.
  void shut_down_if_due();
  /// After what may have been the end of a handler.
  void over();
  void later(std::function<void()> job);
  void signal(const Inner& inner, const ExitReason& reason);
  [[nodiscard]] SpawnOptions options_for(const Inner& inner);

  // What it is asked.
  Result<EncodedTerm> answer_later(Task<Term> task);
  Task<Term> start_child(Term spec);
  Task<Term> terminate_child(Term id);
  Task<Term> restart_child(Term id);
  Term delete_child(const Term& id);
  [[nodiscard]] Term which_children() const;
  [[nodiscard]] Term count_children() const;
  [[nodiscard]] Term which_child(const Term& id) const;
  [[nodiscard]] Term get_childspec(const Term& id) const;
  [[nodiscard]] static Term pid_term(const Inner& inner);

  [[nodiscard]] std::size_t place_of(const Term& id) const;  ///< As many as there are: there is none.
  [[nodiscard]] Inner* find(const Term& id) const;
  [[nodiscard]] std::string name() const;

  EncodedTerm args_;
  MakeWorker make_;
  Process* process_ = nullptr;
  RuntimeCore* core_ = nullptr;
  SupervisorSpec spec_;                         ///< Without its children.
  std::vector<std::unique_ptr<Inner>> inners_;  ///< In the order of their start.
  std::optional<RestartWindow> window_;
  std::shared_ptr<InnerNews> news_;
  std::uint64_t last_run_ = 0;
  std::optional<Role> told_role_;  ///< Where there are roles: what new ones are told.
  bool is_killed_ = false;
  Result<void> start_result_;
  detail::Handling running_;
};

}  // namespace brood::process

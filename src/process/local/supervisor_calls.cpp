// What OTP's `supervisor` module asks of a supervisor's process, and {which_child, Id}.
#include <algorithm>

#include "process/calls/gen_protocol.hpp"
#include "process/local/local_supervisor.hpp"

namespace brood::process {

namespace {

Term error_term(Term reason) {
  return Term::tuple({Term::atom("error"), std::move(reason)});
}

Term ok_term(Term value) {
  return Term::tuple({Term::atom("ok"), std::move(value)});
}

const std::vector<std::string_view> calls{"which_children", "count_children", "which_child",
                                          "get_childspec",  "start_child",    "terminate_child",
                                          "restart_child",  "delete_child"};

Task<void> answering(std::function<void(EncodedTerm)> answer, Task<Term> task) {
  const Term term = co_await task;
  answer(encode_term(term));
}

}  // namespace

Result<EncodedTerm> LocalSupervisor::answer_later(Task<Term> task) {
  run(answering(process_->take_replier(), std::move(task)));
  return EncodedTerm{};
}

Result<EncodedTerm> LocalSupervisor::call(Message message) {
  auto term = decode_term(message.take_bytes());
  if (!term) return term.error();
  if (term->is_atom("which_children")) return encode_term(which_children());
  if (term->is_atom("count_children")) return encode_term(count_children());
  const auto* items = term->as_tuple();
  const std::string asked = items != nullptr && items->size() == 2 && items->front().as_atom()
                                ? items->front().as_atom()->name
                                : "";
  if (asked.empty()) return brood::detail::no_handler(encode_term(*term), calls);
  const Term& what = items->back();
  if (asked == "which_child") return encode_term(which_child(what));
  if (asked == "get_childspec") return encode_term(get_childspec(what));
  if (asked == "start_child") return answer_later(start_child(what));
  if (asked == "terminate_child") return answer_later(terminate_child(what));
  if (asked == "restart_child") return answer_later(restart_child(what));
  if (asked == "delete_child") return encode_term(delete_child(what));
  return brood::detail::no_handler(encode_term(*term), calls);
}

Term LocalSupervisor::pid_term(const Inner& inner) {
  if (inner.run != 0) return Term(inner.pid);
  return Term::atom(inner.restarting ? "restarting" : "undefined");
}

Term LocalSupervisor::which_children() const {
  std::vector<Term> all;
  all.reserve(inners_.size());
  for (auto inner = inners_.rbegin(); inner != inners_.rend(); ++inner)
    all.push_back(Term::tuple({(*inner)->spec.id.term(), pid_term(**inner),
                               Term::atom(to_string((*inner)->spec.run.type)),
                               Term::list({Term::atom((*inner)->spec.run.name)})}));
  return Term::list(std::move(all));
}

Term LocalSupervisor::count_children() const {
  const auto count = [&](auto&& counts) {
    return Term(std::int64_t{
        std::count_if(inners_.begin(), inners_.end(), [&](const auto& inner) { return counts(*inner); })});
  };
  const auto entry = [](const char* name, Term number) {
    return Term::tuple({Term::atom(name), std::move(number)});
  };
  return Term::list(
      {entry("specs", count([](const Inner&) { return true; })),
       entry("active", count([](const Inner& inner) { return inner.run != 0; })),
       entry("supervisors",
             count([](const Inner& inner) { return inner.spec.run.type == ChildType::supervisor; })),
       entry("workers", count([](const Inner& inner) { return inner.spec.run.type == ChildType::worker; }))});
}

Term LocalSupervisor::which_child(const Term& id) const {
  const Inner* inner = find(id);
  return inner != nullptr && inner->run != 0 ? Term(inner->pid) : Term::atom("undefined");
}

Term LocalSupervisor::get_childspec(const Term& id) const {
  const Pid* pid = id.as_pid();
  for (const auto& inner : inners_) {
    const bool is_it =
        inner->spec.id.term() == id || (pid != nullptr && inner->run != 0 && inner->pid == *pid);
    if (is_it) return ok_term(inner_term(inner->spec));
  }
  return error_term(Term::atom("not_found"));
}

Task<Term> LocalSupervisor::start_child(Term spec) {
  auto read = read_inner(spec, spec_.auto_shutdown);
  if (!read) co_return error_term(reason_of(read.error()));
  if (const Inner* known = find(read->id.term())) {
    if (known->run == 0) co_return error_term(Term::atom("already_present"));
    co_return error_term(Term::tuple({Term::atom("already_started"), Term(known->pid)}));
  }
  Inner& inner = *inners_.emplace_back(std::make_unique<Inner>(Inner{*std::move(read)}));
  auto starting = start_inner(inner);
  const Result<void> started = co_await starting;
  if (started) co_return ok_term(Term(inner.pid));
  inners_.pop_back();
  co_return error_term(reason_of(started.error()));
}

Task<Term> LocalSupervisor::terminate_child(Term id) {
  const std::size_t place = place_of(id);
  if (place == inners_.size()) co_return error_term(Term::atom("not_found"));
  auto stopping = stop_inner(*inners_[place]);
  co_await stopping;
  if (inners_[place]->spec.restart == Restart::temporary)
    inners_.erase(inners_.begin() + static_cast<std::ptrdiff_t>(place));
  co_return Term::atom("ok");
}

Task<Term> LocalSupervisor::restart_child(Term id) {
  Inner* inner = find(id);
  if (inner == nullptr) co_return error_term(Term::atom("not_found"));
  if (inner->run != 0) co_return error_term(Term::atom("running"));
  if (inner->restarting) co_return error_term(Term::atom("restarting"));
  auto starting = start_inner(*inner);
  const Result<void> started = co_await starting;
  if (started) co_return ok_term(Term(inner->pid));
  co_return error_term(reason_of(started.error()));
}

Term LocalSupervisor::delete_child(const Term& id) {
  const std::size_t place = place_of(id);
  if (place == inners_.size()) return error_term(Term::atom("not_found"));
  if (inners_[place]->run != 0) return error_term(Term::atom("running"));
  if (inners_[place]->restarting) return error_term(Term::atom("restarting"));
  inners_.erase(inners_.begin() + static_cast<std::ptrdiff_t>(place));
  return Term::atom("ok");
}

}  // namespace brood::process

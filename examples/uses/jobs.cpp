// A job queue: each job is a child, whose id is the job's name, so a job that is submitted twice, from
// whichever nodes, is there once. It works in steps and has each of them written down by the child `done`,
// which is kept on two nodes. A job whose node is killed goes on elsewhere behind its last step; one that is
// finished ends, and is not begun again.
//
//   submit JOB STEPS, done JOB (how many steps of it), where JOB
#include <algorithm>
#include <map>

#include "place.hpp"

namespace uses {
namespace {

struct step {  // this many steps of the job are done
  std::string job;
  std::int64_t number;
};
struct steps_of {
  std::string job;
};

// What has been done. A step that is reported twice counts once.
class Done : public brood::Worker {
 public:
  using handles = brood::messages<step, steps_of>;
  std::int64_t on(step s) { return done_[s.job] = std::max(done_[s.job], s.number); }
  std::int64_t on(steps_of job) const {
    const auto found = done_.find(job.job);
    return found == done_.end() ? 0 : found->second;
  }
  std::map<std::string, std::int64_t> save() const { return done_; }
  void restore(std::map<std::string, std::int64_t> done) { done_ = std::move(done); }

 private:
  std::map<std::string, std::int64_t> done_;
};

struct work {};

class Job : public brood::Worker {
 public:
  using handles = brood::messages<>;
  Job(std::string name, std::int64_t steps) : name_(std::move(name)), steps_(steps) {}

  // Two instances of each child are there; the active one works.
  void on_role(brood::Role role) {
    context().cancel(timer_);
    if (role == brood::Role::active) timer_ = context().send_after(pause, brood::Message::of(work{}));
  }

  void info(const brood::Term&) {
    const auto done = child<Done>("done").call(steps_of{name_}).get();
    if (done && *done >= steps_) {
      context().stop(brood::ExitReason::normal());  // transient: it is gone, on all nodes
      return;
    }
    // The work itself would be here. It may happen twice, where a node dies between the work and its report;
    // the report says which step it is, so it counts once.
    if (done) (void)child<Done>("done").call(step{name_, *done + 1}).get();
    timer_ = context().send_after(pause, brood::Message::of(work{}));
  }

 private:
  static constexpr auto pause = std::chrono::milliseconds(50);
  std::string name_;
  std::int64_t steps_;
  brood::TimerId timer_;
};

std::string submit(brood::Supervisor& queue, const std::string& job, std::int64_t steps) {
  const auto done = queue.call<std::int64_t>("done", steps_of{job}).get();
  if (!done) return done.error().message;
  if (*done >= steps) return "done already";
  const auto started = queue
                           .start_child({.id = job,
                                         .run = brood::WorkerSpec{"job", brood::args(job, steps)},
                                         .restart = brood::Restart::transient})
                           .get();
  if (started) return "submitted";
  if (started.error().code == brood::Errc::already_started) return "is at work";
  return started.error().message;
}

}  // namespace

void jobs(const Words& names) {
  brood::Node node(node_options(names));
  (void)node.workers().add<Done>("done");
  (void)node.workers().add<Job>("job");
  brood::Supervisor queue(node, {.name = "jobs",
                                 .strategies = kept_on_two_nodes(),
                                 .children = {{.id = "done", .run = brood::WorkerSpec{"done"}}},
                                 .expect = static_cast<std::uint32_t>(names.size())});
  prompt(node, [&](const Words& words) -> std::string {
    if (words[0] == "submit") return submit(queue, words[1], std::atoll(words[2].c_str()));
    if (words[0] == "done") {
      const auto done = queue.call<std::int64_t>("done", steps_of{words[1]}).get();
      return done ? std::to_string(*done) : done.error().message;
    }
    if (words[0] == "where") return where(queue, words[1]);
    return "submit JOB STEPS, done JOB, where JOB";
  });
}

}  // namespace uses

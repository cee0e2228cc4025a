#include "bench/cluster/cluster.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace brood::bench {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {
constexpr std::int64_t patience_ns = 300'000'000'000;
// Short beside what is measured, and long enough for the nodes to have the cores.
constexpr microseconds look_every{200};
}  // namespace

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/statm", pid));
  std::int64_t total = 0;
  std::int64_t resident = 0;
  in >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

// ---- Member ----------------------------------------------------------------------------------------------

Member::Member(const Place& place, int board_fd) {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> words{"/proc/self/exe", "member", std::to_string(board_fd)};
  for (std::string& word : place.words()) words.push_back(std::move(word));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t driver = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != driver) ::_exit(1);
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  in_ = to[1];
  out_ = ::fdopen(from[0], "r");
  if (pid_ < 0) throw std::runtime_error("no program for a node");
}

Member::~Member() {
  end();
  ::close(in_);
  std::fclose(out_);
}

void Member::submit(const std::string& command) {
  const std::string line = command + "\n";
  if (::write(in_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw std::runtime_error("a node has ended: " + command);
}

std::int64_t Member::receive() {
  char line[512];
  if (std::fgets(line, sizeof line, out_) == nullptr) throw std::runtime_error("a node has ended");
  char* end = nullptr;
  const std::int64_t value = std::strtoll(line, &end, 10);
  if (end == line) throw std::runtime_error(line);
  return value;
}

void Member::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Member::end() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::int64_t Member::resident_bytes() const {
  return bench::resident_bytes(pid_);
}

// ---- Cluster ---------------------------------------------------------------------------------------------

Cluster::Cluster(Place place, std::size_t members)
    : place_(std::move(place)), board_(&Board::make(board_fd_)) {
  for (std::size_t slot = 1; slot < members; ++slot) launch(slot);
  self_ = std::make_unique<BenchNode>(place_, *board_);
  if (const auto up = self_->node().wait_up(milliseconds(60'000)); !up)
    throw std::runtime_error(up.error().message);
  for (auto& [slot, member] : members_) (void)member->ask("up");
}

Cluster::~Cluster() {
  members_.clear();
  (void)self_.release();
}

void Cluster::launch(std::size_t slot) {
  Place place = place_;
  place.slot = slot;
  board_->slots.at(slot).running = 0;
  members_[slot] = std::make_unique<Member>(place, board_fd_);
}

void Cluster::kill(std::size_t slot) {
  const auto found = members_.find(slot);
  found->second->end();
  members_.erase(found);
  board_->slots.at(slot).running = 0;
}

double Cluster::start(std::int64_t first, std::int64_t count) {
  const std::vector<ChildSpec> specs = child_specs(first, count);
  const std::int64_t since = now_ns();
  const auto result = web().start_children(specs, {.timeout = milliseconds(300'000)}).get();
  const std::int64_t taken = now_ns() - since;
  if (!result) throw std::runtime_error(result.error().message);
  if (!result->ok()) throw std::runtime_error(result->format(1));
  return double(taken) * 1e-9;
}

double Cluster::start_and_list(std::int64_t count) {
  const std::int64_t since = now_ns();
  for (auto& [slot, member] : members_) member->submit(fmt::format("listed {}", count));
  (void)start(1, count);
  std::int64_t last = self_->await_listed(count);
  for (auto& [slot, member] : members_) last = std::max(last, member->receive());
  return double(last - since) * 1e-9;
}

std::int64_t Cluster::running() const {
  std::int64_t sum = 0;
  for (const Slot& slot : board_->slots) sum += slot.running.load(std::memory_order_relaxed);
  return sum;
}

void Cluster::await_running(std::int64_t count) const {
  const std::int64_t until = now_ns() + patience_ns;
  while (running() < count) {
    if (now_ns() > until) throw std::runtime_error(fmt::format("{} of {} run", running(), count));
    std::this_thread::sleep_for(look_every);
  }
}

std::int64_t Cluster::await_moved(std::int64_t count, std::size_t slot) const {
  const std::atomic<std::int64_t>& joined = board_->slots.at(slot).running;
  const std::int64_t since = now_ns();
  std::int64_t changed = since;
  for (std::int64_t before = -1;;) {
    const std::int64_t now = now_ns();
    const std::int64_t here = joined.load(std::memory_order_relaxed);
    if (here != before || running() != count) changed = now;
    before = here;
    const std::int64_t quiet = std::max<std::int64_t>(500'000'000, (changed - since) / 4);
    if (here > 0 && now - changed > quiet) return changed;
    if (now - since > patience_ns) throw std::runtime_error("children have not settled");
    std::this_thread::sleep_for(look_every);
  }
}

void Cluster::await_settled(std::int64_t count, const std::string& lost) {
  for (auto& [slot, member] : members_) member->submit(fmt::format("settled {} {}", count, lost));
  self_->await_settled(count, lost);
  for (auto& [slot, member] : members_) (void)member->receive();
  if (running() != count) throw std::runtime_error(fmt::format("{} run, and there are {}", running(), count));
}

std::vector<std::int64_t> Cluster::on_node(std::size_t slot, std::int64_t count) {
  std::vector<std::int64_t> found;
  for (std::int64_t number = 1; number <= count; ++number) {
    const auto child = web().child_lookup(child_id(number));
    if (child && !child->instances.empty() && child->instances.front().first == node_name(slot))
      found.push_back(number);
  }
  return found;
}

}  // namespace brood::bench

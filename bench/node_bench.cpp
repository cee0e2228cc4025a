// Two nodes of ours, one of ours and one of OTP, and two of OTP, doing the same work in the same run, with a
// bare TCP ping-pong of as many bytes as the floor: remote calls, one-way messages, large messages. Printed
// as a table with ratios. Without Erlang the columns of OTP stay empty.
//
//   node_bench [--quick] [--alone] [--tls] [NAME...]
//     --quick: a tenth of the work; --alone: without OTP; --tls: all of them over TLS, certificates made with
//     the openssl program; NAME: only those of call_1, call_64, ... (see the table)
//
// The nodes of ours share this program, those of OTP are programs of their own; processor time is of both
// nodes together. Callers are asynchronous here, processes there.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <brood/codec.hpp>
#include <future>
#include <map>
#include <optional>
#include <thread>

#include "bench/raw_tcp.hpp"
#include "node/distribution.hpp"
#include "node/epmd/epmd.hpp"
#include "node/net/network_loop.hpp"
#include "process/runtime.hpp"

namespace {

using namespace brood;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Work {
  std::string name;
  std::size_t callers = 0;  ///< 0: one-way messages.
  std::size_t bytes = 16;
  std::size_t count = 0;
};

struct Measured {
  double wall_us = 0;
  double cpu_us = 0;
};
using Results = std::map<std::string, Measured>;

/// Echoes calls; counts everything else until it is asked for the count.
class Echo final : public Behaviour {
 public:
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message message) override {
    static const EncodedTerm count = encode(Atom("count"));
    EncodedTerm bytes = message.to_bytes();
    if (bytes == count) return encode(std::exchange(count_, 0));
    return bytes;
  }
  void cast(Message) override {}
  void info(Message) override { ++count_; }
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}

 private:
  std::int64_t count_ = 0;
};

class Node {
 public:
  Node(const std::string& name, std::uint16_t epmd_port, const std::optional<TlsOptions>& tls)
      : distribution_(io_, options(name, epmd_port, tls)), loop_(std::make_shared<node::NetworkLoop>(io_)) {
    const std::uint32_t creation = start();
    // A mailbox without a limit, as OTP's: what is measured is the way there.
    process::RuntimeOptions unlimited;
    unlimited.mailbox_messages_max = UINT32_MAX;
    unlimited.mailbox_bytes_max = SIZE_MAX;
    runtime_ = std::make_unique<process::Runtime>(NodeName(name), creation, unlimited);
    runtime_->set_remote(&distribution_);
    distribution_.set_events(runtime_.get(), {});
    const Pid echo = runtime_->spawn(std::make_unique<Echo>(), {});
    (void)runtime_->register_name(Atom("echo"), echo);
    loop_->start();
    runtime_->set_poller(loop_);
    loop_->lend([this] { return runtime_->wake_to_poll(); });
  }
  ~Node() {
    distribution_.stop(milliseconds(0));
    runtime_->stop(seconds(5));
    distribution_.set_events(nullptr, {});
    runtime_->set_remote(nullptr);
    loop_->stop();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  [[nodiscard]] const NodeName& name() const { return distribution_.name(); }
  process::Runtime& runtime() { return *runtime_; }

 private:
  /// An EPMD that has just been started answers a little later.
  std::uint32_t start() {
    const auto until = Clock::now() + seconds(5);
    for (;;) {
      const auto creation = distribution_.start();
      if (creation) return *creation;
      if (creation.error().code != Errc::unreachable || Clock::now() > until)
        throw std::runtime_error(creation.error().message);
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
  static node::DistributionOptions options(const std::string& name, std::uint16_t epmd_port,
                                           const std::optional<TlsOptions>& tls) {
    node::DistributionOptions made;
    made.name = NodeName(name);
    made.cookie = "bench";
    made.epmd_port = epmd_port;
    made.tls = tls;
    return made;
  }

  boost::asio::io_context io_;
  node::Distribution distribution_;
  std::shared_ptr<node::NetworkLoop> loop_;
  std::unique_ptr<process::Runtime> runtime_;
};

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return 1e6 * double(time.tv_sec) + double(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

/// `callers` chains of calls, each the next when the last was answered.
class Calls {
 public:
  Calls(process::Runtime& runtime, NamedProcess to, const Work& work)
      : runtime_(runtime), to_(std::move(to)), work_(work), left_(work.count), running_(work.callers) {}
  void run() {
    for (std::size_t i = 0; i < work_.callers; ++i) next();
    done_.get_future().wait();
  }

 private:
  void next() {
    if (left_.fetch_sub(1) <= 0) {
      if (running_.fetch_sub(1) == 1) done_.set_value();
      return;
    }
    runtime_.call_named(to_, request_, seconds(60), [this](const Result<EncodedTerm>& answer) {
      if (!answer) throw std::runtime_error(answer.error().message);
      next();
    });
  }

  process::Runtime& runtime_;
  const NamedProcess to_;
  const Work& work_;
  const EncodedTerm request_ = encode(Binary{"sixteen octets.."});
  std::atomic<std::int64_t> left_;
  std::atomic<std::size_t> running_;
  std::promise<void> done_;
};

/// An Erlang node takes a while until its server is there.
void await_server(process::Runtime& runtime, const NamedProcess& echo) {
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  while (!runtime.call_and_wait(echo, Message::encoded(encode(Atom("hello"))), seconds(1))) {
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("no server came up");
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void one_way(process::Runtime& runtime, const NamedProcess& to, const Work& work) {
  const EncodedTerm message = encode(Binary{Bytes(work.bytes, 'x')});
  for (std::size_t i = 0; i < work.count;) {
    if (runtime.send_named(to, message)) {
      ++i;
    } else {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  Result<EncodedTerm> count = Error{Errc::busy, ""};
  while (!count && count.error().code == Errc::busy) {
    std::this_thread::sleep_for(milliseconds(1));
    count = runtime.call_and_wait(to, Message::encoded(encode(Atom("count"))), seconds(60));
  }
  if (!count) throw std::runtime_error(count.error().message);
  if (*decode<std::size_t>(*count) != work.count) throw std::runtime_error("messages were lost");
}

Results measure(Node& from, const NodeName& to, const std::vector<Work>& plan) {
  Results results;
  const NamedProcess echo{Atom("echo"), to};
  await_server(from.runtime(), echo);
  for (const Work& work : plan) {
    const auto since = Clock::now();
    const double cpu = cpu_us();
    if (work.callers == 0) {
      one_way(from.runtime(), echo, work);
    } else {
      Calls(from.runtime(), echo, work).run();
    }
    results[work.name] = {std::chrono::duration<double, std::micro>(Clock::now() - since).count(),
                          cpu_us() - cpu};
  }
  return results;
}

/// An Erlang node; ended with the object.
class Erlang {
 public:
  Erlang(const std::string& name, const std::string& eval, const std::string& folder, bool tls)
      : stream_(::popen(
            fmt::format("exec erl -noinput -name {} -setcookie bench {} -kernel "
                        "inet_dist_use_interface '{{127,0,0,1}}' -pa {} -eval \"{}.\"",
                        name, tls ? "-proto_dist inet_tls -ssl_dist_optfile " + folder + "/dist.conf" : "",
                        folder, eval)
                .c_str(),
            "r")) {}
  ~Erlang() {
    if (stream_ != nullptr) ::pclose(stream_);
  }
  Erlang(const Erlang&) = delete;
  Erlang& operator=(const Erlang&) = delete;
  Results read() {
    Results results;
    char name[64];
    Measured measured;
    while (std::fscanf(stream_, "%63s %lf %lf", name, &measured.wall_us, &measured.cpu_us) == 3)
      results[name] = measured;
    return results;
  }

 private:
  std::FILE* stream_;
};

std::string erlang_plan(const std::vector<Work>& plan) {
  std::string out;
  for (const Work& work : plan) {
    out += fmt::format("{}{{{},{{{},{},{}}}}}", out.empty() ? "" : ",", work.name,
                       work.callers == 0 ? "one_way" : "calls", work.callers == 0 ? work.bytes : work.callers,
                       work.count);
  }
  return "[" + out + "]";
}

std::string cell(const Results& results, const Work& work, bool cpu) {
  const auto found = results.find(work.name);
  if (found == results.end()) return "-";
  if (cpu) return fmt::format("{:.2f}", found->second.cpu_us / double(work.count));
  if (work.callers == 1) return fmt::format("{:.1f} us", found->second.wall_us / double(work.count));
  if (work.bytes >= 1 << 20)
    return fmt::format("{:.0f} MB/s", double(work.bytes * work.count) / found->second.wall_us);
  return fmt::format("{:.0f}/s", double(work.count) * 1e6 / found->second.wall_us);
}

std::string ratio(const Results& ours, const Results& theirs, const Work& work) {
  const auto a = ours.find(work.name);
  const auto b = theirs.find(work.name);
  if (a == ours.end() || b == theirs.end()) return "-";
  return fmt::format("{:.2f}", b->second.wall_us / a->second.wall_us);
}

/// A CA and one certificate for all, made in the folder; OTP's options are in dist.conf there.
TlsOptions make_certificate(const std::string& folder) {
  const std::string request = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=";
  const std::string command = fmt::format(
      "exec 2> /dev/null; cd {0} && {1}ca -x509 -days 2 -keyout ca.key -out ca && "
      "{1}bench -keyout key -out request && echo subjectAltName=IP:127.0.0.1,DNS:127.0.0.1 > names && "
      "openssl x509 -req -in request -CA ca -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert "
      "&& "
      "chmod 400 key",
      folder, request);
  if (std::system(command.c_str()) != 0) throw std::runtime_error("the openssl program made no certificate");
  TlsOptions files{.cert_file = folder + "/cert", .key_file = folder + "/key", .ca_file = folder + "/ca"};
  const std::string common = fmt::format(
      "{{certfile,\"{}\"}},{{keyfile,\"{}\"}},{{cacertfile,\"{}\"}},{{verify,verify_peer}},"
      "{{versions,['tlsv1.3']}}",
      files.cert_file, files.key_file, files.ca_file);
  std::FILE* out = std::fopen((folder + "/dist.conf").c_str(), "w");
  if (out == nullptr) throw std::runtime_error("cannot write to " + folder);
  fmt::print(out, "[{{server,[{0},{{fail_if_no_peer_cert,true}}]}},{{client,[{0}]}}].\n", common);
  std::fclose(out);
  return files;
}

struct Options {
  bool quick = false;
  bool tls = false;
  bool alone = false;
  std::vector<std::string> names;
};

void run(const Options& options, const std::string& erlang_folder) {
  std::optional<TlsOptions> tls;
  if (options.tls) tls = make_certificate(erlang_folder);
  const std::size_t scale = options.quick ? 10 : 1;
  std::vector<Work> plan{
      {.name = "call_1", .callers = 1, .count = 20'000 / scale},
      {.name = "call_64", .callers = 64, .count = 192'000 / scale / 64 * 64},
      {.name = "call_256", .callers = 256, .count = 256'000 / scale / 256 * 256},
      {.name = "one_way_64B", .bytes = 64, .count = 1'000'000 / scale},
      {.name = "one_way_4KiB", .bytes = 4096, .count = 200'000 / scale},
      {.name = "one_way_1MiB", .bytes = 1 << 20, .count = 500 / scale},
  };
  if (!options.names.empty()) {
    std::erase_if(plan, [&](const Work& work) {
      return std::find(options.names.begin(), options.names.end(), work.name) == options.names.end();
    });
  }
  std::uint16_t epmd_port = 4369;
  if (const char* port = std::getenv("ERL_EPMD_PORT"))
    epmd_port = static_cast<std::uint16_t>(std::atoi(port));
  (void)node::epmd::start_epmd("127.0.0.1");

  const double floor_us = bench::tcp_round_trip_us(150, 20'000 / scale);
  Node a("bench_a@127.0.0.1", epmd_port, tls);
  Results cpp;
  {
    Node b("bench_b@127.0.0.1", epmd_port, tls);
    cpp = measure(a, b.name(), plan);
  }
  Results mixed;
  Results otp;
  const std::string compile =
      fmt::format("cd {} && erlc {}/bench/node_bench.erl", erlang_folder, BROOD_SOURCE);
  if (!options.alone && std::system(compile.c_str()) == 0) {
    const NodeName server("bench_otp@127.0.0.1");
    const Erlang theirs(server.text(), "node_bench:server()", erlang_folder, options.tls);
    mixed = measure(a, server, plan);
    Erlang client("bench_client@127.0.0.1",
                  fmt::format("node_bench:client('{}',{})", server.text(), erlang_plan(plan)), erlang_folder,
                  options.tls);
    otp = client.read();
    (void)a.runtime().send_named({Atom("init"), server},
                                 encode_term(Term::tuple({Term::atom("stop"), Term::atom("stop")})));
  }
  fmt::print("{:<14}{:>15}{:>15}{:>15}{:>9}{:>13}{:>13}\n", "", "C++ to C++", "C++ to OTP", "OTP to OTP",
             "ratio", "C++ cpu us", "OTP cpu us");
  for (const Work& work : plan) {
    fmt::print("{:<14}{:>15}{:>15}{:>15}{:>9}{:>13}{:>13}\n", work.name, cell(cpp, work, false),
               cell(mixed, work, false), cell(otp, work, false), ratio(cpp, otp, work), cell(cpp, work, true),
               cell(otp, work, true));
  }
  if (!cpp.contains("call_1")) return;
  const double call_us = cpp["call_1"].wall_us / double(plan.front().count);
  fmt::print("raw TCP round trip {:.1f} us; a call of ours takes {:.2f} times that\n", floor_us,
             call_us / floor_us);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") options.quick = true;
    if (argument == "--alone") options.alone = true;
    if (argument == "--tls") options.tls = true;
    if (argument[0] != '-') options.names.push_back(argument);
  }
  char folder[] = "/tmp/brood_bench_XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 1;
  run(options, folder);
  return std::system(fmt::format("rm -rf {}", folder).c_str()) == 0 ? 0 : 1;
}

// Probe: one question to a program, whether it is well: a connection to a port, a request for a page, a
// command.
//
// Thread rule: one io_context's thread (the launcher's, for commands); `done` runs there, never inside the
// constructor, and not after the object is gone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <brood/program_options.hpp>
#include <functional>
#include <memory>
#include <string>

#include "exec/launcher/launcher.hpp"

namespace brood::exec {

struct ProbeAnswer {
  bool good = false;
  std::string words;  ///< Why not: "http://127.0.0.1:8080/healthz: 503 Service Unavailable".
};

class Probe {
 public:
  using Done = std::function<void(ProbeAnswer)>;

  /// `command`: the program's, from which a check by command has its user, environment and folder.
  Probe(boost::asio::io_context& io, Launcher& launcher, const HealthCheck& check, const Command& command,
        const std::string& log_name, Done done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  class Connection;
  class Run;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Run> run_;
};

}  // namespace brood::exec

// Resolver: host names to addresses, many at once. A name server that does not answer holds a look-up for ten
// seconds or more, so each host has a thread of its own while it is looked up, up to a bound, each question a
// time-out of its own, and what was found is remembered for a moment. Who asks for a host that is being
// looked up waits for the same answer.
//
// Threads end when they have nothing to do. One that the system's resolver holds is not waited for: it owns
// what it uses.
//
// Thread rule: any thread; answers come on the io_context that was given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <brood/result.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace brood::node {

using Addresses = std::vector<boost::asio::ip::address>;

struct ResolverOptions {
  /// Asks the system; blocks.
  std::function<Result<Addresses>(const std::string& host)> look_up;
  std::chrono::milliseconds timeout{5000};
  std::chrono::milliseconds found_for{2000};  ///< How long an answer serves again.
  std::chrono::milliseconds failed_for{500};  ///< How long a failure does.
  unsigned threads_max = 16;                  ///< So many hosts at once; others wait for their turn.
};

class Resolver {
 public:
  explicit Resolver(ResolverOptions options);

  /// `done` runs once, unless the io_context ends before. unreachable: the host does not resolve, or not in
  /// time.
  void resolve(boost::asio::io_context& io, const std::string& host,
               std::function<void(Result<Addresses>)> done);
  /// Hosts that something is remembered of, or that are being looked up.
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace brood::node

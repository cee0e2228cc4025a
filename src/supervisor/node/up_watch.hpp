// UpWatch: when this node is up, that is when each of its supervisors has found its cluster or formed one; or
// that it will not be, because a seed refuses it (another cookie, a certificate that it does not trust).
//
// A refusal counts only while no brood node has let this one in: with two seeds, one of which has a wrong
// cookie, the other decides. So it waits a moment before it is told.
//
// Thread rule: any thread. Whoever waits is told on the thread that brought the news, or on the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <brood/result.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace brood::supervisor {

class UpWatch {
 public:
  using Told = std::function<void(Result<void>)>;

  /// `grace`: how long after a refusal another node may still let this one in, and the seed be tried once
  /// more (core::Settings::reconnect_every). Too small: one wrong seed among good ones ends the node. Too
  /// large: a refused node forms a cluster of its own before it is told.
  explicit UpWatch(boost::asio::io_context& io,
                   std::chrono::milliseconds grace = std::chrono::milliseconds(1500));
  ~UpWatch();
  UpWatch(const UpWatch&) = delete;
  UpWatch& operator=(const UpWatch&) = delete;

  void begins(const std::string& supervisor);
  /// It is up, or has ended: nothing to wait for.
  void settled(const std::string& supervisor);
  /// It will never be up: the other nodes refuse it, for its settings.
  void stays_out(const std::string& supervisor, Error why);
  /// One at least is no such.
  [[nodiscard]] bool some_are_in() const;
  void let_in();
  void refused(const std::string& seed, Error why);
  /// That seed could not be reached: what looked like its refusal was its end.
  void gone(const std::string& seed);
  /// No timer runs any more.
  void stop();

  /// Runs once, when all supervisors that have begun are settled or stay out, at once if they are: with
  /// success, or with why the first of them stays out. With what refused() was given, where that counts.
  /// Dropped where stop() comes first.
  void when_up(Told told);
  /// Those that are not.
  [[nodiscard]] std::vector<std::string> waits_for() const;

 private:
  void tell(std::unique_lock<std::mutex> lock);

  const std::chrono::milliseconds grace_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  boost::asio::steady_timer timer_;
  std::map<std::string, bool> settled_;  ///< By supervisor.
  std::map<std::string, Error> out_;     ///< Of these, those that stay out.
  bool let_in_ = false;
  bool stopped_ = false;
  std::string refused_by_;  ///< Empty: by nobody.
  Error refusal_;
  bool refusal_counts_ = false;  ///< The grace is over.
  std::vector<Told> waiting_;
};

}  // namespace brood::supervisor

// Api: one brood node that answers requests. The commands are written against it; Client is the real one.
//
// One thread.
#pragma once

#include <brood/term.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "apps/brood/cli/outcome.hpp"

namespace brood::app {

class Api {
 public:
  virtual ~Api() = default;
  /// gen_server:call({brood, Node}, request). The answer as it came: {error, ..} is no Trouble here, see
  /// checked(). Troubles: the node was lost, is no brood node, or did not answer in time.
  virtual Outcome<Term> request(const Term& request, std::chrono::milliseconds timeout) = 0;
  /// The same; until the answer is there `meanwhile` runs about twice a second, and may ask too.
  virtual Outcome<Term> request_while(const Term& request, std::chrono::milliseconds timeout,
                                      const std::function<void()>& meanwhile) = 0;
  /// Leaves the node and reaches the first of those it was told, which may be the same: for what looks on.
  /// Troubles: as of reaching it the first time.
  virtual Outcome<void> reach_again() = 0;
  [[nodiscard]] virtual const std::string& node() const = 0;  ///< The one that was reached last.
};

/// `ok` and `{ok, Value}` as themselves and Value; an `{error, Reason}` as the Trouble it is.
[[nodiscard]] Outcome<Term> checked(Term answer);
/// The same, of a request just made.
[[nodiscard]] Outcome<Term> ask(Api& api, const Term& request, std::chrono::milliseconds timeout);
/// What an error's Reason means to a user.
[[nodiscard]] Trouble trouble_of(const Term& reason);

}  // namespace brood::app

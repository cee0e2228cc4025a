// Result<T>: what an operation that can fail returns, and Errc: every way it can fail.
//
// A Result must be looked at ([[nodiscard]]); taking the value of a failed one is a bug of the caller and
// ends the program with the error's words: value() with the file and line that asked for it, `*` and `->`,
// which C++ lets take no further argument, with the addresses of the functions that did (addr2line(1) names
// their lines). Exceptions do not cross brood's API.
#pragma once

#include <brood/encoded_term.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Every kind of failure. "raised when; the caller should".
enum class Errc : std::uint8_t {
  invalid_argument,    ///< An argument, spec or option is not allowed; correct it, the message names it.
  timeout,             ///< No answer within the given time; it may still happen: ask before repeating.
  no_such_child,       ///< No child of that id in the cluster; start it, or check the id.
  already_started,     ///< A child of that id runs; `Error::detail` has its pid. Use that one.
  conflict,            ///< A child of that id runs with another spec; stop it first, or `brood apply`.
  no_such_worker,      ///< No member knows that worker name; register it, or load its library.
  no_such_supervisor,  ///< No supervisor of that name on this node; check the name.
  already_exists,      ///< A supervisor, worker or name of that kind is already registered here.
  start_failed,    ///< The child could not start, now or for so long that it is `failed` and not tried any
                   ///< more; the message has the reason. Correct it; a failed one then needs `retry`.
  stopped,         ///< A stop met this start and won, or the node or supervisor has ended.
  died,            ///< The child died during the call; it may have handled the message.
  node_lost,       ///< The node was lost during the call; it may have handled the message.
  unreachable,     ///< No connection to that node; check that it runs, its name and the network.
  refused,         ///< The peer refused us (cookie, version, settings); the message has its words.
  name_taken,      ///< Another live node or process has that name; choose another.
  not_member,      ///< That node is unknown, down or not a member of this supervisor.
  no_target,       ///< No `up` member could take the child; add a node, or stop the child.
  mailbox_full,    ///< The mailbox is at its limit; slow down and try again.
  limit_exceeded,  ///< A size limit would be exceeded; the message names the limit.
  malformed,       ///< Bytes are not a valid term or message.
  type_mismatch,   ///< A term does not fit the C++ type asked for; the message shows the term.
  not_allowed,     ///< Commands over the network are not allowed there; see `exec_allow`.
  partitioned,     ///< This part of the cluster has no quorum and may not act; wait, or ask a node of the
                   ///< other side. The message says who is missing and what is needed.
  busy,            ///< The channel, node or child has too much in flight from this caller or in all; nothing
                   ///< was done, try again later.
  deadlock,        ///< Handlers would wait for each other in a circle; use a cast, or answer later.
  io,              ///< The operating system refused something; the message has its words.
  cancelled,       ///< The future was cancelled; what was asked for may still happen.
};

/// The code's name in snake case, as it is shown to users and sent to Erlang ("no_such_child").
[[nodiscard]] std::string_view to_string(Errc code) noexcept;
/// The code of that name.
[[nodiscard]] std::optional<Errc> errc_from_string(std::string_view name) noexcept;

/// A failure: its kind, what happened to what and what to do next, in words.
struct Error {
  Errc code = Errc::invalid_argument;
  std::string message;
  /// What goes with it; empty if nothing: the pid for already_started, the exit reason for died and
  /// start_failed.
  EncodedTerm detail = {};

  friend bool operator==(const Error&, const Error&) = default;
};

namespace detail {
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line) noexcept;
/// `file` null: the addresses of who asks are told instead.
[[noreturn]] void result_access_failed(const Error& error, const char* file = nullptr, int line = 0) noexcept;
}  // namespace detail

/// The value of a T, or an Error.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}  // NOLINT: implicit on purpose
  Result(Errc code, std::string message) : Result(Error{code, std::move(message)}) {}

  /// The value; it is a bug to ask a failed Result for it.
  decltype(auto) operator*() & { return checked(), Base::operator*(); }
  decltype(auto) operator*() const& { return checked(), Base::operator*(); }
  /// By value, so that what is taken from a temporary lives on: `for (auto& d : *bank.call<...>(...).get())`.
  T operator*() && { return checked(), std::move(*this).Base::operator*(); }
  auto operator->() { return checked(), Base::operator->(); }
  auto operator->() const { return checked(), Base::operator->(); }
  /// The same; of a failed one the end of the program names the place that asks, which the compiler gives.
  /// Unlike that of tl::expected it throws nothing.
  decltype(auto) value(const char* file = __builtin_FILE(), int line = __builtin_LINE()) & {
    return checked(file, line), Base::operator*();
  }
  decltype(auto) value(const char* file = __builtin_FILE(), int line = __builtin_LINE()) const& {
    return checked(file, line), Base::operator*();
  }
  T value(const char* file = __builtin_FILE(), int line = __builtin_LINE()) && {
    return checked(file, line), std::move(*this).Base::operator*();
  }

 private:
  void checked(const char* file = nullptr, int line = 0) const {
    if (!this->has_value()) detail::result_access_failed(this->error(), file, line);
  }
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
  using Base = tl::expected<void, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}  // NOLINT: implicit on purpose
  Result(Errc code, std::string message) : Result(Error{code, std::move(message)}) {}

  void value(const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    if (!has_value()) detail::result_access_failed(error(), file, line);
  }
};

}  // namespace brood::inline v0

#pragma GCC visibility pop

/// Refuses to go on when an invariant of our own code is broken. On in every build. Never for input.
#define BROOD_CHECK(condition, why) \
  ((condition) ? void(0) : ::brood::detail::check_failed(#condition, why, __FILE__, __LINE__))

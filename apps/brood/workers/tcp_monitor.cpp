#include "apps/brood/workers/tcp_monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "process/log/log.hpp"

namespace brood::app::builtin {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t hour_ms = 60 * 60 * 1000;

Error bad(std::string_view key, std::string_view allowed) {
  return {Errc::invalid_argument, fmt::format("tcp_monitor: {}: allowed: {}", key, allowed)};
}

Result<milliseconds> time_of(const Term& argument, std::string_view key, milliseconds otherwise) {
  const auto* value = argument.get(key);
  if (value == nullptr) return otherwise;
  const auto* ms = value->as_integer();
  if (ms == nullptr || *ms < 1 || *ms > hour_ms) return bad(key, "milliseconds from 1 to 3600000");
  return milliseconds(*ms);
}

Result<void> check_keys(const Term& argument) {
  static constexpr std::array<std::string_view, 4> known{"host", "port", "every_ms", "timeout_ms"};
  for (const auto& [key, value] : *argument.as_map()) {
    const auto* atom = key.as_atom();
    if (atom == nullptr || std::find(known.begin(), known.end(), atom->name) == known.end()) {
      return bad(to_string(key), "the keys host, port, every_ms, timeout_ms");
    }
  }
  return {};
}

}  // namespace

Result<MonitorOptions> monitor_options(const Term& argument) {
  if (argument.as_map() == nullptr)
    return bad("argument", "one map, #{host => <<\"127.0.0.1\">>, port => 80}");
  if (auto keys = check_keys(argument); !keys) return keys.error();
  MonitorOptions out;
  const auto* host = argument.get("host");
  out.host = host == nullptr ? "" : host->text().value_or("");
  if (out.host.empty()) return bad("host", "the name or address of a host");
  const auto* port = argument.get("port");
  const auto* number = port == nullptr ? nullptr : port->as_integer();
  if (number == nullptr || *number < 1 || *number > 65535) return bad("port", "a number from 1 to 65535");
  out.port = static_cast<std::uint16_t>(*number);
  const auto every = time_of(argument, "every_ms", out.every);
  const auto timeout = time_of(argument, "timeout_ms", out.timeout);
  if (!every) return every.error();
  if (!timeout) return timeout.error();
  out.every = *every;
  out.timeout = *timeout;
  return out;
}

TcpMonitor::TcpMonitor(const Term& argument) : post_(context().poster()) {
  auto options = monitor_options(argument);
  if (!options) throw std::invalid_argument(options.error().message);
  options_ = std::move(*options);
  check();
}

Term TcpMonitor::on(status) const {
  return Term::map({{Term::atom("up"), Term(up_)},
                    {Term::atom("checks"), Term(checks_)},
                    {Term::atom("failures"), Term(failures_)},
                    {Term::atom("last_ms"), Term(static_cast<double>(last_took_.count()) / 1000)},
                    {Term::atom("last_error"), Term::binary(last_error_)},
                    {Term::atom("host"), Term::binary(options_.host)},
                    {Term::atom("port"), Term(std::int64_t{options_.port})}});
}

void TcpMonitor::info(const Term& message) {
  if (message.is_atom("tick")) check();
}

void TcpMonitor::check() {
  began_ = std::chrono::steady_clock::now();
  // post_ drops the answer when this process has ended, so `this` is alive where it is used.
  prober_->probe(options_.host, options_.port, options_.timeout, [this, post = post_](ProbeResult result) {
    post([this, result = std::move(result)] { finished(result); });
  });
}

void TcpMonitor::finished(const ProbeResult& result) {
  ++checks_;
  const bool up = result.error.empty();
  if (!up) ++failures_;
  const auto where = fmt::format("{}:{}", options_.host, options_.port);
  if (up && !up_) log::info("tcp_monitor: {} is up", where);
  if (!up && up_) log::warn("tcp_monitor: {} is down: {}", where, result.error);
  up_ = up;
  last_took_ = result.took;
  last_error_ = result.error;
  // The next check begins every_ms after this one began, never before this one ended.
  const auto used = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_);
  const auto rest = std::max(milliseconds(1), options_.every - used);
  context().send_after(rest, Message::encoded(encode_term(Term::atom("tick"))));
}

}  // namespace brood::app::builtin

#include "supervisor/requests/start_options.hpp"

#include <fmt/format.h>

#include "supervisor/driver/specs.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

const std::vector<std::string_view> StartAsked::names{"node",           "timeout",        "await_timeout",
                                                      "on_failure",     "child_mapping",  "metadata",
                                                      "check_existing", "disable_logging"};

namespace {

Result<bool> boolean_option(const Term& options, std::string_view name) {
  const Term* value = options.get(name);
  if (!value || value->is_atom("false")) return false;
  if (value->is_atom("true")) return true;
  return Error{Errc::invalid_argument, fmt::format("option {}: must be true or false", name)};
}

}  // namespace

Result<StartAsked> StartAsked::read(const Term& options, milliseconds fallback) {
  StartAsked asked;
  auto on = node_option(options);
  auto timeout = timeout_option(options, fallback);
  auto await_timeout = timeout_option(options, milliseconds::max(), "await_timeout");
  auto mapping = ChildMapping::read(options);
  auto existing = boolean_option(options, "check_existing");
  auto quiet = boolean_option(options, "disable_logging");
  if (!on) return on.error();
  if (!timeout) return timeout.error();
  if (!await_timeout) return await_timeout.error();
  if (!mapping) return mapping.error();
  if (!existing) return existing.error();
  if (!quiet) return quiet.error();
  if (const Term* on_failure = options.get("on_failure")) {
    if (!on_failure->is_atom("continue") && !on_failure->is_atom("rollback"))
      return Error{Errc::invalid_argument, "option on_failure: must be continue or rollback"};
    asked.order.rolls_back = on_failure->is_atom("rollback");
  }
  if (const Term* metadata = options.get("metadata")) {
    if (!metadata->as_map()) return Error{Errc::invalid_argument, "option metadata: must be a map"};
    asked.metadata = *metadata;
  }
  asked.order.on = *on;
  asked.order.timeout = *timeout;
  asked.order.await_timeout = *await_timeout;
  asked.order.quiet = *quiet;
  asked.mapping = std::move(*mapping);
  asked.check_existing = *existing;
  return asked;
}

Result<core::NamedSpec> StartAsked::apply(const core::NamedSpec& child) const {
  auto made = with_defaults(child.spec, metadata);
  if (made) made = mapping.apply(child.id, *made);
  return named(child.id, std::move(made));
}

}  // namespace brood::supervisor

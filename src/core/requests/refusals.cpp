#include "core/requests/refusals.hpp"

#include <fmt/format.h>

namespace brood::core {
namespace {

constexpr std::size_t names_max = 12;

template <typename Names>
std::string some_of(const Names& names) {
  std::string out;
  std::size_t count = 0;
  for (const auto& name : names) {
    if (++count > names_max) return out + fmt::format(" and {} more", names.size() - names_max);
    out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

}  // namespace

Error no_such_child(const Settings& settings, const ChildId& id) {
  return {Errc::no_such_child,
          fmt::format("no child '{}' in supervisor '{}'", id.text(), settings.supervisor)};
}

Error runs_already(const ChildId& id) {
  return {Errc::already_started, fmt::format("a child '{}' runs already", id.text())};
}

Error conflict(const ChildId& id) {
  return {
      Errc::conflict,
      fmt::format("a child '{}' is there with another spec; stop it first, or change it with `brood apply`",
                  id.text())};
}

Error not_up(const NodeName& node, const Placement& placement) {
  std::vector<std::string> names;
  for (const Placement::Node& each : placement.nodes()) names.push_back(each.name.text());
  return {Errc::not_member,
          fmt::format("{} is no member that is up; those are {}", node.text(), some_of(names))};
}

Error unknown_worker(const Spec& spec, const Placement& placement) {
  std::set<std::string> known;
  for (const Placement::Node& node : placement.nodes())
    for (const std::string& offer : node.offers.names())
      if (!offer.starts_with("exec:") && offer != "supervisor") known.insert(offer);  // which all know
  return {
      Errc::no_such_worker,
      fmt::format("no member knows {}; {}; register it, or load its library (worker_libs), on a "
                  "node that runs the supervisor",
                  spec.needed_workers(), known.empty() ? "none is known" : "known are " + some_of(known))};
}

bool refuses(const Error& error) {
  switch (error.code) {
    case Errc::no_target:
    case Errc::no_such_worker:
    case Errc::not_allowed:
    case Errc::not_member:
    case Errc::limit_exceeded:
      return true;
    default:
      return false;
  }
}

bool did_nothing(const Error& error) {
  return refuses(error) || error.code == Errc::already_started || error.code == Errc::conflict ||
         error.code == Errc::no_such_child;
}

}  // namespace brood::core

#include "core/base/events.hpp"

namespace brood::core {
namespace {

struct Name {
  std::string_view operator()(const Boot&) const { return "boot"; }
  std::string_view operator()(const Tick&) const { return "tick"; }
  std::string_view operator()(const PeerUp&) const { return "peer_up"; }
  std::string_view operator()(const PeerDown&) const { return "peer_down"; }
  std::string_view operator()(const ConnectFailed&) const { return "connect_failed"; }
  std::string_view operator()(const PeerMessage&) const { return "peer_message"; }
  std::string_view operator()(const Started&) const { return "started"; }
  std::string_view operator()(const StartFailed&) const { return "start_failed"; }
  std::string_view operator()(const Exited&) const { return "crash"; }
  std::string_view operator()(const RoleTaken&) const { return "role_taken"; }
  std::string_view operator()(const StuckChanged&) const { return "stuck"; }
  std::string_view operator()(const HealthChanged&) const { return "health"; }
  std::string_view operator()(const Crashing&) const { return "crashing"; }
  std::string_view operator()(const ClientStart&) const { return "client_start"; }
  std::string_view operator()(const ClientStop&) const { return "client_stop"; }
  std::string_view operator()(const ClientRetry&) const { return "client_retry"; }
  std::string_view operator()(const ClientLookup&) const { return "client_lookup"; }
  std::string_view operator()(const ClientGone&) const { return "client_gone"; }
  std::string_view operator()(const ClientDrain&) const { return "drain"; }
  std::string_view operator()(const ClientRoster&) const { return "roster"; }
  std::string_view operator()(const SettingsChanged&) const { return "settings"; }
  std::string_view operator()(const Renamed&) const { return "renamed"; }
  std::string_view operator()(const ClientReset&) const { return "reset"; }
  std::string_view operator()(const ClientMove&) const { return "client_move"; }
  std::string_view operator()(const ClientForget&) const { return "forget"; }
  std::string_view operator()(const LoadMeasured&) const { return "load"; }
  std::string_view operator()(const Frozen&) const { return "frozen"; }
  std::string_view operator()(const FreezeFailed&) const { return "freeze_failed"; }
  std::string_view operator()(const StateSaved&) const { return "state_saved"; }
  std::string_view operator()(const Prepared&) const { return "prepared"; }
  std::string_view operator()(const PrepareFailed&) const { return "prepare_failed"; }
};

}  // namespace

Event::Event() = default;
Event::Event(const Event&) = default;
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(const Event& other) {
  return *this = Event(other);
}
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

std::string_view name_of(const Event& event) {
  return std::visit(Name{}, event);
}

}  // namespace brood::core

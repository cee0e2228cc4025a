#include "sim/describe.hpp"

#include <fmt/format.h>

namespace brood::sim {
namespace {

std::string_view how_of(const core::Followed& followed) {
  using How = core::Followed::How;
  return followed.how == How::held ? "" : followed.how == How::unheld ? " by nobody" : " given up";
}

using namespace core;  // NOLINT(google-build-using-namespace): nearly all of it is printed here

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

bool wanted(const ChildId& id, std::string_view filter) {
  return filter.empty() || id.bytes() == filter;
}

std::string describe_dot(const Dot& dot) {
  return fmt::format("{}/{}:{}", dot.node.text(), dot.creation, dot.sequence);
}

std::string describe_row(const SpecRow& row) {
  std::string out = fmt::format("{} {}", describe_dot(row.dot), row.wanted ? "wanted" : "unwanted");
  if (row.held) out += " held";
  if (row.assigned)
    out += fmt::format(" given to {} by {} after {}", row.assigned->node.text(), row.assigned->decider.text(),
                       describe(row.assigned->after));
  if (row.trouble->failed) out += " failed";
  if (row.trouble->blame.nodes() != 0)
    out += fmt::format(" blamed for {} and suspected of {}", row.trouble->blame.proven,
                       row.trouble->blame.suspected);
  for (const NodeName& node : row.trouble->avoid) out += " avoid=" + node.text();
  if (row.start_on) out += " on=" + row.start_on->text();
  return out;
}

std::string describe_instance(const std::optional<Instance>& instance) {
  if (!instance) return "gone";
  const bool is_active = instance->role == Role::active;
  return fmt::format("{}{}{} {} pid={}.{}", to_string(instance->phase), is_active ? "" : " ",
                     is_active ? "" : to_string(instance->role), describe(instance->epoch), instance->pid.id,
                     instance->pid.serial);
}

std::string describe_member(const Member& member) {
  return fmt::format("{} {} v{}", describe(member.session), to_string(member.state), member.version);
}

template <typename Id, typename List, typename Text>
void append_some(std::string& out, const List& list, std::string_view filter, Id id_of, Text text_of) {
  for (const auto& item : list)
    if (wanted(id_of(item), filter)) out += fmt::format(" [{} {}]", id_of(item).text(), text_of(item));
}

std::string describe_delta(const Delta& delta, std::string_view id) {
  std::string out = fmt::format("Delta #{}", delta.number);
  const std::size_t bare = out.size();
  append_some(
      out, delta.specs, id, [](const SpecChange& change) { return change.id; },
      [](const SpecChange& change) {
        std::string text = change.row ? describe_row(*change.row) : "removed by " + describe_dot(change.dot);
        for (const Dot& dot : change.replaces) text += " ends " + describe_dot(dot);
        return text;
      });
  append_some(
      out, delta.instances, id, [](const InstanceChange& change) { return change.id; },
      [](const InstanceChange& change) { return describe_instance(change.instance); });
  if (delta.member) out += " member " + describe_member(*delta.member);
  return id.empty() || out.size() > bare ? out : "";
}

std::string describe_sync(const Sync& sync, std::string_view id) {
  std::string out = fmt::format("Sync of {} [{}, {}){} next=#{} rows={} same={} instances={}",
                                describe(sync.sender), sync.first, sync.end, sync.last ? " last" : "",
                                sync.next_delta, sync.rows.size(), sync.same.size(), sync.instances.size());
  for (const auto& [row_id, row] : sync.rows)
    if (!id.empty() && wanted(row_id, id)) out += fmt::format(" [{} {}]", row_id.text(), describe_row(row));
  for (const auto& change : sync.instances)
    if (!id.empty() && wanted(change.id, id)) out += fmt::format(" [{}]", describe_instance(change.instance));
  return out;
}

template <typename Ids>
std::string describe_ids(std::string_view verb, const Ids& ids, std::string_view filter) {
  std::string out;
  for (const ChildId& id : ids)
    if (wanted(id, filter)) out += " " + id.text();
  return out.empty() ? out : std::string(verb) + out;
}

std::vector<ChildId> ids_of(const std::vector<NamedSpec>& specs) {
  std::vector<ChildId> out;
  out.reserve(specs.size());
  for (const NamedSpec& child : specs) out.push_back(child.id);
  return out;
}

std::string_view to_string(StartMode mode) {
  switch (mode) {
    case StartMode::start:
      return "start";
    case StartMode::ensure:
      return "ensure";
    case StartMode::apply:
      return "apply";
    case StartMode::restart:
      return "restart";
    case StartMode::change:
      return "change";
  }
  return "?";
}

std::string key_text(const RequestKey& key) {
  return fmt::format("{}#{}", key.node.text(), key.number);
}

std::string describe_answer(const Answer& answer, std::string_view id) {
  std::string out;
  for (const Outcome& outcome : answer.outcomes)
    if (wanted(outcome.id, id)) out += " " + describe(outcome);
  return out.empty() ? out : fmt::format("Answer {}{}", key_text(answer.request), out);
}

std::string describe_hello(const Hello& hello) {
  return fmt::format("Hello {} to {}{} digest={:x}", describe_member(hello.sender), describe(hello.receiver),
                     hello.receiver_is_down ? " DOWN" : "", hello.digest);
}

std::string describe_have(const Have& m) {
  std::string out = m.whole ? fmt::format("Have whole {}/{}", m.starter.node.text(), m.round) : "Have";
  for (const auto& [session, number] : m.held) out += fmt::format(" {}:{}", session.node.text(), number);
  return out;
}

template <typename T>
std::string about(const T& item, std::string_view verb, std::string_view filter, std::string_view rest = "") {
  if (!wanted(item.id, filter)) return "";
  return fmt::format("{} {} {}{}{}", verb, item.id.text(), describe(item.epoch), rest.empty() ? "" : " ",
                     rest);
}
}  // namespace

std::string describe(const SessionId& session) {
  return fmt::format("{}/{}.{}", session.node.text(), session.creation, session.session);
}
std::string describe(const Epoch& epoch) {
  return fmt::format("e{:x}@{}", epoch.clock.value, epoch.node.text());
}

std::string describe(const Outcome& outcome) {
  std::string out =
      fmt::format("{}={}", outcome.id.text(), outcome.error ? to_string(outcome.error->code) : "ok");
  if (outcome.error) out += fmt::format(" '{}'", outcome.error->message);
  if (outcome.host)
    out += fmt::format(" at {} pid={}.{}", describe(*outcome.host), outcome.pid.id, outcome.pid.serial);
  return out;
}

std::string describe_word(const HandoverWord& word, std::string_view id) {
  return std::visit(
      Overloaded{
          [&](const Offer& m) { return about(m, "Offer", id, fmt::format("#{}", m.attempt)); },
          [&](const OfferAnswer& m) {
            const std::string_view verdict = m.verdict == OfferVerdict::ready   ? "ready"
                                             : m.verdict == OfferVerdict::later ? "later"
                                             : m.verdict == OfferVerdict::seen  ? "seen"
                                                                                : "refused";
            return about(m, "OfferAnswer", id, fmt::format("#{} {} {}", m.attempt, verdict, m.why));
          },
          [&](const Commit& m) { return about(m, "Commit", id, fmt::format("#{}", m.attempt)); },
          [&](const Withdrawal& m) { return about(m, "Withdrawal", id, fmt::format("#{}", m.attempt)); },
      },
      word);
}

std::string describe_handovers(const Handovers& handovers, std::string_view id) {
  std::string all;
  for (const HandoverWord& word : handovers.words) {
    const std::string text = describe_word(word, id);
    if (!text.empty()) all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

std::string describe(const MessageBody& body, std::string_view id) {
  return std::visit(
      Overloaded{
          [&](const Hello& m) { return describe_hello(m); },
          [&](const Refusal& m) { return "Refusal " + m.why; },
          [&](const SyncRequest&) { return std::string("SyncRequest"); },
          [](const SyncAck& m) { return fmt::format("SyncAck {}", m.end); },
          [](const Behind&) { return std::string("Behind"); },
          [&](const Sync& m) { return describe_sync(m, id); },
          [&](const Delta& m) { return describe_delta(m, id); },
          [&](const DeltaAck& m) { return fmt::format("DeltaAck {}", m.number); },
          [&](const View& m) {
            return fmt::format("View {:x}{}{}", m.hash, m.asks != 0 ? fmt::format(" asks #{}", m.asks) : "",
                               m.answers != 0 ? fmt::format(" answers #{}", m.answers) : "");
          },
          [&](const Probe& m) { return fmt::format("Probe {}", m.nonce); },
          [&](const ProbeAck& m) {
            return fmt::format("ProbeAck {}{}", m.nonce, m.session_over ? " OVER" : "");
          },
          [&](const Obituary& m) { return about(m, "Obituary", id); },
          [&](const Goodbye&) { return std::string("Goodbye"); },
          [&](const StartRequest& m) {
            const std::string ids = describe_ids(to_string(m.mode), ids_of(m.specs), id);
            return ids.empty()
                       ? ids
                       : fmt::format("StartRequest {} {} fwd={}", key_text(m.request), ids, m.forwards);
          },
          [&](const StopRequest& m) {
            const std::string ids = describe_ids("stop", m.ids, id);
            return ids.empty()
                       ? ids
                       : fmt::format("StopRequest {} {} fwd={}", key_text(m.request), ids, m.forwards);
          },
          [&](const RetryRequest& m) {
            return wanted(m.id, id) ? fmt::format("RetryRequest {} {}", key_text(m.request), m.id.text())
                                    : "";
          },
          [&](const LookupRequest& m) {
            return wanted(m.id, id) ? fmt::format("LookupRequest {} {}", key_text(m.request), m.id.text())
                                    : "";
          },
          [&](const Answer& m) { return describe_answer(m, id); },
          [](const Through& m) { return fmt::format("Through {}", m.number); },
          [](const Taken& m) { return fmt::format("Taken {} number={}", m.count, m.number); },
          [](const Have& m) { return describe_have(m); },
          [](const Want& m) { return fmt::format("Want {} from {}", describe(m.origin), m.from); },
          [](const CensusNews& m) {
            return fmt::format("Census {}.{} of {}{}", m.now.version.resets, m.now.version.number, m.now.size,
                               m.before ? ", and the one before" : "");
          },
          [&](const Handovers& m) { return describe_handovers(m, id); },
          [&](const Follow& m) {
            return wanted(m.id, id) ? fmt::format("Follow {} of {} #{} after {}", m.id.text(),
                                                  describe(m.copy.token), m.copy.number, m.after)
                                    : "";
          },
          [&](const FollowAnswer& m) {
            const std::string_view verdict = m.verdict == FollowVerdict::held  ? "held"
                                             : m.verdict == FollowVerdict::gap ? "gap"
                                                                               : "stale";
            return wanted(m.id, id) ? fmt::format("FollowAnswer {} of {} #{} {}", m.id.text(),
                                                  describe(m.token), m.number, verdict)
                                    : "";
          },
          [&](const StateAsk& m) {
            return wanted(m.id, id)
                       ? fmt::format("StateAsk {} #{} fence {}", m.id.text(), m.attempt, describe(m.fence))
                       : "";
          },
          [&](const StateTell& m) {
            return wanted(m.id, id) ? fmt::format("StateTell {} #{}{}", m.id.text(), m.attempt,
                                                  m.newer ? " newer" : " nothing")
                                    : "";
          },
          [&](const MoveRequest& m) {
            return wanted(m.id, id) ? fmt::format("Move {} to {}", m.id.text(), m.to.text()) : "";
          },
          [](const LoadReport& m) { return fmt::format("Load {}", m.load.own_ppm.value_or(0)); },
      },
      body);
}

std::string describe(const Event& event, std::string_view id) {
  return std::visit(
      Overloaded{
          [](const Boot&) { return std::string("boot"); },
          [](const Tick&) { return std::string(); },
          [](const PeerUp& e) { return fmt::format("peer up {}/{}", e.node.text(), e.creation); },
          [](const PeerDown& e) {
            return fmt::format("peer down {}{}", e.node.text(), e.silent ? " silent" : "");
          },
          [](const ConnectFailed& e) {
            return fmt::format("connect failed {}{}", e.node.text(), e.proven_dead ? " dead" : "");
          },
          [&](const PeerMessage& e) {
            const std::string text = describe(e.body, id);
            return text.empty() ? text : fmt::format("from {}: {}", e.from.text(), text);
          },
          [&](const Started& e) {
            return about(e, "started", id, fmt::format("pid={}.{}", e.pid.id, e.pid.serial));
          },
          [&](const StartFailed& e) { return about(e, "start failed", id, e.reason); },
          [&](const Exited& e) { return about(e, "exited", id, e.reason); },
          [&](const RoleTaken& e) { return about(e, "role taken", id); },
          [&](const StuckChanged& e) { return about(e, "stuck", id, e.stuck ? "yes" : "no"); },
          [&](const HealthChanged& e) { return about(e, "health", id, std::string(to_string(e.health))); },
          [&](const Crashing& e) { return about(e, "crashing", id); },
          [&](const ClientStart& e) {
            const std::string ids = describe_ids(to_string(e.mode), ids_of(e.specs), id);
            return ids.empty() ? ids : fmt::format("client {} {}", e.client.value, ids);
          },
          [&](const ClientStop& e) {
            const std::string ids = describe_ids("stop", e.ids, id);
            return ids.empty() ? ids : fmt::format("client {} {}", e.client.value, ids);
          },
          [&](const ClientRetry& e) {
            return wanted(e.id, id) ? fmt::format("client {} retry {}", e.client.value, e.id.text()) : "";
          },
          [&](const ClientLookup& e) {
            return wanted(e.id, id) ? fmt::format("client {} lookup {}", e.client.value, e.id.text()) : "";
          },
          [](const ClientGone& e) { return fmt::format("client {} gone", e.client.value); },
          [](const ClientDrain& e) {
            return fmt::format("client {} {}", e.client.value,
                               e.take_back ? "takes the drain back" : "drain");
          },
          [](const ClientRoster& e) {
            return fmt::format("client {} roster +{} -{}", e.client.value, e.add.size(), e.remove.size());
          },
          [](const SettingsChanged&) { return std::string("settings changed"); },
          [](const ClientReset& e) { return fmt::format("client {} reset to {}", e.client.value, e.size); },
          [&](const ClientMove& e) {
            return wanted(e.id, id)
                       ? fmt::format("client {} move {} to {}", e.client.value, e.id.text(), e.to.text())
                       : "";
          },
          [](const ClientForget& e) {
            return fmt::format("client {} forget {}", e.client.value, e.node.text());
          },
          [](const LoadMeasured& e) { return fmt::format("load {}", e.load.own_ppm.value_or(0)); },
          [](const Renamed& e) { return "renamed to " + e.self.text(); },
          [&](const Frozen& e) { return about(e, "frozen", id, fmt::format("#{}", e.attempt)); },
          [&](const FreezeFailed& e) { return about(e, "freeze failed", id, e.why); },
          [&](const StateSaved& e) { return about(e, "state saved", id, fmt::format("#{}", e.number)); },
          [&](const Prepared& e) { return about(e, "prepared", id, fmt::format("pid={}", e.pid.id)); },
          [&](const PrepareFailed& e) { return about(e, "prepare failed", id, e.why); },
      },
      event);
}

std::vector<std::string> describe(const Effects& effects, std::string_view id) {
  std::vector<std::string> out;
  const auto add = [&](std::string text) {
    if (!text.empty()) out.push_back(std::move(text));
  };
  if (effects.fence) add(*effects.fence ? "FENCE" : "UNFENCE");
  if (effects.lock) add(effects.lock->locked ? "LOCKED: " + effects.lock->words : "UNLOCKED");
  for (const SetRole& change : effects.roles) add(about(change, "set role", id, to_string(change.role)));
  for (const HandoverStep& step : effects.handovers)
    add(std::visit(
        Overloaded{[&](const Freeze& h) { return about(h, "freeze", id, fmt::format("#{}", h.attempt)); },
                   [&](const Thaw& h) { return about(h, "thaw", id); },
                   [&](const Prepare& h) {
                     return wanted(h.id, id) ? fmt::format("prepare {} {}", h.id.text(), describe(h.epoch))
                                             : "";
                   },
                   [&](const Open& h) { return about(h, "open", id); },
                   [&](const Discard& h) { return about(h, "discard", id); },
                   [&](const Depart& h) { return about(h, "depart", id, "to " + describe(h.host)); },
                   [&](const Followed& h) {
                     return about(h, "followed", id, fmt::format("#{}{}", h.number, how_of(h)));
                   }},
        step));
  for (const Start& start : effects.starts)
    if (wanted(start.id, id))
      add(fmt::format("start {} {}{} ({})", start.id.text(), describe(start.epoch),
                      start.role == Role::passive ? " passive" : "", start.cause.event));
  for (const Stop& stop : effects.stops) add(about(stop, "stop", id, fmt::format("({})", stop.cause.event)));
  for (const Send& send : effects.sends) {
    std::string text = describe(send.body, id);
    if (text.empty()) continue;
    std::string to;
    for (const NodeName& node : send.to) to += " " + node.text();
    add(fmt::format("to{}: {}", to, text));
  }
  for (const Connect& connect : effects.connects)
    add(fmt::format("connect {}{}", connect.node.text(), connect.last_known ? " last known" : ""));
  for (const Disconnect& disconnect : effects.disconnects) add("disconnect " + disconnect.node.text());
  for (const Reply& reply : effects.replies)
    for (const Outcome& outcome : reply.outcomes)
      if (wanted(outcome.id, id)) add(fmt::format("reply {} {}", reply.client.value, describe(outcome)));
  for (const MemberEvent& member : effects.members)
    add(fmt::format("member {} {} {}", describe(member.session), to_string(member.state), member.words));
  for (const LogLine& line : effects.log)
    if (id.empty() || line.level >= LogLevel::warning) add("log: " + line.text);
  if (effects.left) add("left");
  if (effects.refused) add("refused: " + *effects.refused);
  return out;
}

}  // namespace brood::sim

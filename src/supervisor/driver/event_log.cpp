#include "supervisor/driver/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "process/log/log.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

namespace {

constexpr int lines_a_second = 20;
constexpr int lines_a_minute = 6;
constexpr milliseconds second{1000};
constexpr milliseconds minute{60000};
/// Children that are known to have ended, and stops that are under way; beyond, only the bound for all holds,
/// and an end is told as if nobody had asked for it.
constexpr std::size_t known_max = 1024;
constexpr std::size_t hushed_max = 1'000'000;

constexpr std::array<std::string_view, 5> words{"started", "could not be started", "ended", "stopped",
                                                "asked for"};

template <typename T>
constexpr bool is_asked = std::is_same_v<T, core::ClientStart> || std::is_same_v<T, core::ClientStop> ||
                          std::is_same_v<T, core::ClientRetry> || std::is_same_v<T, core::ClientDrain> ||
                          std::is_same_v<T, core::ClientRoster>;

std::string first_of(const ChildId& id, std::size_t all) {
  return all == 1 ? id.text() : fmt::format("{} and {} more", id.text(), all - 1);
}

/// Empty: not worth a line.
std::string text_of(const core::ClientStart& event) {
  if (event.specs.empty() || event.mode == core::StartMode::start) return {};
  const char* what = event.mode == core::StartMode::apply || event.mode == core::StartMode::change ? "apply"
                     : event.mode == core::StartMode::restart ? "told to restart"
                                                              : "children of this node's file:";
  return fmt::format("{} {}", what, first_of(event.specs.front().id, event.specs.size()));
}
std::string text_of(const core::ClientStop& event) {
  return event.ids.empty() ? ""
                           : fmt::format("told to stop {}", first_of(event.ids.front(), event.ids.size()));
}
std::string text_of(const core::ClientRetry& event) {
  return fmt::format("told to try {} again", event.id.text());
}
std::string text_of(const core::ClientRoster& event) {
  const auto part = [](std::string_view word, const std::vector<NodeName>& nodes) {
    std::string text;
    for (const NodeName& node : nodes) text += (text.empty() ? "" : ", ") + node.text();
    return text.empty() ? text : fmt::format(" {} {}", word, text);
  };
  return "told to change who gets children:" + part("add", event.add) + part("remove", event.remove);
}
std::string text_of(const core::ClientDrain& event) {
  if (event.take_back) return "told to take its drain back";
  return event.for_good ? "drains, for this node ends" : "told to drain";
}

}  // namespace

void EventLog::see(const core::Event& event, Time now) {
  std::visit(
      [&](const auto& each) {
        using T = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<T, core::Started>) {
          on_started(each, now);
        } else if constexpr (std::is_same_v<T, core::Exited>) {
          on_exited(each, now);
        } else if constexpr (std::is_same_v<T, core::StartFailed>) {
          if (hushed_.contains(each.id)) return;
          say_of(note_end(each.id, now), failed, LogLevel::warning,
                 fmt::format("{} could not be started: {}", each.id.text(), each.reason), now);
        } else if constexpr (is_asked<T>) {
          if (const std::string text = text_of(each); !text.empty()) say(asked, LogLevel::info, text, now);
        }
      },
      event);
}

void EventLog::see(const core::Effects& effects) {
  for (const auto& stop : effects.stops) {
    if (stopping_.size() >= known_max) return;
    stopping_.try_emplace(stop.id, stop.cause.event);
  }
}

void EventLog::hush(const std::vector<ChildId>& ids, bool on) {
  for (const ChildId& id : ids) {
    if (!on) {
      hushed_.erase(id);
    } else if (hushed_.size() < hushed_max) {
      hushed_.insert(id);
    }
  }
}

void EventLog::on_started(const core::Started& event, Time now) {
  if (hushed_.contains(event.id)) return;
  Child* const child = find(event.id);
  if (!child && !has_room(now)) return say(started, LogLevel::info, {}, now);
  std::string text = fmt::format("{} started", event.id.text());
  if (event.os_pid != 0) text += fmt::format(" (process {})", event.os_pid);
  if (child)
    text +=
        fmt::format(", {:.2f} s after its end", std::chrono::duration<double>(now - child->ended).count());
  say_of(child, started, LogLevel::info, text, now);
}

void EventLog::on_exited(const core::Exited& event, Time now) {
  const auto stop = stopping_.empty() ? stopping_.end() : stopping_.find(event.id);
  if (stop != stopping_.end()) {
    const std::string_view cause = stop->second;
    stopping_.erase(stop);
    std::string why(cause);
    std::replace(why.begin(), why.end(), '_', ' ');
    if (why == "peer message") why = "by another node";
    return say(stopped, LogLevel::info,
               fmt::format("{} stopped ({}): {}", event.id.text(), why, event.reason), now);
  }
  say_of(note_end(event.id, now), ended, event.normal ? LogLevel::info : LogLevel::warning,
         fmt::format("{} ended: {}", event.id.text(), event.reason), now);
}

EventLog::Child* EventLog::find(const ChildId& id) {
  if (children_.empty()) return nullptr;
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : &found->second;
}

EventLog::Child* EventLog::note_end(const ChildId& id, Time now) {
  Child* child = find(id);
  if (!child) {
    if (children_.size() >= known_max) {
      std::erase_if(children_, [&](const auto& each) {
        return each.second.kept_back == 0 && now - each.second.ended >= minute;
      });
    }
    if (children_.size() >= known_max) return nullptr;
    child = &children_[id];
    child->since = now;
  }
  child->ended = now;
  return child;
}

void EventLog::say_of(Child* child, Kind kind, LogLevel level, const std::string& text, Time now) {
  if (!child) return say(kind, level, text, now);
  if (child->kept_back == 0 && now - child->since >= minute) {
    child->since = now;
    child->told = 0;
  }
  if (child->told < lines_a_minute) {
    ++child->told;
    return say(kind, level, text, now);
  }
  if (kind != started) {
    ++child->kept_back;
    child->last = text;
  }
  children_due_ = std::min(children_due_, child->since + minute);
}

bool EventLog::has_room(Time now) {
  if (now - second_ >= second) {
    on_time(now);
    second_ = now;
    told_ = 0;
  }
  return told_ < lines_a_second;
}

void EventLog::say(Kind kind, LogLevel level, const std::string& text, Time now) {
  if (!has_room(now)) {
    ++more_[kind];
    any_more_ = true;
    return;
  }
  ++told_;
  write_(level, text);
}

EventLog::Time EventLog::due() const {
  return any_more_ ? std::min(second_ + second, children_due_) : children_due_;
}

void EventLog::on_time(Time now) {
  if (any_more_ && now - second_ >= second) {
    std::string text;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      if (more_[kind] == 0) continue;
      text += fmt::format("{}{} more {}", text.empty() ? "" : ", ", more_[kind], words[kind]);
    }
    more_ = {};
    any_more_ = false;
    write_(LogLevel::info, text);
  }
  if (now < children_due_) return;
  children_due_ = Time::max();
  for (auto& [id, child] : children_) {
    if (now - child.since >= minute) {
      if (child.kept_back > 0) sum_up(id, child);
      child.since = now;
      child.told = 0;
    } else if (child.told >= lines_a_minute) {
      children_due_ = std::min(children_due_, child.since + minute);
    }
  }
}

void EventLog::sum_up(const ChildId& id, Child& child) {
  write_(LogLevel::warning,
         fmt::format("{} ended {} more {} within a minute; the last: {}", id.text(), child.kept_back,
                     child.kept_back == 1 ? "time" : "times", child.last));
  child.kept_back = 0;
}

// ---- with the time ---------------------------------------------------------------------------------------

TimedEventLog::TimedEventLog(boost::asio::io_context& io, std::string supervisor)
    : state_(std::make_shared<State>(
          State{EventLog([supervisor = std::move(supervisor)](LogLevel level, const std::string& text) {
                  log::line(level, "{}: {}", supervisor, text);
                }),
                boost::asio::steady_timer(io)})) {}

void TimedEventLog::see(const core::Event& event) {
  state_->log.see(event, std::chrono::steady_clock::now());
  arm(state_);
}

void TimedEventLog::arm(const std::shared_ptr<State>& state) {
  const auto due = state->log.due();
  if (due >= state->armed) return;
  state->armed = due;
  state->timer.expires_at(due);
  state->timer.async_wait([weak = std::weak_ptr<State>(state)](const boost::system::error_code& error) {
    const auto alive = weak.lock();
    if (error || !alive) return;  // armed anew, or gone
    alive->armed = EventLog::Time::max();
    alive->log.on_time(std::chrono::steady_clock::now());
    arm(alive);
  });
}

}  // namespace brood::supervisor

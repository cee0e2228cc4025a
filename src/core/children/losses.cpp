#include "core/children/losses.hpp"

#include <fmt/format.h>

namespace brood::core {

Duration suspect_pause(const Settings& settings, const Blame& blame) {
  Duration pause = settings.suspect_delay;
  for (std::uint32_t times = blame.nodes(); times > 0 && pause < settings.suspect_delay_max; --times)
    pause *= 2;
  return std::min(pause, settings.suspect_delay_max);
}

void Losses::on_lost(Step& s, Child& child, const Instance& instance, const Loss& loss) {
  if (loss.how == Ending::left || loss.goes_on || !child.wanted()) return;
  const SpecRow& row = *child.row();
  // Of several instances each may have taken its node down; of others one that is left says that none has.
  const bool is_left = instances_.any(child) != nullptr;
  if (is_left && !views_.replicas().several(row)) return;
  Mark mark;
  mark.birth = row.birth;
  mark.before = row.trouble->blame;
  mark.node = loss.session.node;
  mark.temporary = row.spec->restart == Restart::temporary && !is_left;
  mark.proven = loss.obituary && loss.obituary->id == child.id && loss.obituary->epoch == instance.epoch;
  // No program (it lives in a process of its own), and nobody when the node only fell silent, or named
  // another.
  const bool young = instance.phase == Phase::starting ||
                     instance.epoch.clock >= hlc_at(loss.wall - s.settings.suspect_window);
  mark.suspected = !loss.obituary && loss.how == Ending::died && young && !row.spec->is_program();
  if (mark.suspected) {
    if (suspects_.size() > 100)
      std::erase_if(suspects_, [&](const auto& one) { return one.first != loss.session; });
    mark.suspected = ++suspects_[loss.session] <= s.settings.suspects_max;
  }
  const bool returns = row.start_on == loss.session.node;
  if (!mark.temporary && !mark.proven && !mark.suspected && !returns) return;
  mark.start_at = s.time();
  if (mark.proven || mark.suspected) mark.start_at += suspect_pause(s.settings, row.trouble->blame);
  if (mark.temporary) mark.start_at += s.settings.handover_wait;
  marks_[child.ref] = std::move(mark);
}

void Losses::touch_all(Step& s) {
  for (const auto& [ref, mark] : marks_)
    if (Child* child = children_.get(ref)) notes_.touched(s, *child);
}

Losses::Verdict Losses::look(Step& s, Child& child) {
  if (marks_.empty()) return {};
  const auto found = marks_.find(child.ref);
  if (found == marks_.end()) return {};
  Mark& mark = found->second;
  const bool is_over =
      !child.wanted() || child.row()->birth != mark.birth ||
      (instances_.any(child) && (mark.temporary || !views_.replicas().several(*child.row())));
  if (is_over) {
    marks_.erase(found);
    return {};
  }
  const bool coordinates = views_.placement().coordinator(child.id) == self_index;
  if (views_.acting() && coordinates && !mark.counted && child.row()->trouble->blame == mark.before) {
    if (mark.temporary) {
      marks_.erase(found);
      notes_.lost_for_good(s, child);
      return {false, Duration::max()};
    }
    write(s, child, mark);
  }
  // A coordinator that still wants it after that long knows better how it ended: not with its node.
  if (mark.temporary && coordinates) return {false, Duration::max()};
  if (s.time() < mark.start_at) return {false, mark.start_at};
  // The coordinator's mark must last until it has written; the others only delay.
  if (mark.counted || !coordinates || child.row()->trouble->blame != mark.before) marks_.erase(found);
  return {};
}

void Losses::write(Step& s, Child& child, Mark& mark) {
  SpecRow row = *child.row();
  Trouble& trouble = row.trouble.change();
  mark.counted = true;
  if (mark.suspected) ++trouble.blame.suspected;
  if (mark.proven) {
    const Duration since = s.now.wall - wall_of(trouble.blame.last_proven);
    if (since > s.settings.poison_window) trouble.blame.proven = 0;
    ++trouble.blame.proven;
    trouble.blame.last_proven = s.tick();
    trouble.failed = s.settings.poison_nodes > 0 && trouble.blame.proven >= s.settings.poison_nodes;
  }
  if (trouble.failed) {
    trouble.failure = fmt::format("{} nodes crashed in a handler of it; the last was {}",
                                  trouble.blame.proven, mark.node.text());
    s.log(LogLevel::error, fmt::format("{} is failed: {}", child.id.text(), trouble.failure));
  } else if (mark.suspected || mark.proven) {
    trouble.failure = fmt::format("{} was lost {}", mark.node.text(),
                                  mark.proven ? "in a handler of it" : "just after it had started there");
    trouble.not_before = hlc_at(s.now.wall + (mark.start_at - s.time()));
  }
  // Where that node is up again already, it may be starting the child in this very view.
  if (row.start_on == mark.node && !views_.placement().is_up(mark.node)) row.start_on.reset();
  rows_.write(s, child, std::move(row), false);
}

}  // namespace brood::core

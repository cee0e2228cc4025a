#include "supervisor/node/gaps.hpp"

#include <algorithm>

namespace brood::supervisor {

void Gaps::beat(core::Duration now) {
  const std::lock_guard lock(mutex_);
  if (now - last_beat_ >= noticed_from_) gaps_[count_++ % kept] = {last_beat_, now - last_beat_};
  last_beat_ = now;
}

Gaps::Cursor Gaps::cursor() const {
  const std::lock_guard lock(mutex_);
  return {count_, core::Duration(-1), core::Duration(0)};
}

core::Duration Gaps::take_longest(Cursor& cursor, core::Duration now) const {
  const std::lock_guard lock(mutex_);
  core::Duration longest(0);
  // The part of a gap that this reader was told of while it was open is not told again.
  const auto hear = [&](core::Duration since, core::Duration length) {
    const core::Duration told = since == cursor.open_since ? cursor.open_told : core::Duration(0);
    if (length - told >= noticed_from_) longest = std::max(longest, length - told);
  };
  if (count_ - cursor.seen > kept) cursor.seen = count_ - kept;
  for (; cursor.seen < count_; ++cursor.seen) {
    const Gap& gap = gaps_[cursor.seen % kept];
    hear(gap.since, gap.length);
  }
  const core::Duration open = now - last_beat_;
  if (open >= noticed_from_) {
    hear(last_beat_, open);
    cursor.open_since = last_beat_;
    cursor.open_told = open;
  }
  return longest;
}

}  // namespace brood::supervisor

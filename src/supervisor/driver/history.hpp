// What a core remembers, in the words of the public API, and as terms.
//
// Thread rule: pure, but for history_of(), which reads a core on the control thread.
#pragma once

#include <brood/history.hpp>
#include <brood/result.hpp>

#include "core/core.hpp"

namespace brood::supervisor {

[[nodiscard]] std::string_view name_of(core::What what);
/// A clause that says why, as it stands behind "started on n1: "; empty where nothing is known.
[[nodiscard]] std::string words_of(const core::Happening& happening);
[[nodiscard]] HistoryEvent event_of(const core::Happening& happening);
[[nodiscard]] EventPage events_of(const core::Core& core, const EventQuery& query);
/// no_such_child: nothing is known of it, and nothing is remembered.
[[nodiscard]] Result<ChildHistory> history_of(const core::Core& core, const ChildId& id);

[[nodiscard]] Term event_term(const HistoryEvent& event);
[[nodiscard]] Term page_term(const EventPage& page);
[[nodiscard]] Term history_term(const ChildHistory& history);

}  // namespace brood::supervisor

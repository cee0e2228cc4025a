// A local supervisor's spec as the term that it is started with, and an inner child's as OTP's map.
//
// Thread rule: pure functions.
#pragma once

#include <brood/supervisor_spec.hpp>
#include <set>

namespace brood::process {

/// [Flags, Specs], encoded. Flags is OTP's map of a supervisor's (strategy, intensity, period, auto_shutdown,
/// all with OTP's defaults), Specs the list of its child specs, in the order of their start.
/// invalid_argument, in words: the first thing that is wrong, OTP's rules about `significant` among it.
[[nodiscard]] Result<SupervisorSpec> read_supervisor(BytesView args);
/// One child spec: #{id, start => {Worker, Args} or {Worker, Function, Args}, restart, shutdown, type,
/// significant, modules}; `worker` and `args` may stand in the place of `start`, for files that know no
/// tuples.
[[nodiscard]] Result<InnerSpec> read_inner(const Term& spec, AutoShutdown auto_shutdown);
/// The same back, with all its keys but modules.
[[nodiscard]] Term inner_term(const InnerSpec& spec);
/// What a node must know to run it: its workers, those of supervisors below it too.
[[nodiscard]] std::set<std::string> workers_of(const SupervisorSpec& spec);

/// Why a start failed: the worker's own reason, else {Code, Text}.
[[nodiscard]] Term reason_of(const Error& error);
[[nodiscard]] std::string_view to_string(Restart restart) noexcept;
[[nodiscard]] std::string_view to_string(ChildType type) noexcept;

}  // namespace brood::process

// echo: answers each call with what it was sent. Casts and plain messages are ignored. It takes no arguments.
#pragma once

#include <brood/worker.hpp>

namespace brood::app::builtin {

[[nodiscard]] std::unique_ptr<Behaviour> make_echo(const EncodedTerm& args);

}  // namespace brood::app::builtin

// The program's version, as CMake has it.
#pragma once

namespace brood::app {

extern const char* const version;

}  // namespace brood::app

// Says which child was running when the program crashes, on stderr, before it dies of the signal.
#pragma once

namespace brood::app {

/// Installs handlers for the signals of a crash. Not in sanitizer builds, which have their own.
void install_crash_report();

}  // namespace brood::app

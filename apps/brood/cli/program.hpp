// The whole command line: arguments in, exit status out.
#pragma once

#include <string>
#include <vector>

namespace brood::app {

/// Runs one command. `words` are the program's arguments without its name.
int run_program(std::vector<std::string> words);

}  // namespace brood::app

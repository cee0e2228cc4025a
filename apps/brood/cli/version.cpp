#include "apps/brood/cli/version.hpp"

namespace brood::app {

const char* const version = BROOD_VERSION;

}  // namespace brood::app

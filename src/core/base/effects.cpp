#include "core/base/effects.hpp"

namespace brood::core {

Effects::Effects() = default;
Effects::Effects(const Effects&) = default;
Effects::Effects(Effects&&) noexcept = default;
Effects& Effects::operator=(const Effects&) = default;
Effects& Effects::operator=(Effects&&) noexcept = default;
Effects::~Effects() = default;

}  // namespace brood::core

// What a Hooks handle holds.
#pragma once

#include <brood/hooks.hpp>
#include <memory>

#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::inline v0 {

struct Hooks::Impl {
  std::shared_ptr<supervisor::NodeImpl> node;  ///< The driver leans on it.
  std::shared_ptr<supervisor::Driver> driver;
};

}  // namespace brood::inline v0

// Everything a program on brood needs.
#pragma once

#include <brood/log.hpp>
#include <brood/node.hpp>
#include <brood/supervisor.hpp>
#include <brood/worker.hpp>

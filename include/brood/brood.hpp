// Everything a program on brood needs.
#pragma once

#include <brood/child_ref.hpp>
#include <brood/child_spec.hpp>
#include <brood/future.hpp>
#include <brood/log.hpp>
#include <brood/node.hpp>
#include <brood/results.hpp>
#include <brood/supervisor.hpp>
#include <brood/task.hpp>
#include <brood/worker.hpp>

# Precompiled headers, three for the whole project: one for the layers that do I/O and the programs' libraries,
# one for the pure layers, one for the tests. A target that uses one only finds its headers faster; what it may include is still what
# it includes (tools/check_layers.py reads the sources), and builds without them (BROOD_PCH=OFF, which
# clang-tidy and the fuzzers use) keep the includes honest.
#
# That of the pure layers has nothing but containers, functions and fmt: what they must not use they do not see.

# Tests are not optimised then: what they test is, as ever, and they compile in half the time.

# brood_use_pch(TARGET [PURE | TESTS]): nothing unless BROOD_PCH.
function(brood_use_pch target)
  if(NOT BROOD_PCH)
    return()
  endif()
  if(ARGN STREQUAL "TESTS")
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
    target_precompile_headers(${target} REUSE_FROM brood_pch_tests)
  elseif(ARGN STREQUAL "PURE")
    target_precompile_headers(${target} REUSE_FROM brood_pch_pure)
  else()
    target_precompile_headers(${target} REUSE_FROM brood_pch)
  endif()
endfunction()

if(BROOD_PCH)
  set(standard_headers <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory>
    <mutex> <optional> <set> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
  set(empty ${PROJECT_BINARY_DIR}/pch/empty.cpp)
  if(NOT EXISTS ${empty})
    file(WRITE ${empty} "// Nothing: this target only carries a precompiled header.\n")
  endif()

  # A precompiled header fits only code that is compiled with the same options: libraries are
  # position-independent, test programs are not.
  add_library(brood_pch OBJECT ${empty})
  set_target_properties(brood_pch PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(brood_pch PRIVATE brood_flags fmt::fmt spdlog::spdlog Threads::Threads)
  target_include_directories(brood_pch PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_precompile_headers(brood_pch PRIVATE ${standard_headers} <boost/asio.hpp> <fmt/format.h>
    <spdlog/spdlog.h> <tl/expected.hpp>)

  add_library(brood_pch_pure OBJECT ${empty})
  set_target_properties(brood_pch_pure PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(brood_pch_pure PRIVATE brood_flags fmt::fmt)
  target_include_directories(brood_pch_pure PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_precompile_headers(brood_pch_pure PRIVATE <algorithm> <array> <cstdint> <deque> <functional> <map>
    <memory> <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <tl/expected.hpp>)

  if(BROOD_TESTS)
    find_package(GTest REQUIRED)
    add_library(brood_pch_tests OBJECT ${empty})
    target_link_libraries(brood_pch_tests PRIVATE brood_flags fmt::fmt spdlog::spdlog Threads::Threads
      GTest::gtest)
    target_compile_options(brood_pch_tests PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
    target_include_directories(brood_pch_tests PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_precompile_headers(brood_pch_tests PRIVATE ${standard_headers} <boost/asio.hpp> <fmt/format.h>
      <spdlog/spdlog.h> <tl/expected.hpp> <gtest/gtest.h>)
  endif()
endif()

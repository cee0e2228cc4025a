# Compiler, warnings, sanitizers and the third-party libraries (all Debian bookworm packages).
# As a part of another project (add_subdirectory, FetchContent) brood is its library and the shim, and nothing
# else: no tests, no programs, no flags.
option(BROOD_APPS "Build the programs and the examples" ${PROJECT_IS_TOP_LEVEL})
option(BROOD_TESTS "Build the tests (with the programs)" ${PROJECT_IS_TOP_LEVEL})
option(BROOD_INSTALL "Have `cmake --install` install brood" ${PROJECT_IS_TOP_LEVEL})
option(BROOD_BENCH "Build the benchmarks" OFF)
option(BROOD_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(BROOD_PCH "Precompile the heavy headers (the presets do; clang-tidy and the fuzzers must not)" OFF)
option(BROOD_JEMALLOC "Link the programs with jemalloc: docs/decisions/0040" ON)
set(BROOD_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# What <brood/...> declares is seen from outside (the headers say so), all else is brood's own.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(PROJECT_IS_TOP_LEVEL)
  # No NDEBUG: checks stay on in every build. Functions have names in a backtrace and in a profile; lines cost a
  # tenth of the compile time, and the presets dev, asan and tsan have them.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2")
  if(BROOD_SANITIZE)
    set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
  endif()
  if(BROOD_SANITIZE MATCHES "address")
    # What these sanitizers add is slow to optimise: a third less to compile, and they find the same.
    set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
  endif()
  find_program(CCACHE_PROGRAM ccache)
endif()
if(CCACHE_PROGRAM)
  # Without these two ccache leaves files with a precompiled header alone, and that is nearly all of them.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
    ${CCACHE_PROGRAM})
  if(BROOD_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_path(BROOD_BOOST_INCLUDE boost/asio.hpp REQUIRED)
find_path(BROOD_EXPECTED_INCLUDE tl/expected.hpp REQUIRED)
if(BROOD_APPS)
  find_package(nlohmann_json REQUIRED)
  find_package(CLI11 REQUIRED)
  find_path(BROOD_TOML_INCLUDE toml++/toml.h REQUIRED)
endif()

# For programs, never for libraries: which allocator a program has is its own choice. A sanitizer brings one along.
add_library(brood_allocator INTERFACE)
if(BROOD_APPS AND BROOD_JEMALLOC AND NOT BROOD_SANITIZE)
  find_library(BROOD_JEMALLOC_LIBRARY jemalloc REQUIRED)
  mark_as_advanced(BROOD_JEMALLOC_LIBRARY)
  target_link_libraries(brood_allocator INTERFACE ${BROOD_JEMALLOC_LIBRARY})
endif()

add_library(brood_flags INTERFACE)
target_compile_options(brood_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -fno-omit-frame-pointer $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror>)
if(BROOD_SANITIZE)
  target_compile_options(brood_flags INTERFACE -fsanitize=${BROOD_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(brood_flags INTERFACE -fsanitize=${BROOD_SANITIZE})
  # An empty optional that is read, an index past the end: a sanitizer sees only some of them.
  target_compile_definitions(brood_flags INTERFACE _GLIBCXX_ASSERTIONS)
  if(BROOD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ warns that it does not see atomic fences, which Asio has; what it misses there is not ours.
    # And with it on, it takes empty optionals that are copied for uninitialised ones; -O2 alone does not.
    target_compile_options(brood_flags INTERFACE -Wno-tsan -Wno-maybe-uninitialized)
  endif()
endif()

# A sanitizer slows programs down: the tests' bounds grow by this factor, and their sizes shrink.
if(BROOD_SANITIZE)
  set(BROOD_SLOW 4)
else()
  set(BROOD_SLOW 1)
endif()

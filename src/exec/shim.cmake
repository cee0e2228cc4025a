# brood-shim, the process between a node and each program that it runs; static where no sanitizer forbids.
add_executable(brood-shim
  src/exec/shim/shim_main.cpp src/exec/shim/shim.cpp src/exec/shim/shim_program.cpp src/exec/shim/program_setup.cpp
  src/exec/shim/shim_tree.cpp
  src/exec/shim/shim_log.cpp src/exec/shim/line_sink.cpp src/exec/logs/log_store.cpp src/exec/logs/last_end.cpp src/exec/logs/folder_lock.cpp
  src/exec/exit_status.cpp)
target_include_directories(brood-shim PRIVATE include src)
target_link_libraries(brood-shim PRIVATE brood_flags Threads::Threads)
if(NOT BROOD_SANITIZE)
  target_link_options(brood-shim PRIVATE -static -static-libstdc++ -static-libgcc)
endif()
# Whoever links the layer needs the shim to run beside it.
add_dependencies(brood_exec brood-shim)

if(BROOD_TESTS)
  # A small node for the tests that kill one.
  add_executable(brood-exec-test-node src/exec/launcher/test_node_main.cpp)
  target_link_libraries(brood-exec-test-node PRIVATE brood_exec brood_flags)
  if(TARGET exec_test)
    add_dependencies(exec_test brood-exec-test-node)
  endif()
endif()

# Several sources of a library are compiled as one: what all of them include is read and instantiated once, which
# takes a third of the time. Sources stay fit to be compiled alone, and are where BROOD_UNITY is off (clang-tidy,
# the fuzzers): an include that is missing shows there. Tests are compiled each alone, so that each may have helpers
# of its own.
option(BROOD_UNITY "Compile several sources of a library as one (the presets do)" OFF)

# brood_unite(TARGET): nothing unless BROOD_UNITY.
function(brood_unite target)
  if(BROOD_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    # It takes what a source keeps for itself for part of a header, when that source is included.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

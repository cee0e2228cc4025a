# Several sources of a library are compiled as one: what all of them include is read and instantiated once, which
# takes a third of the time. Sources stay fit to be compiled alone, and are where BROOD_UNITY is off (clang-tidy,
# the fuzzers): an include that is missing shows there. A test has its helpers in a namespace of its own name, so
# that it may stand beside others.
option(BROOD_UNITY "Compile several sources of a library as one (the presets do)" OFF)

# brood_unite(TARGET SIZE), SIZE sources as one: nothing unless BROOD_UNITY.
function(brood_unite target size)
  if(BROOD_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${size})
    # It takes what a source keeps for itself for part of a header, when that source is included.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

# brood::brood: the layers as one library, static and shared; what `cmake --install` installs beside it.
#
#   brood::static   libbrood.a
#   brood::shared   libbrood.so.0: shows what <brood/...> declares, and nothing else
#   brood::brood    in another project's build: the shared one where BUILD_SHARED_LIBS is on. Installed: the
#                   shared one, unless the project says find_package(brood COMPONENTS static)
include(GNUInstallDirs)

set(brood_objects)
foreach(layer base term core flow process node exec supervisor)
  list(APPEND brood_objects $<TARGET_OBJECTS:brood_${layer}>)
endforeach()

add_library(brood_static STATIC ${brood_objects})
add_library(brood_shared SHARED ${brood_objects})
set_target_properties(brood_static PROPERTIES EXPORT_NAME static)
set_target_properties(brood_shared PROPERTIES EXPORT_NAME shared
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
foreach(kind static shared)
  add_library(brood::${kind} ALIAS brood_${kind})
  set_target_properties(brood_${kind} PROPERTIES OUTPUT_NAME brood LINKER_LANGUAGE CXX)
  target_compile_features(brood_${kind} INTERFACE cxx_std_20)
  target_include_directories(brood_${kind} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(brood_${kind} PRIVATE fmt::fmt spdlog::spdlog OpenSSL::SSL OpenSSL::Crypto Threads::Threads
    ${CMAKE_DL_LIBS})
  add_dependencies(brood_${kind} brood-shim)  # which programs run under
endforeach()
target_link_options(brood_shared PRIVATE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/brood.map)
set_target_properties(brood_shared PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/brood.map)
if(BROOD_SANITIZE)
  target_link_options(brood_shared PRIVATE -fsanitize=${BROOD_SANITIZE})
endif()
if(BUILD_SHARED_LIBS)
  add_library(brood::brood ALIAS brood_shared)
else()
  add_library(brood::brood ALIAS brood_static)
endif()

if(BROOD_INSTALL)
  include(CMakePackageConfigHelpers)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/brood)
  install(TARGETS brood_static brood_shared EXPORT brood
    ARCHIVE COMPONENT dev
    LIBRARY COMPONENT library NAMELINK_COMPONENT dev)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/brood DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
  install(EXPORT brood NAMESPACE brood:: DESTINATION ${package_dir} FILE brood-targets.cmake COMPONENT dev)
  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/brood-config.cmake.in ${PROJECT_BINARY_DIR}/brood-config.cmake
    INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/brood-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/brood-config.cmake ${PROJECT_BINARY_DIR}/brood-config-version.cmake
    DESTINATION ${package_dir} COMPONENT dev)
  # Wherever it is installed to in the end.
  file(RELATIVE_PATH brood_pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/brood.pc.in ${PROJECT_BINARY_DIR}/brood.pc @ONLY)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/brood-static.pc.in ${PROJECT_BINARY_DIR}/brood-static.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/brood.pc ${PROJECT_BINARY_DIR}/brood-static.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
  install(TARGETS brood-shim RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/brood COMPONENT library)
endif()

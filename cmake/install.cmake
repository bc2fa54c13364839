# SPDX-License-Identifier: Apache-2.0
# libtrident.so holds all the libraries, so that a program outside the tree needs neither
# RocksDB's nor gRPC's nor Protobuf's headers: find_package(trident) gives it trident::trident.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(TRIDENT_INCLUDE_DIR "${CMAKE_INSTALL_INCLUDEDIR}/trident-stream")
set(TRIDENT_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/trident")

# Folders whose .cc files may still be missing are INTERFACE libraries and have nothing to hold.
# The commands of `trident` are no part of the library.
set(objects "")
get_property(libraries GLOBAL PROPERTY TRIDENT_LIBRARIES)
foreach(library IN LISTS libraries)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL STATIC_LIBRARY AND NOT library MATCHES "^trident_coordinator_cli")
    list(APPEND objects "$<TARGET_OBJECTS:${library}>")
  endif()
endforeach()

add_library(trident_shared SHARED ${objects})
target_link_libraries(trident_shared PRIVATE
  absl::status absl::statusor absl::flat_hash_map spdlog::spdlog RocksDB::rocksdb-shared
  protobuf::libprotobuf gRPC::grpc++ gRPC::grpc++_reflection ZLIB::ZLIB zstd::libzstd_shared
  Threads::Threads)
target_link_options(trident_shared PRIVATE -Wl,--no-undefined)
set_target_properties(trident_shared PROPERTIES
  OUTPUT_NAME trident
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# All that `cmake --install` copies and a build makes.
add_custom_target(installed DEPENDS trident_shared)
install(TARGETS trident_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET trident_command)
  add_dependencies(installed trident_command)
  install(TARGETS trident_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
# The headers of public_headers.txt and what they include.
file(STRINGS "${CMAKE_SOURCE_DIR}/cmake/public_headers.txt" open REGEX "^[^#]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             "${CMAKE_SOURCE_DIR}/cmake/public_headers.txt")
set(installed_headers "")
while(open)
  list(POP_FRONT open header)
  if(header IN_LIST installed_headers OR NOT EXISTS "${CMAKE_SOURCE_DIR}/${header}")
    continue()
  endif()
  list(APPEND installed_headers "${header}")
  cmake_path(GET header PARENT_PATH folder)
  install(FILES "${CMAKE_SOURCE_DIR}/${header}" DESTINATION "${TRIDENT_INCLUDE_DIR}/${folder}")
  # A header that includes another one from now on is installed with it after the next configure.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${header}")
  file(STRINGS "${CMAKE_SOURCE_DIR}/${header}" includes REGEX "^#include \"[^\"]+\"")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
    list(APPEND open "${included}")
  endforeach()
endwhile()

configure_package_config_file(
  "${CMAKE_SOURCE_DIR}/cmake/trident-config.cmake.in" "${CMAKE_BINARY_DIR}/trident-config.cmake"
  INSTALL_DESTINATION "${TRIDENT_PACKAGE_DIR}"
  PATH_VARS TRIDENT_INCLUDE_DIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
  "${CMAKE_BINARY_DIR}/trident-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/trident-config.cmake"
              "${CMAKE_BINARY_DIR}/trident-config-version.cmake"
        DESTINATION "${TRIDENT_PACKAGE_DIR}")

# Relative, so that an installed tree may be moved.
file(RELATIVE_PATH TRIDENT_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${CMAKE_SOURCE_DIR}/cmake/trident.pc.in" "${CMAKE_BINARY_DIR}/trident.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/trident.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

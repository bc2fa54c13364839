# SPDX-License-Identifier: Apache-2.0
# What faulty_disk_test starts, and what it puts before the C library of that.
add_dependencies(faulty_disk_test wordcount trident_command)
if(NOT TRIDENT_LINT)
  add_library(faulty_libc MODULE "${TRIDENT_TESTS_DIR}/faulty_disk/preload/faulty_libc.cc")
  target_link_libraries(faulty_libc PRIVATE ${CMAKE_DL_LIBS})
  target_compile_options(faulty_libc PRIVATE -fno-sanitize=all)
  target_link_options(faulty_libc PRIVATE -fno-sanitize=all)
  set_target_properties(faulty_libc PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_dependencies(faulty_disk_test faulty_libc)
endif()

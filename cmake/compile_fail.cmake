# SPDX-License-Identifier: Apache-2.0
# Every tests/compile_fail/<name>.cc is a ctest that it must not compile: compile_fail.<name>.
# The texts are g++'s, so other compilers skip them.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR TRIDENT_LINT)
  return()
endif()

function(trident_compile_fail_test name source)
  add_test(NAME compile_fail.${name}
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${source}" "-DCOMPILER=${CMAKE_CXX_COMPILER}"
            "-DINCLUDES=${CMAKE_SOURCE_DIR}" -P
            "${CMAKE_SOURCE_DIR}/cmake/compile_fail_case.cmake")
  set_tests_properties(compile_fail.${name} PROPERTIES LABELS compile_fail TIMEOUT 120 ${ARGN})
endfunction()

file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/compile_fail/*.cc")
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  trident_compile_fail_test(${name} "${source}")
endforeach()

# The harness itself: it must not be content with a file that compiles, that fails with another
# text, that names no text, or that is broken beyond the fault which it shows.
set(bad "${CMAKE_BINARY_DIR}/compile_fail")
file(WRITE "${bad}/compiles.cc" "// EXPECT: error\nint x;\n")
file(WRITE "${bad}/other_text.cc" "// EXPECT: static assertion failed: rows\nint x = y;\n")
file(WRITE "${bad}/no_text.cc" "int x = y;\n")
file(WRITE "${bad}/never_fixed.cc"
     "// EXPECT: 'y' was not declared\n// TRIDENT_FIXED\nint x = y;\n")
foreach(name IN ITEMS compiles other_text no_text never_fixed)
  trident_compile_fail_test(harness_sees_${name} "${bad}/${name}.cc" WILL_FAIL TRUE)
endforeach()

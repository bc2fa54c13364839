# SPDX-License-Identifier: Apache-2.0
# With TRIDENT_PRECOMPILE, two precompiled headers: one for the libraries, one with gtest for the
# test programs. They need each target's flags to be the same. The lint preset compiles without
# them, so a file that forgets an include is still found.

set(TRIDENT_SHARED_HEADERS
  <algorithm> <atomic> <functional> <map> <memory> <optional> <span> <sstream> <string>
  <string_view> <unordered_map> <utility> <variant> <vector> <absl/status/statusor.h>)

if(TRIDENT_PRECOMPILE)
  file(WRITE "${CMAKE_BINARY_DIR}/precompile.cc" "")
  add_library(trident_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompile.cc")
  target_link_libraries(trident_precompiled PRIVATE absl::statusor)
  target_precompile_headers(trident_precompiled PRIVATE ${TRIDENT_SHARED_HEADERS})
  if(TRIDENT_TESTS)
    add_library(trident_precompiled_tests OBJECT "${CMAKE_BINARY_DIR}/precompile.cc")
    target_link_libraries(trident_precompiled_tests PRIVATE absl::statusor GTest::gtest)
    target_precompile_headers(trident_precompiled_tests PRIVATE
      ${TRIDENT_SHARED_HEADERS} <gtest/gtest.h>)
    # As the programs are compiled.
    target_compile_options(trident_precompiled_tests PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
    set_target_properties(trident_precompiled_tests PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  endif()
endif()

function(trident_precompile target from)
  if(TARGET ${from})
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

# SPDX-License-Identifier: Apache-2.0
# How a folder becomes a library, and a file a program.

# Sets `out` to the .cc files under `from` (folders, or files), less those under `except`.
function(trident_sources out from except)
  set(found "")
  foreach(place IN LISTS from)
    if(place MATCHES "\\.cc$")
      file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${place}")
    else()
      file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${place}/*.cc")
    endif()
    list(APPEND found ${sources})
  endforeach()
  foreach(left_out IN LISTS except)
    string(REPLACE "." "\\." left_out "${left_out}")
    list(FILTER found EXCLUDE REGEX "^${CMAKE_SOURCE_DIR}/${left_out}(/|$)")
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# trident_library(name FROM path... [EXCEPT path...] [DEPENDS library...] [API package...]
#                 [LINK package...])
# makes trident_<name>. A folder without .cc files becomes an INTERFACE library, so that its headers
# and dependencies still travel. LINK packages stay private.
function(trident_library name)
  cmake_parse_arguments(arg "" "" "FROM;EXCEPT;DEPENDS;API;LINK" ${ARGN})
  trident_sources(sources "${arg_FROM}" "${arg_EXCEPT}")
  list(TRANSFORM arg_DEPENDS PREPEND trident_)
  if(sources)
    if(TRIDENT_LINT)
      add_library(trident_${name} OBJECT ${sources})
    else()
      add_library(trident_${name} STATIC ${sources})
    endif()
    target_link_libraries(trident_${name} PUBLIC ${arg_DEPENDS} ${arg_API} PRIVATE ${arg_LINK})
    target_include_directories(trident_${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    trident_precompile(trident_${name} trident_precompiled)
  else()
    add_library(trident_${name} INTERFACE)
    target_link_libraries(trident_${name} INTERFACE ${arg_DEPENDS} ${arg_API} ${arg_LINK})
    target_include_directories(trident_${name} INTERFACE "${CMAKE_SOURCE_DIR}")
  endif()
  set_property(GLOBAL APPEND PROPERTY TRIDENT_LIBRARIES trident_${name})
endfunction()

# trident_compile_together(target source...) makes one object of small sources that rarely change:
# alone each would pay for the same headers.
function(trident_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP small)
endfunction()

# trident_executable(target source...) with the output in the root of the build directory. When only
# linting it is a set of objects.
function(trident_executable target)
  if(TRIDENT_LINT)
    add_library(${target} OBJECT ${ARGN})
  else()
    add_executable(${target} ${ARGN})
    set_target_properties(${target} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}" POSITION_INDEPENDENT_CODE OFF)
  endif()
endfunction()

# trident_program(target NAMED file FROM source LINK library...). Nothing is made while the source
# is not there.
function(trident_program target)
  cmake_parse_arguments(arg "" "NAMED;FROM" "LINK" ${ARGN})
  trident_sources(sources "${arg_FROM}" "")
  if(NOT sources)
    return()
  endif()
  trident_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME "${arg_NAMED}")
endfunction()

# Every examples/<name>.cc is a program of that name: a user's program with the engine linked in. An
# example that takes another spout than text files links trident_spouts.
function(trident_examples)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/examples/*.cc")
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    trident_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE trident_run trident_text_files)
    set_property(GLOBAL APPEND PROPERTY TRIDENT_EXAMPLES ${name})
  endforeach()
endfunction()

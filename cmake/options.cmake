# SPDX-License-Identifier: Apache-2.0
# What a build may choose, and the flags that follow.

option(TRIDENT_TESTS "Build the tests, the benchmarks and the fuzz replays" ON)
option(TRIDENT_INSTALL "Build libtrident.so and the rules of cmake --install" ON)
option(TRIDENT_WERROR "Treat warnings as errors" ON)
option(TRIDENT_LINT "Only compile: every target is a set of objects, nothing is linked" OFF)
option(TRIDENT_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(TRIDENT_PRECOMPILE
  "Precompile the headers that all files share; ccache is not used then" OFF)
set(TRIDENT_SANITIZE "" CACHE STRING "As -fsanitize takes it: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The static libraries are also the content of libtrident.so.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# Line tables are enough for a stack trace or a profile and halve the size of the objects. CHECK
# does not depend on NDEBUG.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

add_compile_options(-Wall -Wextra -pthread)
if(TRIDENT_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # These of g++ 12 see errors inside std::string that are not there (GCC bugs 105329, 105651).
  add_compile_options(-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_compile_options(-Wthread-safety)
endif()

if(TRIDENT_SANITIZE)
  add_compile_options(-fsanitize=${TRIDENT_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TRIDENT_SANITIZE})
endif()
if(TRIDENT_LINT)
  add_compile_options(-fsyntax-only)
endif()
if(TRIDENT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# ccache makes every build after the first one cheap, also in another checkout: paths below the
# tree count as relative, and where it stands does not count. A precompiled header saves a quarter
# of a build from nothing, but ccache finds nothing with one, because two builds of it differ.
find_program(TRIDENT_CCACHE ccache)
if(TRIDENT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND NOT TRIDENT_PRECOMPILE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=10G
      CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime "${TRIDENT_CCACHE}")
endif()
# A test is a process each; most need none of what gRPC would load.
add_link_options(-Wl,--as-needed)
find_program(TRIDENT_MOLD mold)
if(TRIDENT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

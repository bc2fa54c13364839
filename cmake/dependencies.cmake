# SPDX-License-Identifier: Apache-2.0
# Debian 12's own packages; scripts/packages.txt lists them.

find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(zstd CONFIG REQUIRED)
find_path(TRIDENT_XXHASH_INCLUDE xxhash.h REQUIRED)

if(TRIDENT_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()

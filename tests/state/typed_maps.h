// SPDX-License-Identifier: Apache-2.0
//
// The maps of all StateValues, compiled once for the tests of this folder: each test program file
// that did so itself took twice its time to compile.
#ifndef TRIDENT_TESTS_STATE_TYPED_MAPS_H_
#define TRIDENT_TESTS_STATE_TYPED_MAPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/user_value.h"
#include "state/map/map_partition.h"
#include "state/map/map_state.h"
#include "tests/state/typed_values.h"

#define TRIDENT_TYPED_MAP(prefix, ...)    \
  prefix class MapState<__VA_ARGS__>;     \
  prefix class MapPartition<__VA_ARGS__>; \
  prefix class MapPartitionFold<__VA_ARGS__>;

#ifdef TRIDENT_WATCHED_VALUES_ONLY
#define TRIDENT_TYPED_MAPS(prefix)       \
  TRIDENT_TYPED_MAP(prefix, std::string) \
  TRIDENT_TYPED_MAP(prefix, UserValue)
#else
#define TRIDENT_TYPED_MAPS(prefix)                \
  TRIDENT_TYPED_MAP(prefix, int64_t)              \
  TRIDENT_TYPED_MAP(prefix, std::string)          \
  TRIDENT_TYPED_MAP(prefix, std::vector<int64_t>) \
  TRIDENT_TYPED_MAP(prefix, UserValue)
#endif

namespace trident {

TRIDENT_TYPED_MAPS(extern template)

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_TYPED_MAPS_H_

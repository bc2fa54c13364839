// SPDX-License-Identifier: Apache-2.0
//
// KeyRouter: sorts keys by the partition that they belong to.
#ifndef TRIDENT_BASE_KEY_ROUTER_H_
#define TRIDENT_BASE_KEY_ROUTER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/hash.h"

namespace trident {

// Keeps its memory from call to call. Not thread-safe.
class KeyRouter {
 public:
  // Sorts `keys`, which must all belong to partitions [first, last) of `partitions`. Keys of one
  // partition keep their order.
  void Route(std::span<const HashedKey> keys, uint32_t partitions, uint32_t first, uint32_t last) {
    const uint32_t span = last - first;
    first_ = first;
    begin_.assign(span + 1, 0);
    place_.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const uint32_t partition = PartitionOfHash(keys[i].hash, partitions) - first;
      TRIDENT_CHECK_LT(partition, span) << "a key came to a task that does not own its partition";
      place_[i] = partition;
      ++begin_[partition + 1];
    }
    for (uint32_t p = 0; p < span; ++p) begin_[p + 1] += begin_[p];
    next_.assign(begin_.begin(), begin_.end() - 1);
    routed_.resize(keys.size());
    from_.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const uint32_t to = next_[place_[i]]++;
      routed_[to] = keys[i];
      from_[to] = static_cast<uint32_t>(i);
    }
  }

  // Calls visit(partition, keys, places) for each partition that got a key, in ascending order.
  // `places` says where each of these keys stood among the keys that were routed.
  template <class Visit>
  void ForEachPartition(Visit&& visit) const {
    for (uint32_t p = 0; p + 1 < begin_.size(); ++p) {
      const uint32_t begin = begin_[p], size = begin_[p + 1] - begin;
      if (size == 0) continue;
      visit(first_ + p, std::span(routed_).subspan(begin, size),
            std::span(from_).subspan(begin, size));
    }
  }

 private:
  uint32_t first_ = 0;
  std::vector<uint32_t> begin_;  // of each partition in routed_; one more at the end
  std::vector<uint32_t> next_;
  std::vector<uint32_t> place_;
  std::vector<HashedKey> routed_;
  std::vector<uint32_t> from_;
};

}  // namespace trident

#endif  // TRIDENT_BASE_KEY_ROUTER_H_

// SPDX-License-Identifier: Apache-2.0
#include "state/map/key_arena.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace trident {

KeyArena::~KeyArena() {
  TRIDENT_CHECK_EQ(large_keys_, 0u) << "keys longer than a slab's must be freed by their table";
}

const char* KeyArena::Copy(std::string_view key) {
  char* out;
  if (key.size() > kSlabKeyMax) {
    out = new char[key.size()];
    ++large_keys_;
    live_bytes_ += key.size();
    allocated_bytes_ += key.size();
  } else {
    size_t size_class = std::max<size_t>(1, ClassOf(key.size()));
    live_bytes_ += size_class * kGrain;
    if (FreeKey* reused = free_[size_class]; reused != nullptr) {
      free_[size_class] = reused->next;
      out = reinterpret_cast<char*>(reused);
    } else {
      out = Carve(size_class * kGrain);
    }
  }
  std::memcpy(out, key.data(), key.size());
  return out;
}

void KeyArena::Free(const char* key, size_t size) {
  if (size > kSlabKeyMax) {
    delete[] key;
    --large_keys_;
    live_bytes_ -= size;
    allocated_bytes_ -= size;
    return;
  }
  size_t size_class = std::max<size_t>(1, ClassOf(size));
  live_bytes_ -= size_class * kGrain;
  FreeKey* freed = reinterpret_cast<FreeKey*>(const_cast<char*>(key));
  freed->next = free_[size_class];
  free_[size_class] = freed;
}

char* KeyArena::Carve(size_t bytes) {
  if (bytes > left_) {
    // The rest of the old slab is lost. It is smaller than one key of the largest class.
    slabs_.push_back(std::make_unique_for_overwrite<char[]>(next_slab_));
    next_ = slabs_.back().get();
    left_ = next_slab_;
    allocated_bytes_ += next_slab_;
    next_slab_ = std::min(kLargestSlab, next_slab_ * 2);
  }
  char* out = next_;
  next_ += bytes;
  left_ -= bytes;
  return out;
}

}  // namespace trident

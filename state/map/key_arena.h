// SPDX-License-Identifier: Apache-2.0
//
// KeyArena: memory for key bytes that do not fit into their entry. Freed keys make room for keys of
// about the same length, so a table whose keys come and go does not grow.
#ifndef TRIDENT_STATE_MAP_KEY_ARENA_H_
#define TRIDENT_STATE_MAP_KEY_ARENA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace trident {

// Not thread-safe. Key bytes stay where they are until they are freed.
class KeyArena {
 public:
  KeyArena() = default;
  KeyArena(const KeyArena&) = delete;
  KeyArena& operator=(const KeyArena&) = delete;
  // REQUIRES: every key was freed that is longer than a slab's largest.
  ~KeyArena();

  const char* Copy(std::string_view key);
  void Free(const char* key, size_t size);

  // Memory of the keys that are in use, each rounded up to its class.
  size_t live_bytes() const { return live_bytes_; }
  // Memory that was taken from the system and not given back.
  size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  static constexpr size_t kGrain = 8;         // classes are multiples of this
  static constexpr size_t kSlabKeyMax = 256;  // longer keys are allocated by themselves
  static constexpr size_t kFirstSlab = 1024;
  static constexpr size_t kLargestSlab = 32 * 1024;
  struct FreeKey {
    FreeKey* next;
  };
  static size_t ClassOf(size_t size) { return (size + kGrain - 1) / kGrain; }
  char* Carve(size_t bytes);

  std::array<FreeKey*, kSlabKeyMax / kGrain + 1> free_{};
  std::vector<std::unique_ptr<char[]>> slabs_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t next_slab_ = kFirstSlab;
  size_t live_bytes_ = 0;
  size_t allocated_bytes_ = 0;
  size_t large_keys_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_KEY_ARENA_H_

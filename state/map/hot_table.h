// SPDX-License-Identifier: Apache-2.0
//
// HotTable: the keys of one partition that are in memory, with their committed values. An index of
// 8 bytes a cell finds the entry by hash; entries are numbered by slots and never move, so that
// staged and previous values can name them. They stand in chunks; a chunk without entries goes back
// to the system, where other partitions find it. MapPartition keeps what entries know of txids.
#ifndef TRIDENT_STATE_MAP_HOT_TABLE_H_
#define TRIDENT_STATE_MAP_HOT_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/key_words.h"
#include "base/salted_hash.h"
#include "base/value_size.h"
#include "state/map/key_arena.h"

namespace trident {

// "No slot", "no change", "no next".
inline constexpr uint32_t kNone = 0xffffffff;

// How much is known of a value.
enum class Presence : uint8_t {
  kAbsent,   // there is none
  kPresent,  // it is `value`
  kUnread,   // it is whatever the base has
  kDelta,    // it is whatever the base has, combined with `value`
  kFree,     // no entry stands here
};
// True if the base need not be asked.
inline constexpr bool IsKnown(Presence presence) { return presence <= Presence::kPresent; }

// Makes `value` empty and gives back the memory that it owns. To assign an empty value is not
// enough: a string keeps its buffer then.
template <class V>
void FreeValue(V& value) {
  [[maybe_unused]] const V gone = std::move(value);
  value = V{};
}

template <class V>
struct HotEntry {
  static constexpr size_t kInlineKey = 20;
  static constexpr uint8_t kLongKey = 255;
  static_assert(kInlineKey >= KeyWords::kBytes);

  // The key, with zeros behind it up to KeyWords::kBytes; or its length and where the arena has it.
  char key_bytes[kInlineKey];
  uint8_t key_size = 0;  // or kLongKey
  Presence presence = Presence::kFree;
  uint8_t dirty = 0;         // see MapPartition
  uint8_t used = 0;          // since the clock hand last passed
  uint32_t staged = kNone;   // newest staged change
  uint32_t version = kNone;  // change that made the committed value; may have been released
  V value{};

  std::string_view key() const {
    if (key_size != kLongKey) return {key_bytes, key_size};
    uint32_t size;
    const char* data;
    std::memcpy(&size, key_bytes, sizeof size);
    std::memcpy(&data, key_bytes + 8, sizeof data);
    return {data, size};
  }
  // `words` are those of `wanted`.
  bool HasKey(std::string_view wanted, const KeyWords& words) const {
    if (wanted.size() > KeyWords::kBytes) return key() == wanted;
    return key_size == wanted.size() && KeyWords::OfPadded(key_bytes) == words;
  }
};

// Not thread-safe. References to entries stay good until their slot is erased.
template <class V>
class HotTable {
 public:
  using Entry = HotEntry<V>;

  HotTable() { cells_.assign(kFirstCells, Cell{}); }
  HotTable(const HotTable&) = delete;
  HotTable& operator=(const HotTable&) = delete;
  ~HotTable();

  // REQUIRES: IsAllocated(slot); the entry may be free all the same.
  Entry& entry(uint32_t slot) { return chunks_[slot / kChunk].entries[slot % kChunk]; }
  const Entry& entry(uint32_t slot) const { return chunks_[slot / kChunk].entries[slot % kChunk]; }
  bool IsAllocated(uint32_t slot) const {
    return slot < slots_end() && chunks_[slot / kChunk].entries != nullptr;
  }

  // kNone: not here.
  uint32_t Find(uint64_t hash, std::string_view key) const;
  // How many cells Find looks at. For tests.
  size_t CellsToFind(uint64_t hash, std::string_view key) const;

  // For looking up many keys at once: first PrefetchCell for all, then PrefetchEntry, then Find.
  // Each step brings into the cache what the next one reads.
  void PrefetchCell(uint64_t hash) const { __builtin_prefetch(&cells_[CellOf(hash)]); }
  void PrefetchEntry(uint64_t hash) const {
    const Cell& cell = cells_[CellOf(hash)];
    if (cell.slot != kNone) __builtin_prefetch(&entry(cell.slot));
  }

  // A new entry, absent. REQUIRES: Find gives kNone; key.size() <= kKeyBytesMax.
  uint32_t Insert(uint64_t hash, std::string_view key);
  // `hash` is that of its key.
  void Erase(uint32_t slot, uint64_t hash);

  uint32_t size() const { return size_; }
  // Bytes that the table would allocate for so many more keys, their own bytes apart.
  size_t GrowthFor(uint32_t keys) const {
    const uint32_t slots = keys - std::min(keys, idle_slots());
    return slots * sizeof(Entry) + (keys > index_room() ? cells_.size() * sizeof(Cell) : 0);
  }
  // How many entries to erase so that so many keys find room without allocating.
  uint32_t ErasuresFor(uint32_t keys) const {
    return keys - std::min({keys, idle_slots(), index_room()});
  }
  // The slot behind `slot`, past chunks that are not allocated; behind the last one comes the
  // first.
  uint32_t NextSlot(uint32_t slot) const {
    ++slot;
    while (slot < slots_end() && !IsAllocated(slot)) slot += kChunk - slot % kChunk;
    return slot < slots_end() ? slot : 0;
  }
  // Slots are below this; some of them may be free, or not allocated.
  uint32_t slots_end() const { return static_cast<uint32_t>(chunks_.size()) * kChunk; }
  // How many of these NextSlot comes by on its way around.
  uint32_t allocated_slots() const { return allocated_chunks_ * kChunk; }
  // Memory of live entries with their keys, and of the index. Memory that values own is not in it.
  size_t live_bytes() const {
    return size_ * sizeof(Entry) + arena_->live_bytes() + cells_.size() * sizeof(Cell);
  }
  size_t allocated_bytes() const {
    return allocated_chunks_ * kChunk * sizeof(Entry) + arena_->allocated_bytes() +
           cells_.size() * sizeof(Cell);
  }
  // True when erased entries have left much memory that only a compacted copy would give back.
  bool WorthCompacting() const {
    return allocated_bytes() > 64 * 1024 && live_bytes() < allocated_bytes() / 4;
  }
  // Moves all entries together and gives the rest of the memory back. Slots change.
  void Compact();
  void Swap(HotTable& other);

 private:
  static constexpr uint32_t kChunk = 256;
  static constexpr size_t kFirstCells = 16;
  // The index's part of a hash. Partitions are told apart by the high bits, cells by the low ones.
  struct Cell {
    uint32_t tag = 0;
    uint32_t slot = kNone;
  };
  struct Chunk {
    std::unique_ptr<Entry[]> entries;  // null: not allocated
    uint32_t free = kNone;             // list of slots through Entry::staged
    uint32_t used = 0;
    bool in_partial = false;
  };
  uint32_t idle_slots() const { return allocated_chunks_ * kChunk - size_; }
  uint32_t index_room() const { return static_cast<uint32_t>(cells_.size() * 4 / 5 - size_); }
  // Once the table goes by the bytes of keys, this is the wrong cell for a prefetch: no harm.
  size_t CellOf(uint64_t hash) const {
    return static_cast<uint32_t>(SaltedMix(hash)) & (cells_.size() - 1);
  }
  uint32_t TagOf(uint64_t hash, std::string_view key) const {
    return static_cast<uint32_t>(goes_by_bytes_ ? SaltedHash(key) : SaltedMix(hash));
  }
  // Puts the cell where it belongs; how many cells of the same tag stand before it.
  int Place(Cell cell);
  // Finds all keys by a hash of their bytes from now on.
  void GoByBytes();
  uint32_t TakeSlot();
  void GiveSlotBack(uint32_t slot);
  Chunk& AllocateChunk();
  void ListAsPartial(uint32_t chunk);
  void GrowIndex();
  void SetKey(Entry& entry, std::string_view key);
  void FreeKey(Entry& entry);

  std::vector<Cell> cells_;  // a power of two, at most 4/5 full; linear probing, no tombstones
  std::vector<Chunk> chunks_;
  std::vector<uint32_t> partial_;  // chunks with free slots, once each; some may have none by now
  std::vector<uint32_t> vacant_;   // chunks that are not allocated
  uint32_t allocated_chunks_ = 0;
  std::unique_ptr<KeyArena> arena_ = std::make_unique<KeyArena>();
  uint32_t size_ = 0;
  bool goes_by_bytes_ = false;
};

template <class V>
HotTable<V>::~HotTable() {
  for (uint32_t slot = 0; slot < slots_end(); ++slot) {
    if (IsAllocated(slot) && entry(slot).presence != Presence::kFree) FreeKey(entry(slot));
  }
}

template <class V>
uint32_t HotTable<V>::Find(uint64_t hash, std::string_view key) const {
  const uint32_t tag = TagOf(hash, key);
  const KeyWords words = KeyWords::Of(key);
  const size_t mask = cells_.size() - 1;
  for (size_t i = tag & mask;; i = (i + 1) & mask) {
    const Cell cell = cells_[i];
    if (cell.slot == kNone) return kNone;
    if (cell.tag == tag && entry(cell.slot).HasKey(key, words)) return cell.slot;
  }
}

template <class V>
size_t HotTable<V>::CellsToFind(uint64_t hash, std::string_view key) const {
  const size_t mask = cells_.size() - 1;
  const size_t first = TagOf(hash, key) & mask;
  const uint32_t slot = Find(hash, key);
  size_t at = first;
  while (cells_[at].slot != slot) at = (at + 1) & mask;
  return ((at - first) & mask) + 1;
}

template <class V>
uint32_t HotTable<V>::Insert(uint64_t hash, std::string_view key) {
  if (index_room() == 0) GrowIndex();
  const uint32_t slot = TakeSlot();
  Entry& e = entry(slot);
  SetKey(e, key);
  e.presence = Presence::kAbsent;
  e.dirty = 0;
  e.used = 1;
  e.staged = kNone;
  e.version = kNone;
  ++size_;
  if (Place({TagOf(hash, key), slot}) > kSamePlaceMax && !goes_by_bytes_) GoByBytes();
  return slot;
}

template <class V>
void HotTable<V>::Erase(uint32_t slot, uint64_t hash) {
  Entry& e = entry(slot);
  const size_t mask = cells_.size() - 1;
  size_t hole = TagOf(hash, e.key()) & mask;
  while (cells_[hole].slot != slot) hole = (hole + 1) & mask;
  // Move back what was displaced over the hole, so that no probe ends early.
  for (size_t i = (hole + 1) & mask; cells_[i].slot != kNone; i = (i + 1) & mask) {
    size_t distance_from_home = (i - cells_[i].tag) & mask;
    if (distance_from_home < ((i - hole) & mask)) continue;
    cells_[hole] = cells_[i];
    hole = i;
  }
  cells_[hole] = Cell{};
  FreeKey(e);
  if constexpr (kHoldsHeap<V>) FreeValue(e.value);
  e.presence = Presence::kFree;
  GiveSlotBack(slot);
  --size_;
}

template <class V>
uint32_t HotTable<V>::TakeSlot() {
  while (!partial_.empty() && chunks_[partial_.back()].free == kNone) {
    chunks_[partial_.back()].in_partial = false;
    partial_.pop_back();
  }
  Chunk& chunk = partial_.empty() ? AllocateChunk() : chunks_[partial_.back()];
  const uint32_t slot = chunk.free;
  chunk.free = entry(slot).staged;
  ++chunk.used;
  return slot;
}

template <class V>
auto HotTable<V>::AllocateChunk() -> Chunk& {
  if (vacant_.empty()) {
    TRIDENT_CHECK_LT(slots_end(), kNone - kChunk);
    vacant_.push_back(static_cast<uint32_t>(chunks_.size()));
    chunks_.emplace_back();
  }
  const uint32_t number = vacant_.back();
  vacant_.pop_back();
  Chunk& chunk = chunks_[number];
  chunk.entries = std::make_unique<Entry[]>(kChunk);
  ++allocated_chunks_;
  for (uint32_t i = kChunk; i-- > 0;) {
    chunk.entries[i].staged = std::exchange(chunk.free, number * kChunk + i);
  }
  ListAsPartial(number);
  return chunk;
}

template <class V>
void HotTable<V>::ListAsPartial(uint32_t chunk) {
  if (!std::exchange(chunks_[chunk].in_partial, true)) partial_.push_back(chunk);
}

template <class V>
void HotTable<V>::GiveSlotBack(uint32_t slot) {
  const uint32_t number = slot / kChunk;
  Chunk& chunk = chunks_[number];
  if (--chunk.used == 0) {
    chunk.entries = nullptr;
    chunk.free = kNone;
    --allocated_chunks_;
    vacant_.push_back(number);
    return;
  }
  entry(slot).staged = std::exchange(chunk.free, slot);
  ListAsPartial(number);
}

template <class V>
void HotTable<V>::Compact() {
  HotTable compact;
  for (uint32_t slot = 0; slot < slots_end(); ++slot) {
    if (!IsAllocated(slot)) continue;
    Entry& from = entry(slot);
    if (from.presence == Presence::kFree) continue;
    Entry& to = compact.entry(compact.Insert(HashBytes(from.key()), from.key()));
    to.presence = from.presence;
    to.used = from.used;
    to.value = std::move(from.value);
  }
  Swap(compact);
}

template <class V>
void HotTable<V>::Swap(HotTable& other) {
  cells_.swap(other.cells_);
  chunks_.swap(other.chunks_);
  arena_.swap(other.arena_);
  partial_.swap(other.partial_);
  vacant_.swap(other.vacant_);
  std::swap(allocated_chunks_, other.allocated_chunks_);
  std::swap(size_, other.size_);
  std::swap(goes_by_bytes_, other.goes_by_bytes_);
}

template <class V>
int HotTable<V>::Place(Cell cell) {
  const size_t mask = cells_.size() - 1;
  size_t i = cell.tag & mask;
  int same = 0;
  for (; cells_[i].slot != kNone; i = (i + 1) & mask) same += cells_[i].tag == cell.tag;
  cells_[i] = cell;
  return same;
}

template <class V>
void HotTable<V>::GoByBytes() {
  goes_by_bytes_ = true;
  std::vector<Cell> old(cells_.size());
  old.swap(cells_);
  for (const Cell& cell : old) {
    if (cell.slot != kNone) Place({TagOf(0, entry(cell.slot).key()), cell.slot});
  }
}

template <class V>
void HotTable<V>::GrowIndex() {
  std::vector<Cell> old(cells_.size() * 2);
  old.swap(cells_);
  for (const Cell& cell : old) {
    if (cell.slot != kNone) Place(cell);
  }
}

template <class V>
void HotTable<V>::SetKey(Entry& e, std::string_view key) {
  if (key.size() <= Entry::kInlineKey) {
    e.key_size = static_cast<uint8_t>(key.size());
    if (key.size() <= KeyWords::kBytes) return KeyWords::Of(key).CopyTo(e.key_bytes);
    std::memcpy(e.key_bytes, key.data(), key.size());
    return;
  }
  const uint32_t size = static_cast<uint32_t>(key.size());
  const char* data = arena_->Copy(key);
  e.key_size = Entry::kLongKey;
  std::memcpy(e.key_bytes, &size, sizeof size);
  std::memcpy(e.key_bytes + 8, &data, sizeof data);
}

template <class V>
void HotTable<V>::FreeKey(Entry& e) {
  if (e.key_size == Entry::kLongKey) arena_->Free(e.key().data(), e.key().size());
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_HOT_TABLE_H_

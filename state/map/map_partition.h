// SPDX-License-Identifier: Apache-2.0
//
// MapPartition<V>: one partition of one map state: hot table, staged and previous values over it,
// the base under it. Which value a reader at txid N gets:
//
//   the oldest previous value that a txid after N replaced          (ChangeLog, applied side)
//   else the committed value of the hot table
//   else what the base has
//
// The base may be ahead of N: what was folded after N is in the change log for as long as N is
// readable. A value of memory may be known only as a delta over the base, or as whatever the base
// has: then it is so over the base of its time, see state/map/map_partition_unread.h.
//
// V is int64_t, double, bool, Timestamp, std::string, OwnedBytes, a std::vector of these, or a user
// type with a UserCodec; it must have a default and be movable.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/codec.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"
#include "state/map/base_reader.h"
#include "state/map/change_log.h"
#include "state/map/change_rows.h"
#include "state/map/hot_table.h"
#include "state/map/partition_context.h"
#include "state/map/partition_fold.h"
#include "state/map/state_partition.h"
#include "state/view/readable_state.h"

namespace trident {

template <class V>
struct MapOptions {
  // What StageDelta means: the value after `delta`. A key without a value gets the delta itself.
  // combine(combine(a, b), c) must equal combine(a, combine(b, c)), and be a pure function. It is
  // called on any thread, and must not refer to what the durable store outlives.
  std::function<V(const V& value, const V& delta)> combine;
};

// Rows of one partition, see StatePage.
template <class V>
struct PartitionPage {
  std::vector<std::pair<std::string, V>> rows;
  std::optional<std::string> resume;
};

template <class V>
class MapPartitionFold;

template <class V>
class MapPartition final : public StatePartition {
 public:
  // `options` must outlive the partition.
  MapPartition(const PartitionContext& context, const MapOptions<V>& options)
      : context_(context), options_(options), base_(context) {}

  StateId state() const override { return context_.state; }
  PartitionId partition() const override { return context_.partition; }

  // ---- owner ----

  // Changes `keys` within t. For each i, update(i, old) gives the new value; `old` is what t-1
  // left, or what an earlier call for t did, null if there is none. `update` returns V, or
  // std::optional<V> where nullopt removes the key. It is called in the order of the keys, after
  // all that is not in memory was read from the base (one MultiGet, or one walk). If a key repeats
  // within a call, its later update sees the earlier one's value.
  //
  // Errors: InvalidArgument when a key is longer than kKeyBytesMax; those of reading the base,
  // DataLoss among them. After an error, or an exception from `update`, t is staged in part:
  // Abort(t) it. REQUIRES: t is not older than what is staged; one attempt per txid; keys belong
  // here.
  template <class Update>
  Status Stage(TxId t, Attempt attempt, std::span<const HashedKey> keys, Update&& update);

  // Combines deltas[i] into the value of keys[i] without reading the base: for callers that need no
  // new values. Takes the same time for cold keys as for hot ones; the fold or the first read looks
  // the base up. `combine` is MapOptions::combine, given again as something that can be inlined.
  // REQUIRES: MapOptions::combine was set; else as Stage.
  template <class Combine>
  Status StageDelta(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                    std::span<const V> deltas, Combine&& combine);

  // found(i, const V*) for each key, in order: what the newest staged txid has left, or what is
  // committed; null: no such key. Errors as Stage.
  template <class Found>
  Status ReadNewest(std::span<const HashedKey> keys, Found&& found);

  uint32_t AppendRedo(TxId t, std::string& out) override;
  void Apply(TxId t, Attempt attempt) override;
  void Abort(TxId from) override;
  Status ReplayRedo(TxId t, Attempt attempt, std::string_view section) override;

  // ---- readers, any thread; see ReadableState for what may be asked ----

  StatusOr<std::optional<V>> Get(TxId at, const HashedKey& key) const;
  // found(i, value) for each key, in any order; null: no such key. The value is the caller's only
  // during the call, which must be short.
  template <class Found>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const;
  // The first rows of `range` at `at`.
  StatusOr<PartitionPage<V>> Scan(TxId at, const KeyRange& range, uint64_t rows) const;
  // What `at` changed within `range`, in key order.
  Status ChangesOf(TxId at, const KeyRange& range, std::vector<StateChange>& out) const;
  uint64_t ApproximateKeys() const;

  // ---- fold ----

  Marker marker() const override;
  void StartFrom(const Marker& marker) override;
  void StartEmpty(TxId since) override;
  uint64_t DirtyBytes() const override;
  std::unique_ptr<PartitionFold> BeginFold(TxId txid, Attempt attempt) override;
  void Trim() override;

 private:
  using Entry = HotEntry<V>;
  friend class MapPartitionFold<V>;

  // HotEntry::dirty.
  static constexpr uint8_t kDirty = 1;    // committed but not folded; in dirty_
  static constexpr uint8_t kFolding = 2;  // a fold is at it; in folding_
  // How many changes are applied before readers get a chance to look in between.
  static constexpr uint32_t kApplyStep = 256;
  // How many entries a scan looks at before others get their chance.
  static constexpr size_t kScanStep = 256;
  // Lookups in flight, see HotTable::PrefetchCell.
  static constexpr size_t kPrefetch = 12;

  // What a key has at some txid, as far as memory knows.
  struct Known {
    Presence presence;
    const V* value;
  };
  enum class Need : uint8_t { kValue, kEntry };
  // What a key is over: a base as it was, or null: as it is now.
  using Under = std::shared_ptr<const BaseView>;
  // The base as it was before it got the txids up to `until`.
  struct EarlierBase {
    TxId until;
    Under view;
  };
  // For readers: `under` counts if the value is not known.
  struct Seen {
    Known known;
    Under under;
  };

  // ---- state/map/map_partition_stage.h; all by the owner ----
  // Puts the slot of each key into slots_, inserting what is missing. kValue: then the newest value
  // of each is known too.
  Status Locate(std::span<const HashedKey> keys, Need need);
  Status ReadMissing(std::span<const HashedKey> keys, Need need);
  TxChanges& OpenTx(TxId t, Attempt attempt, size_t changes);
  Known Newest(const Entry& e) const;
  // Makes `presence` and `value` the newest staged ones of the slot; `before` is what there is now.
  void Put(TxChanges& tx, uint32_t slot, Presence presence, Presence before, V value);
  // True if the delta needs a row of its own in the redo.
  template <class Combine>
  bool PutDelta(TxChanges& tx, uint32_t slot, const V& delta, Combine& combine);
  Status CheckValues(const TxChanges& tx) const;
  // What the base has for the key of `slot` has been read: values that waited for it become known.
  void Resolve(uint32_t slot, const V* base);
  static int Count(Presence presence) { return presence == Presence::kPresent ? 1 : 0; }
  static bool IsKnown(Presence presence) { return presence <= Presence::kPresent; }
  static int64_t HeapOf(const V& value) {
    if constexpr (kHoldsHeap<V>) return static_cast<int64_t>(HeapBytes(value));
    return 0;
  }

  // ---- state/map/map_partition_apply.h; all by the owner ----
  uint32_t StagedIndex(TxId t) const;  // of its TxChanges in log_; log_.txs(): none
  uint64_t ChainChecksum(uint32_t tx, std::string_view section) const;
  void ApplyTx(TxId t, Attempt attempt);
  void ApplyChanges(uint32_t begin, uint32_t end);
  void ReplayRow(TxChanges& tx, uint32_t slot, ChangeRow<V>& row);
  void MarkDirty(Entry& e, uint32_t slot);
  void ReleaseVersions();
  // After a call that may have inserted: accounts for it, and evicts as much if memory is short.
  void MakeWay();
  void EvictSome(uint32_t wanted);
  bool MayEvict(uint32_t slot);  // if not, perhaps the next time
  MemoryBudget::Use Measure() const;
  // Tells the budget what it is wrong about by `slack` bytes or more.
  void Report(int64_t slack = kAccountingSlackBytes);
  // The last applied txid up to `t`; null: it has been released. Owner, or under read_.
  const TxChanges* AppliedUpTo(TxId t) const;

  // ---- state/map/map_partition_read.h ----
  // The first applied change of the slot after `at`, or kNone; under read_.
  uint32_t ChangeAfter(uint32_t slot, TxId at) const;
  Known At(uint32_t slot, TxId at) const;          // under read_
  Seen Look(const HashedKey& key, TxId at) const;  // under read_
  // report(value) with what `known` is over the base; null: nothing.
  template <class Visit>
  void ReportOverBase(const Known& known, const std::optional<V>& base, Visit&& report) const;

  // ---- state/map/map_partition_unread.h ----
  // What the value of the slot at `at` is over, if it is not known; under read_.
  Under BaseUnder(uint32_t slot, TxId at) const;
  // The same for its newest value; by the owner.
  Under BaseUnderNewest(const Entry& e) const;
  // What the base has for each key, as it was in `unders`, one a key or none at all: as it is now.
  StatusOr<std::vector<std::optional<V>>> ReadBase(std::span<const std::string_view> keys,
                                                   std::span<const Under> unders) const;
  Status ReadBaseIn(const BaseView* view, std::span<const std::string_view> keys,
                    std::span<const uint32_t> which, std::vector<std::optional<V>>& values) const;
  void ReleaseEarlierBases();

  // ---- state/map/map_partition_scan.h ----
  struct Overlay;
  struct ScanOrder;
  // Notes that `at` is scanned; true if it was the last one to be.
  bool IsScannedAgain(TxId at) const;
  // The same but for what they leave out; the second one null: memory has moved on, try again.
  Overlay ReadOverlay(TxId at, const KeyRange& range, uint64_t limit) const;
  std::optional<Overlay> ReadInOrder(TxId at, const KeyRange& range, uint64_t limit) const;
  void AddRow(uint32_t slot, TxId at, Overlay& overlay) const;  // under read_
  Status ReadEarlier(Overlay& overlay) const;
  std::vector<uint32_t> SlotsOverBase(TxId at) const;                // under read_; some twice
  std::shared_ptr<const ScanOrder> MakeScanOrder(TxId at) const;     // null: try again
  bool IsCurrent(const ScanOrder& order) const;                      // under read_
  void KeepScanOrder(std::shared_ptr<const ScanOrder> order) const;  // under read_; null: none
  StatusOr<PartitionPage<V>> MergeOverBase(const Overlay& overlay, BaseCursor& base,
                                           uint64_t rows) const;

  // Constant after construction.
  const PartitionContext context_;
  const MapOptions<V>& options_;
  const BaseReader base_;

  // Who holds turn_ acts as the owner. The executor takes it once a call; nobody waits long for it
  // but the fold. Whoever changes what readers see also takes read_, for some microseconds and
  // never during I/O or user code. Order: turn_ before read_.
  mutable Mutex turn_;
  mutable Mutex read_;

  // Changed under both locks, read under either. Of entries, `staged` and `used` and of the log,
  // what is behind its border, belong to the owner alone.
  HotTable<V> table_;
  ChangeLog<V> log_;
  std::vector<uint32_t> dirty_;    // slots
  std::vector<uint32_t> folding_;  // slots; not empty only while a PartitionFold lives
  uint32_t applied_txs_ = 0;       // the first txids of log_ are applied
  Marker marker_;
  bool base_is_empty_ = true;  // nothing was ever folded
  uint64_t generation_ = 0;    // of base and memory together: see state/map/map_partition_scan.h
  std::vector<EarlierBase> earlier_bases_;  // those that readers may still need; oldest first
  // The newest one is that of the fold now going on, which appends what it has not read.
  bool fold_appends_ = false;
  int64_t keys_ = 0;

  // Under read_. Of the latest scan that had more than one page; gone with the next fold, or when
  // its txid is not readable any more.
  mutable std::shared_ptr<const ScanOrder> scan_order_;
  mutable TxId scanned_at_;

  // The owner's.
  TxId applied_;
  uint64_t released_checksum_ = 0;  // as of the newest txid that left log_
  int64_t released_keys_ = 0;
  bool fold_active_ = false;
  uint32_t hand_ = 0;         // of the clock that finds what to evict
  int64_t entries_heap_ = 0;  // HeapBytes of the entries' values
  int64_t versions_heap_ = 0;
  int64_t staged_heap_ = 0;
  MemoryBudget::Use reported_;
  // Scratch, kept for its memory.
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> missing_;  // indices of keys
  uint32_t inserted_ = 0;          // by this call

  // For any thread.
  std::atomic<uint64_t> dirty_bytes_{0};
  std::atomic<uint64_t> base_keys_{0};
  mutable std::atomic<uint64_t> scan_order_bytes_{0};
};

}  // namespace trident

#include "state/map/map_partition_apply.h"   // IWYU pragma: export
#include "state/map/map_partition_fold.h"    // IWYU pragma: export
#include "state/map/map_partition_read.h"    // IWYU pragma: export
#include "state/map/map_partition_scan.h"    // IWYU pragma: export
#include "state/map/map_partition_stage.h"   // IWYU pragma: export
#include "state/map/map_partition_unread.h"  // IWYU pragma: export

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_H_

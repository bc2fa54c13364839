// SPDX-License-Identifier: Apache-2.0
//
// MapPartition<V>: one partition of one map state: a hot table of committed values, staged and
// previous values over it, the base under it. A reader at txid N gets
//
//   the value that the first change after N replaced    (ChangeLog, applied side)
//   else the committed value of the hot table
//   else the value that the base has
//
// The base may be ahead of N. Then the change log has the values that were replaced after N, for as
// long as N is readable. Memory may know a value only as a delta over the base, or only as the one
// that the base has; state/map/earlier_bases.h says which base that is.
//
// V is int64_t, double, bool, Timestamp, std::string, OwnedBytes, a std::vector of these, or a user
// type with a UserCodec; it must have a default and be movable.
//
// The methods are defined in parts, in the order of a change's life:
//
//   map_partition_stage.h   a txid's new values, over those of the txids before it
//   map_partition_apply.h   redo, apply and abort; giving memory back
//   map_partition_read.h    readers of keys
//   map_partition_scan.h    readers of ranges
//   map_partition_fold.h    committed changes on their way into the base
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "state/map/base_reader.h"
#include "state/map/change_log.h"
#include "state/map/change_rows.h"
#include "state/map/earlier_bases.h"
#include "state/map/eviction.h"
#include "state/map/hot_table.h"
#include "state/map/known_value.h"
#include "state/map/map_options.h"
#include "state/map/memory_account.h"
#include "state/map/partition_context.h"
#include "state/map/partition_fold.h"
#include "state/map/partition_locks.h"
#include "state/map/scan_orders.h"
#include "state/map/scan_overlay.h"
#include "state/map/state_partition.h"
#include "state/map/stuck_bases.h"
#include "state/map/unreadable_keys.h"
#include "state/view/readable_state.h"

namespace trident {

// The first rows of a range in one partition. A StatePage is the same for a whole state.
template <class V>
struct PartitionPage {
  std::vector<std::pair<std::string, V>> rows;
  // The keys of the range whose values cannot be read, with the reason; they count as rows.
  std::vector<std::pair<std::string, Status>> unreadable;
  std::optional<std::string> resume;
};

template <class V>
class MapPartitionFold;

template <class V>
class MapPartition final : public StatePartition {
 public:
  // `options` must outlive the partition.
  MapPartition(const PartitionContext& context, const MapOptions<V>& options)
      : context_(context), options_(options), base_(context), account_(*context.budget) {}

  StateId state() const override { return context_.state; }
  PartitionId partition() const override { return context_.partition; }

  // ---- owner ----

  // Changes `keys` within t. For each i, update(i, old) gives the new value. `old` is the value
  // that an earlier call for t gave, else the one that t-1 left; null if the key has none. `update`
  // returns V, or std::optional<V> where nullopt removes the key. It is called in the order of the
  // keys, after all values that are not in memory were read from the base. If a key repeats within
  // a call, its later update sees the earlier one's value.
  //
  // Errors: InvalidArgument if a key is longer than kKeyBytesMax; those of reading the base,
  // DataLoss among them. After an error, or an exception from `update`, t is staged in part and
  // must be given up by Abort(t). REQUIRES: t is not older than the newest staged txid; one attempt
  // per txid; keys belong here.
  template <class Update>
  Status Stage(TxId t, Attempt attempt, std::span<const HashedKey> keys, Update&& update);

  // The same for values that do not depend on the old one: next(i) gives a V, or an optional<V>.
  // The old value need not be readable. The base is asked only whether it has the key, because
  // changes say so and keys are counted.
  template <class Next>
  Status StageUnread(TxId t, Attempt attempt, std::span<const HashedKey> keys, Next&& next);

  // Combines deltas[i] into the value of keys[i] without reading the base: for callers that need no
  // new values. Takes the same time for cold keys as for hot ones, because a later fold or read
  // looks them up. `combine` does what MapOptions::combine does, as something that can be inlined.
  // REQUIRES: MapOptions::combine was set; else as Stage.
  template <class Combine>
  Status StageDelta(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                    std::span<const V> deltas, Combine&& combine);

  // Calls found(i, const V*) for each key, in order, with its newest staged value, else with its
  // committed one; null: no such key. Errors as Stage.
  template <class Found>
  Status ReadNewest(std::span<const HashedKey> keys, Found&& found);

  uint32_t AppendRedo(TxId t, std::string& out) override;
  void Apply(TxId t, Attempt attempt) override;
  void Abort(TxId from) override;
  Status ReplayRedo(TxId t, Attempt attempt, std::string_view section) override;

  // ---- readers, any thread; see ReadableState for what may be asked ----

  StatusOr<std::optional<V>> Get(TxId at, const HashedKey& key) const;
  // Calls found(i, const V*) for each key, in any order; null: no such key. The value is good only
  // during the call, which must be short, because changes may be waiting for it, and does not
  // throw. Calls failed(i, Status) in its stead for a key whose value the program's code threw for.
  template <class Found, class Failed>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found, Failed&& failed) const;
  // The same; an unreadable key is an error.
  template <class Found>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const {
    Status unreadable;
    const Status read =
        GetAll(at, keys, found, [&](size_t, const Status& why) { unreadable.Update(why); });
    return read.ok() ? unreadable : read;
  }
  // The first rows of `range` at `at`, as many as `limits` allow; at least one if there is one.
  StatusOr<PartitionPage<V>> Scan(TxId at, const KeyRange& range, PageLimits limits) const;
  // Appends the keys of `range` that `at` changed, with their values after it, in no order.
  Status ChangesOf(TxId at, const KeyRange& range, std::vector<StateChange>& out) const;
  uint64_t ApproximateKeys() const;
  // See ReadableState.
  uint64_t UnreadableKeys() const;

  // ---- fold ----

  Marker marker() const override;
  void StartFrom(const Marker& marker) override;
  void StartEmpty(TxId since) override;
  uint64_t DirtyBytes() const override TRIDENT_NO_THREAD_SAFETY_ANALYSIS {
    return account_.dirty_bytes();
  }
  std::unique_ptr<PartitionFold> BeginFold(TxId txid, Attempt attempt) override;
  std::optional<Marker> MarkerIfUnchanged(TxId txid, Attempt attempt) override;
  void AdvanceTo(const Marker& marker) override;
  void Trim() override;

  // The memory that values own, by ValuePlace, found by looking at them all. For tests: the account
  // must say the same.
  struct ValueMemory {
    int64_t entries = 0, previous = 0, staged = 0;
    friend bool operator==(const ValueMemory&, const ValueMemory&) = default;
  };
  ValueMemory WalkValues() const;
  ValueMemory AccountedValues() const;

 private:
  using Entry = HotEntry<V>;
  friend class MapPartitionFold<V>;

  // HotEntry::dirty.
  static constexpr uint8_t kDirty = 1;    // committed but not folded; in dirty_
  static constexpr uint8_t kFolding = 2;  // a fold is moving it; in folding_
  // How many changes are applied before readers get a chance to look in between.
  static constexpr uint32_t kApplyStep = 256;
  // How many entries a scan looks at before others get their chance.
  static constexpr size_t kScanStep = 256;
  // Lookups in flight, see HotTable::PrefetchCell.
  static constexpr size_t kPrefetch = 12;

  // How much a caller of Locate needs of each key.
  enum class Need : uint8_t { kValue, kPresence, kEntry };
  // A key as a reader finds it in memory.
  struct Seen {
    Known<V> known;
    BaseRef under;  // the base that the value lies over, unless it is known
  };
  // Values of keys in the base that each lies over.
  struct BaseValues {
    std::vector<std::optional<V>> values;
    std::map<size_t, Status> unreadable;  // the program's code threw for the i-th; mostly empty

    const V* At(size_t i) const { return values[i].has_value() ? &*values[i] : nullptr; }
    Status WhyNot(size_t i) const {
      if (unreadable.empty()) return absl::OkStatus();
      const auto found = unreadable.find(i);
      return found == unreadable.end() ? absl::OkStatus() : found->second;
    }
  };

  // ---- stage ----

  // Puts the slot of each key into slots_, inserting keys that are missing. With kValue the newest
  // value of each is known afterwards, too; with kPresence it is, or the base has the key.
  Status Locate(std::span<const HashedKey> keys, Need need) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  Status ReadMissing(std::span<const HashedKey> keys, Need need) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  // The slot of the key, which is inserted if it is missing.
  uint32_t SlotOf(const HashedKey& key) TRIDENT_BY_BOTH(locks_);
  // Finds out which of the keys of missing_ the bases have. The entries of those that they do not
  // have are known afterwards.
  Status ReadPresence(std::span<const HashedKey> keys, std::span<const std::string_view> wanted,
                      std::span<const BaseRef> unders) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  // Makes t the newest staged txid and returns its changes, with room for `changes` more.
  TxChanges& OpenTx(TxId t, Attempt attempt, size_t changes) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  Known<V> Newest(const Entry& e) const TRIDENT_BY_OWNER(locks_);
  // Makes `presence` and `value` the newest staged ones of the slot. `before` is the presence of
  // the newest ones so far.
  void Put(TxChanges& tx, uint32_t slot, Presence presence, Presence before, V value)
      TRIDENT_BY_OWNER(locks_);
  void CountStaged(const Change<V>& change) TRIDENT_BY_OWNER(locks_);
  // True if the delta needs a row of its own in the redo.
  template <class Combine>
  bool PutDelta(TxChanges& tx, uint32_t slot, const V& delta, const Combine& combine)
      TRIDENT_BY_OWNER(locks_);
  // InvalidArgument when a value that was Put since the last call is larger than kValueBytesMax.
  Status CheckValues() TRIDENT_BY_OWNER(locks_);
  // Makes all values of the slot known that lie over the base of its entry, also where the entry's
  // own is known. `base` is the value of the slot's key in that base; null: none. If combining
  // throws, all of them stay as they were.
  void Resolve(uint32_t slot, const V* base) TRIDENT_BY_BOTH(locks_);
  void ResolveValue(Presence& presence, V& value, const V* base, ValuePlace place)
      TRIDENT_BY_BOTH(locks_);

  // ---- apply ----

  // The index of t in log_ if it is staged; else log_.txs().
  uint32_t StagedIndex(TxId t) const TRIDENT_BY_OWNER(locks_);
  uint64_t ChainChecksum(uint32_t tx, std::string_view section) const TRIDENT_BY_OWNER(locks_);
  void ApplyTx(TxId t, Attempt attempt) TRIDENT_BY_OWNER(locks_) TRIDENT_EXCLUDES(locks_.read);
  void ApplyChanges(uint32_t begin, uint32_t end) TRIDENT_BY_BOTH(locks_);
  Status ReplayRow(TxChanges& tx, uint32_t slot, ChangeRow<V>& row) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  // For a row of the redo that this program's code throws for: the slot's value is, unread, its
  // newest one so far with the row's behind it, as bytes of the base.
  Status KeepApart(TxChanges& tx, uint32_t slot, const ChangeRow<V>& row) TRIDENT_BY_OWNER(locks_)
      TRIDENT_EXCLUDES(locks_.read);
  // The newest value of the slot as the base would have it.
  StatusOr<std::string> BytesOfNewest(uint32_t slot) const TRIDENT_BY_OWNER(locks_);
  void MarkDirty(Entry& e, uint32_t slot) TRIDENT_BY_BOTH(locks_);
  // Releases everything that served only readers of txids that are not readable any more.
  void ReleaseVersions() TRIDENT_BY_BOTH(locks_);
  // Called after anything that may have inserted keys: reports, and evicts as many as are due.
  void MakeWay() TRIDENT_BY_OWNER(locks_) TRIDENT_EXCLUDES(locks_.read);
  void Evict(uint32_t wanted) TRIDENT_BY_BOTH(locks_);
  // See MemoryAccount::Report.
  void Report(int64_t slack = kAccountingSlackBytes) TRIDENT_BY_OWNER(locks_);
  void AddHeap(ValuePlace place, const V& value) TRIDENT_BY_OWNER(locks_) {
    if constexpr (kHoldsHeap<V>) account_.AddHeap(place, HeapOf(value));
  }
  void SubtractHeap(ValuePlace place, const V& value) TRIDENT_BY_OWNER(locks_) {
    if constexpr (kHoldsHeap<V>) account_.AddHeap(place, -HeapOf(value));
  }
  static int64_t HeapOf(const V& value) {
    if constexpr (kHoldsHeap<V>) return static_cast<int64_t>(HeapBytes(value));
    return 0;
  }
  Marker MarkerAt(TxId txid, Attempt attempt) const TRIDENT_BY_OWNER(locks_);
  // The newest applied txid up to t; null: it has been released.
  const TxChanges* AppliedUpTo(TxId t) const TRIDENT_BY_EITHER(locks_);

  // ---- read ----

  // The first applied change of the slot after `at`, or kNone.
  uint32_t ChangeAfter(uint32_t slot, TxId at) const TRIDENT_BY_READER(locks_);
  Known<V> At(uint32_t slot, TxId at) const TRIDENT_BY_READER(locks_);
  Seen Look(const HashedKey& key, TxId at) const TRIDENT_BY_READER(locks_);
  // The base that the slot's value at `at` lies over, if the value is not known.
  BaseRef BaseUnder(uint32_t slot, TxId at) const TRIDENT_BY_READER(locks_);
  // The base that the committed value and the staged ones lie over, if they are not known.
  BaseRef BaseUnderNewest(uint32_t slot) const TRIDENT_BY_EITHER(locks_);
  // The value of each key in the base that it lies over; see BaseReader::ReadEach.
  StatusOr<BaseValues> ReadBase(std::span<const std::string_view> keys,
                                std::span<const BaseRef> unders) const;
  // Remembers that the key's newest value cannot be read, unless that is known.
  void NoteUnreadable(const HashedKey& key) const TRIDENT_BY_READER(locks_);
  void NoteUnreadable(std::string_view key) const {
    ReaderLock read(locks_);
    NoteUnreadable({key, HashBytes(key)});
  }
  // What a read of the key at `at` was like.
  void NoteRead(const HashedKey& key, TxId at, const Status& read) const TRIDENT_BY_READER(locks_);
  // As ReportOverBase, with errors for what the combiner throws.
  template <class Reported>
  Status ReportCombined(std::string_view key, const Known<V>& known, const V* base,
                        Reported&& report) const;
  // nullopt: the bytes are no V, and `failed` says so.
  std::optional<V> Decode(std::string_view key, std::string_view encoded, Status& failed) const {
    return DecodeStored<V>(base_, key, encoded, options_, failed);
  }

  // ---- scan ----

  // True if the page before was at `at` too, so that it pays to make an order of the keys.
  bool NotePage(TxId at) const;
  // Collects the rows that memory has of the range; the first ones that `limits` allow are among
  // them.
  ScanOverlay<V> ReadOverlay(TxId at, const KeyRange& range, PageLimits limits) const;
  // The same by a ScanOrder, which is made if none is kept. nullopt: another generation has begun;
  // try again.
  std::optional<ScanOverlay<V>> ReadInOrder(TxId at, const KeyRange& range,
                                            PageLimits limits) const;
  std::shared_ptr<const ScanOrder> FindScanOrder(TxId at) const;  // null: none is kept
  // Null: another generation has begun.
  std::shared_ptr<const ScanOrder> MakeScanOrder(TxId at) const;
  bool IsCurrent(const ScanOrder& order) const TRIDENT_BY_READER(locks_);
  // The slots of all keys in which the base may differ from `at`, some of them twice.
  std::vector<uint32_t> SlotsOverBase(TxId at) const TRIDENT_BY_READER(locks_);
  void AddRow(uint32_t slot, TxId at, ScanOverlay<V>& overlay) const TRIDENT_BY_READER(locks_);
  // Looks up the rows that lie over an earlier base, because the scan walks the present one.
  Status ReadEarlier(ScanOverlay<V>& overlay) const;
  void NoteUnreadable(const PartitionPage<V>& page) const;
  StatusOr<PartitionPage<V>> MergeOverBase(const ScanOverlay<V>& overlay, BaseCursor& base,
                                           PageLimits limits) const;
  // For the owner, who need not keep readers out for it.
  uint64_t ScanOrderBytes() const TRIDENT_NO_THREAD_SAFETY_ANALYSIS { return scan_orders_.bytes(); }

  // ---- constant after construction ----
  const PartitionContext context_;
  const MapOptions<V>& options_;
  const BaseReader base_;

  mutable PartitionLocks locks_;

  // ---- changed under both locks, looked at under either ----
  // `staged` and `used` of the entries, and the part of the log after its border, belong to the
  // owner alone, who changes them without keeping readers out.
  HotTable<V> table_ TRIDENT_GUARDED_BY(locks_);
  ChangeLog<V> log_ TRIDENT_GUARDED_BY(locks_);
  uint32_t applied_txs_ TRIDENT_GUARDED_BY(locks_) = 0;       // the first txids of log_ are applied
  std::vector<uint32_t> dirty_ TRIDENT_GUARDED_BY(locks_);    // slots
  std::vector<uint32_t> folding_ TRIDENT_GUARDED_BY(locks_);  // slots; empty if there is no fold
  Marker marker_ TRIDENT_GUARDED_BY(locks_);                  // how far the base is
  bool base_is_empty_ TRIDENT_GUARDED_BY(locks_) = true;      // nothing was ever folded
  EarlierBases earlier_bases_ TRIDENT_GUARDED_BY(locks_);
  StuckBases stuck_bases_ TRIDENT_GUARDED_BY(locks_);
  // The newest txid that replaced a value that was not known. What it replaced lies over a base.
  TxId replaced_unread_ TRIDENT_GUARDED_BY(locks_);
  int64_t keys_ TRIDENT_GUARDED_BY(locks_) = 0;  // after the newest applied txid, about

  // ---- under the read lock ----
  mutable ScanOrders scan_orders_ TRIDENT_GUARDED_BY(locks_.read);
  mutable trident::UnreadableKeys unreadable_ TRIDENT_GUARDED_BY(locks_.read);

  // ---- the owner's ----
  TxId applied_ TRIDENT_GUARDED_BY(locks_.turn);  // the newest txid that was applied
  // Those of the newest txid that left log_.
  uint64_t released_checksum_ TRIDENT_GUARDED_BY(locks_.turn) = 0;
  int64_t released_keys_ TRIDENT_GUARDED_BY(locks_.turn) = 0;
  bool fold_active_ TRIDENT_GUARDED_BY(locks_.turn) = false;
  MemoryAccount account_ TRIDENT_GUARDED_BY(locks_.turn);
  Eviction eviction_ TRIDENT_GUARDED_BY(locks_.turn);
  uint32_t too_large_ TRIDENT_GUARDED_BY(locks_.turn) = kNone;  // the slot of such a value
  // Scratch of Locate, kept for its memory.
  std::vector<uint32_t> slots_ TRIDENT_GUARDED_BY(locks_.turn);
  std::vector<uint32_t> missing_ TRIDENT_GUARDED_BY(locks_.turn);  // indices of keys

  // ---- any thread ----
  std::atomic<uint64_t> base_keys_{0};  // marker_.keys
};

}  // namespace trident

#include "state/map/map_partition_apply.h"  // IWYU pragma: export
#include "state/map/map_partition_fold.h"   // IWYU pragma: export
#include "state/map/map_partition_read.h"   // IWYU pragma: export
#include "state/map/map_partition_scan.h"   // IWYU pragma: export
#include "state/map/map_partition_stage.h"  // IWYU pragma: export

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_H_

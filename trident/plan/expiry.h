// SPDX-License-Identifier: Apache-2.0
//
// Expiry: the keys of a state that no batch has written for so long, by batch time, that they go.
// They go by a removal that is staged as a part of the first batch of such a time. So a key is gone
// at exactly that txid for every reader, and its removal is redone, folded, scanned and watched
// like any other.
//
// The times are a map state of their own, "<name>-last-write", with the key and the partitions of
// the state. A sweep finds in time which keys will be due: it walks over the state, a slice of keys
// a batch, kSweeps times in the time after which keys expire, and keeps the keys that will be due
// before the next one has ended. Why there is no index by time, ARCHITECTURE.md says.
#ifndef TRIDENT_TRIDENT_PLAN_EXPIRY_H_
#define TRIDENT_TRIDENT_PLAN_EXPIRY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/partition_assignment.h"
#include "base/status.h"
#include "state/map/map_share.h"
#include "state/state_store.h"

namespace trident {

// The state of the times of `spec`, opened in `store`. Errors as StateStore::AddMap.
StatusOr<MapState<Timestamp>*> AddLastWrites(StateStore& store, const StateSpec& spec);

// The part of one task: its partitions. Belongs to one thread. The calls for batches come in txid
// order; each batch begins with Begin.
class Expiry {
 public:
  // Walks over a state in so many parts of the time after which its keys expire.
  static constexpr int64_t kSweeps = 8;

  // The first keys of a range, in any order, and where to go on.
  struct Page {
    std::vector<std::string> keys;
    std::optional<std::string> resume;
  };
  using KeysOf = std::function<StatusOr<Page>(PartitionId partition, TxId at, const KeyRange& range,
                                              PageLimits limits)>;
  struct Site {
    const StateStore* store;
    const ReadableState* state;
    MapState<Timestamp>* times;
    PartitionRange owned;
  };
  // `keys_of` reads the state. All of it must outlive this object.
  Expiry(const Site& site, KeysOf keys_of);

  // Returns the keys that go with this batch, which the caller stages. Errors are those of reading.
  // REQUIRES: the time is not before that of an earlier call, also if that attempt was aborted.
  StatusOr<std::vector<std::string>> Begin(const BatchId& id, int64_t batch_time_micros);
  // The batch has written the keys, or it has removed them.
  Status Wrote(const BatchId& id, std::span<const HashedKey> keys);
  Status Removed(const BatchId& id, std::span<const HashedKey> keys);

  void AppendRedo(TxId txid, std::string& fragment) { share_.AppendRedo(txid, fragment); }
  // Returns the number of keys that went.
  uint64_t Apply(TxId txid, Attempt attempt);
  void Abort(TxId from);

 private:
  static constexpr int64_t kNothing = std::numeric_limits<int64_t>::min() / 2;

  struct Candidate {
    int64_t time;  // its last write, when it was seen
    std::string key;
    friend auto operator<=>(const Candidate&, const Candidate&) = default;
  };
  // A batch that was begun and not applied.
  struct Open {
    TxId txid;
    int64_t time;
    size_t next;  // next_ before it
    // It gave keys their first times, or passed by keys that a batch before it has removed. If it
    // is aborted, the first sweep is made again.
    bool restarts_sweep = false;
    uint64_t gone = 0;
  };
  // The keys that a batch changed, until every reader sees it: a sweep reads what is committed.
  struct Recent {
    TxId txid;
    int64_t time;
    std::string keys;     // each with its length before it
    std::string removed;  // likewise what it has removed, while the first sweep is under way
  };
  struct Sweep {
    int64_t begun;
    int64_t horizon;  // keys that were written later do not matter to it
    // Only the first one asks the state for keys without a time. That they are: they are older than
    // the expiry.
    bool asks_state;
    uint32_t partition;
    std::string from = {};
    uint64_t rows = 0;
    uint64_t rows_expected = 0;
    std::vector<Candidate> found = {};
  };

  const StateSpec& spec() const { return site_.state->info().spec; }
  int64_t after() const { return spec().expire_after_micros; }
  TxId Published() const { return site_.store->Published(spec().group); }
  StatusOr<bool> HasNoTimes() const;
  // Adds the keys of the state that `page`, the next times of a partition, has no time for. Ends
  // the page earlier where the state has more keys than a slice.
  Status FindWithoutTime(PartitionId partition, TxId at, PartitionPage<Timestamp>& page,
                         std::vector<std::string>& found);
  void Remember(std::span<const HashedKey> keys);

  // Sweeps so far that all keys are known that are due at `now`.
  Status SweepOn(const BatchId& id, int64_t now);
  void BeginSweep(int64_t now);
  Status SweepSlice(const BatchId& id);
  void EndSweep();
  // Lets keys without a time begin now.
  Status AddTimes(const BatchId& id, const std::vector<std::string>& keys);
  StatusOr<std::vector<std::string>> TakeDue(const BatchId& id, int64_t now);

  const Site site_;
  const KeysOf keys_of_;
  MapShare<Timestamp> share_;
  std::deque<Open> open_;
  std::deque<Recent> recent_;
  std::optional<Sweep> sweep_;
  // Sorted. Holds every key that was last written up to `covered_`, and goes on from next_: those
  // before it have been removed, or written again.
  std::vector<Candidate> due_;
  size_t next_ = 0;
  int64_t covered_ = kNothing;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_EXPIRY_H_

// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore: a DurableStore in memory that behaves as a disk does in the worst case. For tests
// and simulations, and for topologies whose state may die with the process. Deterministic: the same
// calls and the same Rng give the same bytes.
//
//   MemoryStore store;
//   ... write, fold ...
//   std::unique_ptr<MemoryStore> found = store.Crash(rng);    // as found after a power loss
//   std::unique_ptr<MemoryStore> found = store.Kill(rng);     // as found after kill -9
//
// After either, the old store is a dead process: all its calls are refused. The disk model:
//
//   - Synced writes and installed bulk loads survive everything.
//   - Buffered writes survive a kill. A power loss keeps a prefix of those after the last synced;
//     each write set is kept whole or lost whole, because a torn one fails its checksum.
//   - A write that failed was applied, or was not: the script says so, or the Rng of the crash.
#ifndef TRIDENT_STATE_DISK_MEMORY_STORE_H_
#define TRIDENT_STATE_DISK_MEMORY_STORE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/rng.h"
#include "base/status.h"
#include "state/disk/durable_store.h"

namespace trident {

class MemoryStore : public DurableStore {
 public:
  // How a write fails.
  struct Failure {
    enum class Outcome : uint8_t {
      kLost,     // opening again shows nothing of it
      kApplied,  // opening again shows it: only the answer was lost
      kEither,   // the Rng of Crash or Kill chooses
    };
    Status error;  // must not be ok
    Outcome outcome = Outcome::kEither;

    // What RocksStore answers on these errors of the disk.
    static Failure DiskFull(Outcome outcome = Outcome::kEither);
    static Failure InputOutput(Outcome outcome = Outcome::kEither);
  };

  MemoryStore() = default;

  Status Write(const WriteSet& changes, Durability durability) override;
  StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override;
  Status MultiGet(Table table, std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override;
  using DurableStore::NewCursor;
  std::unique_ptr<Cursor> NewCursor(Table table, const CursorOptions& options) const override;
  StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) override;
  std::unique_ptr<const BaseView> NewBaseView() const override;
  bool LookupsAreCheap() const override { return true; }
  void SetCondense(std::shared_ptr<const Condense> condense) override;
  std::string Where() const override { return "memory"; }
  Status Health() const override;
  uint64_t MemoryBytes() const override;

  // Write and Install calls that reached the disk, failed ones included.
  uint64_t writes() const;
  // The Write or Install after `successes` more of them fails; until a crash, all further ones are
  // refused. One script at a time.
  void FailWriteAfter(uint64_t successes, Failure failure);

  // The machine loses power. Moves the content: this store is dead afterwards.
  std::unique_ptr<MemoryStore> Crash(Rng& rng);
  // The process dies, the machine does not.
  std::unique_ptr<MemoryStore> Kill(Rng& rng);

 private:
  class MapBaseView;
  class MapCursor;
  class SortedRun;
  using Map = std::map<std::string, std::string, std::less<>>;
  using Changes = std::span<const WriteSet::Change>;

  // One table. Cursors hold it, and go on seeing what they saw: a table that is held is copied
  // before it changes.
  struct Content {
    Map map;
    std::atomic<int> held{0};
  };
  // Keeps a Content as it is.
  class Hold;

  // The value of a key before a write set that is not synced yet; nullopt: there was none.
  struct Before {
    Table table;
    std::string key;
    std::optional<std::string> value;
  };
  using Undo = std::vector<Before>;

  using Tables = std::array<std::shared_ptr<Content>, kTableCount>;
  static Tables EmptyTables();
  const Map& MapOf(Table table) const TRIDENT_REQUIRES(mutex_);
  Map& MutableMapOf(Table table) TRIDENT_REQUIRES(mutex_);
  Status Admit(Changes changes) TRIDENT_REQUIRES(mutex_);
  Status Install(Changes run);
  void Apply(Changes changes, Undo* undo) TRIDENT_REQUIRES(mutex_);
  static void FindAll(const Map& map, std::span<const std::string_view> keys,
                      const std::function<void(size_t, std::string_view)>& found);
  void ApplyOne(const WriteSet::Change& change, Undo* undo) TRIDENT_REQUIRES(mutex_);
  void Append(std::string_view key, std::string_view bytes, std::string& to)
      TRIDENT_REQUIRES(mutex_);
  void EraseRange(const WriteSet::Change& change, Undo* undo) TRIDENT_REQUIRES(mutex_);
  void Remember(Table table, std::string_view key, Undo* undo) TRIDENT_REQUIRES(mutex_);
  void Revert(const Undo& undo) TRIDENT_REQUIRES(mutex_);
  std::unique_ptr<MemoryStore> Bequeath(Rng& rng) TRIDENT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Tables tables_ TRIDENT_GUARDED_BY(mutex_) = EmptyTables();
  // One for each write set since the last synced one, oldest first.
  std::deque<Undo> unsynced_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t writes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Condense> condense_ TRIDENT_GUARDED_BY(mutex_);

  std::optional<uint64_t> successes_before_failure_ TRIDENT_GUARDED_BY(mutex_);
  Failure failure_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<WriteSet::Change> in_doubt_ TRIDENT_GUARDED_BY(mutex_);  // what the failed one wanted
  Status refusal_ TRIDENT_GUARDED_BY(mutex_);  // not ok once writes are refused
  Status death_ TRIDENT_GUARDED_BY(mutex_);    // not ok once the process is dead
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_MEMORY_STORE_H_

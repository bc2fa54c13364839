// SPDX-License-Identifier: Apache-2.0
//
// SimDisk: the store of the simulated process, over a MemoryStore that keeps what a disk keeps.
// Writes fail with unknown outcome; the process dies within them; others go on while they last.
#ifndef TRIDENT_TESTS_SIM_DISK_H_
#define TRIDENT_TESTS_SIM_DISK_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "state/disk/memory_store.h"
#include "tests/sim/trial.h"

namespace trident::sim {

class SimDisk final : public DurableStore {
 public:
  struct Hooks {
    // The disk is at work: others may go on.
    std::function<void()> during;
    // What came of a write, with what the writer is told.
    std::function<void(const WriteSet&, Durability, const Status&)> written;
  };
  SimDisk(Trial& trial, Hooks hooks)
      : trial_(trial), hooks_(std::move(hooks)), store_(std::make_unique<MemoryStore>()) {}

  // The process died within a write.
  bool crashed() const { return crashed_; }
  // What the next life of the process finds.
  enum class Death : uint8_t { kOfTheProcess, kOfTheMachine };
  void Restart(Death death);

  Status Write(const WriteSet& changes, Durability durability) override;
  StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return store_->Get(table, key);
  }
  Status MultiGet(Table table, std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    return store_->MultiGet(table, keys, found);
  }
  using DurableStore::NewCursor;
  std::unique_ptr<Cursor> NewCursor(Table table, const CursorOptions& options) const override {
    return store_->NewCursor(table, options);
  }
  StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) override;
  std::unique_ptr<const BaseView> NewBaseView() const override { return store_->NewBaseView(); }
  void SetCondense(std::shared_ptr<const Condense> condense) override {
    store_->SetCondense(std::move(condense));
  }
  std::string Where() const override { return store_->Where(); }
  Status Health() const override { return store_->Health(); }
  uint64_t MemoryBytes() const override { return store_->MemoryBytes(); }

 private:
  class Load;
  // Others go on, then the fault of this write, if it has one, is prepared.
  void BeforeWrite();

  Trial& trial_;
  const Hooks hooks_;
  std::unique_ptr<MemoryStore> store_;
  bool crashed_ = false;
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_DISK_H_

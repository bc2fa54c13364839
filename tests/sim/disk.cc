// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/disk.h"

namespace trident::sim {

class SimDisk::Load final : public BulkLoad {
 public:
  Load(SimDisk& disk, std::unique_ptr<BulkLoad> load) : disk_(disk), load_(std::move(load)) {}
  Status Put(std::string_view key, std::string_view value) override {
    disk_.trial_.Note(key);
    disk_.trial_.Note(value);
    return load_->Put(key, value);
  }
  Status Delete(std::string_view key) override { return load_->Delete(key); }
  Status Append(std::string_view key, std::string_view bytes) override {
    disk_.trial_.Note(key);
    disk_.trial_.Note(bytes);
    return load_->Append(key, bytes);
  }
  uint64_t bytes() const override { return load_->bytes(); }
  Status Install() override {
    if (load_->bytes() > 0) disk_.BeforeWrite();
    return load_->Install();
  }

 private:
  SimDisk& disk_;
  const std::unique_ptr<BulkLoad> load_;
};

void SimDisk::BeforeWrite() {
  hooks_.during();
  if (crashed_) return;
  crashed_ = trial_.Strikes(trial_.options.crash_in_write);
  const bool fails = crashed_ || trial_.Strikes(trial_.options.write_fails);
  if (!fails) return;
  const bool full = trial_.rng.Chance(0.5);
  store_->FailWriteAfter(
      0, full ? MemoryStore::Failure::DiskFull() : MemoryStore::Failure::InputOutput());
}

Status SimDisk::Write(const WriteSet& changes, Durability durability) {
  for (const WriteSet::Change& change : changes.changes()) {
    trial_.Note(change.key);
    trial_.Note(change.value);
  }
  BeforeWrite();
  Status status = store_->Write(changes, durability);
  hooks_.written(changes, durability, status);
  // Durable, but the writer has not been told yet.
  if (status.ok()) hooks_.during();
  return status;
}

StatusOr<std::unique_ptr<BulkLoad>> SimDisk::NewBulkLoad(Table table) {
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<BulkLoad> load, store_->NewBulkLoad(table));
  return std::make_unique<Load>(*this, std::move(load));
}

void SimDisk::Restart(Death death) {
  store_ = death == Death::kOfTheMachine ? store_->Crash(trial_.rng) : store_->Kill(trial_.rng);
  crashed_ = false;
}

}  // namespace trident::sim

// SPDX-License-Identifier: Apache-2.0
//
// A store outside of the engine, as a program may have one: a map that lives as long as the test,
// over which each start opens its BackingMaps anew. It counts, and fails when it is told to.
#ifndef TRIDENT_TESTS_TRIDENT_STATES_OUTSIDE_TABLE_H_
#define TRIDENT_TESTS_TRIDENT_STATES_OUTSIDE_TABLE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/mutex.h"
#include "trident/outside_state.h"
#include "trident/stream.h"

namespace trident {

// Thread-safe. Keeps what it is given as encoded bytes, as a real store would.
template <class Stored>
class OutsideTable {
 public:
  // Called with the number of the MultiPut, from 1; an error stores only the first half of the
  // keys.
  std::function<Status(uint64_t put)> before_put;

  std::optional<Stored> Get(std::string_view key) const {
    MutexLock lock(mutex_);
    auto found = rows_.find(key);
    if (found == rows_.end()) return std::nullopt;
    ByteReader in(found->second);
    return Codec<Stored>::Decode(in);
  }
  std::vector<std::string> Keys() const {
    MutexLock lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, value] : rows_) keys.push_back(key);
    return keys;
  }
  Status Put(std::span<const std::string_view> keys,
             std::span<const std::optional<Stored>> values) {
    MutexLock lock(mutex_);
    Status failed = before_put == nullptr ? absl::OkStatus() : before_put(++puts_);
    const size_t stored = failed.ok() ? keys.size() : keys.size() / 2;
    for (size_t i = 0; i < stored; ++i) {
      if (values[i].has_value()) {
        std::string bytes;
        Codec<Stored>::Encode(*values[i], bytes);
        rows_[std::string(keys[i])] = std::move(bytes);
      } else {
        rows_.erase(std::string(keys[i]));
      }
    }
    return failed;
  }
  void Record(PartitionId partition, TxId txid) {
    MutexLock lock(mutex_);
    recorded_[partition].push_back(txid);
  }
  // Per partition: the txids it was told of, in order, repeats included.
  std::map<PartitionId, std::vector<TxId>> recorded() const {
    MutexLock lock(mutex_);
    return recorded_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string, std::less<>> rows_ TRIDENT_GUARDED_BY(mutex_);
  std::map<PartitionId, std::vector<TxId>> recorded_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t puts_ TRIDENT_GUARDED_BY(mutex_) = 0;
};

// One partition of it.
template <class Stored>
class OutsideTablePart final : public BackingMap<Stored> {
 public:
  OutsideTablePart(std::shared_ptr<OutsideTable<Stored>> table, PartitionId partition)
      : table_(std::move(table)), partition_(partition) {}

  StatusOr<std::vector<std::optional<Stored>>> MultiGet(
      std::span<const std::string_view> keys) override {
    std::vector<std::optional<Stored>> values;
    for (std::string_view key : keys) values.push_back(table_->Get(key));
    return values;
  }
  Status MultiPut(std::span<const std::string_view> keys,
                  std::span<const std::optional<Stored>> values) override {
    return table_->Put(keys, values);
  }
  Status Record(TxId txid) override {
    table_->Record(partition_, txid);
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<OutsideTable<Stored>> table_;
  const PartitionId partition_;
};

// The state `name` in the table.
template <class Stored>
StateOptions In(const std::shared_ptr<OutsideTable<Stored>>& table, std::string name,
                uint32_t partitions = 0) {
  const auto open =
      [table](const StateSlice& slice) -> StatusOr<std::unique_ptr<BackingMap<Stored>>> {
    return std::make_unique<OutsideTablePart<Stored>>(table, slice.partition);
  };
  return {.name = std::move(name), .partitions = partitions, .where = OutsideMap<Stored>(open)};
}

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_STATES_OUTSIDE_TABLE_H_

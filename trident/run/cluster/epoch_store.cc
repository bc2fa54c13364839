// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/epoch_store.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "state/disk/store_layout.h"
#include "trident/run/parts/deaths_codec.h"

namespace trident {
namespace {

constexpr uint8_t kVersion = 1;
constexpr std::string_view kKey = "epoch-record";
constexpr std::string_view kWhat = "epoch record";

void PutWorkers(const std::vector<WorkerId>& workers, std::string& out) {
  PutVarint(out, workers.size());
  for (const WorkerId worker : workers) PutVarint(out, worker.value());
}

std::vector<WorkerId> TakeWorkers(ByteReader& in) {
  std::vector<WorkerId> workers;
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    workers.emplace_back(static_cast<uint32_t>(in.Varint()));
  }
  return workers;
}

GroupStart TakeGroup(ByteReader& in) {
  GroupStart group;
  group.group = GroupId(static_cast<uint32_t>(in.Varint()));
  group.decided = TxId(in.Varint());
  group.attempt.epoch = Epoch(in.Varint());
  group.attempt.counter = static_cast<uint32_t>(in.Varint());
  if (in.Varint() != 0) group.deaths = TakeDeaths(in);
  return group;
}

}  // namespace

std::string EncodeEpochRecord(const EpochRecord& record) {
  std::string out;
  PutVarint(out, record.epoch.value());
  PutVarint(out, record.leader.value());
  PutVarint(out, record.leader_life.value());
  PutWorkers(record.workers, out);
  PutWorkers(record.scribes, out);
  PutVarint(out, record.started ? 1 : 0);
  PutVarint(out, record.base.value());
  PutWorkers(record.base_workers, out);
  PutWorkers(record.base_scribes, out);
  PutVarint(out, record.groups.size());
  for (const GroupStart& group : record.groups) {
    PutVarint(out, group.group.value());
    PutVarint(out, group.decided.value());
    PutVarint(out, group.attempt.epoch.value());
    PutVarint(out, group.attempt.counter);
    PutVarint(out, group.deaths ? 1 : 0);
    if (group.deaths) PutDeaths(*group.deaths, out);
  }
  return Seal(kVersion, out);
}

StatusOr<EpochRecord> DecodeEpochRecord(std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal(kWhat, kVersion, bytes));
  ByteReader in(content);
  EpochRecord record;
  record.epoch = Epoch(in.Varint());
  record.leader = WorkerId(static_cast<uint32_t>(in.Varint()));
  record.leader_life = Incarnation(in.Varint());
  record.workers = TakeWorkers(in);
  record.scribes = TakeWorkers(in);
  record.started = in.Varint() != 0;
  record.base = Epoch(in.Varint());
  record.base_workers = TakeWorkers(in);
  record.base_scribes = TakeWorkers(in);
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) record.groups.push_back(TakeGroup(in));
  if (in.done()) return record;
  return DataLoss("the ", kWhat,
                  " is damaged: its checksum holds, but its content is no such record; restore the "
                  "state directory from a backup");
}

StatusOr<EpochRecord> StoredEpoch::Read() {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> sealed, store_.Get(Table::kMeta, kKey));
  if (!sealed) return EpochRecord();
  return DecodeEpochRecord(*sealed);
}

Status StoredEpoch::CompareAndSet(const EpochRecord& expected, const EpochRecord& next) {
  TRIDENT_ASSIGN_OR_RETURN(const EpochRecord found, Read());
  if (found != expected) {
    return Aborted("epoch ", found.epoch.value(), " has begun, so epoch ", next.epoch.value(),
                   " cannot");
  }
  WriteSet changes;
  changes.Put(Table::kMeta, std::string(kKey), EncodeEpochRecord(next));
  return store_.Write(changes, Durability::kSynced);
}

}  // namespace trident

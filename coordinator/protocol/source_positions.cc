// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/source_positions.h"

#include "absl/strings/escaping.h"
#include "base/check.h"

namespace trident {
namespace {

std::string Quoted(const std::string& bytes) { return Concat("'", absl::CHexEscape(bytes), "'"); }

}  // namespace

Status SourcePositions::Restore(uint32_t spout, const SourcePosition& at) {
  SpoutPartitions& known = spouts_[spout];
  auto [it, inserted] = known.index.try_emplace(at.partition, known.partitions.size());
  if (!inserted) {
    return DataLoss("the decision log holds two positions for source partition ",
                    Quoted(at.partition), "; restore it from a backup");
  }
  known.partitions.push_back({at, std::nullopt, TxId()});
  return absl::OkStatus();
}

Status SourcePositions::Advance(uint32_t spout, TxId txid, const SourceRange& range, Start start) {
  SpoutPartitions& known = spouts_[spout];
  auto [it, inserted] = known.index.try_emplace(range.partition, known.partitions.size());
  if (inserted) {
    known.partitions.push_back({{range.partition, range.end}, range.emitter.task, txid});
    return absl::OkStatus();
  }
  Partition& partition = known.partitions[it->second];
  if (partition.moved == txid) {
    return Internal("source partition ", Quoted(range.partition),
                    " was emitted twice for one txid");
  }
  if (start == Start::kChecked && range.start != partition.at.position) {
    return Internal("source partition ", Quoted(range.partition), " must start at ",
                    Quoted(partition.at.position), " where the last batch ended, but starts at ",
                    Quoted(range.start));
  }
  partition.at.position = range.end;
  partition.reader = range.emitter.task;
  partition.moved = txid;
  return absl::OkStatus();
}

void SourcePositions::Undo(uint32_t spout, const SourceRange& range) {
  SpoutPartitions& known = spouts_[spout];
  auto it = known.index.find(range.partition);
  TRIDENT_CHECK(it != known.index.end()) << range.partition;
  Partition& partition = known.partitions[it->second];
  partition.at.position = range.start;
  partition.moved = TxId();
}

bool SourcePositions::StandsAt(uint32_t spout, const SourcePosition& at) const {
  const SpoutPartitions& known = spouts_[spout];
  const auto it = known.index.find(at.partition);
  if (it == known.index.end()) return at.position.empty();
  return known.partitions[it->second].at.position == at.position;
}

void SourcePositions::ForgetReaders(uint32_t spout) {
  for (Partition& partition : spouts_[spout].partitions) partition.reader.reset();
}

void SourcePositions::AppendStarts(uint32_t spout, uint32_t task,
                                   std::vector<SourcePosition>& out) const {
  for (const Partition& partition : spouts_[spout].partitions) {
    if (!partition.reader || *partition.reader == task) out.push_back(partition.at);
  }
}

}  // namespace trident
